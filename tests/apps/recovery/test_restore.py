"""A backup that was taken while people worked, restored into an empty cluster: nothing is done there
before it was verified, and whatever is wrong with it is found.
"""

import json
import os
import random
import signal
import threading
import time
from contextlib import contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg
import pytest
from django.apps import apps
from django.core import mail
from django.core.management import CommandError
from django.db import connection, connections
from django.test import Client

from apps.customers.models import Customer
from apps.recovery import home, verification
from saas.persistence import letters
from saas.persistence.models import OutboxEntry
from saas.persistence.worker import Worker, run_due
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.apps.recovery.copies import empty_cluster, said
from tests.bench.data import fill, unforced
from tests.cast import Tenant, make_tenant
from tests.matrix import samples
from tests.saas.audit.trails import entries, fault
from tests.saas.wire import on_postgresql

SEALED = {
    **samples.CUSTOMER,
    "email": "books@initech.example",
    "tax_id": "DE123456789",
    "iban": "DE89370400440532013000",
}

SEEN = apps.is_installed("apps.checkpoints")  # else nobody outside knows what a backup lacks

pytestmark = [on_postgresql, pytest.mark.practice("DATA-09")]


class Backup(NamedTuple):
    """A dump with its manifest, and what happened while it was made and after it."""

    file: Path
    acme: Tenant
    globex: Tenant
    made: list[tuple[float, str]]  # when an answer said that this customer is there
    began: float
    ended: float
    revoked: str  # a key, ended before the backup
    revoked_since: str  # and one after it

    @property
    def manifest(self) -> str:
        return f"{self.file}.json"


@pytest.fixture(scope="module")
def cluster():
    """The one that is restored into."""
    with empty_cluster() as made:
        yield made


@pytest.fixture
def backup(committed, cluster, settings, tmp_path):
    """Acme and Globex work, and are backed up meanwhile."""
    return worked(cluster, settings, tmp_path)


def worked(cluster, settings, tmp_path):
    """Work, a backup, and more work."""
    settings.SAAS_CHECKPOINT_DIR = str(tmp_path / "checkpoints")
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    for tenant in (acme, globex):
        work(tenant)
    revoked, revoked_since = make_key(acme), make_key(acme)
    end_key(acme, revoked)
    letters.post(to="before@example.com", subject="Sent before", text="…")
    run_due()
    letters.post(to="between@example.com", subject="Waits, and is sent after the backup", text="…")
    look()
    backup = back_up(cluster, tmp_path / "backup", acme, globex)
    mail.outbox.clear()
    run_due()
    assert [letter.to for letter in mail.outbox] == [["between@example.com"]]
    end_key(acme, revoked_since)
    look()
    return backup._replace(revoked=revoked["secret"], revoked_since=revoked_since["secret"])


def work(tenant):
    """An invoice that is paid in part, one that is taken back, and a customer with all that is
    sealed.
    """
    samples.payment(tenant)
    samples.credit_note(tenant)
    assert tenant.owner.post("customers", SEALED).status_code == 201


def make_key(tenant):
    """A key that may read customers."""
    return tenant.owner.post("api-keys", {"name": "x", "scopes": ["customers:read"]}).json()


def look():
    """What the worker does each minute."""
    if SEEN:
        import_module("apps.checkpoints.tasks").onwards()


def end_key(tenant, key):
    """It opened, and opens nothing any more."""
    assert ask(key["secret"]) == 200
    assert tenant.owner.delete(f"api-keys/{key['id']}").status_code == 204
    assert ask(key["secret"]) == 401


def ask(secret):
    """The status that a key gets."""
    client = Client(raise_request_exception=False)
    return client.get("/api/v1/customers", headers={"X-API-Key": secret}, secure=True).status_code


def back_up(cluster, file, acme, globex):
    """While somebody writes as fast as they can."""
    made, stop = [], threading.Event()

    def write():
        while not stop.is_set():
            answer = acme.clerk.post("customers", samples.CUSTOMER)
            if answer.status_code == 201:
                made.append((time.time(), answer.json()["id"]))
        connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wait_for(lambda: made)
        began = time.time()
        said("backup", str(file), f"--pg-dump={cluster.programs / 'pg_dump'}")
        ended = time.time()
        wait_for(lambda: made[-1][0] > ended)
    finally:
        stop.set()
        writer.join()
    return Backup(file, acme, globex, made, began, ended, "", "")


def wait_for(true):
    deadline = time.monotonic() + 90
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def restore(cluster, backup, name="copy"):
    """Into an empty database; it takes as long as it says."""
    began = time.monotonic()
    cluster.remake(name)
    assert cluster.restoring(name, backup.file).wait() == 0
    return time.monotonic() - began


@pytest.mark.practice("OPS-21")
def test_a_copy_is_verified_before_it_does_anything_and_then_sends_nothing_twice(backup, cluster):
    restore_and_release(backup, cluster)


def restore_and_release(backup, cluster):
    """The whole way; how many seconds it took until the copy was at work."""
    acme, manifest = backup.acme, f"--manifest={backup.manifest}"
    took = restore(cluster, backup)
    began = time.monotonic()
    with cluster.looked_at("copy"):
        assert home.is_held()
        Worker().begin_regular_work()
        assert run_due() == 0
        assert Client().get("/health/ready", secure=True).status_code == 503
        assert ask(backup.revoked) == ask(backup.revoked_since) == 503  # nobody is served
        if SEEN:
            with pytest.raises(CommandError, match="Something is lost"):
                said("verify", manifest, "--release")
        assert home.is_held()
        text = said("verify", manifest, "--release", "--accept-loss")
        assert text.count(": good") == len(verification.CHECKS)
        assert ("1 revoked credentials or members live here again" in text) == SEEN
        rto = took + time.monotonic() - began
        assert not home.is_held()
        assert Client().get("/health/ready", secure=True).status_code == 200
        assert (ask(backup.revoked), ask(backup.revoked_since)) == (401, 401 if SEEN else 200)
        mail.outbox.clear()
        assert run_due() >= 0
        assert [letter.to for letter in mail.outbox if "between@example.com" in letter.to] == []
        with outbox_across_tenants():
            assert OutboxEntry.objects.filter(fault="Restored", state="dead").count() == 1
        with bind(acme.id):
            there = {str(id) for id in Customer.objects.values_list("pk", flat=True)}
        assert {id for at, id in backup.made if at < backup.began} <= there
        lost = [id for at, id in backup.made if id not in there]
        assert lost  # what was written behind the backup
        work(acme)  # and life goes on: numbers, chain and checkpoints
        look()
        assert fault(acme) is None
        if SEEN:
            shown = acme.owner.get("audit-checkpoints").json()["results"]
            assert {row["kind"] for row in shown} == {"seen", "restored"}
            assert entries(acme, "trail.restored")
    return rto


DAMAGES = [
    ("schema and rows", "DROP INDEX invoices_by_total"),
    ("schema and rows", "ALTER TABLE invoices_invoice DROP CONSTRAINT one_invoice_for_each_number"),
    ("schema and rows", "ALTER TABLE invoices_payment DISABLE TRIGGER USER"),
    ("schema and rows", "ALTER TABLE customers_customer DISABLE ROW LEVEL SECURITY"),
    ("schema and rows", "DELETE FROM persistence_idempotencyrecord"),
    ("schema and rows", "DELETE FROM invoices_payment"),
    ("schema and rows", "UPDATE organizations_membership SET role = 'owner'"),
    ("schema and rows", "GRANT UPDATE (hash) ON audit_auditentry TO strongroom_app"),
    ("books", "DELETE FROM invoices_payment"),
    ("books", "UPDATE invoices_numberseries SET last = last + 1"),
    ("books", "UPDATE invoices_invoice SET amount_paid = amount_paid + 1"),
    ("trails", "UPDATE audit_auditentry SET event = 'nothing.happened' WHERE seq = 3"),
    ("secrets", "UPDATE customers_customer SET tax_id = email"),
    ("secrets", "DELETE FROM persistence_datakey"),
    ("access", "REVOKE SELECT ON customers_customer FROM strongroom_app"),
]


@pytest.mark.practice("OPS-21")
def test_whatever_is_wrong_with_a_copy_keeps_it_held(backup, cluster):
    restore(cluster, backup)
    expected = json.loads(Path(backup.manifest).read_text())
    found = {}
    for check, damage in DAMAGES:
        cluster.remake("damaged", template="copy")
        with cluster.owner("damaged") as owner:
            is_of_rows = damage.startswith(("UPDATE", "DELETE"))
            with unforced(owner), untriggered(owner) if is_of_rows else nullcontext():
                owner.execute(damage)
        with cluster.looked_at("damaged"):
            found[check, damage] = verification.faults(check, expected)
    assert {which for which, faults in found.items() if not faults} == set()
    with cluster.looked_at("damaged"), pytest.raises(CommandError, match="stays held"):
        said("verify", f"--manifest={backup.manifest}", "--release", "--accept-loss")
    with cluster.looked_at("damaged"):
        assert home.is_held()


@contextmanager
def untriggered(owner):
    """Let the owner change what triggers keep."""
    enabled = "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
    tables = [table for (table,) in owner.execute(enabled).fetchall()]
    for table in tables:
        owner.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in tables:
        owner.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.practice("OPS-21")
def test_half_a_restore_is_no_copy(backup, cluster):
    whole = restore(cluster, backup)
    kill_restores(backup, cluster, whole, times=2)


def kill_restores(backup, cluster, whole, times):
    """At random points: kill -9, and nothing may be released."""
    for _ in range(times):
        cluster.remake("half")
        restoring = cluster.restoring("half", backup.file)
        time.sleep(whole * random.uniform(0.1, 0.9))  # noqa: S311  # any point will do
        restoring.send_signal(signal.SIGKILL)
        if restoring.wait() != -signal.SIGKILL:
            continue  # it was faster, and is whole
        with cluster.looked_at("half"), pytest.raises(CommandError, match="stays held"):
            said("verify", f"--manifest={backup.manifest}", "--release", "--accept-loss")


def test_a_copy_of_all_files_is_held_by_hand(committed, settings):
    settings.SAAS_HOLD_COPIES = True
    assert home.is_held()  # this test's own database is a copy of the one that was migrated
    home.release()
    assert not home.is_held()
    home.hold()
    assert home.is_held()


@pytest.mark.drill
def test_a_hundred_thousand_invoices_are_back_within_ten_minutes(
    committed, cluster, settings, tmp_path, capsys
):
    name = str(connection.settings_dict["NAME"])
    urls = [
        urlsplit(os.environ[url])._replace(path=f"/{name}").geturl()
        for url in ("DATABASE_URL", "DATABASE_OWNER_URL")
    ]
    invoices = int(os.environ.get("SAAS_INVOICES", "100000"))
    connection.close()
    fill(*urls, invoices=invoices, tenants=2)
    with psycopg.connect(urls[1], autocommit=True) as owner, unforced(owner), untriggered(owner):
        # What was loaded here was never sealed: it has only the length of what is.
        owner.execute("UPDATE invoices_invoice SET buyer_email = NULL, buyer_tax_id = NULL")
    backup = worked(cluster, settings, tmp_path)
    rto = restore_and_release(backup, cluster)
    with capsys.disabled():
        rpo = backup.ended - backup.began
        size = backup.file.stat().st_size / 1e6
        print(f"\n{invoices} invoices, {size:.0f} MB: RTO {rto:.0f} s (restore, verify, release);")
        print(f"RPO {rpo:.0f} s (the backup itself), and the pause between two backups")
    assert rto <= 600
    kill_restores(backup, cluster, rto, times=5)


@pytest.mark.drill
def test_half_a_restore_is_no_copy_wherever_it_died(backup, cluster):
    kill_restores(backup, cluster, restore(cluster, backup), times=30)
