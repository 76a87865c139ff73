"""API9, improper inventory management: Mallory looks for what was forgotten: the old version, the
debug page, the route of a library, the second spelling of a path.
"""

from itertools import product

import pytest
from django.apps import apps
from django.conf import settings as live
from django.urls import get_resolver

from saas.checks import api_routes
from tests.attacks.surface import OPERATIONS, comparable
from tests.cast import V1

pytestmark = [pytest.mark.core, pytest.mark.practice("VERS-01")]

# Version 1 as it is promised: a route that is not here was added unseen.
_PROMISED = """
    me organization usage security-policy members members/{id} invitations invitations/{id}
    customers customers/{id} customers/{id}/bank-account-disclosure
    invoices invoices/{id} invoices/{id}/issuance invoices/{id}/cancellation invoices/{id}/payments
    invoices/{id}/payments/{payment_id} invoices/{id}/payments/{payment_id}/reversal
    invoices/{id}/credit-notes credit-notes credit-notes/{id}
    api-keys api-keys/{id} api-keys/{id}/rotation integrations integrations/{id}
    audit-events audit-events/{id} alerts alerts/{id} alerts/{id}/acknowledgement
"""
PROMISED = set(_PROMISED.split())
if apps.is_installed("apps.approvals"):
    PROMISED |= {"approvals", "approvals/{id}", "approvals/{id}/decision"}
if apps.is_installed("apps.support"):
    PROMISED |= {"support-grants", "support-grants/{id}"}
# Outside the version, and open to everybody on purpose.
BESIDE = {"health/live", "health/ready", "dev/mail"}
BESIDE |= {"docs/", "docs/problems/", "docs/problems/<slug:code>", "docs/playbooks/<slug:slug>"}
BESIDE |= {".well-known/oauth-authorization-server"}
if apps.is_installed("saas.authentication.oidc"):
    BESIDE |= {".well-known/openid-configuration", ".well-known/jwks.json"}
if apps.is_installed("apps.checkpoints"):
    BESIDE |= {".well-known/audit-checkpoint-keys.json"}
    PROMISED |= {"audit-checkpoints"}
MACHINES = {"oauth/token", "oauth/revoke", "oauth/introspect"}  # each asks for its own proof
MACHINES |= {"oauth/userinfo"}  # of saas.authentication.oidc
MACHINES |= {"security/disclose-token"}  # of apps.leaks
PAGES = {"oauth/authorize"}  # with a session and protection against forged forms
PAGES |= {"accounts/grants/", "accounts/grants/<uuid:id>/"}
PAGES |= {"accounts/login/code/"}
PAGES |= {"accounts/", "accounts/login/", "accounts/2fa/authenticate/", "accounts/logout/"}
PAGES |= {"accounts/signup/", "accounts/signup/code/", "accounts/invitations/<str:secret>"}
PAGES |= {"accounts/organizations/<uuid:id>/leave/", "accounts/close/", "accounts/closed/"}
PAGES |= {"accounts/password/", "accounts/password/reset/", "accounts/password/reset/sent/"}
PAGES |= {"accounts/password/reset/<uuid:id>/<str:token>", "accounts/sessions/end/"}
PAGES |= {"accounts/2fa/", "accounts/2fa/confirm/", "accounts/2fa/remove/"}
_PASSKEYS = (
    "sign-in/ challenge/ second-step/ new/ new/challenge/ new/create/ <uuid:id>/ <uuid:id>/remove/"
)
PAGES |= {f"accounts/passkeys/{page}" for page in _PASSKEYS.split()}  # of apps.passkeys
PAGES |= {"accounts/2fa/codes/", "accounts/2fa/codes/new/"}
_HIDDEN = """
    admin admin/ admin/login/ administrator debug __debug__/ silk/ django-admin/ manage
    o/ o/applications/ o/applications/register/ oauth/applications oauth/applications/
    oauth/applications/register/ oauth/applications/1/ oauth/authorized_tokens/ oauth/device
    oauth2/applications/ oauth/register connect/register register api-auth/login/ rest-auth/login/
    accounts/admin/ auth/login login logout token api-token-auth/ jwt/create users/ user/1
    graphql graphiql playground swagger swagger.json swagger-ui/ redoc/ openapi.json schema/
    api/schema/ api/docs/ api/swagger.json api/v1/schema api/v1/docs api/v1/swagger.json
    actuator actuator/env env .env .env.example .git/HEAD .git/config .svn/entries .DS_Store
    config config.json settings.py manage.py wsgi.py requirements.txt pyproject.toml Makefile
    var/development.env var/strongroom.sqlite3 db.sqlite3 dump.sql backup backup.zip
    metrics prometheus status server-status phpinfo.php index.php wp-admin/ wp-login.php cgi-bin/
    console console/ shell test tests internal internal/ private _internal/ dev/ dev/mail/ dev/shell
    static/ static/admin/css/base.css static/../manage.py static/%2e%2e/manage.py media/ uploads/
    health health/ health/live/ health/db healthz readyz livez ping version info
    .well-known/ .well-known/acme-challenge/x security/ security/disclose-token/ xmlrpc.php soap
"""
HIDDEN = _HIDDEN.split()
RESOURCES = "users accounts tenants roles permissions sessions tokens secrets data-keys exports"
RESOURCES += (
    " audit-heads idempotency-records refusals oauth-applications refresh-tokens batch search"
)
VERSIONS = [
    "",
    "v0",
    "v2",
    "v01",
    "v1.0",
    "V1",
    "v1beta",
    "v-1",
    "latest",
    "beta",
    "internal",
    "1",
    "\u0967",
]


@pytest.mark.practice("AUTHZ-01")
def test_there_are_the_routes_that_were_promised_and_no_others():
    assert {operation.path for operation in OPERATIONS} == PROMISED
    others = {route for route, _ in api_routes()} - {operation_route(o) for o in OPERATIONS}
    assert others <= set(live.SAAS_OPEN_ROUTES)
    known = BESIDE | MACHINES | PAGES | set(live.SAAS_OPEN_ROUTES)
    assert set(routes(get_resolver().url_patterns)) <= known


def operation_route(operation):
    """The route of an operation as the URLconf writes it."""
    return "api/v1/" + operation.path.replace("{", "<uuid:").replace("}", ">")


def routes(patterns, prefix=""):
    """Every route that is no operation."""
    known = {operation_route(operation) for operation in OPERATIONS}
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if hasattr(pattern, "url_patterns"):
            yield from routes(pattern.url_patterns, route)
        elif route not in known:
            yield route


def test_what_others_forget_to_close_is_not_here(acme, stranger):
    for path, method, caller in product(HIDDEN, ("GET", "POST"), (stranger, acme.owner.call)):
        answer = caller(method, f"/{path}")
        assert answer.status_code == 404, path
        assert "html" not in answer["Content-Type"]


def test_a_table_is_no_resource_because_it_exists(acme):
    for name in RESOURCES.split():
        for path in (name, f"{name}/{acme.id}", name.replace("-", "_"), name.replace("-", "")):
            assert acme.owner.get(path).status_code == 404, path


def test_a_version_that_was_never_released_lists_those_that_were(acme, stranger):
    for version, path in product(VERSIONS, ("customers", "me", "", "x/y")):
        whole = f"/api/{version}/{path}" if version else f"/api/{path}"
        for method, caller in product(("GET", "POST", "DELETE"), (stranger, acme.owner.call)):
            answer = caller(method, whole)
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown-version"), whole
            assert answer.json()["versions"] == sorted(live.SAAS_API_VERSIONS)


def test_no_header_or_parameter_chooses_another_version(acme):
    plain = comparable(acme.owner.get("me"))
    for name in ("API-Version", "X-API-Version", "Accept-Version", "Stripe-Version", "Version"):
        assert comparable(acme.owner.get("me", **{name: "v0"})) == plain
    for accept in (
        "application/vnd.strongroom.v0+json",
        "application/json; version=0",
        "text/html",
    ):
        assert comparable(acme.owner.get("me", Accept=accept)) == plain
    for query in ("version=v0", "format=api", "format=html", "api-version=0", "_format=xml"):
        assert acme.owner.get(f"me?{query}").status_code == 400


@pytest.mark.parametrize("name", ["me", "customers", "customers/{id}", "api-keys/{id}/rotation"])
def test_a_path_has_one_spelling(name, acme):
    path = V1 + name.replace("{id}", str(acme.id))
    name = name.split("/")[0]
    spellings = [
        f"{path}/",
        f"/{path}",
        path.replace("/v1/", "//v1/"),
        path.replace("/v1/", "/v1//"),
    ]
    spellings += [path.replace(name, name.upper()), path.replace("/api/", "/API/"), f"{path}/."]
    spellings += [path.replace("/v1/", "/v1/./"), path.replace("/v1/", "/v1/x/../"), f"{path};a=b"]
    spellings += [
        f"{path}%20",
        f"{path}%00",
        f"{path}%0a",
        f"{path}.json",
        f"{path}\\",
        f"/x/..{path}",
    ]
    for spelling in spellings:
        assert acme.owner.get(spelling).status_code == 404, spelling


@pytest.mark.django_db
@pytest.mark.practice("X-18")
def test_what_is_open_to_everybody_is_only_to_be_read(stranger):
    examples = {"<slug:code>": "not-found", "<slug:slug>": "dead-task"}
    pages = {f"/{route}" for route in BESIDE - {"dev/mail"}}
    for name, value in examples.items():
        pages = {page.replace(name, value) for page in pages}
    for path in pages | {f"/{route}" for route in live.SAAS_OPEN_ROUTES}:
        read = stranger("GET", path)
        assert (read.status_code, read["Cache-Control"]) == (200, "no-store"), path
        assert not read.cookies
        assert "'unsafe-" not in read["Content-Security-Policy"]
        for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS", "FOO"):
            answer = stranger(method, path, {"a": 1})
            assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD"), path
    for path in ("/health/live", "/health/ready"):
        assert stranger("GET", path).json().keys() == {"status"}


@pytest.mark.django_db
def test_the_pages_of_the_problems_repeat_nothing_that_a_caller_wrote(stranger):
    for code in (
        "<script>",
        "not-found<b>",
        "x-y",
        "..",
        "%00",
        "NOT-FOUND",
        "not_found",
        "a" * 300,
    ):
        answer = stranger("GET", f"/docs/problems/{code}")
        assert answer.status_code == 404
        assert answer["Content-Type"] == "application/problem+json"
    page = stranger("GET", "/docs/problems/not-found?x=<script>canary</script>", Host="testserver")
    assert b"canary" not in page.content
