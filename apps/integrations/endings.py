"""A key that ends soon is announced in time, and one that nobody uses does not wait for its end."""

from datetime import datetime, timedelta

from django.conf import settings

from apps.integrations import queries, services
from apps.integrations.models import ApiKey
from saas.audit import trail
from saas.persistence import letters


def warn_of_ends(now: datetime) -> None:
    """Write once for each of KEY_WARNING_DAYS that a key passes. The nearest comes first: a warning
    that was missed is not sent after a later one.
    """
    for days in sorted(settings.KEY_WARNING_DAYS):
        for key in queries.keys_ending_within(days, now):
            if queries.unwarned_key(key.pk, days).update(warned_days=days):  # of two, one has it
                tell_of_end(key, now)


def revoke_idle_keys(now: datetime) -> None:
    """End what nobody has used for KEY_IDLE: who finds it some day finds nothing (AUTHN-17)."""
    days = settings.KEY_IDLE.days
    with trail.recording():
        for key in queries.idle_keys(now):
            services.revoke_key(None, key, why=f"not used for {days} days")
            tell(
                key,
                f"The API key {key.name} was not used and has been revoked",
                f"It has not been used for {days} days, so it opens nothing any more.\n"
                "Make another one if you need it again.\n",
            )


def tell_of_end(key: ApiKey, now: datetime) -> None:
    """When it ends, and what to do about it."""
    days = -((now - key.expires_at) // timedelta(days=1))  # the one that has begun counts
    when = "within a day" if days == 1 else f"in {days} days"
    tell(
        key,
        f"The API key {key.name} ends {when}",
        f"It ends on {key.expires_at:%Y-%m-%d at %H:%M} UTC, and whatever uses it stops then.\n"
        "Replace it before; the old one lives on for up to a day beside the new one:\n\n"
        f"POST {settings.SAAS_ORIGIN}/api/v1/api-keys/{key.pk}/rotation\n",
    )


def tell(key: ApiKey, subject: str, text: str) -> None:
    """Write to who made it and to the owners, who are still there when that person is away."""
    to = {key.creator.email, *queries.addresses_of_owners()}
    letters.post_each(to=to, subject=subject, text=f"{key.prefix} ({key.name})\n\n{text}")
