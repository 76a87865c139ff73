"""A sealed column opens in its own row, column and tenant, and holds no plain text."""

from base64 import b64decode

import pytest
from django.core.exceptions import FieldError
from django.db import connection, transaction
from django.db.models import F, Value

from saas.crypto import Unreadable
from saas.custody import unwrap
from saas.persistence.encryption import PlainTextAtTheDatabase, Sealed
from saas.persistence.models import DataKey
from saas.tenancy.binding import TenantNotBound, bind
from tests.saas.walls import as_owner, in_database, raw, write
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-01")]

CANARY = "canary-7d31f0"


def stored(tenant, note, column="body"):
    """The bytes of the column."""
    with bind(tenant.id):
        (row,) = in_database(
            tenant, f"SELECT {column} FROM toy_note WHERE id = %s", raw(note.pk)
        )  # our own names
    return row[0]


def put(tenant, note, token, column="body"):
    """Write bytes into the column, past the field."""
    with bind(tenant.id):
        in_database(
            tenant, f"UPDATE toy_note SET {column} = %s WHERE id = %s", token, raw(note.pk)
        )  # our own names


def read(tenant, note, attribute="body"):
    """The attribute of the row as it is read from the table."""
    with bind(tenant.id):
        return getattr(Note.objects.get(pk=note.pk), attribute)


def test_what_was_written_is_read_and_the_column_holds_something_else(acme):
    note = write(acme, body=CANARY)
    assert read(acme, note) == CANARY
    version, key_id, sealed = stored(acme, note).split(".")
    with bind(acme.id):
        assert (version, key_id) == ("v1", str(DataKey.objects.get().pk))
    assert CANARY.encode() not in b64decode(sealed)


@pytest.mark.parametrize("text", ["", "é", "a" * 10_000, "\u0000", "v1.x.y", "😀" * 100])
def test_any_text_survives(acme, text):
    assert read(acme, write(acme, body=text)) == text
    assert read(acme, write(acme, body=None)) is None


def test_equal_texts_are_sealed_differently(acme):
    assert stored(acme, write(acme, body=CANARY)) != stored(acme, write(acme, body=CANARY))


def test_no_table_holds_the_plain_text(acme):
    acme.owner.post("notes", {"title": "x", "body": CANARY})
    write(acme, author=CANARY)
    dump = ""
    with connection.cursor() as cursor, bind(acme.id):
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # our own names
            dump += str(cursor.fetchall())
    assert "v1." in dump
    assert CANARY not in dump


def test_a_value_that_moves_to_another_row_column_or_tenant_is_unreadable(committed):
    from tests.cast import make_tenant

    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    one, other = write(acme, body=CANARY, author="a"), write(acme, body="b", author="c")
    theirs = write(globex, body="d")
    token = stored(acme, one)
    for tenant, note, column in ((acme, other, "body"), (acme, one, "author"),
                                 (globex, theirs, "body")):  # fmt: skip
        put(tenant, note, token, column)
        with pytest.raises(Unreadable):
            read(tenant, note, column)
    assert read(acme, one) == CANARY


def test_a_row_that_moves_to_another_tenant_with_its_key_is_unreadable(committed):
    from tests.cast import make_tenant

    acme, globex = make_tenant("Acme"), make_tenant("Globex")
    note = write(acme, body=CANARY)
    move = "UPDATE {} SET tenant_id = '{}'".format
    moving = [move(table, raw(globex.id)) for table in ("toy_note", "persistence_datakey")]
    if connection.vendor == "postgresql":
        moving = [
            f"ALTER TABLE {sql.split()[1]} NO FORCE ROW LEVEL SECURITY; {sql}" for sql in moving
        ]
    as_owner(*moving)
    with pytest.raises(Unreadable):
        read(globex, note)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: "",
        lambda t: CANARY,
        lambda t: t.replace("v1.", "v2."),
        lambda t: t[:-8],
        lambda t: t[:-2] + ("AA" if t[-2:] != "AA" else "BB"),
        lambda t: t.replace(".", "", 1),
        lambda t: ".".join([*t.split(".")[:2], ""]),
        lambda t: ".".join([*t.split(".")[:2], "AAAA"]),
        lambda t: ".".join(["v1", "00000000-0000-7000-8000-000000000000", t.split(".")[2]]),
        lambda t: ".".join(["v1", "no-uuid", t.split(".")[2]]),
        lambda t: t + "é",
    ],
)
def test_an_altered_value_is_unreadable_and_never_another_text(acme, spoil):
    note = write(acme, body=CANARY)
    put(acme, note, spoil(stored(acme, note)))
    with pytest.raises(Unreadable), transaction.atomic():
        read(acme, note)
    answer = acme.owner.get(f"notes/{note.pk}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unreadable")


def test_nothing_unsealed_reaches_the_database_past_the_row(acme):
    note = write(acme, body=CANARY)
    with bind(acme.id):
        for act in (
            lambda: Note.objects.update(body="x"),
            lambda: Note.objects.update(body=Value("x")),
            lambda: Note.objects.update(body=F("title")),
            lambda: list(Note.objects.filter(body=CANARY)),
            lambda: list(Note.objects.exclude(body__in=[CANARY])),
            lambda: Note.objects.bulk_update([Note(pk=note.pk, body="x")], ["body"]),
        ):
            with pytest.raises(PlainTextAtTheDatabase), transaction.atomic():
                act()
        for look_up in ("contains", "istartswith", "regex", "gt", "range"):
            with pytest.raises(FieldError):
                Note.objects.filter(**{f"body__{look_up}": CANARY})
        assert Note.objects.filter(body__isnull=False).count() == 1
    assert read(acme, note) == CANARY


def test_many_rows_at_once_are_sealed_too(acme):
    with bind(acme.id):
        notes = Note.objects.bulk_create([Note(title="x", body=f"{CANARY}{n}") for n in range(3)])
    for number, note in enumerate(notes):
        assert stored(acme, note).startswith("v1.")
        assert read(acme, note) == f"{CANARY}{number}"
        assert len(stored(acme, note, "body_index")) == 64


def test_a_deferred_column_is_fetched_and_opened_when_it_is_read(acme):
    note = write(acme, body=CANARY)
    with bind(acme.id):
        assert Note.objects.only("title").get(pk=note.pk).body == CANARY
        loaded = Note.objects.get(pk=note.pk)
        assert repr(loaded.__dict__["body"]) == "<sealed>"
        assert isinstance(loaded.__dict__["body"], Sealed)
        loaded.save()
        assert loaded.body == CANARY
    assert read(acme, note) == CANARY


def test_a_row_that_was_loaded_is_not_opened_under_another_tenant_or_none(acme, globex):
    note = write(acme, body=CANARY)
    with bind(acme.id):
        loaded = Note.objects.get(pk=note.pk)
    with pytest.raises(TenantNotBound):
        _ = loaded.body
    with bind(globex.id), pytest.raises(Unreadable):
        _ = loaded.body


def test_a_blind_index_finds_equal_texts_of_one_tenant_and_follows_them(acme, globex):
    index = Note._meta.get_field("body_index")
    ours, theirs = write(acme, body="Ann@Example.com"), write(globex, body="ann@example.com")
    with bind(acme.id):
        assert Note.objects.get(body_index=index.of("ann@example.COM")) == ours
        ours.body = "bob@example.com"
        ours.save()
        assert not Note.objects.filter(body_index=index.of("ann@example.com")).exists()
        assert Note.objects.get(body_index=index.of("bob@example.com")) == ours
        ours.body = None
        ours.save()
    assert stored(acme, ours, "body_index") is None
    with bind(globex.id):
        assert theirs.body_index == index.of("ann@example.com")
        assert theirs.body_index != index.of("bob@example.com")
    same = write(acme, body="ann@example.com")
    assert same.body_index != theirs.body_index


def test_each_tenant_has_its_own_key_which_opens_under_its_own_name_alone(acme, globex):
    with bind(acme.id):
        key = DataKey.objects.get()
    wrapped = b64decode(key.wrapped)
    assert len(unwrap(wrapped, f"data-key:{acme.id}:{key.pk}".encode())) == 32
    for context in (f"data-key:{globex.id}:{key.pk}", f"data-key:{acme.id}:{globex.id}", ""):
        with pytest.raises(Unreadable):
            unwrap(wrapped, context.encode())
