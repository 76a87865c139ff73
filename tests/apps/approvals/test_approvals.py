"""Power rises with a second person: who asks, who decides, and what time does."""

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from apps.accounts.models import User
from apps.approvals import services
from apps.approvals.models import Approval
from apps.approvals.serializers import ApprovalOutput
from apps.integrations.models import ApiKey, OAuthGrant
from apps.organizations.models import Invitation, Membership, SecurityPolicy
from apps.organizations.services import add_member
from saas.audit import trail
from saas.authorization.permissions import known_permissions
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.apps.integrations.test_consent import told, url
from tests.cast import Member, call, make_key, make_tenant
from tests.oauth import CALLBACK, bearer, exchange, make_client, person
from tests.pages import signed_in_by_two
from tests.races import at_once

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-09")]

ON = {"require_two_persons": True}
FIELDS = set(ApprovalOutput().fields)


@pytest.fixture
def careful(acme):
    """Acme, which lets nobody rise alone."""
    assert acme.owner.patch("security-policy", ON).status_code == 200
    return acme


def membership(tenant, role="viewer"):
    with bind(tenant.id):
        return Membership.objects.get(user=getattr(tenant, role).user)


def raised(tenant, to="admin", who="viewer"):
    """What the owner hears who raises somebody."""
    return tenant.owner.patch(f"members/{membership(tenant, who).pk}", {"role": to})


def decide(member, approval, decision="approve", **more):
    return member.post(f"approvals/{approval['id']}/decision", {"decision": decision, **more})


def second_owner(tenant, name="second"):
    user = User.objects.create_user(f"{name}@{tenant.name.lower()}.example", name=name)
    with bind(tenant.id), trail.recording():
        add_member(None, user, "owner")
    key, secret = make_key(tenant.id, user, known_permissions())
    return Member(tenant, user, "owner", secret, key)


def events(tenant, event):
    return tenant.owner.get(f"audit-events?event={event}").json()["results"]


def later(tenant, approval, by):
    """The clock is moved: for the approval, and for what waits in the outbox."""
    with bind(tenant.id):
        row = Approval.objects.get(pk=approval["id"])
        row.asked_at, row.expires_at = row.asked_at - by, row.expires_at - by
        row.takes_effect_at = row.takes_effect_at and row.takes_effect_at - by
        row.save()
    with outbox_across_tenants():
        waiting = OutboxEntry.objects.filter(name="apps.approvals.services.settle")
        assert waiting.update(due_at=F("due_at") - by) == 1


def test_a_rise_waits_and_another_admin_lets_it_happen_with_both_names_in_the_trail(
    careful, delivered
):
    asked = raised(careful)
    assert asked.status_code == 202
    waits = asked.json()
    assert waits.keys() == FIELDS
    assert asked["Location"].endswith(f"/api/v1/approvals/{waits['id']}")
    assert careful.owner.get(asked["Location"]).json() == waits
    assert (waits["state"], waits["wanted"]) == ("pending", {"role": "admin"})
    assert careful.viewer.get("me").json()["role"] == "viewer"
    assert [letter.to for letter in delivered(careful.admin.user.email)] == [
        [careful.admin.user.email]
    ]
    assert not delivered(careful.owner.user.email)

    decided = decide(careful.admin, waits, reason="On the phone.")
    assert decided.status_code == 201
    assert decided.json()["state"] == "approved"
    assert careful.viewer.get("me").json()["role"] == "admin"
    [agreed] = events(careful, "approval.decided")
    assert agreed["user"] == str(careful.admin.user.pk)
    assert agreed["data"]["asked_by"] == str(careful.owner.user.pk)
    [changed] = events(careful, "member.changed")
    assert changed["user"] == str(careful.owner.user.pk)
    assert changed["data"]["approval"] == waits["id"]
    assert decide(careful.admin, waits).status_code == 409


def test_until_an_organization_asks_for_it_one_person_is_enough(acme):
    assert raised(acme).status_code == 200
    assert acme.owner.get("approvals").json()["results"] == []


def test_who_asked_cannot_agree_with_themselves_and_may_take_it_back(careful):
    waits = raised(careful).json()
    second = careful.owner.with_scopes(*known_permissions())  # another key of the same person
    for caller in (careful.owner, second):
        refused = decide(caller, waits)
        assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    assert careful.viewer.get("me").json()["role"] == "viewer"
    [refusal] = events(careful, "request.refused")[:1]
    assert refusal["data"]["reason"] == "asked-for-it"
    with bind(careful.id), pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.filter(pk=waits["id"]).update(
            state="approved", decided_by=careful.owner.user, decided_at=timezone.now()
        )
    assert decide(careful.owner, waits, "decline").json()["state"] == "declined"
    assert decide(careful.admin, waits).status_code == 409
    assert careful.viewer.get("me").json()["role"] == "viewer"


def test_nobody_agrees_to_more_than_they_hold(careful):
    second = second_owner(careful)
    waits = raised(careful, to="owner").json()
    refused = decide(careful.admin, waits)
    assert (refused.status_code, refused.json()["code"]) == (403, "permission-denied")
    assert careful.viewer.get("me").json()["role"] == "viewer"
    assert decide(second, waits).status_code == 201
    assert careful.viewer.get("me").json()["role"] == "owner"


@pytest.mark.parametrize("role", ["accountant", "clerk", "viewer"])
def test_who_has_no_say_in_security_decides_nothing(careful, role):
    waits = raised(careful).json()
    for decision in ("approve", "decline"):
        assert decide(getattr(careful, role), waits, decision).status_code == 403
    assert careful.owner.get(f"approvals/{waits['id']}").json()["state"] == "pending"


def test_a_decision_wants_a_fresh_sign_in_by_two_factors(careful):
    waits = raised(careful).json()
    path, agree = f"approvals/{waits['id']}/decision", {"decision": "approve"}
    for proved in ({"acr": "aal1"}, {"auth_time": timezone.now() - timedelta(minutes=15)}):
        weak = person(careful.admin, **proved).call("POST", path, agree)
        assert (weak.status_code, weak.json()["code"]) == (401, "step-up-required")
    assert person(careful.admin).call("POST", path, agree).status_code == 201


def test_an_invitation_with_power_is_mailed_when_it_is_agreed_to(careful, delivered):
    invited = {"email": "new@elsewhere.example", "role": "admin"}
    asked = careful.owner.post("invitations", invited)
    assert asked.status_code == 202
    assert not delivered("new@elsewhere.example")
    assert asked.json()["wanted"] == invited
    decided = decide(careful.admin, asked.json())
    assert (decided.status_code, decided.json()["wanted"]) == (201, {"role": "admin"})
    assert len(delivered("new@elsewhere.example")) == 1
    with bind(careful.id):
        assert Invitation.objects.get().invited_by_id == careful.owner.user.pk
    plain = {"email": "other@elsewhere.example", "role": "clerk"}
    assert careful.owner.post("invitations", plain).status_code == 201


def test_a_key_with_a_sensitive_scope_opens_nothing_until_it_is_agreed_to(careful):
    plain = careful.owner.post("api-keys", {"name": "plain", "scopes": ["customers:read"]})
    assert plain.status_code == 201
    asked = careful.owner.post("api-keys", {"name": "strong", "scopes": ["members:write"]})
    assert asked.status_code == 202
    waits = asked.json()
    secret = waits.pop("secret")
    assert waits.keys() == FIELDS
    key = {"X-API-Key": secret}
    assert call(careful.owner.client, "GET", "me", **key).status_code == 401
    assert "secret" not in careful.owner.get(f"approvals/{waits['id']}").json()
    decided = decide(careful.admin, waits)
    assert decided.status_code == 201
    assert secret not in decided.content.decode()
    me = call(careful.owner.client, "GET", "me", **key)
    assert me.status_code == 200
    assert me.json()["scopes"] == ["members:write"]
    with bind(careful.id):
        assert ApiKey.objects.get(name="strong").creator_id == careful.owner.user.pk


def test_who_renews_their_own_key_holds_nothing_new_and_another_ones_is_a_key_of_their_own(careful):
    own = careful.owner.with_scopes("members:write", "members:read")
    renewed = careful.owner.post(f"api-keys/{own.key.pk}/rotation")
    assert renewed.status_code == 201
    assert renewed.json()["scopes"] == ["members:read", "members:write"]
    plain = careful.clerk.with_scopes("customers:read")
    assert careful.admin.post(f"api-keys/{plain.key.pk}/rotation").status_code == 201
    asked = careful.admin.post(f"api-keys/{own.key.pk}/rotation", {"overlap_hours": 0})
    assert asked.status_code == 202
    waits = asked.json()
    secret = waits.pop("secret")
    assert (waits["kind"], waits["object"]) == ("api-key.rotation", str(own.key.pk))
    assert "expires_at" not in waits["wanted"]
    taken = {"X-API-Key": secret}
    assert call(careful.owner.client, "GET", "me", **taken).status_code == 401
    assert own.get("me").status_code == 200  # and the old one lives on
    assert decide(careful.admin, waits).status_code == 403
    assert decide(careful.owner, waits).status_code == 201
    assert call(careful.owner.client, "GET", "members", **taken).status_code == 200
    assert own.get("me").status_code == 401


def consented(browser, app, tenant):
    """What a person's yes is answered."""
    form = {"decision": "allow", "organization": str(tenant.id)}
    return browser.post(url(app, scope=" ".join(app.allowed_scopes)), form, secure=True)


def test_a_client_has_no_sensitive_scope_until_it_is_agreed_to_and_then_once(careful, globex):
    app = make_client(careful, "customers:read", "members:write")
    with bind(globex.id), trail.recording():
        add_member(None, careful.owner.user, "owner")
    browser = signed_in_by_two(careful.owner.user)
    first, again = (consented(browser, app, careful) for _ in range(2))
    assert first.status_code == again.status_code == 202
    [waits] = careful.owner.get("approvals").json()["results"]  # one, however often they press
    assert waits["id"] in first.content.decode()
    assert f"{CALLBACK}?error=access_denied" in first.content.decode()
    assert waits["kind"] == "oauth-grant.consent"
    assert waits["wanted"] == {
        "client": str(app.pk),
        "name": app.name,
        "scopes": ["customers:read", "members:write"],
    }
    assert not OAuthGrant.objects.exists()
    assert told(consented(browser, app, globex)).keys() >= {"code"}  # which asks for nothing
    assert decide(careful.owner, waits).status_code == 403
    assert decide(careful.admin, waits).status_code == 201
    code = told(consented(browser, app, careful))["code"]
    token = exchange(app, code).json()["access_token"]
    members = call(browser, "POST", "invitations", {"email": "a@b.example"}, **bearer(token))
    assert members.status_code == 201
    assert [entry["object"]["id"] for entry in events(careful, "approval.used")] == [waits["id"]]
    assert consented(browser, app, careful).status_code == 202  # a second time is asked for anew
    harmless = make_client(careful, "customers:read")
    assert told(consented(browser, harmless, careful)).keys() >= {"code"}


def test_what_was_agreed_to_is_for_that_person_that_client_and_those_scopes(acme):
    browser, other = (signed_in_by_two(one.user) for one in (acme.owner, acme.admin))
    app, careful = make_client(acme, "customers:read", "members:write"), acme
    assert acme.owner.patch("security-policy", ON).status_code == 200
    consented(browser, app, careful)
    [waits] = careful.owner.get("approvals").json()["results"]
    assert decide(careful.admin, waits).status_code == 201
    assert consented(other, app, careful).status_code == 202
    app.allowed_scopes = ["customers:read", "members:write", "security:write"]
    app.save()
    assert consented(browser, app, careful).status_code == 202
    app.allowed_scopes = ["customers:read", "members:write"]
    app.save()
    with bind(careful.id):
        Approval.objects.filter(pk=waits["id"]).update(expires_at=timezone.now())
    assert consented(browser, app, careful).status_code == 202  # too late
    assert not OAuthGrant.objects.exists()


@pytest.mark.parametrize(
    ("who", "to"), [("viewer", "clerk"), ("viewer", "accountant"), ("admin", "viewer")]
)
def test_smaller_changes_and_falls_are_immediate(careful, who, to):
    assert raised(careful, to, who).status_code == 200


def test_what_is_asked_twice_waits_once(careful):
    assert raised(careful).status_code == 202
    again = raised(careful)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


def test_the_rights_of_who_asked_are_those_that_they_have_by_then(careful):
    second = second_owner(careful)
    waits = second.patch(f"members/{membership(careful).pk}", {"role": "admin"}).json()
    mine = next(
        row
        for row in careful.owner.get("members").json()["results"]
        if row["user"] == str(second.user.pk)
    )
    assert careful.owner.patch(f"members/{mine['id']}", {"role": "viewer"}).status_code == 200
    refused = decide(careful.owner, waits)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert careful.viewer.get("me").json()["role"] == "viewer"
    assert careful.owner.get(f"approvals/{waits['id']}").json()["state"] == "pending"


def test_what_a_revoked_key_asked_for_is_not_done(careful):
    stolen = careful.owner.with_scopes("members:write", "organization:write", "members:read")
    waits = stolen.patch(f"members/{membership(careful).pk}", {"role": "admin"}).json()
    assert careful.owner.delete(f"api-keys/{stolen.key.pk}").status_code == 204
    assert decide(careful.admin, waits).status_code == 409
    assert careful.viewer.get("me").json()["role"] == "viewer"


def test_what_a_revoked_token_asked_for_is_not_done(careful):
    second = second_owner(careful)
    path, rise = f"members/{membership(careful).pk}", {"role": "admin"}
    asked, later_on = (
        person(second).call("PATCH", path, rise),
        f"members/{membership(careful, 'clerk').pk}",
    )
    assert asked.status_code == 202
    [grant] = [
        row
        for row in careful.owner.get("integrations").json()["results"]
        if row["kind"] == "oauth-grant"
    ]
    assert careful.owner.delete(f"integrations/{grant['id']}").status_code == 204
    assert decide(careful.owner, asked.json()).status_code == 409
    good = person(second).call("PATCH", later_on, rise)
    assert decide(careful.owner, good.json()).status_code == 201
    assert careful.clerk.get("me").json()["role"] == "admin"


def test_who_has_another_role_by_then_is_not_who_was_agreed_to(careful):
    waits = raised(careful).json()
    assert raised(careful, to="clerk").status_code == 200
    assert decide(careful.admin, waits).status_code == 409
    assert careful.viewer.get("me").json()["role"] == "clerk"


def test_after_three_days_it_is_over(careful, delivered):
    waits = raised(careful).json()
    delivered()
    assert careful.owner.get("approvals?state=pending").json()["results"] == [waits]
    later(careful, waits, services.OPEN)
    assert decide(careful.admin, waits).status_code == 409  # before anybody has tidied up
    delivered()
    [over] = careful.owner.get("approvals?state=expired").json()["results"]
    assert (over["id"], over["decided_by"]) == (waits["id"], None)
    [ended] = events(careful, "approval.expired")
    assert ended["principal"]["kind"] == "system"
    assert careful.viewer.get("me").json()["role"] == "viewer"


def test_to_turn_it_off_waits_too_and_takes_nothing_along(careful):
    mixed = careful.owner.patch(
        "security-policy", {"require_two_persons": False, "high_risk": True}
    )
    assert mixed.status_code == 409
    asked = careful.owner.patch("security-policy", {"require_two_persons": False})
    assert asked.status_code == 202
    assert careful.owner.get("security-policy").json()["require_two_persons"] is True
    open_rise = raised(careful).json()
    assert decide(careful.admin, asked.json()).status_code == 201
    assert careful.owner.get("security-policy").json()["require_two_persons"] is False
    assert decide(careful.admin, open_rise).status_code == 201
    assert raised(careful, "viewer").status_code == 200


def alone(tenant):
    """The organization, with nobody beside its owner who could decide."""
    assert raised(tenant, "viewer", "admin").status_code == 200
    assert tenant.owner.patch("security-policy", ON).status_code == 200
    return tenant


def test_a_sole_owner_waits_a_day_and_every_member_hears_of_it(acme, delivered):
    waits = raised(alone(acme), who="clerk").json()
    assert waits["takes_effect_at"]
    delivered()
    told = {letter.to[0] for letter in mail.outbox if letter.subject.startswith("Will be done")}
    assert told == {member.user.email for member in acme.members}
    later(acme, waits, services.ALONE - timedelta(minutes=5))
    delivered()
    assert acme.clerk.get("me").json()["role"] == "clerk"
    later(acme, waits, timedelta(minutes=5))
    delivered()
    assert acme.clerk.get("me").json()["role"] == "admin"
    [asked] = events(acme, "approval.requested")
    assert asked["data"]["alone"] is True
    [done] = events(acme, "approval.decided")
    assert (done["user"], done["data"]["asked_by"]) == (None, str(acme.owner.user.pk))


def test_what_one_person_would_do_alone_can_be_declined(acme, delivered):
    waits = raised(alone(acme), who="clerk").json()
    assert decide(acme.owner, waits).status_code == 403
    assert decide(acme.owner, waits, "decline").status_code == 201
    later(acme, waits, services.ALONE)
    delivered()
    assert acme.clerk.get("me").json()["role"] == "clerk"


def test_a_switch_that_stands_in_no_row_of_another_organization(careful, globex):
    waits = raised(careful).json()
    assert raised(globex).status_code == 200
    assert globex.owner.get(f"approvals/{waits['id']}").status_code == 404
    assert decide(globex.owner, waits).status_code == 404


def test_of_two_who_decide_at_once_one_does(committed):
    acme = make_tenant("Acme")
    with bind(acme.id):
        SecurityPolicy(switches=ON).save()
    second = second_owner(acme)
    waits = raised(acme).json()
    answers = at_once(lambda: decide(acme.admin, waits), lambda: decide(second, waits, "decline"))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    [entry] = events(acme, "approval.decided")
    state = acme.owner.get(f"approvals/{waits['id']}").json()["state"]
    assert entry["data"]["state"] == state
    assert acme.viewer.get("me").json()["role"] == ("admin" if state == "approved" else "viewer")
