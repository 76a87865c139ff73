"""A measure stops what it names and nothing else, is told, and can be taken back."""

import functools
from uuid import UUID

import pytest
from django.core.management import CommandError
from django.db import DatabaseError

from apps.containment import house
from apps.containment.checks import measures_act_within_two_seconds
from apps.containment.house import Lookout, lookout
from apps.containment.models import Measure
from apps.integrations.models import OAuthGrant
from apps.organizations.models import SecurityPolicy
from apps.organizations.queries import kept_policy
from saas.audit.models import AuditEntry
from saas.errors import Problem
from saas.tenancy.binding import bind
from tests import oauth
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.apps.integrations.test_consent import browser_of, url
from tests.apps.organizations.test_joining import ADA, invited
from tests.cast import make_tenant
from tests.oauth import bearer, make_client, make_service, refresh, service_token, tokens_for
from tests.pages import NEW, browser, is_in, person, post, signed_in

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("OPS-18")]

READ = "customers:read"
CUSTOMERS = "/api/v1/customers"


def heard(answer):
    """Status and code of an answer."""
    return answer.status_code, answer.json().get("code")


def told(tenant):
    """What the trail of an organization says of containment."""
    with bind(tenant.id):
        entries = AuditEntry.objects.filter(event__startswith="containment.").order_by("seq")
        return [(entry.event, entry.data["kind"], entry.data["by"]) for entry in entries]


def customers_of(tenant):
    """How many there are, asked of the database."""
    from apps.customers.models import Customer

    with bind(tenant.id):
        return Customer.objects.count()


# An organization.


def test_a_frozen_organization_is_served_nothing_until_it_is_lifted(acme, globex, contain):
    assert acme.owner.post("customers", {"name": "Kept", "country": "DE"}).status_code == 201
    said = contain("freeze-org", "acme")
    for member in acme.members:
        for method, path in [("GET", "customers"), ("GET", "me"), ("POST", "customers")]:
            assert heard(member.call(method, path)) == (403, "organization-frozen")
    assert globex.owner.get("customers").status_code == 200
    contain("lift", said.rpartition(" ")[2])
    assert [row["name"] for row in acme.owner.get("customers").json()["results"]] == ["Kept"]
    assert told(acme) == [
        ("containment.taken", "freeze-org", "Ada"),
        ("containment.lifted", "freeze-org", "Ada"),
    ]
    assert told(globex) == []


def test_a_frozen_organization_gets_no_tokens_and_loses_none(acme, contain):
    app, service = make_client(acme, READ), make_service(acme, READ, "introspection")
    asking = functools.partial(oauth.post, "/oauth/introspect", **oauth.basic(service))
    pair = tokens_for(acme.clerk, READ, client=app)
    acting = service_token(service, READ).json()["access_token"]
    assert asking({"token": acting}).json()["active"] is True
    contain("freeze-org", "acme")
    assert asking({"token": acting}).json() == {"active": False}
    assert acme.clerk.client.get(
        CUSTOMERS, secure=True, headers=bearer(acting)
    ).json()["code"] == "organization-frozen"  # fmt: skip
    for answer in refresh(app, pair["refresh_token"]), service_token(service, READ):
        assert (answer.status_code, answer.json()["error"]) == (403, "invalid_request")
        assert "frozen" in answer.json()["error_description"]
    contain("lift", "freeze-org", "acme")
    assert refresh(app, pair["refresh_token"]).status_code == 200
    assert service_token(service, READ).status_code == 200


@pytest.mark.parametrize("measure", ["freeze-org", "read-only"])
def test_meanwhile_nobody_joins_leaves_or_lets_an_application_in(acme, contain, measure):
    app, link = make_client(acme, READ), invited(acme.admin)
    form = {"decision": "allow", "organization": str(acme.id)}
    consenting, leaving = browser_of(acme.clerk.user), signed_in(acme.viewer.user)
    contain(measure, "acme")
    answer = consenting.post(url(app), form, secure=True)
    assert heard(answer)[0] == 403
    assert not OAuthGrant.objects.exists()
    moves = [
        lambda: post(browser(), link, password=NEW),
        lambda: post(leaving, f"organizations/{acme.id}/leave/"),
        lambda: post(leaving, "close/", password=PASSWORD),
    ]
    for move in moves:
        page = move()
        assert (page.status_code, b"nobody joins or leaves" in page.content) == (403, True)
    assert person(ADA) is None
    assert is_in(leaving)
    contain("lift", measure, "acme")
    assert acme.viewer.get("me").status_code == 200
    assert [move().status_code for move in moves] == [303, 303, 303]


def test_what_only_takes_power_away_goes_on_where_nothing_changes(acme, contain):
    given = tokens_for(acme.clerk, READ)["access_token"]
    [grant] = OAuthGrant.objects.all()
    contain("freeze-org", "acme")
    assert post(signed_in(acme.clerk.user), f"grants/{grant.pk}/").status_code == 303
    assert "cannot be taken back" in contain("revoke-member", "acme", acme.viewer.user.email)
    contain("lift", "freeze-org", "acme")
    headers = bearer(given)
    assert acme.clerk.client.get(CUSTOMERS, secure=True, headers=headers).status_code == 401


@pytest.mark.practice("AUTHZ-07")
def test_a_suspended_organization_reads_and_changes_nothing(acme, globex, contain):
    new = {"name": "One more", "country": "DE"}
    made = acme.owner.post("customers", new).json()["id"]
    tag = {"If_Match": acme.owner.get(f"customers/{made}").headers["ETag"]}
    contain("read-only", "acme")
    for refused in [
        acme.owner.post("customers", new),
        acme.owner.patch(f"customers/{made}", {"name": "Other"}, **tag),
        acme.owner.delete(f"customers/{made}", **tag),
    ]:
        assert heard(refused) == (403, "organization-read-only")
    assert [row["name"] for row in acme.viewer.get("customers").json()["results"]] == ["One more"]
    assert customers_of(acme) == 1
    assert globex.owner.post("customers", new).status_code == 201
    contain("lift", "read-only", "acme")
    assert acme.owner.post("customers", new).status_code == 201


def test_a_switch_of_its_owner_does_not_lift_a_measure(acme, contain):
    contain("read-only", "acme")
    contain("freeze-org", "acme")
    contain("lift", "freeze-org", "acme")
    with bind(acme.id):
        assert list(kept_policy()["containment"]) == ["read-only"]
    shown = acme.owner.get("security-policy").json()
    assert "containment" not in shown
    contain("lift", "read-only", "acme")
    tag = {"If_Match": acme.owner.get("security-policy").headers.get("ETag", "*")}
    assert acme.owner.patch("security-policy", {"containment": {}}, **tag).status_code in (400, 401)
    with bind(acme.id):
        assert "containment" not in kept_policy()


def test_who_is_shut_out_is_counted_in_their_own_windows(acme, contain):
    contain("freeze-org", "acme")
    answer = acme.owner.get("customers")
    assert heard(answer) == (403, "organization-frozen")
    assert "RateLimit" in answer.headers


def test_a_diverted_organization_hears_no_copied_credential(acme, contain):
    contain("divert-org", "acme", "--networks", "127.0.0.0/8")
    pair = tokens_for(acme.clerk, READ)
    assert heard(acme.owner.get("customers")) == (403, "organization-diverted")
    shown = acme.clerk.client.get(CUSTOMERS, secure=True, headers=bearer(pair["access_token"]))
    assert heard(shown) == (403, "organization-diverted")


def test_a_diverted_organization_hears_what_is_signed_from_where_it_should(db, contain):
    signatures = pytest.importorskip("tests.apps.signatures.conftest")
    signer = signatures.signing(make_tenant("Initech"))
    with bind(signer.member.organization.id):
        policy = SecurityPolicy.objects.get()
        policy.switches["require_signatures"] = False
        policy.save()
    contain("divert-org", "initech", "--networks", "127.0.0.0/8")
    assert signer.call("GET", "customers").status_code == 200
    assert heard(signer.member.get("customers")) == (401, "signature-invalid")
    contain("divert-org", "initech", "--networks", "203.0.113.0/24")
    assert heard(signer.call("GET", "customers")) == (403, "organization-diverted")
    contain("lift", "divert-org", "initech")
    assert signer.member.get("customers").status_code == 200


def test_a_diverted_organization_hears_a_bound_token_from_where_it_should(acme, contain):
    dpop = pytest.importorskip("tests.saas.authentication.dpop.prover")
    prover = dpop.Prover()
    token = prover.service_token(acme, READ)
    contain("divert-org", "acme", "--networks", "127.0.0.0/8")
    assert prover.get(token, CUSTOMERS).status_code == 200
    contain("divert-org", "acme", "--networks", "203.0.113.0/24")
    assert heard(prover.get(token, CUSTOMERS)) == (403, "organization-diverted")


def test_the_same_measure_again_changes_nothing(acme, contain):
    first = contain("freeze-org", "acme")
    again = contain("freeze-org", str(acme.id))
    assert first.rpartition(" ")[2] == again.rpartition(" ")[2]
    assert "already" in again
    assert len(told(acme)) == 1
    assert contain("lift", "freeze-org", "acme").endswith("is lifted.")
    id = first.rpartition(" ")[2]
    contain("lift", id)
    assert len(told(acme)) == 2
    assert acme.owner.get("me").status_code == 200


# The house.


def test_in_maintenance_nothing_is_served_but_health(acme, stranger, contain):
    contain("maintenance", "--retry-after", "120")
    browser = browser_of(acme.clerk.user)
    for answer in [
        acme.owner.get("customers"),
        stranger("GET", "/api/v1/openapi.json"),
        stranger("GET", "/accounts/login/"),
        stranger("GET", "/docs/"),
        browser.get("/accounts/", secure=True),
    ]:
        assert heard(answer) == (503, "maintenance")
        assert answer.headers["Retry-After"] == "120"
    token = service_token(make_service(acme, READ), READ)
    assert (token.status_code, token.headers["Retry-After"]) == (503, "120")
    for question in "live", "ready":
        assert stranger("GET", f"/health/{question}").status_code == 200
    contain("lift", "maintenance")
    assert acme.owner.get("customers").status_code == 200


def test_a_read_only_house_serves_reads_and_lets_people_sign_in(acme, contain):
    contain("read-only")
    refused = acme.owner.post("customers", {"name": "New", "country": "DE"})
    assert heard(refused) == (503, "read-only")
    assert refused.headers["Retry-After"] == "60"
    assert acme.owner.get("customers").status_code == 200
    browser = signed_in(acme.clerk.user)
    assert is_in(browser)
    assert service_token(make_service(acme, READ), READ).status_code == 200
    assert heard(browser.post("/accounts/close/", secure=True)) == (503, "read-only")
    assert customers_of(acme) == 0


def test_one_operation_is_off_and_its_neighbours_are_not(acme, contain):
    contain("disable-op", "customers.create")
    new = {"name": "New", "country": "DE"}
    assert heard(acme.owner.post("customers", new)) == (503, "operation-disabled")
    assert acme.owner.get("customers").status_code == 200
    contain("lift", "disable-op", "customers.create")
    assert acme.owner.post("customers", new).status_code == 201
    contain("disable-op", "oauth.token")
    assert service_token(make_service(acme, READ), READ).status_code == 503
    assert acme.owner.get("nothing/here").status_code == 404
    contain("disable-op", "customers.list")
    assert acme.owner.call("HEAD", "customers").status_code == 503


def test_nobody_serves_before_the_first_look_and_the_last_look_holds_when_the_database_is_away(
    acme, contain, monkeypatch
):
    monkeypatch.setattr(house, "PATIENCE", 0.05)
    looking = Lookout(0.01)
    monkeypatch.setattr(looking, "_watch", lambda: None)  # a look that never ends
    with pytest.raises(Problem, match="not-ready"):
        looking.now()
    contain("maintenance")
    looking.look()

    def away():
        raise DatabaseError

    monkeypatch.setattr(house, "read", away)
    with pytest.raises(DatabaseError):
        looking.look()
    assert looking.now().retry_after == 300


# Who may, and what is said.


def test_what_stands_is_listed_and_who_answers_for_it_is_kept(acme, contain):
    contain("freeze-org", "acme")
    contain("disable-op", "customers.create")
    first, second = contain("list", who=()).splitlines()
    assert f"freeze-org {acme.id}" in first
    assert second.endswith("by Ada: something is wrong")
    contain("lift", "disable-op", "customers.create", who=("--reason", "mended", "--by", "Bob"))
    over = Measure.objects.get(pk=UUID(second.partition(" ")[0]))
    assert (over.by, over.lifted_by, over.lifted_because) == ("Ada", "Bob", "mended")
    assert lookout.state.operations == frozenset()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["freeze-org", "hooli"], "no organization hooli"),
        (["freeze-org", ""], "no organization"),
        (["force-reauth", "--organization", ""], "required"),
        (["disable-op", "customers.explode"], "no operation"),
        (["divert-org", "acme", "--networks", "everywhere"], "does not appear"),
        (["maintenance", "--retry-after", "0"], "seconds"),
        (["maintenance", "--retry-after", "9" * 20], "seconds"),
        (["revoke-key", "\udcff"], "nobody can read"),
        (["lift", "freeze-org", "acme"], "no such measure"),
        (["lift", "00000000-0000-7000-8000-000000000000"], "no such measure"),
        (["revoke-key", "nothing"], "no such key"),
        (["revoke-app", "nothing"], "no such client"),
        (["revoke-member", "acme", "nobody@x.example"], "Nobody"),
    ],
)
def test_what_makes_no_sense_says_so_and_does_nothing(acme, contain, words, why):
    with pytest.raises(CommandError, match=why):
        contain(*words)
    assert not Measure.objects.exists()
    assert told(acme) == []
    assert acme.owner.get("me").status_code == 200


@pytest.mark.parametrize(
    "who",
    [
        (),
        ("--by", "Ada"),
        ("--reason", " ", "--by", "Ada"),
        ("--reason", "x" * 501, "--by", "Ada"),
        ("--reason", "fine\n0123 a line of their own", "--by", "Ada"),
    ],
)
def test_nobody_contains_without_a_reason_and_a_name(acme, contain, who):
    with pytest.raises(CommandError):
        contain("freeze-org", "acme", who=who)
    assert acme.owner.get("me").status_code == 200


@pytest.mark.parametrize(("seconds", "found"), [(0, 1), (1.0, 0), (1.5, 0), (5, 1)])
def test_e048_a_look_that_is_too_seldom(monkeypatch, seconds, found):
    monkeypatch.setattr(lookout, "seconds", seconds)
    assert len(measures_act_within_two_seconds()) == found
