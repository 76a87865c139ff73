"""Whatever is changed, cut, moved or put between shows, and the first bad entry is named."""

import threading
import uuid
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.db.models import F, QuerySet

from saas.audit import chain
from saas.audit.chain import COVERED
from saas.audit.models import AuditEntry, AuditHead
from saas.tenancy.binding import bind
from tests.cast import make_tenant
from tests.saas.audit.trails import TABLES, entries, fault, lengthen, other, unguarded
from tests.saas.walls import raw
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-04")]

AT = 5  # the entry that is tampered with, in the middle of the chain


@pytest.fixture
def two(committed):
    """Acme and Globex, each with a chain of some length."""
    tenants = make_tenant("Acme"), make_tenant("Globex")
    for tenant in tenants:
        lengthen(tenant, 8)
    return tenants


def at(tenant, seq):
    """One entry, past every manager."""
    return QuerySet(AuditEntry).filter(tenant_id=tenant.id, seq=seq)


def test_a_chain_that_nobody_touched_is_whole(two):
    assert [fault(tenant) for tenant in two] == [None, None]


def test_every_column_is_covered():
    columns = {field.name for field in AuditEntry._meta.concrete_fields}
    assert columns == {*COVERED, "tenant", "seq", "hash"}


def test_the_entry_whose_column_was_edited_is_named(two):
    acme, globex = two
    for field in AuditEntry._meta.concrete_fields:
        with unguarded():
            entry = at(acme, AT).get()
            if field.name == "tenant":
                at(globex, AT).delete()
                with connection.cursor() as cursor:
                    sql = "UPDATE audit_auditentry SET tenant_id = %s WHERE id = %s"
                    cursor.execute(sql, [raw(globex.id), raw(entry.pk)])
            else:
                at(acme, AT).update(**{field.name: other(field, getattr(entry, field.name))})
            assert seq_of(fault(acme)) == AT, field.name
    assert fault(acme) is None


@pytest.mark.parametrize("seq", [1, AT, "last"])
def test_the_place_of_a_deleted_entry_is_named(two, seq):
    acme, globex = two
    seq = len(entries(acme)) if seq == "last" else seq
    with unguarded():
        at(acme, seq).delete()
        assert seq_of(fault(acme)) == seq
        assert fault(globex) is None


def test_an_entry_that_was_put_between_or_behind_is_named(two):
    acme, _ = two
    last = len(entries(acme))
    with unguarded():
        for seq in range(last, AT - 1, -1):
            at(acme, seq).update(seq=F("seq") + 1)
        copy(at(acme, AT - 1).get(), seq=AT)
        assert seq_of(fault(acme)) == AT
    with unguarded():
        copy(at(acme, last).get(), seq=last + 1)
        assert seq_of(fault(acme)) == last + 1


def seq_of(found):
    """The number of the entry that a walk has named."""
    assert found, "nobody noticed"
    return found.seq


def copy(entry, *, seq):
    """Insert a forged entry that looks like `entry`, past every manager."""
    entry.pk, entry.seq = uuid.uuid4(), seq
    fields = [f for f in AuditEntry._meta.concrete_fields if f.name != "tenant"]
    forged = AuditEntry(**{f.attname: getattr(entry, f.attname) for f in fields})
    with bind(entry.tenant_id):
        forged.save(force_insert=True)


def test_two_entries_that_changed_places_are_named(two):
    acme, _ = two
    with unguarded():
        at(acme, AT).update(seq=-1)
        at(acme, AT + 1).update(seq=AT)
        at(acme, -1).update(seq=AT + 1)
        assert seq_of(fault(acme)) == AT


def test_entries_exchanged_between_tenants_are_named_in_both(two):
    acme, globex = two
    columns = [f.attname for f in AuditEntry._meta.concrete_fields][2:]
    columns.remove("seq")
    with unguarded():
        contents = [at(tenant, AT).values(*columns).get() for tenant in two]
        at(acme, AT).update(**contents[1])
        at(globex, AT).update(**contents[0])
        assert (seq_of(fault(acme)), seq_of(fault(globex))) == (AT, AT)


def test_a_whole_chain_that_was_given_to_another_tenant_is_not_believed_there(two):
    acme, globex = two
    with unguarded(), connection.cursor() as cursor:
        for table in TABLES:
            for sql in ("DELETE FROM {} WHERE tenant_id = %s",
                        "UPDATE {} SET tenant_id = %s WHERE tenant_id = %s"):  # fmt: skip
                tenants = [raw(globex.id), raw(acme.id)]
                cursor.execute(sql.format(table), tenants[: sql.count("%s")])
        assert seq_of(fault(globex)) == 1


def test_a_head_that_was_changed_or_removed_is_noticed(two):
    acme, _ = two
    heads: QuerySet[AuditHead] = QuerySet(AuditHead).filter(tenant_id=acme.id)
    last = len(entries(acme))
    for change in ({"seq": last - 1}, {"seq": last + 1}, {"hash": "0" * 64}):
        with unguarded():
            heads.update(**change)
            assert seq_of(fault(acme)) == last + 1
    with unguarded():
        heads._raw_delete("default")
        found = fault(acme)
        assert found
        assert "gone" in found.reason


def test_a_forger_who_computes_one_hash_anew_is_found_at_the_next(two):
    acme, _ = two
    with unguarded():
        entry = at(acme, AT).get()
        entry.event = "nothing.happened"
        forged = chain.link(at(acme, AT - 1).get().hash, AT, chain.canonical(acme.id, entry))
        at(acme, AT).update(event=entry.event, hash=forged)
        assert seq_of(fault(acme)) == AT + 1


def test_the_command_names_every_chain_and_fails_when_one_is_broken(two):
    acme, globex = two
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert out.getvalue().split() == [str(acme.id), "whole", str(globex.id), "whole"]
    out = StringIO()
    with unguarded():
        at(globex, AT).update(event="nothing.happened")
        with pytest.raises(CommandError, match="1 broken"):
            call_command("verify_audit", stdout=out)
    assert f"{acme.id} whole" in out.getvalue()
    assert f"{globex.id} broken at entry {AT}" in out.getvalue()


@on_postgresql
def test_many_writers_at_once_leave_one_chain_without_a_gap(committed):
    acme = make_tenant("Acme")
    before = len(entries(acme))

    def work():
        for _ in range(5):
            lengthen(acme, 2)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.seq for entry in entries(acme)] == list(range(1, before + 61))
    assert fault(acme) is None
