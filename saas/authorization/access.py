"""The decision: scope first, so that a client learns what to ask for; then the role; then the
row.
"""

from typing import Any

from django.conf import settings
from django.utils import timezone

from saas.authentication.assurance import is_met
from saas.authentication.credentials import stronger
from saas.authentication.oauth.scopes import IDENTITY
from saas.authorization.operations import Allow
from saas.context import Actor, Principal, PrincipalKind
from saas.errors import Problem


def permit(actor: Actor, rule: Allow | None) -> None:
    """Let the operation pass, or raise 403. No declaration means no."""
    if rule is None:
        raise Problem("permission-denied", "This operation is not declared.")
    if rule.is_open:
        refuse_identity_alone(actor)
        return
    rule = rule.for_whom(actor)
    if rule.permission not in actor.principal.scopes:
        raise insufficient_scope(rule.permission)
    if rule.permission not in actor.rights:
        text = f"Your role does not carry {rule.permission}."
        raise Problem("permission-denied", text, reason=f"role-without:{rule.permission}")
    if rule.step_up:
        refuse_stale(actor.principal)


def refuse_stale(principal: Principal) -> None:
    """A stolen token, or a laptop that was left open, makes no keys and no members: who acts by a
    person's token has shown two factors a moment ago (RFC 9470 §3). Keys and services have nobody
    to ask; their scopes bound them.
    """
    if principal.kind != PrincipalKind.USER_TOKEN:
        return
    longest, since = settings.STEP_UP.max_age, principal.auth_time
    is_fresh = since is not None and timezone.now() - since < longest
    if is_fresh and is_met(principal.acr, [settings.STEP_UP.acr]):
        return
    text, seconds = "Sign in again, with your second factor.", int(longest.total_seconds())
    raise stronger(principal, text, settings.STEP_UP.acr, max_age=seconds)


def refuse_identity_alone(actor: Actor) -> None:
    """A token that only tells a client who somebody is opens nothing here, not even what every
    other credential may read: whoever signs in with us would give away where they work.
    """
    principal = actor.principal
    if principal.kind == PrincipalKind.USER_TOKEN and not principal.scopes - IDENTITY.keys():
        raise Problem(
            "insufficient-scope",
            "This token tells who somebody is; it opens nothing here.",
            headers={"WWW-Authenticate": challenge()},
        )


def permit_row(actor: Actor, rule: Allow, row: Any) -> None:
    """Hold the rule's condition against one row, or raise 403."""
    if not rule.when(actor, row):
        name = condition_name(rule)
        reason = name.replace(" ", "-")
        raise Problem("permission-denied", f"Not permitted here: {name}.", reason=reason)


def condition_name(rule: Allow) -> str:
    """The condition in words, from its function's name."""
    return getattr(rule.when, "__name__", "condition").replace("_", " ")


def insufficient_scope(scope: str) -> Problem:
    """403 with the challenge of RFC 6750 §3.1, which names the scope."""
    return Problem(
        "insufficient-scope",
        f"This needs the scope {scope}.",
        headers={"WWW-Authenticate": f'{challenge()}, scope="{scope}"'},
        reason=f"scope-missing:{scope}",
    )


def challenge() -> str:
    """Of RFC 6750 §3.1."""
    return f'Bearer realm="{settings.SAAS_ORIGIN}", error="insufficient_scope"'
