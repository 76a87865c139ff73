"""The document says what the declarations say, and the file that is committed is the document."""

import json

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.operations.management.commands import openapi
from saas.checks import secure_views
from saas.schema import SecureGenerator
from tests.attacks.surface import OPERATIONS
from tests.conformance.document import Drift, document_of

pytestmark = [pytest.mark.core]

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


@pytest.fixture(scope="module")
def document():
    """The document of the product's routes."""
    return SecureGenerator().get_schema()


def said_of(operation, document):
    """What the document says of an operation."""
    return document["paths"][f"/api/v1/{operation.path}"][operation.method.lower()]


@pytest.mark.practice("VERS-04")
def test_the_document_and_the_routes_name_the_same_operations(document, settings):
    routed = {
        (f"/api/v1/{operation.path}", operation.method.lower()) for operation in OPERATIONS
    } | {(f"/{route}", "get") for route in settings.SAAS_OPEN_ROUTES}
    documented = {(path, method) for path, said in document["paths"].items() for method in said}
    assert documented == routed
    names = [said["operationId"] for of in document["paths"].values() for said in of.values()]
    assert len(names) == len(set(names))


@each_operation
@pytest.mark.practice("VERS-04")
def test_an_operation_is_documented_as_it_is_declared(operation, document):
    said, rule = said_of(operation, document), operation.rule
    scopes = [] if rule.is_open else [rule.permission]
    assert said["operationId"] == f"{operation.view.resource}.{operation.action}"
    assert [list(way.values()) for way in said["security"]] == [[scopes]]
    headers = {p["name"] for p in said["parameters"] if p["in"] == "header"}
    assert ("Idempotency-Key" in headers) == rule.idempotent
    assert ("If-Match" in headers) == rule.precondition
    assert {"400", "401", "403", "429", "500", "503"} <= said["responses"].keys()
    assert ("404" in said["responses"]) or "{id}" not in operation.path
    assert said["summary"]


@each_operation
@pytest.mark.practice("VERS-04")
def test_a_body_is_documented_as_closed_as_it_is(operation, document):
    if operation.method not in ("POST", "PATCH"):
        assert "requestBody" not in said_of(operation, document)
        return
    body = said_of(operation, document)["requestBody"]["content"]["application/json"]["schema"]
    schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
    assert schema["additionalProperties"] is False
    assert schema["properties"].keys() == operation.form().fields.keys()


@pytest.mark.practice("VERS-05")
def test_the_committed_file_is_what_the_views_declare():
    call_command("openapi", "--check")


@pytest.mark.practice("VERS-05")
def test_a_file_that_differs_in_one_word_is_refused_with_the_difference(tmp_path, monkeypatch):
    old = json.loads(openapi.FILE.read_text())
    old["paths"]["/api/v1/customers"]["get"]["security"] = []
    (tmp_path / "v1.json").write_text(json.dumps(old, indent=2))
    monkeypatch.setattr(openapi, "FILE", tmp_path / "v1.json")
    with pytest.raises(CommandError, match="make openapi"):
        call_command("openapi", "--check")


@pytest.mark.practice("VERS-05")
def test_an_answer_that_the_document_does_not_know_fails_its_test(acme, settings):
    absent = acme.owner.get("customers/00000000-0000-7000-8000-000000000000")
    assert absent.status_code == 404  # documented, or the line before would have raised
    known = document_of(settings.ROOT_URLCONF)
    assert known is not None
    absent.status_code = 418
    with pytest.raises(Drift, match="418"):
        known.judge("GET", "/api/v1/customers/00000000-0000-7000-8000-000000000000", absent)


def test_every_secure_view_is_an_operation_of_the_surface():
    assert {view for _, view, _ in secure_views()} == {o.view for o in OPERATIONS}
