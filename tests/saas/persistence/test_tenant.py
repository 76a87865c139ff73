"""The first wall: every way to a row asks which tenant is bound, and none answers without one."""

import uuid

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Value, prefetch_related_objects
from django.db.models.functions import Coalesce

from saas.persistence.tenant import ForeignTenant
from saas.tenancy.binding import TenantNotBound, bind
from tests.saas.walls import in_database, raw, write
from tests.saas.wire import on_sqlite, statements
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHZ-02")]

WAYS = {
    "all": lambda n: list(Note.objects.all()),
    "filter": lambda n: list(Note.objects.filter(title="x")),
    "exclude": lambda n: list(Note.objects.exclude(title="x")),
    "get": lambda n: Note.objects.get(pk=n.pk),
    "first": lambda n: Note.objects.first(),
    "latest": lambda n: Note.objects.latest("created_at"),
    "in_bulk": lambda n: Note.objects.in_bulk([n.pk]),
    "count": lambda n: Note.objects.count(),
    "len": lambda n: len(Note.objects.all()),
    "exists": lambda n: Note.objects.exists(),
    "contains": lambda n: Note.objects.contains(n),
    "aggregate": lambda n: Note.objects.aggregate(Count("id")),
    "annotate": lambda n: list(Note.objects.annotate(k=Count("replies"))),
    "values": lambda n: list(Note.objects.values_list("title")),
    "dates": lambda n: list(Note.objects.dates("due_on", "day")),
    "iterator": lambda n: next(Note.objects.iterator()),
    "explain": lambda n: Note.objects.all().explain(),
    "union": lambda n: list(Note.objects.all().union(Note.objects.all())),
    "subquery": lambda n: list(Note.objects.filter(Exists(Note.objects.filter(pk=OuterRef("pk"))))),
    "join": lambda n: list(Note.objects.filter(parent__title="x")),
    "select_related": lambda n: list(Note.objects.select_related("parent")),
    "select_for_update": lambda n: Note.objects.select_for_update().get(pk=n.pk),
    "base manager": lambda n: list(Note._base_manager.all()),
    "default manager": lambda n: list(Note._default_manager.all()),
    "related manager": lambda n: list(n.replies.all()),
    "forward key": lambda n: Note(parent_id=n.pk).parent,
    "prefetch": lambda n: prefetch_related_objects([n], "replies"),
    "refresh": lambda n: n.refresh_from_db(),
    "deferred": lambda n: Note(id=n.pk).refresh_from_db(fields=["title"]),
    "create": lambda n: Note.objects.create(title="x"),
    "get_or_create": lambda n: Note.objects.get_or_create(title="x"),
    "update_or_create": lambda n: Note.objects.update_or_create(title="x"),
    "bulk_create": lambda n: Note.objects.bulk_create([Note(title="x")]),
    "update": lambda n: Note.objects.update(title="x"),
    "bulk_update": lambda n: Note.objects.bulk_update([n], ["title"]),
    "delete all": lambda n: Note.objects.all().delete(),
    "save": lambda n: n.save(),
    "save a new one": lambda n: Note(title="x").save(force_insert=True),
    "delete": lambda n: n.delete(),
    "add": lambda n: n.replies.create(title="x"),
}


@pytest.mark.parametrize("way", WAYS)
def test_without_a_tenant_there_is_no_way_to_a_row(acme, way):
    note = write(acme, "ours")
    with statements() as sent, pytest.raises(TenantNotBound), transaction.atomic():
        WAYS[way](note)
    assert sent == []
    with bind(acme.id):
        assert [row.title for row in Note.objects.all()] == ["ours"]


READING = [
    "all", "exclude", "in_bulk", "count", "len", "exists", "values", "annotate", "union",
    "subquery", "select_related", "base manager", "default manager", "related manager",
    "aggregate", "first", "contains",
]  # fmt: skip


@pytest.mark.parametrize("way", READING)
def test_inside_a_tenant_a_foreign_row_adds_nothing_to_any_answer(acme, globex, way):
    theirs = write(globex, "theirs")
    write(globex, "reply", parent=theirs)
    with bind(acme.id):
        before = WAYS[way](theirs)
    assert before in ([], {}, None, 0, False, {"id__count": 0})
    with bind(globex.id):
        assert WAYS[way](theirs) not in ([], {}, None, 0, False)


def test_a_foreign_row_cannot_be_fetched_refreshed_or_followed(acme, globex):
    theirs = write(globex, "theirs")
    child = write(acme, "ours")
    child.parent_id = theirs.pk
    with bind(acme.id):
        for way in ("get", "refresh", "deferred", "select_for_update"):
            with pytest.raises(Note.DoesNotExist):
                WAYS[way](theirs)
        with pytest.raises(Note.DoesNotExist):
            _ = child.parent
        prefetch_related_objects([theirs], "replies")
        assert list(theirs.replies.all()) == []


def test_a_foreign_row_cannot_be_changed_or_removed(acme, globex):
    theirs, ours = write(globex, "theirs"), write(acme, "ours")
    theirs.title = "taken"
    with bind(acme.id):
        assert Note.objects.filter(pk=theirs.pk).update(title="taken") == 0
        assert Note.objects.bulk_update([theirs], ["title"]) == 0
        assert Note.objects.filter(pk=theirs.pk).delete()[0] == 0
        ours.replies.add(theirs)
        for act, refusal in (
            (theirs.save, ForeignTenant),
            (theirs.delete, ForeignTenant),
            (lambda: Note.objects.bulk_create([theirs]), ForeignTenant),
            (lambda: theirs.save(update_fields=["title"]), DatabaseError),
            (lambda: Note(pk=theirs.pk, title="taken").save(), DatabaseError),
        ):
            with pytest.raises(refusal), transaction.atomic():
                act()
    with bind(globex.id):
        assert [(n.title, n.parent_id) for n in Note.objects.all()] == [("theirs", None)]


def test_a_row_is_never_written_for_another_tenant_than_the_bound_one(acme, globex):
    with bind(acme.id):
        ours = Note.objects.create(title="ours")
        for act in (
            lambda: Note.objects.create(title="x", tenant_id=globex.id),
            lambda: Note(title="x", tenant_id=globex.id).save(),
            lambda: Note.objects.bulk_create([Note(title="x", tenant_id=globex.id)]),
            lambda: Note.objects.update(tenant=globex.id),
        ):
            with pytest.raises(ForeignTenant), transaction.atomic():
                act()
        ours.tenant_id = globex.id
        for late in (ours.save, ours.delete, lambda: Note.objects.bulk_update([ours], ["tenant"])):
            with pytest.raises(ForeignTenant), transaction.atomic():
                late()
    with bind(globex.id):
        assert not Note.objects.exists()


def test_a_row_does_not_change_its_tenant_by_an_expression_either(acme, globex):
    ours = write(acme, "ours")
    with bind(acme.id):
        for expression in (Value(globex.id), F("parent_id"), Coalesce("parent_id", globex.id)):
            with pytest.raises(ForeignTenant), transaction.atomic():
                Note.objects.filter(pk=ours.pk).update(tenant=expression)
        assert Note.objects.filter(pk=ours.pk).exists()


def test_a_row_takes_the_bound_tenant_by_itself(acme):
    assert write(acme).tenant_id == acme.id
    with bind(acme.id):
        (made,) = Note.objects.bulk_create([Note(title="x")])
    assert made.tenant_id == acme.id


def test_an_id_is_chosen_before_the_row_exists_and_collides_with_nothing(acme):
    ids = [Note().pk for _ in range(100)]
    assert len(set(ids)) == 100
    assert all(isinstance(i, uuid.UUID) and i.version == 7 for i in ids)


def test_a_row_in_a_log_is_its_kind_and_its_id(acme):
    note = write(acme, "secret title", body="secret body")
    assert str(note) == f"toy.Note {note.pk}"
    assert "secret" not in repr(note)


def test_a_child_cannot_point_at_another_tenants_row(committed):
    from tests.cast import make_tenant

    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    theirs, ours = write(globex, "theirs"), write(acme, "ours")
    with pytest.raises(IntegrityError):
        write(acme, "reply", parent_id=theirs.pk)
    ours.parent_id = theirs.pk
    with pytest.raises(IntegrityError), bind(acme.id):
        ours.save()
    with pytest.raises(IntegrityError), bind(acme.id):
        Note.objects.filter(pk=ours.pk).update(parent=theirs.pk)
    sql = """
        INSERT INTO toy_note (id, tenant_id, title, created_at, version, parent_id)
        VALUES (%s, %s, 'x', '2026-01-01', 1, %s)
    """
    row = [raw(value) for value in (uuid.uuid4(), acme.id, theirs.pk)]
    with pytest.raises(IntegrityError):
        in_database(acme, sql, *row)
    with bind(acme.id):
        assert [(n.title, n.parent_id) for n in Note.objects.all()] == [("ours", None)]


@on_sqlite
def test_sqlite_has_but_one_wall_of_rows_and_says_so(acme, globex):
    """What the chapter tells: raw SQL sees every tenant there, so no raw SQL is written."""
    write(globex, "theirs")
    assert in_database(acme, "SELECT count(*) FROM toy_note") == [(1,)]
