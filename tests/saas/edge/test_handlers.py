"""What Django answers when no view does: the same documents, never a page."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.test import RequestFactory

from saas.edge import handlers
from tests.saas.wire import refused, send

pytestmark = [pytest.mark.core, pytest.mark.practice("X-03")]


def test_an_unknown_path_is_a_problem_and_says_nothing_of_the_routes():
    document = refused(send("GET", "/api/v1/nothing"), 404, "not-found")
    assert document["detail"] == "There is nothing here."
    refused(send("GET", "/nothing"), 404, "not-found")
    refused(send("GET", "/api/v1"), 404, "not-found")


@pytest.mark.practice("VERS-01")
@pytest.mark.parametrize(
    "path", ["/api/v2/notes", "/api/v99", "/api/notes", "/api/", "/api/v01/notes", "/api/V1/notes"]
)
def test_an_unknown_or_missing_version_lists_those_that_exist(settings, path):
    document = refused(send("GET", path), 404, "unknown-version")
    assert document["versions"] == sorted(settings.SAAS_API_VERSIONS)


@pytest.mark.parametrize("path", ["/%ff", "/api/v1/%c3%28", "/%00", "/api/v1/notes/%e2%82"])
def test_a_path_in_no_encoding_is_a_404_like_any_other(path):
    assert send("GET", path).status_code == 404
    assert send("GET", path)["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (SuspiciousOperation("CANARY"), 400, "invalid-request"),
        (PermissionDenied("CANARY"), 403, "permission-denied"),
        (RuntimeError("CANARY"), 500, "internal-error"),
    ],
)
def test_what_is_raised_outside_every_view_is_a_problem_too(monkeypatch, fault, status, code):
    def fails(_):
        raise fault

    monkeypatch.setattr("saas.edge.gate.refuse_two_credentials", fails)
    answer = send("GET")
    refused(answer, status, code)
    assert b"CANARY" not in answer.content


def test_the_machine_endpoints_of_oauth_answer_in_their_own_form():
    answer = send("POST", "/oauth/nothing", secure=False)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/json")
    assert answer.json().keys() == {"error", "error_description"}
    assert answer.json()["error"] == "invalid_request"


def test_without_a_request_id_a_problem_still_has_an_instance():
    answer = handlers.server_error(RequestFactory().get("/api/v1/notes"))
    assert b'"instance": "urn:uuid:' in answer.content
