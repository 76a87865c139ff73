"""The declarations, held against what HTTP answers; a new route is in here by existing."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from apps.organizations.models import ROLES
from saas.authentication import keys
from saas.authorization.operations import Allow
from saas.authorization.permissions import known_permissions, roles
from saas.checks import secure_views
from saas.tenancy.binding import bind
from tests.cast import KEY, Member, Tenant, call
from tests.matrix.samples import SAMPLES, filled
from tests.oauth import Holder, bearer, make_client, person, post, service, tokens_for

pytestmark = pytest.mark.core

ABSENT = "00000000-0000-7000-8000-000000000000"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


class Operation(NamedTuple):
    """One line of the matrix."""

    path: str
    method: str
    rule: Allow

    def __str__(self) -> str:
        """As the test's name shows it."""
        return f"{self.method} {self.path}"


def operations() -> Iterator[Operation]:
    """Every operation that the URLconf knows, HEAD left to GET."""
    for route, view, actions in secure_views():
        path = PARAMETER.sub(r"{\1}", route.removeprefix("api/v1/"))
        for method, action in actions.items():
            if method != "head":
                yield Operation(path, method.upper(), view.operations[action])


OPERATIONS = list(operations())
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture
def ask(acme, request):
    """Call an operation for a row of Acme, of Globex or of nobody; what it does is taken back."""
    rows: dict[str, Any] = {"absent": ABSENT}
    tenants = {"own": "acme", "foreign": "globex"}

    def asking(
        operation: Operation, caller: Member | Holder, relation: str = "own", **headers: str
    ) -> Any:
        sample = SAMPLES[operation.path]
        if relation not in rows and sample.row:
            rows[relation] = sample.row(request.getfixturevalue(tenants[relation]))
        path = filled(operation.path, rows.get(relation))
        body = sample.bodies.get(operation.method)
        if callable(body):
            body = body(acme)
        if operation.rule.idempotent:
            headers.setdefault("Idempotency-Key", KEY)
        with transaction.atomic():
            if operation.rule.precondition:
                tag = acme.owner.get(path)
                shown = caller.get(path) if tag.status_code == 200 else tag
                headers.setdefault("If-Match", shown.headers.get("ETag", '"0-0"'))
            answer = caller.call(operation.method, path, body, **headers)
            transaction.set_rollback(True)
        return answer

    return asking


def test_every_route_has_a_sample():
    assert {operation.path for operation in OPERATIONS} <= SAMPLES.keys()


@every_operation
@pytest.mark.practice("AUTHN-16")
def test_nothing_works_without_a_living_credential(operation, acme, ask):
    for name, credential in dead_credentials(acme).items():
        path = filled(operation.path, ABSENT)
        answer = call(Client(), operation.method, path, None, **credential)
        assert answer.status_code == 401, (name, answer.content)
        assert answer["WWW-Authenticate"].startswith("Bearer "), name
        assert "Set-Cookie" not in answer.headers
        assert answer.json()["code"] == "invalid-token"


def dead_credentials(acme: Tenant) -> dict[str, dict[str, str]]:
    """Every way to be nobody."""
    revoked, expired = acme.owner.with_scopes(), acme.owner.with_scopes()
    with bind(acme.id):
        revoked.key.revoked_at = timezone.now()
        revoked.key.save()
        expired.key.expires_at = timezone.now() - timedelta(seconds=1)
        expired.key.save()
    return {
        "none": {},
        "never made": {"X-API-Key": keys.mint().secret},
        "mistyped": {"X-API-Key": acme.owner.secret.swapcase()},
        "revoked": {"X-API-Key": revoked.secret},
        "expired": {"X-API-Key": expired.secret},
        "a key as a token": {"Authorization": f"Bearer {acme.owner.secret}"},
        "an unknown token": {"Authorization": "Bearer 0123456789abcdef0123456789abcdef"},
        **dead_tokens(acme),
        "basic": {"Authorization": "Basic b3duZXI6cGFzc3dvcmQ="},
        "a session": {"Cookie": "__Host-session=0123456789abcdef; sessionid=0123456789abcdef"},
    }


def dead_tokens(acme: Tenant) -> dict[str, dict[str, str]]:
    """Access tokens that have ended, and what only looks like one."""
    tokens, ended = get_access_token_model(), timezone.now() - timedelta(seconds=1)
    app = make_client(acme, "customers:read")
    expired, revoked, living = (
        tokens_for(member, "customers:read", client=app)
        for member in (acme.admin, acme.clerk, acme.owner)
    )
    tokens.objects.filter(user=acme.admin.user).update(expires=ended)
    post("/oauth/revoke", {"client_id": app.client_id, "token": revoked["access_token"]})
    return {
        "an expired token": bearer(expired["access_token"]),
        "a revoked token": bearer(revoked["access_token"]),
        "a refresh token": bearer(living["refresh_token"]),
        "a token under another scheme": {"Authorization": f"DPoP {living['access_token']}"},
    }


@every_operation
@pytest.mark.practice("AUTHZ-05")
def test_a_persons_token_is_worth_their_role(operation, acme, ask):
    for role in ("viewer", "owner"):
        is_worth_the_role(ask(operation, person(getattr(acme, role))), operation, role)


def is_worth_the_role(answer: Any, operation: Operation, role: str) -> None:
    """What the page of roles says, and no other answer."""
    if operation.rule.is_open or operation.rule.permission in roles()[role]:
        assert answer.status_code in (200, 201, 204), (role, answer.content)
    else:
        assert answer.status_code == 403, role
        assert answer.json()["code"] == "permission-denied", role


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.rule.step_up], ids=str)
@pytest.mark.practice("X-26")
def test_a_sensitive_act_wants_a_fresh_sign_in_by_two_factors(operation, acme, ask):
    now = timezone.now()
    for proved in (
        {"acr": "aal1"},
        {"acr": ""},
        {"auth_time": now - timedelta(minutes=15)},
        {"auth_time": None},
    ):
        answer = ask(operation, person(acme.owner, **proved))
        assert (answer.status_code, answer.json()["code"]) == (401, "step-up-required"), proved
        assert 'error="insufficient_user_authentication"' in answer["WWW-Authenticate"]
        assert 'acr_values="aal2", max_age="900"' in answer["WWW-Authenticate"]
    recent = person(acme.owner, auth_time=now - timedelta(minutes=14))
    assert ask(operation, recent).status_code in (200, 201, 204)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if not one.rule.step_up], ids=str)
def test_no_other_act_asks_who_is_there(operation, acme, ask):
    old = person(acme.owner, acr="aal1", auth_time=None)
    assert ask(operation, old).status_code in (200, 201, 204)


@every_operation
@pytest.mark.practice("AUTHZ-05")
def test_a_service_may_do_what_its_scopes_say_and_never_what_only_persons_may(
    operation, acme, ask, settings
):
    answer = ask(operation, service(acme))
    if operation.rule.is_open or operation.rule.permission not in settings.SAAS_PERSONS_ONLY:
        assert answer.status_code in (200, 201, 204), answer.content
    else:
        assert answer.status_code == 403
        assert answer.json()["code"] == "insufficient-scope"


@every_operation
@pytest.mark.practice("AUTHZ-10")
def test_without_its_scope_a_key_is_told_which_one_it_lacks(operation, acme, ask):
    if operation.rule.is_open:
        return
    scope = operation.rule.permission
    caller = acme.owner.with_scopes(*(known_permissions() - {*operation.rule.permissions}))
    answer = ask(operation, caller, "absent")
    assert answer.status_code == 403
    assert answer.json()["code"] == "insufficient-scope"
    assert f'scope="{scope}"' in answer["WWW-Authenticate"]


@every_operation
@pytest.mark.practice("AUTHZ-05")
def test_a_role_may_do_what_the_page_of_roles_says(operation, acme, ask):
    for role in ROLES:
        is_worth_the_role(ask(operation, getattr(acme, role)), operation, role)


@every_operation
@pytest.mark.practice("AUTHZ-02")
def test_a_foreign_row_and_no_row_are_the_same_404(operation, acme, ask):
    if "{id}" not in operation.path:
        return
    foreign = ask(operation, acme.owner, "foreign")
    absent = ask(operation, acme.owner, "absent")
    assert foreign.status_code == absent.status_code == 404
    assert comparable(foreign) == comparable(absent)


def comparable(answer: Any) -> Any:
    """Body and headers without what names this one request or counts it."""
    own = {"X-Request-Id", "RateLimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    return answer.json() | {"instance": None}, headers
