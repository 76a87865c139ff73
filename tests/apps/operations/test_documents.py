"""The documents, as a program and as a person reads them."""

import json
import re
import secrets
from contextlib import closing
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.test import Client

from apps.operations import documents
from saas.errors import CATALOGUE
from saas.responses.documents import problem_example
from tests.cast import call

pytestmark = pytest.mark.core

OPENAPI = "/api/v1/openapi.json"
OPEN = (OPENAPI, "/api/versions")
PAGES = (
    "/docs/",
    "/docs/problems/",
    "/docs/problems/conflict",
    "/docs/playbooks/exposed-credential",
)
each_document = pytest.mark.parametrize("path", OPEN)
each_page = pytest.mark.parametrize("path", PAGES)


@pytest.mark.practice("VERS-05")
def test_the_committed_file_is_served_to_anybody(stranger):
    answer = stranger("GET", OPENAPI)
    assert answer.status_code == 200
    assert answer.content == documents.FILE.read_bytes()
    assert answer["Content-Type"] == "application/json"
    assert re.fullmatch(r'"[0-9a-f]{32}"', answer["ETag"])


def test_who_has_it_already_gets_no_copy(stranger):
    tag = stranger("GET", OPENAPI)["ETag"]
    again = stranger("GET", OPENAPI, If_None_Match=f'"other", {tag}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert stranger("GET", OPENAPI, If_None_Match='"other"').status_code == 200


def test_every_version_has_its_day_of_release(stranger):
    answer = stranger("GET", "/api/versions").json()
    assert answer == {"versions": [{"name": "v1", "released_on": "2026-11-22"}]}
    assert {v["name"] for v in answer["versions"]} == settings.SAAS_API_VERSIONS.keys()


@each_document
def test_a_document_is_an_answer_of_the_api_like_any_other(stranger, path):
    answer = stranger("GET", path)
    assert answer["Cache-Control"] == "no-store"
    assert answer["API-Version"] == "v1"
    assert answer["X-Request-Id"]
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert not answer.cookies
    head = stranger("HEAD", path)
    assert (head.status_code, head.content) == (200, b"")


@each_document
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_document_can_only_be_read(stranger, path, method):
    answer = stranger(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method-not-allowed"


@each_document
def test_a_document_takes_no_parameter_and_no_body(stranger, path):
    asked = stranger("GET", f"{path}?format=yaml")
    assert asked.status_code == 400
    assert asked.json()["errors"][0] == {
        "code": "unknown-parameter",
        "detail": "This parameter is not known here.",
        "parameter": "format",
    }
    assert stranger("GET", path, {"a": 1}).json()["errors"][0]["code"] == "unexpected-body"


@each_document
@pytest.mark.practice("RATE-02")
def test_who_proves_nothing_is_counted_here_too(settings, path):
    settings.RATES = {**settings.RATES, "network": settings.RATES["network"]._replace(requests=2)}
    nobody_else = f"fd00:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"
    client = Client(REMOTE_ADDR=nobody_else)
    statuses = [client.get(path, secure=True).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


@pytest.mark.practice("VERS-05")
def test_a_file_that_is_no_longer_true_fails_the_check(monkeypatch, tmp_path):
    old = tmp_path / "v1.json"
    monkeypatch.setattr("apps.operations.management.commands.openapi.FILE", old)
    with pytest.raises(CommandError, match="make openapi"):
        call_command("openapi", "--check")
    call_command("openapi", stdout=StringIO())
    call_command("openapi", "--check", stdout=StringIO())
    assert old.read_text().endswith("}\n")
    old.write_text(old.read_text().replace('"customers.list"', '"customers.all"'))
    with pytest.raises(CommandError) as difference:
        call_command("openapi", "--check")
    assert '-    "operationId": "customers.all",' in str(difference.value)
    assert '+    "operationId": "customers.list",' in str(difference.value)


@each_page
@pytest.mark.practice("VERS-05")
def test_a_page_runs_nothing_but_our_own_files(stranger, path):
    page = stranger("GET", path)
    assert (page.status_code, page["Content-Type"]) == (200, "text/html; charset=utf-8")
    policy = dict(part.split(" ", 1) for part in page["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert re.fullmatch(r"'self' 'nonce-[\w-]+'", policy["script-src"])
    assert "unsafe" not in page["Content-Security-Policy"]
    assert page["Referrer-Policy"] == "same-origin"
    assert not re.search(r"\son\w+=|\sstyle=|<style|<script(?![^>]*\ssrc=)", page.text)
    for address in re.findall(r'(?:src|href)="([^"]*)"', page.text):
        assert address.startswith(("/", ICON)), address
        if not address.startswith(ICON):
            with closing(stranger("GET", address)) as file:
                assert file.status_code == 200


ICON = "data:image/svg+xml,"  # the page brings it along; as an icon it runs nothing


@each_page
def test_a_page_can_only_be_read(stranger, path):
    answer = stranger("POST", path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert stranger("HEAD", path).status_code == 200


def test_every_operation_can_be_read_without_a_script(stranger):
    page = stranger("GET", "/docs/").text
    for path, item in json.loads(documents.FILE.read_text())["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in item.values():
            assert operation.get("x-permission", "") in page


@pytest.mark.practice("X-03")
@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_has_a_page_to_which_its_type_leads(stranger, code):
    kind = CATALOGUE[code]
    page = stranger("GET", f"/docs/problems/{code}")
    assert page.status_code == 200
    assert f"<h1>{kind.title}</h1>".replace("'", "&#x27;") in page.text
    assert f"<dd>{kind.status}</dd>" in page.text
    assert problem_example(code)["type"].endswith(f"/docs/problems/{code}")
    assert f'"{"/docs/problems/" + code}"' in stranger("GET", "/docs/problems/").text


def test_the_type_of_an_answer_leads_to_its_page(stranger, client):
    refused = stranger("GET", "customers").json()
    assert call(client, "GET", refused["type"]).status_code == 200


def test_a_code_that_never_was_has_no_page(stranger):
    answer = stranger("GET", "/docs/problems/no-such-code")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_a_page_shows_words_and_no_markup_of_ours(stranger):
    page = stranger("GET", "/docs/problems/invalid-request").text
    assert "<code>errors</code>" in page
    assert "`" not in page
