"""The tenant comes from the credential and from nowhere else; the role is read on every request."""

import pytest

from apps.organizations.models import Membership
from saas.tenancy.binding import bind
from tests.saas.wire import NOTES, but_for_instance, refused, send

pytestmark = [pytest.mark.core]


def with_role(member, role):
    """Give `member` another role, straight in the table."""
    with bind(member.organization.id):
        Membership.objects.filter(user=member.user).update(role=role)


@pytest.mark.practice("AUTHZ-03")
@pytest.mark.parametrize(
    "header", ["X-Tenant", "X-Tenant-Id", "X-Organization", "X-Org-Id", "Organization", "Cookie"]
)
def test_no_header_moves_a_caller_into_another_organization(acme, globex, header):
    acme.owner.post("notes", {"title": "ours"})
    answer = globex.owner.get("notes", **{header: str(acme.id)})
    assert answer.json()["results"] == []


@pytest.mark.practice("AUTHZ-03")
@pytest.mark.parametrize("name", ["tenant", "tenant_id", "organization", "organization_id", "org"])
def test_a_tenant_in_the_query_or_the_body_is_an_unknown_name(acme, globex, name):
    query = send("GET", f"{NOTES}?{name}={acme.id}", key=globex.owner.secret)
    refused(query, 400, "invalid-request")
    body = globex.owner.post("notes", {"title": "x", name: str(acme.id)})
    document = refused(body, 400, "invalid-request")
    assert document["errors"][0]["code"] == "unexpected-field"


@pytest.mark.practice("AUTHZ-02")
@pytest.mark.practice("AUTHZ-04")
def test_another_tenants_row_and_a_row_that_never_was_are_the_same_404(acme, globex):
    note = acme.owner.post("notes", {"title": "ours"}).json()["id"]
    never = "00000000-0000-7000-8000-000000000000"
    for method, tail, body in (("GET", "", None), ("DELETE", "", None), ("HEAD", "", None),
                               ("PATCH", "", {"title": "x"}), ("POST", "/copies", {})):  # fmt: skip
        headers = {"Idempotency-Key": "k" * 16}
        theirs, nobodys = (
            globex.owner.call(method, f"notes/{row}{tail}", body, **headers)
            for row in (note, never)
        )
        assert theirs.status_code == nobodys.status_code == 404
        if method != "HEAD":
            assert but_for_instance(theirs) == but_for_instance(nobodys)
    assert acme.owner.get(f"notes/{note}").json()["title"] == "ours"


@pytest.mark.practice("AUTHZ-03")
def test_another_tenants_id_in_a_body_is_as_unknown_as_a_random_one(acme, globex):
    theirs = acme.owner.post("notes", {"title": "ours"}).json()["id"]
    never = "00000000-0000-7000-8000-000000000000"
    answers = [globex.owner.post("notes", {"title": "x", "parent": p}) for p in (theirs, never)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert but_for_instance(answers[0]) == but_for_instance(answers[1])
    assert globex.owner.get("notes").json()["results"] == []


@pytest.mark.practice("AUTHZ-06")
def test_a_demotion_and_a_promotion_act_on_the_very_next_request(acme):
    assert acme.admin.post("notes", {"title": "1"}).status_code == 201
    with_role(acme.admin, "viewer")
    refused(acme.admin.post("notes", {"title": "2"}), 403, "permission-denied")
    assert acme.admin.get("notes").status_code == 200
    with_role(acme.admin, "clerk")
    assert acme.admin.post("notes", {"title": "3"}).status_code == 201


@pytest.mark.practice("AUTHN-16")
def test_who_left_the_organization_is_nobody_there(acme):
    with bind(acme.id):
        Membership.objects.filter(user=acme.clerk.user).delete()
    refused(acme.clerk.get("notes"), 401, "invalid-token")


def test_a_member_of_two_organizations_is_in_the_one_of_the_key(acme, globex):
    with bind(globex.id):
        Membership.objects.create(user=acme.viewer.user, role="owner")
    refused(acme.viewer.post("notes", {"title": "x"}), 403, "permission-denied")
    assert acme.viewer.get("notes").status_code == 200
