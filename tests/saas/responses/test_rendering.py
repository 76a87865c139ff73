"""An answer is JSON in one form, whatever the rows hold."""

from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from django.utils.translation import gettext_lazy

from saas.responses.rendering import JsonRenderer

pytestmark = pytest.mark.core


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Käufer 株式会社", '"Käufer 株式会社"'),
        ('a "quote" and \x00', r'"a \"quote\" and \u0000"'),
        (UUID("0192a000-0000-7000-8000-00000000000a"), '"0192a000-0000-7000-8000-00000000000a"'),
        (date(2030, 1, 31), '"2030-01-31"'),
        (datetime(2030, 1, 31, 8, 5, tzinfo=UTC), '"2030-01-31T08:05:00Z"'),
        (datetime(2030, 1, 31, 8, 5, 1, 20, tzinfo=UTC), '"2030-01-31T08:05:01.000020Z"'),
        (gettext_lazy("late"), '"late"'),
        ({"b": [1, None, True], "a": {}}, '{"b":[1,null,true],"a":{}}'),
    ],
)
def test_each_kind_of_value_has_one_form(value, written):
    assert JsonRenderer().render(value) == written.encode()


def test_an_answer_without_a_body_has_none():
    assert JsonRenderer().render(None) == b""


def test_what_has_no_json_is_a_fault_and_never_a_guess():
    with pytest.raises(TypeError):
        JsonRenderer().render({"row": object()})
