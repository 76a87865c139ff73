"""Where requests meet the measures: at the gate, behind the credential, where tokens are made."""

from collections.abc import Mapping
from typing import Any, cast

from django.http import HttpRequest
from django.urls import Resolver404, resolve

from apps.containment.house import OPEN, lookout
from apps.containment.models import Kind
from apps.containment.services import NOTE
from apps.organizations.queries import kept_policy
from saas.authentication import demands
from saas.authentication.credentials import BEARER, scheme_of
from saas.context import Principal, PrincipalKind
from saas.edge.address import client_ip, is_within
from saas.edge.log import TracedRequest
from saas.errors import CATALOGUE, Problem
from saas.tenancy.binding import bind

READS = frozenset({"GET", "HEAD"})
BALANCER = "/health/"  # it must see a living process, or it would end all of them
# Without these nobody could go on reading: tokens end after minutes, sessions after hours.
SIGNING_IN = (
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/accounts/login/",
    "/accounts/logout/",
    "/accounts/sessions/end/",
    "/accounts/2fa/authenticate/",
    "/accounts/passkeys/sign-in/",
    "/accounts/passkeys/challenge/",
    "/accounts/passkeys/second-step/",
)
SOON = {"Retry-After": "60"}
SIGNED = "require_signatures"
NO_MOVES = (
    "Until that ends nobody joins or leaves it. If you may ask to be erased, write to support."
)


def shut_door(request: HttpRequest) -> None:
    """What stands against the whole house."""
    path = request.path_info
    if path.startswith(BALANCER) or (state := lookout.now()) == OPEN:
        return
    if state.retry_after:
        raise Problem("maintenance", headers={"Retry-After": str(state.retry_after)})
    if state.is_read_only and request.method not in READS and not path.startswith(SIGNING_IN):
        raise Problem("read-only", headers=SOON)
    if state.operations and operation_of(request) in state.operations:
        raise Problem("operation-disabled", headers=SOON)


def operation_of(request: HttpRequest) -> str:
    """The name of the operation that this request asks for; it is looked for only while one is
    off.
    """
    try:
        view: Any = resolve(request.path_info).func
    except Resolver404:
        return ""
    if not hasattr(view, "cls"):
        return str(getattr(view, "operation_id", ""))
    method = str(request.method).lower().replace("head", "get")
    return f"{view.cls.resource}.{view.actions.get(method)}"


def told(request: HttpRequest, principal: Principal, kept: demands.Policy) -> None:
    """What stands against an organization bars a proved caller of it, at once on every process."""
    try:
        refuse(request, principal, kept)
    except Problem as problem:
        cast(TracedRequest, request).facts.barred = problem


def refuse(request: HttpRequest, principal: Principal, kept: demands.Policy) -> None:
    """Raise what the first of its measures says."""
    note = kept[NOTE]
    if Kind.FREEZE in note:
        raise Problem("organization-frozen")
    if Kind.READ_ONLY in note and request.method not in READS:
        raise Problem("organization-read-only")
    if Kind.DIVERT in note:
        refuse_undiverted(request, principal, kept, note[Kind.DIVERT]["networks"])


def refuse_undiverted(
    request: HttpRequest, principal: Principal, kept: demands.Policy, networks: list[str]
) -> None:
    """A copied credential is not enough: the caller stands in a known network, and shows a key that
    never travels, by the token's own proof or by a signature.
    """
    if not is_within(client_ip(request), networks):
        raise Problem("organization-diverted")
    if principal.kind != PrincipalKind.API_KEY and scheme_of(principal.credential) != BEARER:
        return
    switch, policy = demands.SWITCHES.get(SIGNED), demands.complete(kept)
    if switch is None or switch.demand is None or not policy["signing_keys"]:
        raise Problem("organization-diverted")
    switch.demand(request, principal, policy | {SIGNED: True})


def judge_client(_: HttpRequest, __: Mapping[str, str], client: Any) -> None:
    """A client of a frozen organization gets no tokens, and what it shows is not consumed."""
    refuse_frozen(client)


def judge_grant(_: Any, grant: Any) -> bool:
    """Nor does anybody for a frozen organization. Not `invalid_grant`, upon which a client throws
    its tokens away: after the thaw they are good.
    """
    refuse_frozen(grant)
    return True


def lives(token: Any) -> dict[str, bool]:
    """A service that asks us about a token must not go on serving a frozen organization."""
    return {"active": False} if str(token.organization_id) in lookout.now().frozen else {}


def refuse_frozen(row: Any) -> None:
    """403 for what belongs to a frozen organization."""
    if str(row.organization_id) in lookout.now().frozen:
        raise Problem("organization-frozen")


def judge_consent(grant: Any, **_: Any) -> None:
    """Nobody consents for an organization that nothing of may change: what was written is taken
    back.
    """
    with bind(grant.organization_id):
        refuse_change()


def refuse_change() -> None:
    """403 for who would join, leave or let somebody in while the bound organization is frozen or
    read-only: who belongs to it is evidence too. Whatever only takes power away goes on.
    """
    note = kept_policy().get(NOTE, {})
    for kind, code in (
        (Kind.FREEZE, "organization-frozen"),
        (Kind.READ_ONLY, "organization-read-only"),
    ):
        if kind in note:
            raise Problem(code, f"{CATALOGUE[code].title}. {NO_MOVES}")
