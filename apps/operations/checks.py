"""Who must be two is never one: what SAAS_OPERATOR_KEYS must be."""

import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security)
def no_two_operators_share_a_key(**_: Any) -> list[CheckMessage]:
    """Else one person would be two (DATA-05)."""
    keys = (settings.SAAS_OPERATOR_KEYS or {}).values()
    found: list[CheckMessage] = [
        Error(f"SAAS_OPERATOR_KEYS: {key!r} is no key: 32 bytes in hex.", id="saas.E052")
        for key in keys
        if not re.fullmatch("[0-9a-f]{64}", key)
    ]
    if len(set(keys)) < len(keys):
        found.append(Error("SAAS_OPERATOR_KEYS: two names have one key.", id="saas.E052"))
    return found


@register(Tags.security, deploy=True)
def no_operator_is_believed(**_: Any) -> list[CheckMessage]:
    """A name is typed by anybody (DATA-05)."""
    if settings.SAAS_OPERATOR_KEYS is not None:
        return []
    return [Error("SAAS_OPERATOR_KEYS must not be None.", id="saas.E052")]
