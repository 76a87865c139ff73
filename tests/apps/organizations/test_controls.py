"""What an organization asks of its own requests acts on the next one, and ends with the one after."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.test import Client
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.services import add_member
from saas.audit import trail
from saas.authentication import demands
from saas.context import Principal, PrincipalKind
from saas.tenancy.binding import bind
from tests.apps.accounts.test_sign_in import PASSWORD
from tests.apps.integrations.test_consent import told, url
from tests.cast import call
from tests.oauth import (
    CALLBACK,
    VERIFIER,
    basic,
    bearer,
    code_for,
    make_client,
    make_service,
    person,
    refresh,
    service,
    tokens_for,
)
from tests.operators import hired, run, signed, wanted
from tests.pages import post, signed_in
from tests.saas.wire import refused

pytestmark = [pytest.mark.core, pytest.mark.practice("OPS-28")]

OFFICE = ["203.0.113.0/24"]
INSIDE, OUTSIDE = "203.0.113.7", "198.51.100.1"


def called_from(address, headers, method="GET", path="customers", body=None):
    """A call from this address."""
    caller = Client(raise_request_exception=False, REMOTE_ADDR=address)
    return call(caller, method, path, body, **headers)


def changed(member, **switches):
    """The policy after a change by this member."""
    answer = member.patch("security-policy", switches)
    assert answer.status_code == 200, answer.content
    return answer.json()


def aged(key, **by):
    """The same key, made earlier."""
    with bind(key.tenant_id):
        ApiKey.objects.filter(pk=key.pk).update(created_at=timezone.now() - timedelta(**by))


def test_outside_its_networks_no_credential_of_an_organization_opens_anything(acme, globex):
    holders = {
        "key": {"X-API-Key": acme.viewer.secret},
        "person": bearer(person(acme.viewer).token),
        "service": bearer(service(acme).token),
    }
    owner = {"X-API-Key": acme.owner.secret}

    def answers(address):
        return {called_from(address, held).status_code for held in holders.values()}

    assert answers(OUTSIDE) == {200}
    on = {"allowed_networks": OFFICE}
    refused(called_from(OUTSIDE, owner, "PATCH", "security-policy", on), 403, "network-not-allowed")
    assert answers(OUTSIDE) == {200}  # nobody has locked themselves out
    shown = called_from(INSIDE, owner, "PATCH", "security-policy", on)
    assert (shown.status_code, shown.json()["allowed_networks"]) == (200, OFFICE)
    assert answers(INSIDE) == {200}
    for held in holders.values():
        refused(called_from(OUTSIDE, held), 403, "network-not-allowed")
    theirs = called_from(OUTSIDE, {"X-API-Key": globex.viewer.secret})
    assert theirs.status_code == 200
    off = called_from(INSIDE, owner, "PATCH", "security-policy", {"allowed_networks": []})
    assert off.status_code == 200
    assert answers(OUTSIDE) == {200}


def test_who_is_shut_out_by_their_own_networks_is_let_in_by_two_of_the_house(
    acme, globex, settings, tmp_path, delivered
):
    owner = {"X-API-Key": acme.owner.secret}
    for tenant in (acme, globex):
        held = {"X-API-Key": tenant.owner.secret}
        on = {"allowed_networks": OFFICE, "high_risk": True}
        assert called_from(INSIDE, held, "PATCH", "security-policy", on).status_code == 200
    off = called_from(OUTSIDE, owner, "PATCH", "security-policy", {"allowed_networks": []})
    refused(off, 403, "network-not-allowed")  # the office has moved
    files = hired(settings, tmp_path, "ann", "bob")
    command = ["release_policy", "acme", "allowed_networks", "--by=ann", "--approved-by=bob"]
    command += ["--reason=the owner came with a passport"]
    both = [f"--approval={signed(file, wanted(*command))}" for file in files.values()]
    delivered()
    assert run(*command, *both) == "taken back"
    assert called_from(OUTSIDE, owner).status_code == 200
    assert run(*command, *both) == "it asked for no such thing"
    assert called_from(OUTSIDE, {"X-API-Key": globex.owner.secret}).status_code == 403
    policy = called_from(OUTSIDE, owner, path="security-policy").json()
    assert (policy["allowed_networks"], policy["high_risk"]) == ([], True)
    told_to = {letter.to[0] for letter in delivered() if "taken back" in letter.subject}
    assert told_to == {member.user.email for member in acme.members}
    [entry, _] = acme.owner.get("audit-events?event=security-policy.changed").json()["results"]
    assert entry["data"]["operators"] == {"by": "ann", "approved_by": "bob"}
    for wrong in ("require_two_persons", "high_risk"):  # which shut nobody out
        with pytest.raises(CommandError):
            run("release_policy", "acme", wrong, *command[3:])


def asked_from(address, path, form, **headers):
    """A form to a machine endpoint, from this address."""
    caller = Client(raise_request_exception=False, REMOTE_ADDR=address)
    kind = "application/x-www-form-urlencoded"
    return caller.post(path, urlencode(form), content_type=kind, secure=True, headers=headers)


def test_outside_its_networks_nobody_gets_tokens_and_nothing_is_consumed(acme, globex):
    app = make_client(acme, "customers:read")
    machine = make_service(acme, "customers:read", "introspection")
    pair = tokens_for(acme.viewer, "customers:read", client=app)
    code = code_for(app, acme.clerk, "customers:read")
    forms = {
        "refresh": ({"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}, app),
        "code": ({"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                  "code_verifier": VERIFIER}, app),
        "secret": ({"grant_type": "client_credentials", "scope": "customers:read"}, machine),
    }  # fmt: skip

    def asked(address, name):
        form, client = forms[name]
        if client is machine:
            return asked_from(address, "/oauth/token", form, **basic(machine))
        return asked_from(address, "/oauth/token", form | {"client_id": client.client_id})

    def looked(address):
        form = {"token": pair["access_token"]}
        return asked_from(address, "/oauth/introspect", form, **basic(machine)).status_code

    theirs = tokens_for(globex.viewer, "customers:read", client=app)["refresh_token"]
    assert looked(OUTSIDE) == 200
    owner = {"X-API-Key": acme.owner.secret}
    on = {"allowed_networks": OFFICE}
    assert called_from(INSIDE, owner, "PATCH", "security-policy", on).status_code == 200
    for name in (*forms, *forms):  # a second time is no replay
        answer = asked(OUTSIDE, name)
        assert (answer.status_code, answer.json()["error"]) == (403, "access_denied")
    assert looked(OUTSIDE) == 403
    assert looked(INSIDE) == 200
    free = {"grant_type": "refresh_token", "client_id": app.client_id, "refresh_token": theirs}
    assert asked_from(OUTSIDE, "/oauth/token", free).status_code == 200  # another organization's
    assert [asked(INSIDE, name).status_code for name in forms] == [200, 200, 200]


def test_consent_is_held_to_the_organizations_own_rules_and_leads_to_what_is_missing(acme, globex):
    clerk, app = acme.clerk.user, make_client(acme, "customers:read")
    with bind(globex.id), trail.recording():
        add_member(None, clerk, "viewer")
    form = {"decision": "allow", "organization": str(acme.id)}
    client = signed_in(clerk)
    owner = {"X-API-Key": acme.owner.secret}

    def allow(**more):
        return client.post(url(app), form | more, secure=True)

    def change(**switches):
        answer = called_from(INSIDE, owner, "PATCH", "security-policy", switches)
        assert answer.status_code == 200

    change(allowed_networks=OFFICE)
    assert told(allow())["error"] == "access_denied"
    assert told(allow(organization=str(globex.id))).keys() >= {"code"}
    change(allowed_networks=[], require_second_factor=True)
    away = allow()
    assert away["Location"].startswith("/accounts/login/?next=")
    again = post(client, "login/", login=clerk.email, password=PASSWORD, next=url(app))
    assert again["Location"] == url(app)
    assert (
        told(allow())["error"] == "unmet_authentication_requirements"
    )  # and is not asked for ever
    change(require_second_factor=False)
    assert told(allow()).keys() >= {"code"}


@pytest.mark.parametrize("wrong", [None, "203.0.113.0/24", ["here"], ["0.0.0.0/0"], ["10.0.0.0/8"]])
def test_what_is_no_list_of_networks_is_refused(acme, wrong):
    refused_ = acme.owner.patch("security-policy", {"allowed_networks": wrong})
    assert refused_.status_code == 400
    assert refused_.json()["errors"][0]["pointer"].startswith("/allowed_networks")


def test_whom_a_password_alone_let_in_comes_back_with_a_second_factor(acme):
    weak, strong = person(acme.viewer, acr="aal1"), person(acme.clerk)
    assert weak.get("customers").status_code == 200
    changed(acme.owner, require_second_factor=True)
    answer = weak.get("customers")
    refused(answer, 401, "step-up-required")
    assert 'acr_values="aal2"' in answer["WWW-Authenticate"]
    assert strong.get("customers").status_code == 200
    assert acme.viewer.get("customers").status_code == 200  # a key has nobody to ask
    changed(acme.owner, require_second_factor=False)
    assert weak.get("customers").status_code == 200


def test_a_sign_in_ages_however_often_its_token_is_refreshed(acme):
    app = make_client(acme, "customers:read")
    old = {"auth_time": timezone.now() - timedelta(hours=8)}
    tokens = tokens_for(acme.viewer, "customers:read", client=app, proved=old)

    def get(pair):
        return called_from("127.0.0.1", bearer(pair["access_token"]))

    tokens = refresh(app, tokens["refresh_token"]).json()
    assert get(tokens).status_code == 200
    changed(acme.owner, session_max_hours=8)
    answer = get(tokens)
    refused(answer, 401, "step-up-required")
    assert 'max_age="28800"' in answer["WWW-Authenticate"]
    late = refresh(app, tokens["refresh_token"])
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")
    assert "sign in again" in late.json()["error_description"]
    assert person(acme.clerk).get("customers").status_code == 200
    changed(acme.owner, session_max_hours=9)
    assert get(tokens).status_code == 200
    assert get(refresh(app, tokens["refresh_token"]).json()).status_code == 200  # nothing was burnt


def test_a_key_that_is_too_old_opens_nothing_and_no_new_one_lives_longer(acme, globex):
    aged(acme.viewer.key, days=30)
    aged(globex.viewer.key, days=30)
    assert acme.viewer.get("customers").status_code == 200
    changed(acme.owner, key_max_age_days=30)
    refused(acme.viewer.get("customers"), 401, "invalid-token")
    assert globex.viewer.get("customers").status_code == 200
    assert acme.clerk.get("customers").status_code == 200
    made = acme.owner.post("api-keys", {"name": "new"}).json()
    life = timezone.datetime.fromisoformat(made["expires_at"]) - timezone.now()
    assert timedelta(days=29) < life <= timedelta(days=30)
    later = (timezone.now() + timedelta(days=31)).isoformat()
    assert acme.owner.post("api-keys", {"name": "long", "expires_at": later}).status_code == 400
    changed(acme.owner, key_max_age_days=None)
    assert acme.viewer.get("customers").status_code == 200


def test_who_would_lock_themselves_out_changes_nothing(acme):
    aged(acme.owner.key, days=30)
    refused(acme.owner.patch("security-policy", {"key_max_age_days": 30}), 401, "invalid-token")
    weak = person(acme.owner, auth_time=timezone.now() - timedelta(minutes=14))
    assert weak.call("PATCH", "security-policy", {"session_max_hours": 1}).status_code == 200
    assert acme.admin.get("security-policy").json()["key_max_age_days"] is None


@pytest.mark.parametrize("name", ["key_max_age_days", "session_max_hours"])
@pytest.mark.parametrize("wrong", [0, -1, 1.5, "7", True, 10**6])
def test_what_is_no_such_number_is_refused(acme, name, wrong):
    answer = acme.owner.patch("security-policy", {name: wrong})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == f"/{name}"


def test_each_change_is_stepped_up_and_leaves_its_names_in_the_trail(acme):
    old = person(acme.owner, auth_time=timezone.now() - settings.STEP_UP.max_age)
    asked = {"require_second_factor": True}
    refused(old.call("PATCH", "security-policy", asked), 401, "step-up-required")
    changed(acme.owner, **asked)
    [entry] = acme.owner.get("audit-events?event=security-policy.changed").json()["results"]
    assert entry["data"] == {"fields": ["require_second_factor"]}


@pytest.mark.parametrize("name", sorted(demands.SWITCHES))
def test_what_nobody_has_decided_demands_nothing(name, acme, rf):
    """So an organization without a policy is asked for nothing, and nobody has to look."""
    demand = demands.SWITCHES[name].demand
    for kind in PrincipalKind if demand else ():
        key = acme.viewer.key
        caller = Principal(
            kind, key.pk, key.pk, acme.id, acme.viewer.user.pk, frozenset(), None, credential=key
        )
        demand(rf.get("/api/v1/me"), caller, demands.complete(None))
