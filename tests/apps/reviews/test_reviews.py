"""Reviews say what there is to see, and leave a record that nobody can write by hand."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.apps import apps
from django.core.checks import WARNING
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.integrations.models import ApiKey
from apps.organizations.models import Membership
from apps.reviews import records
from apps.reviews.checks import nothing_is_overdue
from saas.tenancy.binding import bind
from tests import oauth

pytestmark = [pytest.mark.core, pytest.mark.django_db]

WEDNESDAY = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Where this test keeps its records."""
    settings.SAAS_REVIEWS = tmp_path / "reviews"
    return settings.SAAS_REVIEWS


def run(command, *arguments, **options):
    """What a command prints, and the newest record."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    last = out.getvalue().splitlines()[-1]
    return out.getvalue(), json.loads(Path(last).read_text()) if last.endswith(".json") else None


def line(at, ip="198.51.100.1", status=200, decision="allow", **more):
    """A line as the access log writes it."""
    return {"ts": at.isoformat().replace("+00:00", "Z"), "ip": ip, "status": status,
            "decision": decision, "operation_id": "customers.list", "principal": "p1", "events": [],
            "route": "api/v1/customers", "credential_id": "c1", "disclosed": []} | more  # fmt: skip


def written(path, lines):
    """A file of lines, some behind the head of a collector, and one that is none."""
    texts = [json.dumps(one) for one in lines]
    path.write_text("\n".join([texts[0], *(f"<134>1 x - {t}" for t in texts[1:]), "no line", ""]))
    return str(path)


@pytest.mark.practice("LOG-14")
def test_a_review_says_what_was_refused_what_is_new_and_who_works_at_night(tmp_path):
    early = written(tmp_path / "early.log", [line(WEDNESDAY - timedelta(days=1))])
    lines = [
        line(WEDNESDAY),
        line(WEDNESDAY.replace(hour=3), principal="night"),
        line(WEDNESDAY - timedelta(days=3), principal="sunday"),
        line(WEDNESDAY, "203.0.113.9", 403, "permission-denied", principal="p2"),
        line(WEDNESDAY, "203.0.113.9", 401, "invalid-token", principal=None, events=["key.odd"]),
        line(WEDNESDAY - timedelta(days=30), "192.0.2.1"),
    ]
    late = written(tmp_path / "late.log", lines)
    with time_machine.travel(WEDNESDAY + timedelta(hours=1), tick=False):
        run("log_review", log=[early], reviewer="Ada")
    with time_machine.travel(WEDNESDAY + timedelta(hours=2), tick=False):
        said, record = run("log_review", log=[late], reviewer="Bob", note="a guess at keys")
    assert said.startswith("5 requests, 1 new networks\n")
    assert record["by_decision"] == {"allow": 3, "permission-denied": 1, "invalid-token": 1}
    assert record["by_status"] == {"200": 3, "403": 1, "401": 1}
    assert record["refused_principals"] == {"p2": 1}
    assert record["refused_networks"] == {"203.0.113.9": 2}
    assert record["by_event"] == {"key.odd": 1}
    assert record["outside_office_hours"] == {"night": 1, "sunday": 1}
    assert record["new_networks"] == ["203.0.113.9"]
    assert (record["reviewer"], record["note"]) == ("Bob", "a guess at keys")
    assert record["inputs"] == {
        "sha256": {late: sha256(Path(late).read_bytes()).hexdigest()},
        "lines": 5,
        "passed_by": 1,
    }


@pytest.mark.practice("LOG-14")
def test_real_lines_can_be_reviewed(acme, caplog, tmp_path):
    caplog.set_level("INFO", "saas.access")
    acme.owner.get("customers")
    acme.viewer.post("customers", {"name": "x", "country": "DE"})
    texts = [r.getMessage() for r in caplog.records if r.name == "saas.access"]
    (tmp_path / "log").write_text("\n".join(texts))
    _, record = run("log_review", log=[str(tmp_path / "log")], reviewer="Ada")
    assert record["by_operation"] == {"customers.list": 1, "customers.create": 1}
    assert record["refused_principals"] == {str(acme.viewer.key.pk): 1}


@pytest.mark.practice("LOG-14")
def test_a_record_made_or_changed_by_hand_counts_for_nothing(folder, tmp_path):
    log = written(tmp_path / "a.log", [line(timezone.now())])
    run("log_review", log=[log], reviewer="Ada")
    assert records.last_on("log-review") == timezone.localdate()
    (path,) = folder.glob("*.json")
    assert path.with_suffix(".md").read_text().startswith("# log-review, ")
    path.write_text(path.read_text().replace("Ada", "Eve"))
    assert records.last_on("log-review") is None
    path.write_text("[]")
    assert records.last_on("log-review") is None


@pytest.mark.practice("LOG-14")
def test_what_is_overdue_is_a_warning_unless_it_is_asked_to_be_more(settings, tmp_path):
    settings.SAAS_REGISTERS = tmp_path / "registers.toml"
    settings.SAAS_REGISTERS.write_text(
        '[reviews.access-log]\nowner = "security"\nreviewed_on = 2026-01-01\n'
        'every_days = 30\nrecord = "log-review"\n'
    )
    out = StringIO()
    call_command("registers", stdout=out)
    assert out.getvalue().startswith("reviews access-log: overdue since 2026-01-31, ")
    with pytest.raises(CommandError, match="1 overdue"):
        call_command("registers", strict=True, stdout=out)
    run("log_review", log=[written(tmp_path / "a", [line(timezone.now())])], reviewer="Ada")
    assert run("registers", strict=True)[0] == "Nothing is overdue.\n"


def test_the_registers_of_the_house_can_be_read(settings):
    del settings.SAAS_REVIEWS
    with time_machine.travel("2030-01-01"):
        said, _ = run("registers")
    assert len(said.splitlines()) >= 2


@pytest.mark.practice("LOG-14")
def test_what_cannot_be_reviewed_is_said(tmp_path):
    for options in (
        {"log": [str(tmp_path / "nothing")]},
        {"log": [], "since": "a week"},
        {"log": [], "office_hours": "always"},
        {"log": [], "time_zone": "Mars/Olympus"},
    ):
        with pytest.raises(CommandError):
            run("log_review", reviewer="Ada", **options)


@pytest.mark.practice("AUTHZ-12")
def test_a_review_of_access_names_what_sleeps_and_what_nobody_used(acme, globex, tmp_path):
    long_ago = timezone.now() - timedelta(days=91)
    owner, clerk = acme.owner, acme.clerk
    reader = owner.with_scopes("customers:read", "invoices:read")
    with bind(acme.id):
        ApiKey.objects.filter(pk=clerk.key.pk).update(created_at=long_ago)
        ApiKey.objects.filter(pk=owner.key.pk).update(
            created_at=long_ago, last_used_at=timezone.now()
        )
        Membership.objects.filter(role__in=["clerk", "owner"]).update(created_at=long_ago)
    token = oauth.tokens_for(acme.accountant, "customers:read")
    assert token["access_token"]
    lines = [
        line(timezone.now(), credential_id=str(reader.key.pk)),
        line(timezone.now(), credential_id=str(reader.key.pk), operation_id="invoices.list",
             decision="permission-denied", status=403),
    ]  # fmt: skip
    log = written(tmp_path / "log", lines)
    _, record = run("access_review", organization="acme", log=[log], reviewer="Ada")
    (name,) = record["organizations"]
    found = record["organizations"][name]
    assert name == f"acme {acme.id}"
    assert found["dormant_members"] == {str(clerk.user.pk): "clerk, never used"}
    assert found["dormant_keys"].keys() == {str(clerk.key.pk)}
    assert found["dormant_grants"] == {}
    assert found["unused_scopes"][f"key {reader.key.pk}"] == ["invoices:read"]
    assert [one for one in found["unused_scopes"] if one.startswith("oauth-grant ")]
    assert found["owners_without_second_factor"] == [str(owner.user.pk)]
    assert records.last_on("access-review") == timezone.localdate()


@pytest.mark.practice("AUTHZ-12")
def test_without_a_log_nobody_knows_which_scopes_were_used(acme, globex):
    said, record = run("access_review", reviewer="Ada")
    assert said.startswith(("acme: ", "globex: "))
    assert len(record["organizations"]) == 2
    for found in record["organizations"].values():
        assert found["unused_scopes"].startswith("unknown")
    with pytest.raises(CommandError, match="no organization"):
        run("access_review", reviewer="Ada", organization="nobody")


@pytest.mark.practice("LOG-14")
@pytest.mark.practice("DATA-07")
def test_what_is_overdue_is_told_at_every_start_and_counted(settings, tmp_path):
    settings.SAAS_REGISTERS = tmp_path / "registers.toml"
    rows = "\n".join(
        f'[{name}]\nowner = "operations"\nreviewed_on = {on}\nevery_days = 30'
        for name, on in (
            ("secrets.SAAS_KEK", "2026-01-01"),
            ("secrets.REDIS_URL", timezone.localdate()),
            ("reviews.access-log", timezone.localdate()),
        )
    )
    settings.SAAS_REGISTERS.write_text(rows)
    [told] = nothing_is_overdue()
    assert str(told.msg).startswith("secrets SAAS_KEK: overdue since 2026-01-31, ")
    assert told.level < WARNING  # it stops nothing
    [(name, _, label, counts)] = apps.get_app_config("reviews").gauges()
    assert (name, label, dict(counts)) == (
        "registers_overdue",
        "register",
        {"secrets": 1, "reviews": 0},
    )
