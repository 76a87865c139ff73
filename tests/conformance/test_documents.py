"""The document names what there is, the committed file is the document, and the watch over every
answer of the suite sees what it is there for.
"""

import pytest
from django.core.management import call_command

from saas.schema import SecureGenerator
from tests.attacks.surface import OPERATIONS
from tests.conformance.document import Drift, document_of

pytestmark = [pytest.mark.core]

ABSENT = "customers/00000000-0000-7000-8000-000000000000"


@pytest.mark.practice("VERS-04")
def test_the_document_and_the_routes_name_the_same_operations(settings):
    document = SecureGenerator().get_schema()
    routed = {
        (f"/api/v1/{operation.path}", operation.method.lower()) for operation in OPERATIONS
    } | {(f"/{route}", "get") for route in settings.SAAS_OPEN_ROUTES}
    documented = {(path, method) for path, said in document["paths"].items() for method in said}
    assert documented == routed


@pytest.mark.practice("VERS-05")
def test_the_committed_file_is_what_the_views_declare():
    call_command("openapi", "--check")


@pytest.mark.practice("VERS-05")
def test_an_answer_that_the_document_does_not_know_fails_its_test(acme, settings):
    answer = acme.owner.get(ABSENT)
    assert answer.status_code == 404  # documented, or the line before would have raised
    known = document_of(settings.ROOT_URLCONF)
    assert known is not None
    answer.status_code = 418
    with pytest.raises(Drift, match="418"):
        known.judge("GET", f"/api/v1/{ABSENT}", answer)
