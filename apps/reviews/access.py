"""Who holds what they do not use: members, keys and grants that sleep, scopes that nothing needed,
and owners whom a password alone would open.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from apps.accounts.queries import is_protected, sessions
from apps.integrations.models import ApiKey
from apps.integrations.queries import keys, living_grants
from apps.organizations.queries import members, owners
from apps.reviews.reading import Line
from saas.authorization.operations import Allow
from saas.checks import secure_views
from saas.tenancy.binding import bound_tenant

Used = Mapping[str, frozenset[str]]  # credential -> the permissions that it has used


def permissions_used(lines: Iterable[Line]) -> Used:
    """What each credential needed for what it was allowed, as the declarations say."""
    needs: dict[str, frozenset[str]] = {}
    fields: dict[str, Mapping[str, str]] = {}
    for _route, view, actions in secure_views():
        for action in actions.values():
            rule = view.operations.get(action)
            name = f"{view.resource}.{action}"
            if isinstance(rule, Allow):
                needs[name] = needs.get(name, frozenset()) | {*rule.permissions}
                fields[name] = view.outputs.access.guarded
    used: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        if line["decision"] == "allow" and line.get("credential_id"):
            operation = line.get("operation_id") or ""
            shown = fields.get(operation, {})
            used[line["credential_id"]] |= needs.get(operation, frozenset())
            used[line["credential_id"]] |= {
                shown[name] for name in line.get("disclosed") or () if name in shown
            }
    return {credential: frozenset(one) for credential, one in used.items()}


def findings(days: int, used: Used | None) -> dict[str, Any]:
    """Of the bound organization, by ids. Without lines of the access log nobody knows which scopes
    were used.
    """
    now = timezone.now()
    before = now - timedelta(days=days)
    living = list(keys().usable(now).filter(is_honeytoken=False))
    grants = list(living_grants().filter(organization_id=bound_tenant()))
    held = {f"key {one.pk}": one.scopes for one in living}
    held |= {f"oauth-grant {one.pk}": one.scopes for one in grants}
    unused = (
        "unknown: no lines of the access log were given"
        if used is None
        else {
            name: sorted(set(scopes) - used.get(name.partition(" ")[2], frozenset()))
            for name, scopes in held.items()
            if set(scopes) - used.get(name.partition(" ")[2], frozenset())
        }
    )
    return {
        "dormant_members": {
            str(one.user_id): said(one.role, seen)
            for one in members().order_by("pk")
            if is_dormant(seen := last_seen(one.user, living, grants), one.created_at, before)
        },
        "dormant_keys": {
            str(one.pk): said(one.prefix, one.last_used_at)
            for one in living
            if is_dormant(one.last_used_at, one.created_at, before)
        },
        "dormant_grants": {
            str(one.pk): said(str(one.application_id), one.last_used_at)
            for one in grants
            if is_dormant(one.last_used_at, one.created, before)
        },
        "unused_scopes": unused,
        "owners_without_second_factor": [
            str(one.user_id)
            for one in owners().select_related("user").order_by("pk")
            if not is_protected(one.user)
        ],
    }


def is_dormant(used_at: datetime | None, since: datetime, before: datetime) -> bool:
    """Whether it has not been used for long; what was never used counts from its making."""
    return (used_at or since) < before


def said(what: str, used_at: datetime | None) -> str:
    """What it is, and when it was last used."""
    return f"{what}, last used {used_at:%Y-%m-%d}" if used_at else f"{what}, never used"


def last_seen(user: Any, living: list[ApiKey], grants: list[Any]) -> datetime | None:
    """When a person was last there: by a browser, a key of theirs, or a grant that they gave."""
    idle = timedelta(seconds=settings.SESSION_COOKIE_AGE)  # each request of a session renews it
    moments = [user.last_login, *(one.expire_date - idle for one in sessions(user))]
    moments += [one.last_used_at for one in living if one.creator_id == user.pk]
    moments += [one.last_used_at for one in grants if one.user_id == user.pk]
    return max((moment for moment in moments if moment), default=None)
