"""The one organization that a credential belongs to."""

import pytest

pytestmark = [pytest.mark.core]

WHOLE = {"id", "name", "slug", "time_zone", "created_at", "updated_at"}


def test_every_member_reads_their_own_organization_and_no_other(acme, globex):
    for member in [*acme.members, *globex.members]:
        answer = member.get("organization")
        assert answer.status_code == 200
        assert answer.json().keys() == WHOLE
        assert answer.json()["id"] == str(member.organization.id)


def test_an_owner_changes_name_and_time_zone_and_the_trail_names_the_fields(acme, globex):
    before = acme.owner.get("organization").json()
    changed = acme.owner.patch("organization", {"name": "Acme GmbH", "time_zone": "Europe/Berlin"})
    assert changed.status_code == 200
    assert changed.json() == before | {
        "name": "Acme GmbH",
        "time_zone": "Europe/Berlin",
        "updated_at": changed.json()["updated_at"],
    }
    assert acme.viewer.get("organization").json() == changed.json()
    assert globex.viewer.get("organization").json()["name"] == "Globex"
    [event] = acme.owner.get("audit-events?event=organization.changed").json()["results"]
    assert event["object"] == {"type": "organization", "id": str(acme.id)}
    assert event["data"] == {"fields": ["name", "time_zone"]}


@pytest.mark.practice("AUTHZ-05")
def test_only_an_owner_changes_the_organization(acme):
    before = acme.owner.get("organization").json()
    for member in acme.members[1:]:
        refused = member.patch("organization", {"name": "Mine"})
        assert refused.status_code == 403
        assert refused.json()["code"] == "permission-denied"
    refused = acme.owner.with_scopes("members:write").patch("organization", {"name": "Mine"})
    assert refused.status_code == 403
    assert 'scope="organization:write"' in refused["WWW-Authenticate"]
    assert acme.owner.get("organization").json() == before


@pytest.mark.practice("INPUT-07")
@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"slug": "globex"}, "/slug", "unexpected-field"),
        ({"id": "00000000-0000-7000-8000-000000000000"}, "/id", "unexpected-field"),
        ({"created_at": "2020-01-01T00:00:00Z"}, "/created_at", "unexpected-field"),
        ({"name": ""}, "/name", "blank"),
        ({"name": 7}, "/name", "invalid"),
        ({"name": "x" * 201}, "/name", "max-length"),
        ({"name": "line\nbreak"}, "/name", "characters"),
        ({"time_zone": "Mars/Olympus"}, "/time_zone", "unknown"),
        ({"time_zone": "europe/berlin"}, "/time_zone", "unknown"),
        ({"time_zone": "localtime"}, "/time_zone", "unknown"),
        ({"time_zone": "../../etc/passwd"}, "/time_zone", "unknown"),
        ({"time_zone": None}, "/time_zone", "null"),
    ],
)
def test_what_is_no_name_and_no_time_zone_changes_nothing(acme, body, pointer, code):
    before = acme.owner.get("organization").json()
    refused = acme.owner.patch("organization", body)
    assert refused.status_code == 400
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [(pointer, code)]
    assert acme.owner.get("organization").json() == before
