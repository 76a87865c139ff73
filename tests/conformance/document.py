"""Every answer that the suite gets, held against the document of the routes that gave it.

The document is drawn from the routes of the moment: `tests/architecture` holds the committed file
against it, and the kit's own tests run among other routes.
"""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

BASE = "urn:document"
PARAMETER = re.compile(r"\\\{\w+\\\}")
UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
AT_THE_EDGE = {301, 400, 403, 413, 414, 431, 500, 503}  # before it is known where a request goes
PROBLEM = "application/problem+json"

CHECKER = FormatChecker()


@CHECKER.checks("date-time", raises=ValueError)
def is_a_moment(value: Any) -> bool:
    """RFC 3339 wants an offset."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@CHECKER.checks("uri")
def is_absolute(value: Any) -> bool:
    """RFC 3986 §4.3: a scheme comes first."""
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


class Drift(AssertionError):
    """The server answered what its document does not say."""


class Document:
    """The document of one URLconf, ready to judge."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.registry = Registry().with_resource(BASE, DRAFT202012.create_resource(document))
        self.paths = {
            path: re.compile(PARAMETER.sub(UUID, re.escape(path))) for path in document["paths"]
        }
        self.validator = cache(self._validator)

    def judge(self, method: str, path: str, answer: Any) -> None:
        """Raise Drift unless status, headers, media type and body are what the document says."""
        route = next((name for name, form in self.paths.items() if form.fullmatch(path)), "")
        operations = self.document["paths"].get(route, {})
        operation = operations.get("get" if method == "HEAD" else method.lower())
        status = str(answer.status_code)
        if operation is None:
            expected = {405} if route else {404}
            if answer.status_code not in expected | AT_THE_EDGE:
                raise Drift(f"{method} {path} is not documented, and answers {status}.")
            if method != "HEAD":
                self.judge_body("#/components/schemas/Problem", answer, PROBLEM)
            return
        place = f"#/paths/{pointer(route)}/{'get' if method == 'HEAD' else method.lower()}"
        if status not in operation["responses"]:
            raise Drift(f"{operation['operationId']} answers {status}: that is not documented.")
        at, said = self.resolved(f"{place}/responses/{status}", operation["responses"][status])
        for problem in self.headers(said, answer):
            raise Drift(f"{operation['operationId']} {status}: {problem}")
        for media_type in said.get("content", {}) if method != "HEAD" else ():
            self.judge_body(f"{at}/content/{pointer(media_type)}/schema", answer, media_type)
        if method != "HEAD" and "content" not in said and answer.content:
            raise Drift(f"{operation['operationId']} {status}: there should be no body.")

    def resolved(self, place: str, said: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """What stands at `place`, or where its reference leads."""
        if "$ref" not in said:
            return place, said
        found = self.registry.resolver(BASE).lookup(said["$ref"]).contents
        return said["$ref"], found

    def headers(self, said: dict[str, Any], answer: Any) -> Iterator[str]:
        """What is wrong with the headers."""
        for name, header in said.get("headers", {}).items():
            _, header = self.resolved("", header)
            if name not in answer.headers:
                if header["required"]:
                    yield f"the header {name} is missing."
                continue
            validator = Draft202012Validator(header["schema"], format_checker=CHECKER)
            for error in validator.iter_errors(answer.headers[name]):
                yield f"the header {name}: {error.message}"

    def judge_body(self, place: str, answer: Any, media_type: str) -> None:
        """Raise Drift unless the body is JSON of this media type and schema."""
        if answer.headers.get("Content-Type") != media_type:
            raise Drift(f"{answer.headers.get('Content-Type')} instead of {media_type}.")
        body = json.loads(answer.content)
        for error in self.validator(place).iter_errors(body):
            raise Drift(f"{place}: {error.json_path}: {error.message}\n{json.dumps(body)}")

    def _validator(self, place: str) -> Draft202012Validator:
        return Draft202012Validator(
            {"$ref": f"{BASE}{quote(place, safe='#/')}"},
            registry=self.registry,
            format_checker=CHECKER,
        )


def pointer(name: str) -> str:
    """A step of a JSON pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1")


@cache
def document_of(urlconf: str) -> Document | None:
    """The document of the routes, or None for those that a test makes wrong on purpose."""
    from saas.schema import SecureGenerator

    try:
        return Document(SecureGenerator().get_schema())
    except (AttributeError, KeyError, TypeError):
        return None


@pytest.fixture
def undocumented() -> None:
    """For tests that make the server answer what no operation answers by itself."""


@pytest.fixture(autouse=True)
def every_answer_is_documented(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test fails when the server answers it with what the document does not say."""
    if "undocumented" in request.fixturenames:
        return
    if "toy" in request.fixturenames:  # other routes: they come first, so that they are drawn whole
        request.getfixturevalue("toy")
    document_of(settings.ROOT_URLCONF)
    ask = Client.request

    def asked(self: Client, **sent: Any) -> Any:
        answer: Any = ask(self, **sent)
        path, method = sent["PATH_INFO"], sent["REQUEST_METHOD"]
        document = document_of(settings.ROOT_URLCONF)
        is_ours = path.startswith("/api/") and method != "OPTIONS"  # that is for CORS to answer
        if document and is_ours and answer.status_code != 301:
            document.judge(method, path, answer)
        return answer

    monkeypatch.setattr(Client, "request", asked)
