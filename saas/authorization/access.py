"""The decision: scope first, so that a client learns what to ask for; then the role; then the
row.
"""

from typing import Any

from django.conf import settings

from saas.authentication.oauth.scopes import IDENTITY
from saas.authorization.operations import Allow
from saas.context import Actor, PrincipalKind
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
        raise Problem("permission-denied", f"Your role does not carry {rule.permission}.")


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
        raise Problem("permission-denied", f"Not permitted here: {condition_name(rule)}.")


def condition_name(rule: Allow) -> str:
    """The condition in words, from its function's name."""
    return getattr(rule.when, "__name__", "condition").replace("_", " ")


def insufficient_scope(scope: str) -> Problem:
    """403 with the challenge of RFC 6750 §3.1, which names the scope."""
    return Problem(
        "insufficient-scope",
        f"This needs the scope {scope}.",
        headers={"WWW-Authenticate": f'{challenge()}, scope="{scope}"'},
    )


def challenge() -> str:
    """Of RFC 6750 §3.1."""
    return f'Bearer realm="{settings.SAAS_ORIGIN}", error="insufficient_scope"'
