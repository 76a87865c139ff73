"""Everything that is connected, in one list: what it may do, who made it, when it was used."""

import pytest

pytestmark = [pytest.mark.core]

WHOLE = {
    "id",
    "kind",
    "name",
    "scopes",
    "created_by",
    "approved_by",
    "created_at",
    "expires_at",
    "last_used_at",
}
NOBODY = "00000000-0000-7000-8000-000000000000"


def test_every_key_is_listed_with_its_maker_and_its_last_use(acme, globex):
    rows = acme.accountant.get("integrations").json()["results"]
    assert {row["id"] for row in rows} == {str(member.key.pk) for member in acme.members}
    assert {row["created_by"] for row in rows} == {str(m.user.pk) for m in acme.members}
    for row in rows:
        assert row.keys() == WHOLE
        assert row["kind"] == "api-key"
        assert row["approved_by"] is None
        read = acme.owner.get(f"integrations/{row['id']}").json()
        assert read | {"last_used_at": None} == row | {"last_used_at": None}
    [mine] = [row for row in rows if row["id"] == str(acme.accountant.key.pk)]
    used = acme.owner.get(f"integrations/{mine['id']}").json()["last_used_at"]
    assert used is not None


def test_integrations_are_sorted_by_name_over_several_pages(acme):
    for name in ("zeta", "alpha", "mid"):
        acme.owner.post("api-keys", {"name": name})
    seen, url = [], "integrations?ordering=-name&page_size=3"
    while url:
        page = acme.owner.get(url).json()
        seen += [row["name"] for row in page["results"]]
        url = page["next"]
    assert seen == ["zeta", *["test"] * 5, "mid", "alpha"]


@pytest.mark.practice("AUTHN-16")
def test_a_disconnected_key_opens_nothing_from_the_next_request_on(acme):
    path = f"integrations/{acme.clerk.key.pk}"
    assert acme.admin.delete(path).status_code == 204
    assert acme.clerk.get("customers").status_code == 401
    assert acme.admin.get(path).status_code == 404
    assert acme.admin.get(f"api-keys/{acme.clerk.key.pk}").status_code == 404
    [event] = acme.owner.get("audit-events?event=api-key.revoked").json()["results"]
    assert event["object"]["id"] == str(acme.clerk.key.pk)
    assert event["user"] == str(acme.admin.user.pk)


@pytest.mark.practice("AUTHZ-05")
def test_who_may_only_look_disconnects_nothing(acme):
    path = f"integrations/{acme.viewer.key.pk}"
    for member in (acme.accountant, acme.clerk, acme.viewer):
        assert member.delete(path).status_code == 403
    for member in (acme.clerk, acme.viewer):
        assert member.get("integrations").status_code == 403
    assert acme.viewer.get("customers").status_code == 200


def test_another_tenants_integration_is_the_same_404_as_one_that_never_was(acme, globex):
    for method in ("GET", "DELETE"):
        theirs = acme.owner.call(method, f"integrations/{globex.owner.key.pk}")
        nobodys = acme.owner.call(method, f"integrations/{NOBODY}")
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json() | {"instance": ""} == nobodys.json() | {"instance": ""}
    assert globex.owner.get("customers").status_code == 200
