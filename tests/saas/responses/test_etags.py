"""Nobody overwrites what they have not read (RFC 9110 §13.1.1)."""

import pytest

from saas.errors import Problem
from saas.responses.etags import PATTERN, require_match
from tests.saas.walls import write
from tests.saas.wire import refused

pytestmark = [pytest.mark.core]

NOW = '"3-0a1b2c3d"'


@pytest.mark.parametrize("header", [NOW, f" {NOW} ", f'"1-x", {NOW}', f"{NOW},W/{NOW}"])
def test_the_tag_of_today_opens_among_others_too(header):
    require_match(header, NOW)


@pytest.mark.parametrize(
    "header",
    ["", "*", f"W/{NOW}", '"2-0a1b2c3d"', '"3-0a1b2c3e"', NOW.strip('"'), '"3"', NOW.upper(), '""',
     f"'{NOW}'", NOW[:-1]],
)  # fmt: skip
def test_a_stale_weak_or_universal_tag_does_not(header):
    with pytest.raises(Problem) as caught:
        require_match(header, NOW)
    assert (caught.value.status, caught.value.code) == (412, "precondition-failed")


def test_a_change_wants_the_tag_of_what_was_read_and_gives_the_next(acme):
    note = write(acme, "first")
    path = f"notes/{note.pk}"
    refused(acme.owner.patch(path, {"title": "x"}), 428, "precondition-required")
    refused(acme.owner.patch(path, {"title": "x"}, If_Match="*"), 412, "precondition-failed")
    tag = acme.owner.get(path)["ETag"]
    changed = acme.owner.patch(path, {"title": "second"}, If_Match=tag)
    assert (changed.status_code, changed.json()["title"]) == (200, "second")
    refused(acme.owner.patch(path, {"title": "third"}, If_Match=tag), 412, "precondition-failed")
    assert acme.owner.get(path)["ETag"] == changed["ETag"] != tag
    assert acme.owner.get(path).json()["title"] == "second"


def test_a_tag_is_strong_and_names_the_version_and_what_its_reader_sees(acme):
    import re

    note = write(acme)
    tags = {role: getattr(acme, role).get(f"notes/{note.pk}")["ETag"] for role in
            ("viewer", "clerk", "owner", "admin")}  # fmt: skip
    assert all(re.fullmatch(PATTERN, tag) for tag in tags.values())
    assert tags["viewer"] == tags["clerk"] != tags["owner"] == tags["admin"]
    answer = acme.clerk.patch(f"notes/{note.pk}", {"title": "x"}, If_Match=tags["owner"])
    refused(answer, 412, "precondition-failed")


def test_a_removal_wants_none(acme):
    assert acme.owner.delete(f"notes/{write(acme).pk}").status_code == 204
