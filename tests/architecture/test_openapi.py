"""The document is OpenAPI, closed, and true of itself: every example is what its schema says."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from drf_spectacular.validation import validate_schema

from saas.authorization.operations import always
from saas.checks import secure_views
from saas.schema import SecureGenerator
from tests.conformance.document import Document, pointer

pytestmark = [pytest.mark.core, pytest.mark.practice("VERS-04")]

CONVERTER = re.compile(r"<(?:\w+:)?(\w+)>")
OPEN = {"/api/versions", "/api/v1/openapi.json"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document, drawn anew."""
    return SecureGenerator().get_schema()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every operation with the pointer to it."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"#/paths/{pointer(path)}/{method}", path, operation


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema of an object, however deep."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and "properties" in schema:
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def test_it_is_openapi(document):
    validate_schema(document)
    assert document["openapi"].startswith("3.1.")


def test_each_operation_says_what_its_view_declares(document):
    for route, view, actions in secure_views():
        for method, action in actions.items():
            if method == "head":
                continue
            said = document["paths"][f"/{CONVERTER.sub(r'{\1}', route)}"][method]
            rule = view.operations[action]
            named = {wanted["name"] for wanted in said["parameters"] if wanted.get("required")}
            assert said["operationId"] == f"{view.resource}.{action}"
            assert said.get("x-permission") == (None if rule.is_open else rule.permission)
            assert ("x-condition" in said) == (rule.when is not always)
            assert ("Idempotency-Key" in named) == rule.idempotent == ("422" in said["responses"])
            assert ("If-Match" in named) == rule.precondition == ("428" in said["responses"])
            wanted = [[]] if rule.is_open else [[scope] for scope in rule.permissions]
            assert [way["ApiKey"] for way in said["security"] if "ApiKey" in way] == wanted
            assert all(scopes in wanted for way in said["security"] for scopes in way.values())


def test_names_are_unique_and_only_the_open_routes_want_no_credential(document):
    said = list(operations(document))
    assert len({operation["operationId"] for *_, operation in said}) == len(said)
    assert {path for _, path, operation in said if not operation["security"]} == OPEN
    assert all(operation["summary"] for *_, operation in said)


def test_every_operation_says_how_it_may_refuse(document):
    for place, path, operation in operations(document):
        expected = {"400", "403", "413", "429", "500", "503"}
        expected |= {"401"} if operation["security"] else set()
        assert expected <= operation["responses"].keys(), place
        assert ("404" in operation["responses"]) >= ("{" in path), place


def test_every_object_is_closed(document):
    loose = [
        schema
        for schema in objects([document["components"]["schemas"], document["paths"]])
        if schema.get("additionalProperties") is not False
    ]
    assert [sorted(schema["properties"]) for schema in loose] == [["openapi"]]  # itself


def test_a_guarded_field_is_optional_and_names_its_permission(document):
    for _route, view, _actions in secure_views():
        shown = document["components"]["schemas"].get(view.outputs.__name__.removesuffix("Output"))
        for name, permission in view.outputs.access.guarded.items():
            assert shown["properties"][name]["x-permission"] == permission
            assert name not in shown["required"]


def test_every_example_is_what_its_schema_says(document):
    judge = Document(document)
    for place, _path, operation in operations(document):
        for number, wanted in enumerate(operation.get("parameters", [])):
            if "example" in wanted:
                validator = judge.validator(f"{place}/parameters/{number}/schema")
                validator.validate(wanted["example"])
        for at, holder in bodies(judge, place, operation):
            for media_type, content in holder["content"].items():
                validator = judge.validator(f"{at}/content/{pointer(media_type)}/schema")
                validator.validate(content["example"])


def bodies(
    judge: Document, place: str, operation: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The request body and the answers of an operation that hold something."""
    if "requestBody" in operation:
        yield f"{place}/requestBody", operation["requestBody"]
    for status, answer in operation["responses"].items():
        at, said = judge.resolved(f"{place}/responses/{status}", answer)
        if "content" in said:
            yield at, said


def test_what_makes_a_row_links_to_what_can_be_done_with_it(document):
    made = document["paths"]["/api/v1/customers"]["post"]["responses"]["201"]["links"]
    assert made["customers.retrieve"]["parameters"] == {"path.id": "$response.body#/id"}
    assert made["customers.partial_update"]["parameters"]["header.If-Match"] == (
        "$response.header.ETag"
    )
    assert made["invoices.create"]["requestBody"] == {"customer": "$response.body#/id"}
