"""Work happens for one tenant at a time, and no tenant at all is no tenant, never every tenant."""

import contextlib
import threading

import pytest
from django.db import OperationalError, connection, transaction

from saas.ids import uuid7
from saas.tenancy.binding import TenantAlreadyBound, TenantNotBound, bind, bound_tenant, for_tenant
from tests.cast import make_tenant
from tests.saas.wire import on_postgresql
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02")]


def titles(rows=None):
    """What the bound tenant sees."""
    return [note.title for note in (Note.objects.all() if rows is None else rows)]


def write(tenant, title):
    """A note of `tenant`."""
    with bind(tenant.id):
        return Note.objects.create(title=title)


def told():
    """What the database believes to be the tenant."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant', true)")
        return cursor.fetchone()[0]


def test_outside_any_tenant_there_is_no_answer(db):
    with pytest.raises(TenantNotBound):
        bound_tenant()
    with pytest.raises(TenantNotBound):
        titles()


def test_a_binding_ends_with_its_block(acme):
    with bind(acme.id):
        assert bound_tenant() == acme.id
        with bind(acme.id):
            assert bound_tenant() == acme.id
        assert bound_tenant() == acme.id
    with pytest.raises(TenantNotBound):
        bound_tenant()


def test_a_binding_ends_with_a_fault_too(committed):
    acme = make_tenant("Acme")
    with contextlib.suppress(ZeroDivisionError), bind(acme.id):
        write(acme, "rolled back")
        raise ZeroDivisionError
    with pytest.raises(TenantNotBound):
        bound_tenant()
    with bind(acme.id):
        assert titles() == []


def test_work_for_one_tenant_cannot_start_inside_work_for_another(acme, globex):
    write(globex, "theirs")
    with bind(acme.id):
        with pytest.raises(TenantAlreadyBound), bind(globex.id):
            pytest.fail("bound")
        assert bound_tenant() == acme.id
        assert titles() == []


def test_a_queryset_made_for_one_tenant_never_shows_its_rows_to_another(acme, globex):
    write(acme, "ours")
    write(globex, "theirs")
    with bind(acme.id):
        rows = Note.objects.filter(title__contains="s").order_by("title")
        derived = rows.exclude(title="x")
    with pytest.raises(TenantNotBound):
        titles(rows)
    with bind(globex.id):
        assert titles(rows) == titles(derived) == ["theirs"]
        assert rows.count() == rows.all().count() == 1
    with bind(acme.id):
        assert titles(rows.all()) == ["ours"]


def test_another_thread_has_no_tenant(acme):
    caught = []

    def work():
        try:
            bound_tenant()
        except TenantNotBound as fault:
            caught.append(fault)

    with bind(acme.id):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(caught) == 1


def test_a_database_that_is_gone_leaves_nobody_bound(db, monkeypatch):
    def gone(_):
        raise OperationalError("the connection is lost")

    monkeypatch.setattr("saas.tenancy.binding._tell_database", gone)
    with pytest.raises(OperationalError), bind(uuid7()):
        pytest.fail("bound")
    with pytest.raises(TenantNotBound):
        bound_tenant()


def test_background_work_names_its_tenant(acme, globex):
    @for_tenant
    def count(*, tenant_id, more):
        return bound_tenant(), more

    assert count(tenant_id=acme.id, more=1) == (acme.id, 1)
    assert count(tenant_id=str(globex.id), more=2) == (globex.id, 2)
    with pytest.raises(KeyError):
        count(more=3)  # type: ignore[call-arg]  # that is the mistake
    with bind(acme.id), pytest.raises(TenantAlreadyBound):
        count(tenant_id=globex.id, more=4)


@on_postgresql
def test_the_database_is_told_for_the_length_of_the_block(committed):
    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    with bind(acme.id):
        assert told() == str(acme.id)
    assert not told()
    with transaction.atomic():  # as in a worker that serves several tenants in one transaction
        for tenant in (acme, globex):
            with bind(tenant.id):
                assert told() == str(tenant.id)
            assert not told()


@on_postgresql
def test_a_connection_that_goes_back_to_the_pool_remembers_no_tenant(committed):
    acme = make_tenant("Acme")
    with pytest.raises(ZeroDivisionError), bind(acme.id):
        raise ZeroDivisionError
    assert not told()
    with pytest.raises(ZeroDivisionError), transaction.atomic(), bind(acme.id):
        raise ZeroDivisionError
    assert not told()


@on_postgresql
def test_after_a_request_its_connection_knows_no_tenant_and_no_credential(committed):
    acme = make_tenant("Acme")
    settings = "SELECT current_setting('app.tenant', true), current_setting('app.credential', true)"
    for member, method, status in (
        (acme.owner, "GET", 200),
        (acme.viewer, "DELETE", 405),
        (acme.viewer, "POST", 403),
        (acme.owner, "POST", 400),
    ):
        answer = member.call(method, "notes", {} if method == "POST" else None)
        assert answer.status_code == status
        with connection.cursor() as cursor:
            cursor.execute(settings)
            assert [value or "" for value in cursor.fetchone()] == ["", ""]
