"""A row that is made quickly is the row that Django makes."""

import pytest

from saas.audit.models import AuditEntry
from saas.persistence.statements import made
from tests.toy.models import Note

pytestmark = pytest.mark.core


def columns_of(row):
    return {field.attname: row.__dict__[field.attname] for field in row._meta.concrete_fields}


def test_a_made_row_holds_what_the_model_would_hold():
    values = {"title": "x", "body": "y"}
    ours, theirs = columns_of(made(Note, **values)), columns_of(Note(**values))
    different = {name for name in ours if ours[name] != theirs[name]}
    assert ours.keys() == theirs.keys()
    assert different <= {"id", "created_at", "updated_at"}  # one of their own for each row
    assert made(Note)._state.adding


def test_no_two_made_rows_share_a_default():
    one, other = made(AuditEntry), made(AuditEntry)
    assert one.pk != other.pk
    assert one.data == other.data == {}
    assert one.data is not other.data


def test_a_name_that_is_no_column_is_refused():
    with pytest.raises(TypeError, match="titel"):
        made(Note, titel="x")
