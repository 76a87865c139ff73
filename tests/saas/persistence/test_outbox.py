"""A task is a row that commits with its act, sealed, and out of everybody's reach but the worker's."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from saas.crypto import Unreadable
from saas.persistence import letters
from saas.persistence.models import OutboxEntry
from saas.persistence.outbox import call_of
from saas.persistence.worker import run_due
from saas.tenancy.across_tenants import outbox_across_tenants
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.wire import on_postgresql, statements
from tests.toy import tasks
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("X-20")]

SECRET = "the only copy of a secret"


def entries():
    """What stands in the outbox."""
    with outbox_across_tenants():
        return list(OutboxEntry.objects.order_by("created_at"))


def titles(tenant):
    """What the tenant's tasks have written."""
    with bind(tenant.id):
        return sorted(Note.objects.values_list("title", flat=True))


def test_a_task_that_committed_with_its_act_is_done(acme):
    with bind(acme.id):
        tasks.write.enqueue("promised")
    assert run_due() == 1
    assert titles(acme) == ["promised"]
    assert run_due() == 0


def test_a_task_goes_with_the_act_that_is_taken_back(acme):
    with pytest.raises(RuntimeError, match="fell"), transaction.atomic(), bind(acme.id):
        tasks.write.enqueue("promised")
        raise RuntimeError("the act fell")
    assert entries() == []
    assert run_due() == 0
    assert titles(acme) == []


def test_a_refused_request_leaves_no_task(acme, delivered):
    refused = acme.owner.post("notes", {"title": "x", "unknown": 1})
    assert refused.status_code == 400
    assert delivered() == []


def test_it_costs_one_insert(acme):
    with bind(acme.id), statements() as sent:
        letters.post(to="somebody@elsewhere.example", subject="Hello", text="Hello")
    [insert] = sent
    assert insert.startswith('INSERT INTO "persistence_outboxentry"')


@pytest.mark.practice("AUTHN-11")
def test_no_column_of_a_waiting_or_dead_task_shows_what_it_holds(acme):
    with bind(acme.id):
        letters.post(to="victim@elsewhere.example", subject="Hello", text=SECRET)
        tasks.write_and_fail.enqueue(SECRET)
    with outbox_across_tenants():
        OutboxEntry.objects.filter(name__endswith="write_and_fail").update(attempts=99)
    for moment in ("before the worker came", "afterwards"):
        with outbox_across_tenants(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM persistence_outboxentry")
            values = [value for row in cursor.fetchall() for value in row]
        dump = b" ".join(bytes(v) if hasattr(v, "nbytes") else repr(v).encode() for v in values)
        assert dump, moment
        for plain in (SECRET, "victim@elsewhere"):
            assert plain.encode() not in dump, moment
        run_due()


def test_the_arguments_go_when_the_task_is_done(acme):
    with bind(acme.id):
        tasks.write.enqueue(SECRET)
    run_due()
    [entry] = entries()
    assert (entry.state, bytes(entry.payload)) == ("done", b"")


@pytest.mark.parametrize("moved", ["payload", "tenant", "name"])
def test_who_can_write_to_the_table_can_not_have_the_worker_do_their_bidding(acme, globex, moved):
    with bind(acme.id):
        tasks.write.enqueue("one")
    with bind(globex.id):
        tasks.write.enqueue("other")
    one, other = entries()
    change = {
        "payload": {"payload": other.payload},
        "tenant": {"tenant_id": globex.id},
        "name": {"name": "tests.toy.tasks.write_and_fail"},
    }[moved]
    with outbox_across_tenants():
        OutboxEntry.objects.filter(pk=one.pk).update(**change)
    with pytest.raises(Unreadable):
        call_of(next(entry for entry in entries() if entry.pk == one.pk))
    run_due()
    assert titles(acme) == []
    assert titles(globex) == ["other"]


def test_a_task_for_later_is_not_done_before(acme):
    with bind(acme.id):
        later = timezone.now() + timezone.timedelta(hours=1)
        tasks.write.using(run_after=later).enqueue("later")
    assert run_due() == 0
    [entry] = entries()
    assert entry.due_at == later


@on_postgresql
@pytest.mark.practice("AUTHZ-02")
def test_a_request_puts_in_for_its_own_tenant_and_sees_and_takes_nothing(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    with bind(acme.id):
        tasks.write.enqueue("ours")
        assert list(OutboxEntry.objects.all()) == []
        assert OutboxEntry.objects.update(tenant_id=globex.id) == 0
        assert OutboxEntry.objects.all().delete()[0] == 0
    for tenant_id in (globex.id, None):
        forged = OutboxEntry(tenant_id=tenant_id, name="tests.toy.tasks.write", payload=b"x")
        with pytest.raises(DatabaseError, match="row-level security"), bind(acme.id):
            forged.save(force_insert=True)
    whose = [entry.tenant_id for entry in entries() if entry.name == tasks.write.module_path]
    assert whose == [acme.id]  # beside what the house owes since other tests
    assert list(OutboxEntry.objects.all()) == []
