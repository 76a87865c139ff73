"""Keys change while everything is in use, two operators answer for it, and a destroyed key takes
what it sealed with it.
"""

import base64
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from apps.accounts.adapters import SecondFactors
from apps.customers.models import Customer
from apps.invoices.models import Invoice
from saas import crypto, custody
from saas.audit.chain import first_fault
from saas.audit.models import AuditEntry
from saas.persistence import rotation
from saas.persistence.encryption import forget_rings
from saas.persistence.models import DataKey, OutboxEntry
from saas.persistence.outbox import call_of
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import BUYER, drafted, new_customer
from tests.apps.invoices.issued import issued
from tests.cast import make_tenant
from tests.practices import ROOT
from tests.saas.walls import as_owner, in_database, owner
from tests.saas.wire import on_postgresql
from tests.toy import tasks

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-04")]

NAMES = {"by": "ann", "approved_by": "bob"}


@pytest.fixture(autouse=True)
def ring(settings, tmp_path):
    """A file of keys, as a small production has it."""
    path = tmp_path / "kek"
    path.write_text(base64.b64encode(crypto.random_key()).decode())
    settings.SAAS_KEK_FILE = str(path)
    settings.KEYS = settings.KEYS._replace(overlap=type(settings.KEYS.overlap)(0))
    forget()
    yield path
    forget()


def forget():
    """As a process that has just begun."""
    custody.forget()
    forget_rings()


@pytest.fixture
def acme(committed):
    """Acme with a customer, a draft and an issued invoice that are really committed."""
    return make_tenant("Acme")


def rotate(*arguments, **names):
    """The command, under two names."""
    call_command("rotate_keys", *arguments, pause=0.0, **(names or NAMES))


def buyers(tenant):
    """The sealed values of a tenant, opened, and the names of the keys that they are under."""
    with bind(tenant.id):
        values = [(row.email, row.tax_id, row.iban) for row in Customer.objects.order_by("pk")]
        values += [(row.buyer_email, row.buyer_tax_id) for row in Invoice.objects.order_by("pk")]
        return values, {key for key, count in rotation.uses().items() if count}


def events(tenant):
    """What the trail says of keys."""
    with bind(tenant.id):
        found = AuditEntry.objects.filter(event__startswith="data-key.").order_by("seq")
        return [(entry.event, entry.data) for entry in found]


def test_a_new_data_key_seals_everything_anew_frozen_rows_too_and_the_old_one_goes(acme):
    customer = new_customer(acme)
    drafted(acme.owner, customer)
    issued(acme.owner, customer)
    before, [old] = buyers(acme)
    tags = [(row["id"], acme.owner.get(f"invoices/{row['id']}")["ETag"])
            for row in acme.owner.get("invoices").json()["results"]]  # fmt: skip
    rotate("--data-keys")
    forget()
    after, [new] = buyers(acme)
    assert after == before
    assert new != old
    assert tags == [(id, acme.owner.get(f"invoices/{id}")["ETag"]) for id, _ in tags]
    rotate("--remove")
    with bind(acme.id):
        assert [str(key.pk) for key in DataKey.objects.all()] == [new]
        assert first_fault() is None
    assert [name for name, _ in events(acme)] == [
        "data-key.made", "data-key.resealed", "data-key.removed"]  # fmt: skip
    assert all(data["operators"] == NAMES for _, data in events(acme))
    assert acme.owner.get(f"customers/{customer}").json()["email"] == BUYER["email"]


def test_an_old_key_under_which_something_is_stays_whoever_asks(acme):
    new_customer(acme)
    with bind(acme.id), transaction.atomic():
        pass
    with owner(), bind(acme.id):
        rotation.renew_data_key()
    rotate("--remove")
    with bind(acme.id):
        assert DataKey.objects.count() == 2
    rotate("--data-keys")  # goes on with what was begun, and makes no third key
    rotate("--remove")
    with bind(acme.id):
        assert DataKey.objects.count() == 1


def test_a_process_that_has_not_noticed_reads_what_another_sealed_under_a_newer_key(acme):
    customer = new_customer(acme)
    assert acme.owner.get(f"customers/{customer}").status_code == 200  # our ring is of before
    from saas.persistence import encryption

    known = dict(encryption._rings)
    rotate("--data-keys")
    encryption._rings.clear()
    encryption._rings.update(known)
    assert acme.owner.get(f"customers/{customer}").json()["email"] == BUYER["email"]


def test_anothers_change_in_the_middle_wins(acme, monkeypatch):
    customer = new_customer(acme)
    seal = rotation.seal_in_place
    changed = []

    def meanwhile(value, context):
        if not changed and ":email:" in context:
            changed.append(context)
            with bind(acme.id):
                row = Customer.objects.get(pk=customer)
                row.email = "new@initech.example"
                row.save()
        return seal(value, context)

    monkeypatch.setattr(rotation, "seal_in_place", meanwhile)
    rotate("--data-keys")
    assert changed
    forget()
    with bind(acme.id):
        assert Customer.objects.get(pk=customer).email == "new@initech.example"


def test_a_new_key_encryption_key_takes_everything_over_and_the_old_one_goes(
    acme, ring, capsys, tmp_path, settings
):
    settings.SAAS_OIDC_KEYS_FILE = str(tmp_path / "oidc-keys")
    call_command("rotate_oidc_keys")
    from allauth.mfa.models import Authenticator

    customer = new_customer(acme)
    with bind(acme.id):
        tasks.write.enqueue("a title")
    Authenticator.objects.create(user=acme.owner.user, type="totp",
                                 data={"secret": SecondFactors().encrypt("SEED")})  # fmt: skip
    former = custody.provider().current()
    capsys.readouterr()
    rotate("--kek")
    said = capsys.readouterr().out
    current = custody.provider().current()
    assert current != former
    for room in ("data keys: 1 ", "tasks: ", "second factors: 1 ", "signing keys: 2 "):
        assert room in said
    rotate("--remove")
    assert f"{former} retired" in capsys.readouterr().out
    assert custody.provider().names() == [current]
    forget()
    call_command("rotate_keys", "--status")
    assert (
        f"current {current}: 1 data keys, 1 second factors, 2 signing keys,"
        in capsys.readouterr().out
    )
    assert acme.owner.get(f"customers/{customer}").json()["email"] == BUYER["email"]
    row = Authenticator.objects.get(user=acme.owner.user, type="totp")
    assert SecondFactors().decrypt(row.data["secret"]) == "SEED"
    with outbox_across_tenants():
        [entry] = OutboxEntry.objects.filter(name__startswith="tests.")
    assert call_of(entry)[:2] == (["a title"], {})
    assert ("data-key.rewrapped", {"operators": NAMES}) in events(acme)


def test_a_key_encryption_key_in_use_is_not_retired(acme, ring):
    former = custody.provider().current()
    custody.provider().rotate()
    rotate("--remove")
    assert former in custody.provider().names()


@pytest.mark.practice("DATA-05")
@pytest.mark.parametrize("names", [{}, {"by": "ann"}, {"by": "ann", "approved_by": "Ann"},
                                   {"by": "ann", "approved_by": "bob\nroot"}])  # fmt: skip
@pytest.mark.parametrize("act", ["--kek", "--rewrap", "--data-keys", "--remove"])
def test_one_operator_alone_changes_no_key(acme, ring, act, names):
    before = ring.read_text()
    with pytest.raises(CommandError, match=r"two operators|approves"):
        call_command("rotate_keys", act, **names)
    assert ring.read_text() == before
    with bind(acme.id):
        assert DataKey.objects.count() == 1
    assert events(acme) == []


@on_postgresql
@pytest.mark.practice("DATA-05")
def test_the_role_that_serves_changes_no_key(acme):
    for sql in ("UPDATE persistence_datakey SET wrapped = ''",
                "UPDATE persistence_datakey SET retired_at = now()",
                "DELETE FROM persistence_datakey"):  # fmt: skip
        with pytest.raises(DatabaseError, match="permission denied"):
            in_database(acme, sql)


@on_postgresql
@pytest.mark.practice("X-19")
def test_what_is_frozen_is_sealed_anew_by_its_owner_alone_and_nothing_else_changes_on_the_way(acme):
    invoice = issued(acme.owner, new_customer(acme))
    table = f"UPDATE invoices_invoice SET %s WHERE id = '{invoice['id']}'"
    ask = "SELECT set_config('app.resealing', 'on', true)"
    fresh = "buyer_email = replace(buyer_email, 'v1.', 'v1.A')"
    with pytest.raises(DatabaseError, match="frozen"), transaction.atomic():  # says so, is not
        in_database(acme, ask)
        in_database(acme, f"{ask}; {table % fresh}")
    told = f"SELECT set_config('app.tenant', '{acme.id}', true)"
    with pytest.raises(DatabaseError, match="frozen"):  # is, and does not say so
        as_owner(f"BEGIN; {told}; {table % fresh}; COMMIT")
    for change in ("buyer_email = NULL", "buyer_email = 'plain@initech.example'",
                   f"{fresh}, note = 'since then'", f"{fresh}, status = 'void'",
                   f"{fresh}, total = total + 1"):  # fmt: skip
        with pytest.raises(DatabaseError, match="frozen"):
            as_owner(f"BEGIN; {told}; {ask}; {table % change}; COMMIT")
    as_owner(f"BEGIN; {told}; {ask}; {table % fresh}; COMMIT")


@pytest.mark.practice("DATA-05")
def test_a_destroyed_key_erases_one_organization_at_once_and_no_other(acme, capsys):
    globex = make_tenant("Globex")
    ours, theirs = new_customer(acme), new_customer(globex)
    invoice = issued(acme.owner, ours)
    assert acme.owner.get(f"customers/{ours}").status_code == 200  # this process holds the key open
    with pytest.raises(CommandError, match="another"):
        call_command(
            "destroy_key", organization=acme.id, confirm=globex.id, reason="closed", **NAMES
        )
    destroy = {"organization": acme.id, "confirm": acme.id, "reason": "closed", **NAMES}
    call_command("destroy_key", **destroy)
    for call in (
        lambda: acme.owner.get(f"customers/{ours}"),
        lambda: acme.owner.get("customers"),
        lambda: acme.owner.post("customers", BUYER),
    ):
        answer = call()
        assert (answer.status_code, answer.json()["code"]) == (410, "erased")
    assert acme.viewer.get(f"customers/{ours}").json()["name"] == BUYER["name"]  # was never sealed
    assert acme.owner.get(f"invoices/{invoice['id']}").json()["number"] == invoice["number"]
    assert acme.owner.get(f"customers?email={BUYER['email']}").json()["results"] == []
    assert globex.owner.get(f"customers/{theirs}").json()["email"] == BUYER["email"]
    [(name, data)] = events(acme)
    assert (name, data) == (
        "data-key.destroyed",
        {"keys": 1, "reason": "closed", "operators": NAMES},
    )
    call_command("destroy_key", **destroy)  # again, it changes nothing
    assert len(events(acme)) == 1
    rotate("--data-keys")
    rotate("--remove")
    with bind(acme.id):
        assert [key.wrapped for key in DataKey.objects.all()] == [""]
        assert first_fault() is None
    assert acme.owner.get(f"customers/{ours}").status_code == 410


@pytest.mark.practice("DATA-05")
def test_another_process_notices_a_destroyed_key_within_its_seconds(acme, settings, monkeypatch):
    from saas.persistence import encryption

    ours = new_customer(acme)
    assert acme.owner.get(f"customers/{ours}").status_code == 200
    known, opened = dict(encryption._rings), dict(custody.opened._held)
    call_command("destroy_key", organization=acme.id, confirm=acme.id, reason="closed", **NAMES)
    encryption._rings.update(known)
    custody.opened._held.update(opened)
    assert acme.owner.get(f"customers/{ours}").status_code == 200  # has not looked yet
    later = time.monotonic() + settings.KEYS.seen.total_seconds()
    monkeypatch.setattr(encryption.time, "monotonic", lambda: later)
    assert acme.owner.get(f"customers/{ours}").status_code == 410


def started(ring, *act):
    """The command in a process of its own, on the database of this test."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.toy.process",
        "TOY_DATABASE": str(connection.settings_dict["NAME"]),
        "SAAS_KEK_FILE": str(ring),
    }
    command = [sys.executable, "manage.py", "rotate_keys", *act, "--by=ann", "--approved-by=bob"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)


def keys_of(tenant):
    """How many data keys a tenant has."""
    with bind(tenant.id):
        return DataKey.objects.count()


def wait_until(true, seconds=90):
    """Look again and again."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def rotated_under_load(acme, ring, kills, rows):
    """Rotate both kinds of keys, killed again and again, while customers are read and written; give
    how often they were, and the answers that were no success.
    """
    customers = [new_customer(acme) for _ in range(rows)]
    for customer in customers[:5]:
        issued(acme.owner, customer)
    before = custody.provider().current()
    _, [old] = buyers(acme)
    over, failed, calls = threading.Event(), [], [0]

    def load(seed):
        pick = random.Random(seed)  # noqa: S311  # of tests, not of keys
        try:
            while not over.wait(0.01):
                customer = pick.choice(customers)
                answer = acme.owner.get(f"customers/{customer}")
                answers = [answer]
                if answer.status_code == 200 and answer.json()["email"] != BUYER["email"]:
                    failed.append("another text")
                if pick.random() < 0.3 and answer.status_code == 200:
                    change = acme.owner.patch(f"customers/{customer}", {"tax_id": BUYER["tax_id"]},
                                              If_Match=answer["ETag"])  # fmt: skip
                    answers += [change] if change.status_code != 412 else []
                if pick.random() < 0.1:
                    answers.append(acme.owner.post("customers", BUYER))
                calls[0] += len(answers)
                failed.extend(a.content for a in answers if a.status_code not in (200, 201))
        finally:
            connection.close()

    readers = [threading.Thread(target=load, args=(seed,)) for seed in range(3)]
    for reader in readers:
        reader.start()
    try:
        for act, goes_on, begun in (
            ("--kek", "--rewrap", lambda: before != custody.provider().current()),
            ("--data-keys", "--data-keys", lambda: keys_of(acme) > 1),
        ):
            for _ in range(kills):
                process = started(ring, act)
                wait_until(lambda p=process, b=begun: b() or p.poll() is not None)
                time.sleep(random.expovariate(10))  # any moment will do
                process.send_signal(signal.SIGKILL)
                process.wait()
                act = goes_on if begun() else act
            assert started(ring, act).wait() == 0
    finally:
        over.set()
        for reader in readers:
            reader.join()
    rotate("--rewrap")  # what was locked in the last minute under the box of before
    rotate("--data-keys")
    rotate("--remove")
    with bind(acme.id):
        assert old not in rotation.uses()
        assert first_fault() is None
    assert before not in custody.provider().names()
    forget()
    values, _ = buyers(acme)
    assert {value[0] for value in values} == {BUYER["email"]}
    return calls[0], failed


@on_postgresql
@pytest.mark.practice("DATA-04")
def test_nobody_notices_a_rotation_that_is_killed_again_and_again(acme, ring):
    calls, failed = rotated_under_load(acme, ring, kills=1, rows=12)
    assert failed == []
    assert calls > 20


@on_postgresql
@pytest.mark.drill
def test_the_long_form_of_it(acme, ring):
    calls, failed = rotated_under_load(acme, ring, kills=10, rows=2000)
    assert failed == []
    assert calls > 500
