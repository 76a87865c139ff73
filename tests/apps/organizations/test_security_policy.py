"""What an organization asks of its own callers: who may see it, who may change it, and that it acts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.models import SecurityPolicy
from apps.organizations.serializers import SecurityPolicyOutput
from saas.authentication import demands
from saas.authentication.credentials import unauthorized
from saas.tenancy.binding import bind
from saas.validation import inputs

pytestmark = [pytest.mark.core]

MONTH = timedelta(days=30)


def expiries(tenant):
    with bind(tenant.id):
        return dict(ApiKey.objects.values_list("pk", "expires_at"))


@pytest.fixture
def switch(monkeypatch):
    """A switch of a module, which refuses every request of a person while it is on."""

    def demand(request, principal, policy):
        if policy["shut"] and principal.user_id:
            raise unauthorized("Shut.")

    one = demands.on_or_off("shut", "Nobody comes in.", demand=demand)
    monkeypatch.setitem(demands.SWITCHES, "shut", one)
    forget_forms()
    yield
    forget_forms()


def forget_forms():
    """A module joins before the first form is made; a test joins later."""
    inputs._ready.cache_clear()
    SecurityPolicyOutput.writers.__func__.cache_clear()


def test_an_accountant_sees_it_and_an_admin_changes_it(acme):
    shown = [member.get("security-policy").status_code for member in acme.members]
    assert shown == [200, 200, 200, 403, 403]
    changed = [
        member.patch("security-policy", {"high_risk": True}).status_code for member in acme.members
    ]
    assert changed == [200, 200, 403, 403, 403]
    refused = acme.owner.with_scopes("integrations:read").patch("security-policy", {})
    assert 'scope="security:write"' in refused["WWW-Authenticate"]


def test_nothing_is_decided_until_somebody_decides(acme, globex):
    assert acme.owner.get("security-policy").json()["high_risk"] is False
    changed = acme.owner.patch("security-policy", {"high_risk": True})
    assert changed.status_code == 200
    assert changed.json()["high_risk"] is True
    assert acme.owner.get("security-policy").json() == changed.json()
    assert changed.json().keys() == demands.SWITCHES.keys()
    assert globex.owner.get("security-policy").json()["high_risk"] is False


def test_a_change_leaves_the_rest_alone_and_the_names_in_the_trail(acme):
    acme.owner.patch("security-policy", {"high_risk": True})
    same = acme.admin.patch("security-policy", {})
    assert same.json()["high_risk"] is True
    entries = acme.owner.get("audit-events?event=security-policy.changed").json()["results"]
    assert [entry["data"] for entry in entries] == [{"fields": []}, {"fields": ["high_risk"]}]
    assert {entry["object"]["type"] for entry in entries} == {"securitypolicy"}
    with bind(acme.id):
        assert SecurityPolicy.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"high_risk": "true"}, "/high_risk", "invalid"),
        ({"high_risk": 1}, "/high_risk", "invalid"),
        ({"high_risk": None}, "/high_risk", "null"),
        ({"high_risk": []}, "/high_risk", "invalid"),
        ({"unheard_of": True}, "/unheard_of", "unexpected-field"),
    ],
)
def test_what_is_no_switch_changes_nothing(acme, body, pointer, code):
    refused = acme.owner.patch("security-policy", body)
    assert refused.status_code == 400
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(pointer, code)]
    with bind(acme.id):
        assert not SecurityPolicy.objects.exists()


@pytest.mark.practice("AUTHN-17")
def test_keys_of_high_risk_live_for_thirty_days(acme, globex):
    before = expiries(globex)
    acme.owner.patch("security-policy", {"high_risk": True})
    latest = timezone.now() + MONTH
    assert all(expires <= latest for expires in expiries(acme).values())
    assert expiries(globex) == before
    asked = {"name": "one", "expires_at": (latest + timedelta(hours=1)).isoformat()}
    refused = acme.owner.post("api-keys", asked)
    assert refused.status_code == 400
    assert "30 days" in refused.json()["errors"][0]["detail"]
    made = acme.owner.post("api-keys", {"name": "one"}).json()
    rotated = acme.owner.post(f"api-keys/{made['id']}/rotation").json()
    for key in (made, rotated):
        left = timezone.datetime.fromisoformat(key["expires_at"]) - timezone.now()
        assert MONTH - timedelta(minutes=1) < left <= MONTH
    acme.owner.patch("security-policy", {"high_risk": False})
    assert acme.owner.post("api-keys", asked).status_code == 201


def test_a_demand_acts_on_the_next_request_of_its_organization_alone(switch, acme, globex):
    assert acme.viewer.get("customers").status_code == 200
    with bind(acme.id):
        SecurityPolicy(switches={"shut": True}).save()
    for member in acme.members:
        assert member.get("me").status_code == 401
    assert globex.viewer.get("me").status_code == 200


@pytest.mark.usefixtures("undocumented")
def test_a_module_joins_a_switch_and_the_core_knows_its_field(switch, acme):
    assert acme.owner.patch("security-policy", {"shut": False}).json()["shut"] is False
    assert acme.owner.get("security-policy").json().keys() == demands.SWITCHES.keys()
    refused = acme.owner.patch("security-policy", {"shut": 1})
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/shut"]


def test_who_asks_for_more_than_they_can_give_changes_nothing(switch, acme):
    """A policy that its own maker does not meet would lock everybody out."""
    assert acme.owner.patch("security-policy", {"shut": True}).status_code == 401
    with bind(acme.id):
        assert not SecurityPolicy.objects.exists()


def test_a_switch_that_nobody_enforces_any_more_is_not_shown(acme):
    with bind(acme.id):
        SecurityPolicy(switches={"of_a_module_that_left": True, "high_risk": True}).save()
    shown = acme.owner.get("security-policy").json()
    assert shown["high_risk"] is True
    assert "of_a_module_that_left" not in shown
