"""Nothing in the database waits for ever, and who meets a limit is told to come back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import NotSupportedError, connection

from saas.responses.problems import as_problem
from tests.cast import make_tenant
from tests.conftest import owner_session
from tests.saas.wire import on_postgresql, refused
from tests.toy.models import Note
from tests.toy.views import NoteViewSet

pytestmark = [on_postgresql, pytest.mark.practice("INPUT-11")]


@pytest.mark.parametrize(
    ("limit", "milliseconds"),
    [
        ("statement_timeout", 5_000),
        ("lock_timeout", 2_000),
        ("idle_in_transaction_session_timeout", 10_000),
    ],
)
def test_every_connection_has_the_limits_of_the_contract(db, limit, milliseconds):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = %s", [limit])
        assert cursor.fetchone() == (milliseconds,)


@pytest.mark.usefixtures("committed")
def test_a_statement_that_takes_too_long_is_a_503_and_leaves_nothing(monkeypatch):
    acme = make_tenant("Acme")

    def write_and_wait(_: Any) -> Any:
        Note.objects.create(title="half done")
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 100")
            cursor.execute("SELECT pg_sleep(10)")

    with monkeypatch.context() as patch:
        patch.setattr(NoteViewSet, "rows", write_and_wait)
        answer = acme.owner.get("notes")
        refused(answer, 503, "not-ready")
        assert int(answer["Retry-After"]) >= 1
    assert acme.owner.get("notes").json()["results"] == []


@contextmanager
def held_by_somebody_else(tenant: Any, note_id: str) -> Iterator[None]:
    """Another session that has locked the row and does not let go of it."""
    place = settings.DATABASES["default"] | {"NAME": connection.settings_dict["NAME"]}
    with psycopg.connect(
        host=place["HOST"],
        port=place["PORT"],
        user=place["USER"],
        password=place["PASSWORD"],
        dbname=place["NAME"],
    ) as other:
        other.execute("SELECT set_config('app.tenant', %s, true)", [str(tenant.id)])
        other.execute("SELECT FROM toy_note WHERE id = %s FOR UPDATE", [note_id])
        yield
        other.rollback()


@pytest.mark.usefixtures("committed")
def test_a_row_that_somebody_holds_is_a_503_and_unchanged():
    acme = make_tenant("Acme")
    made = acme.owner.post("notes", {"title": "before"})
    path = f"notes/{made.json()['id']}"
    with held_by_somebody_else(acme, made.json()["id"]):
        answer = acme.owner.patch(path, {"title": "after"}, If_Match=made["ETag"])
        refused(answer, 503, "not-ready")
        assert "Retry-After" in answer
    assert acme.owner.get(path).json()["title"] == "before"
    again = acme.owner.patch(path, {"title": "after"}, If_Match=made["ETag"])
    assert again.json()["title"] == "after"


def test_what_a_database_never_supports_is_a_mistake_of_ours():
    assert as_problem(NotSupportedError("DISTINCT ON")).code == "internal-error"


@pytest.mark.usefixtures("committed")
def test_a_table_that_changes_under_a_prepared_plan_costs_one_caller_a_retry():
    acme = make_tenant("Acme")
    for _ in range(4):
        assert acme.owner.get("notes").status_code == 200
    with owner_session(connection.settings_dict["NAME"]) as session:
        session.execute("ALTER TABLE toy_note ALTER title TYPE varchar(199)")
    refused(acme.owner.get("notes"), 503, "not-ready")
    assert acme.owner.get("notes").status_code == 200
