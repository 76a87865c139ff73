"""The watch over every answer of the suite sees what it is there for."""

import pytest

from tests.conformance.document import Drift, document_of

pytestmark = [pytest.mark.core, pytest.mark.practice("VERS-05")]

ABSENT = "customers/00000000-0000-7000-8000-000000000000"


def test_an_answer_that_the_document_does_not_know_fails_its_test(acme, settings):
    answer = acme.owner.get(ABSENT)
    assert answer.status_code == 404  # documented, or the line before would have raised
    known = document_of(settings.ROOT_URLCONF)
    assert known is not None
    answer.status_code = 418
    with pytest.raises(Drift, match="418"):
        known.judge("GET", f"/api/v1/{ABSENT}", answer)
