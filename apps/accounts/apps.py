"""Accounts as a Django app: what it needs to be there when it starts."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


class AccountsConfig(AppConfig):
    """Look at what settings name."""

    name = "apps.accounts"

    def ready(self) -> None:
        """Once the settings are there; and say what is under the key-encryption keys."""
        from apps.accounts import seeds
        from apps.accounts.tasks import end_newcomers_soon
        from saas import custody
        from saas.authentication.stuffing import stuffing_noticed

        register(leaked_passwords_are_an_index, Tags.security)
        stuffing_noticed.connect(end_newcomers_soon, dispatch_uid="accounts.stuffing")
        custody.join("second factors", seeds.uses, seeds.relock)


def leaked_passwords_are_an_index(**_: Any) -> list[CheckMessage]:
    """A list that is named and not there would let every leaked password in (X-14)."""
    from apps.accounts import leaked

    try:
        leaked.index(settings.SAAS_LEAKED_PASSWORDS)
    except (OSError, ValueError) as fault:
        return [Error(f"SAAS_LEAKED_PASSWORDS: {fault}", id="accounts.E001")]
    return []
