"""A checkpoint is written where something happened, is shown to its organization, and is enough to
verify the trail without us.
"""

import json
import os
import subprocess
import sys
import threading
import time
from base64 import b64encode

import pytest
from django.core.checks import run_checks
from django.db import connection, connections

from apps.checkpoints import services, signing, tasks
from saas.audit import chain
from saas.audit.models import AuditEntry
from saas.ids import uuid7
from saas.persistence import schedule
from saas.persistence.worker import run_due
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.live import served
from tests.practices import ROOT
from tests.saas.audit.trails import entries, fault, lengthen, unguarded
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.core, pytest.mark.practice("R-10")]

VERIFIER = ROOT / "docs" / "examples" / "verify_trail.py"
WHOLE = {"id", "number", "kind", "seq", "hash", "at", "previous", "detail", "key", "signature"}


def written(folder, tenant):
    """The lines of a tenant's file."""
    file = folder / f"{tenant.id}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def see(tenant):
    """What the worker does for one tenant."""
    with bind(tenant.id):
        return services.write()


def test_a_line_is_written_once_a_minute_where_something_happened_and_nowhere_else(
    committed, folder
):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    tasks.onwards()
    assert all(
        written(folder, tenant)[-1]["seq"] == len(entries(tenant)) for tenant in (acme, globex)
    )
    before = len(written(folder, globex))
    lengthen(acme, 1)
    tasks.onwards()
    assert written(folder, acme)[-1]["seq"] == len(entries(acme))
    assert len(written(folder, globex)) == before
    job = schedule.JOBS[tasks.look.module_path]
    assert (job.period.total_seconds(), job.in_each_tenant) == (60, False)


def test_whoever_hangs_the_thousandth_entry_asks_for_one_at_once(committed, folder):
    acme = make_tenant("Acme")
    run_due()
    while len(entries(acme)) % 4 != 3:
        lengthen(acme, 1)
    assert run_due() == 0
    lengthen(acme, 1)
    assert run_due() == 1
    assert written(folder, acme)[-1]["seq"] == len(entries(acme))
    assert {line["seq"] for line in written(folder, acme)} >= {4}


def test_the_organization_reads_its_own_and_nobody_elses(committed, folder, settings):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    for tenant in (acme, globex, acme):
        lengthen(tenant, 4)
        see(tenant)
    rows, url = [], "audit-checkpoints?page_size=2"
    while url:
        page = acme.accountant.get(url).json()
        rows += page["results"]
        url = page["next"]
    lines = written(folder, acme)
    assert [row["number"] for row in rows] == list(range(len(lines), 0, -1))
    for row, line in zip(rows, reversed(lines), strict=True):
        assert row.keys() == WHOLE
        assert row.items() - {("id", row["id"])} <= {
            (name, value) for name, value in line.items() if isinstance(value, (str, int))
        }
    assert not {row["signature"] for row in rows} & {
        line["signature"] for line in written(folder, globex)
    }
    for member in (acme.clerk, acme.viewer, acme.owner.with_scopes("invoices:read")):
        assert member.get("audit-checkpoints").status_code == 403


def test_the_keys_are_everybodys(stranger, settings):
    answer = stranger("GET", "/.well-known/audit-checkpoint-keys.json")
    assert answer.status_code == 200
    [key] = answer.json()["keys"]
    assert key["kid"] == signing.signer()
    assert settings.SAAS_CHECKPOINT_KEY not in answer.text
    assert stranger("POST", "/.well-known/audit-checkpoint-keys.json").status_code == 405


def test_what_another_key_signed_before_still_counts_while_it_is_published(
    committed, folder, settings
):
    acme = make_tenant("Acme")
    see(acme)
    former = signing.public_half(settings.SAAS_CHECKPOINT_KEY)
    settings.SAAS_CHECKPOINT_KEY = b64encode(os.urandom(32)).decode()
    settings.SAAS_CHECKPOINT_PUBLIC_KEYS = [
        signing.public_half(settings.SAAS_CHECKPOINT_KEY),
        former,
    ]
    lengthen(acme, 1)
    assert see(acme) == 1
    assert fault(acme) is None
    settings.SAAS_CHECKPOINT_PUBLIC_KEYS = settings.SAAS_CHECKPOINT_PUBLIC_KEYS[:1]
    assert "nobody published" in fault(acme).reason


def test_a_worker_that_died_in_the_middle_of_a_line_or_before_the_commit_costs_nothing(
    committed, folder
):
    acme = make_tenant("Acme")
    see(acme)
    file = folder / f"{acme.id}.jsonl"
    file.write_bytes(file.read_bytes() + file.read_bytes()[:100])
    lengthen(acme, 4)
    assert see(acme) == 1
    assert fault(acme) is None
    lengthen(acme, 4)
    with unguarded(), bind(acme.id):  # rolled back
        assert services.write() == 1
    assert fault(acme) is None
    lengthen(acme, 4)
    assert see(acme) == 1
    assert fault(acme) is None
    shown = acme.owner.get("audit-checkpoints?page_size=100").json()["results"]
    assert len(shown) == shown[0]["number"]


@on_postgresql
def test_of_many_workers_at_once_none_writes_twice(committed, folder):
    acme = make_tenant("Acme")

    def work():
        for _ in range(5):
            lengthen(acme, 3)
            see(acme)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert fault(acme) is None
    assert written(folder, acme)[-1]["seq"] == len(entries(acme))


def test_a_line_names_whose_power_ended(committed, folder):
    acme = make_tenant("Acme")
    key = acme.owner.post("api-keys", {"name": "x", "scopes": ["invoices:read"]}).json()
    assert acme.owner.delete(f"api-keys/{key['id']}").status_code == 204
    see(acme)
    assert [row for line in written(folder, acme) for row in line["ended"]] == [
        ["apikey", key["id"]]
    ]


def test_production_wants_a_key_that_is_published_and_a_folder(settings):
    def ids():
        return [found.id for found in run_checks(include_deployment_checks=True)].count(
            "checkpoints.E001"
        )

    assert ids() == 2
    settings.SAAS_CHECKPOINT_DIR = "/somewhere"
    settings.SAAS_CHECKPOINT_PUBLIC_KEYS = [signing.public_half(settings.SAAS_CHECKPOINT_KEY)]
    assert ids() == 0
    settings.SAAS_CHECKPOINT_KEY = b64encode(os.urandom(32)).decode()
    assert ids() == 1
    settings.SAAS_CHECKPOINT_KEY = "not a key"
    assert ids() == 1


@on_postgresql
def test_a_customer_verifies_the_trail_without_us(committed, folder, settings, tmp_path):
    acme = make_tenant("Acme")
    acme.owner.post("customers", {"name": "Initröde \u2028 😀", "country": "DE"})
    lengthen(acme, 6)
    see(acme)
    lengthen(acme, 2)
    with served(settings) as origin:

        def verified(*more):
            """The offline verifier, as a process that has none of our code."""
            command = [sys.executable, "-I", str(VERIFIER), origin, str(acme.id), *more]
            given = {"input": acme.owner.secret, "capture_output": True, "text": True}
            return subprocess.run(command, cwd=tmp_path, **given)

        whole = verified()
        assert whole.returncode == 0, whole.stderr
        assert f"{len(entries(acme))} entries and" in whole.stdout
        known = whole.stdout.split()[-2:]
        see(acme)
        assert verified(*known).returncode == 0
        again = verified("--known", "1:" + "0" * 64)
        assert (again.returncode, again.stderr) == (1, "checkpoint 1 is not the one that you saw\n")
        keys = tmp_path / "keys.json"
        keys.write_text('{"keys": []}')
        assert "that you do not know" in verified("--keys", str(keys)).stderr
        keys.write_text(json.dumps(signing.key_set()))
        kept = tmp_path / "kept.json"
        assert verified("--keys", str(keys), "--save", str(kept)).returncode == 0
        origin = str(kept)  # from here on nobody is asked
        assert verified("--keys", str(keys)).returncode == 0
        kept.write_text(kept.read_text().replace("organization.created", "organization.changed"))
        assert verified("--keys", str(keys)).stderr == "entry 1 does not match its hash\n"


@on_postgresql
@pytest.mark.drill
def test_fifty_thousand_entries_a_second_are_verified_and_none_is_doubted(
    committed, folder, settings
):
    settings.SAAS_CHECKPOINT_ENTRIES = 1000
    acme = make_tenant("Acme")
    many = int(os.environ.get("SAAS_ENTRIES", "1000000"))
    with unguarded():
        grow(acme, many)
        began = time.monotonic()
        see(acme)
        seen_in = time.monotonic() - began
        began = time.process_time()  # of one core: others may be at work on this machine
        assert fault(acme) is None
        verified_in = time.process_time() - began
    print(f"signed {many / seen_in:,.0f}, verified {many / verified_in:,.0f} entries a second")
    assert many / verified_in >= 50_000


def grow(acme, number):
    """Many entries, as `trail.record` makes them, put in at once."""
    last = entries(acme)[-1]
    who = acme.owner.actor.principal
    fields = AuditEntry._meta.concrete_fields
    names = ", ".join(field.column for field in fields)
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY audit_auditentry ({names}) FROM STDIN") as copy:
            for seq in range(last.seq + 1, last.seq + 1 + number):
                entry = AuditEntry(
                    event="invoice.changed",
                    principal_kind=who.kind,
                    principal_id=who.id,
                    user_id=who.user_id,
                    request_id=uuid7(),
                    object_type="invoice",
                    object_id=uuid7(),
                    data={"fields": ["note", "due_on"]},
                    seq=seq,
                    tenant_id=acme.id,
                )
                entry.hash = chain.link(last.hash, seq, chain.canonical(acme.id, entry))
                entry.data, last = json.dumps(entry.data), entry
                copy.write_row([getattr(entry, field.attname) for field in fields])
        cursor.execute(
            "UPDATE audit_audithead SET seq = %s, hash = %s WHERE tenant_id = %s",
            [last.seq, last.hash, acme.id],
        )
