"""Every exception that leaves a view becomes a problem; what we did not foresee says nothing."""

import pytest
from django.core.exceptions import (
    ObjectDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions

from saas.crypto import Erased, Unreadable
from saas.errors import Problem
from saas.persistence.tenant import ForeignTenant
from saas.responses.problems import as_problem
from saas.tenancy.binding import TenantNotBound
from tests.saas.walls import write
from tests.saas.wire import refused
from tests.toy.views import NoteViewSet

pytestmark = [pytest.mark.core, pytest.mark.practice("X-03")]

FAULTS = [
    (Http404("CANARY"), 404, "not-found"),
    (ObjectDoesNotExist("CANARY"), 404, "not-found"),
    (PermissionDenied("CANARY"), 403, "permission-denied"),
    (SuspiciousOperation("CANARY"), 400, "invalid-request"),
    (RequestDataTooBig("CANARY"), 400, "invalid-request"),
    (DataError("CANARY"), 400, "invalid-request"),
    (IntegrityError("CANARY"), 409, "conflict"),
    (OperationalError("CANARY"), 503, "not-ready"),
    (InterfaceError("CANARY"), 503, "not-ready"),
    (exceptions.ParseError("CANARY"), 400, "invalid-request"),
    (exceptions.NotAuthenticated("CANARY"), 401, "invalid-token"),
    (exceptions.NotFound("CANARY"), 404, "not-found"),
    (exceptions.MethodNotAllowed("CANARY"), 405, "method-not-allowed"),
    (exceptions.UnsupportedMediaType("CANARY"), 415, "unsupported-media-type"),
    (exceptions.Throttled(detail="CANARY"), 500, "internal-error"),
    (Unreadable("CANARY"), 503, "unreadable"),
    (Erased("CANARY"), 410, "erased"),
    (ForeignTenant("CANARY"), 500, "internal-error"),
    (TenantNotBound("CANARY"), 500, "internal-error"),
    (ValueError("CANARY"), 500, "internal-error"),
    (RecursionError("CANARY"), 500, "internal-error"),
]


@pytest.mark.usefixtures("undocumented")  # the faults are thrown in
@pytest.mark.parametrize(("fault", "status", "code"), FAULTS, ids=lambda v: type(v).__name__)
def test_a_fault_becomes_its_problem_and_keeps_its_words_to_itself(fault, status, code):
    problem = as_problem(fault)
    assert (problem.status, problem.code) == (status, code)
    assert "CANARY" not in str(problem.document("7"))
    assert ("Retry-After" in problem.headers) == (status == 503)


@pytest.mark.parametrize(
    ("fault", "status", "code"), [FAULTS[1], FAULTS[3], FAULTS[7], FAULTS[-1]], ids=type
)
def test_so_it_is_over_http(acme, monkeypatch, fault, status, code):
    def fails(_):
        raise fault

    note = write(acme)
    monkeypatch.setattr(NoteViewSet, "rows", fails)
    answer = acme.owner.get(f"notes/{note.pk}")
    refused(answer, status, code)
    assert b"CANARY" not in answer.content


def test_a_problem_stays_itself():
    problem = Problem("conflict", "It is issued.")
    assert as_problem(problem) is problem


@pytest.mark.practice("X-22")
def test_a_database_that_is_gone_is_a_503_and_not_a_stack(acme, monkeypatch):
    def gone(*_):
        raise OperationalError("could not connect to server at 10.0.0.5")

    monkeypatch.setattr("saas.view.identify", gone)
    answer = acme.owner.get("notes")
    refused(answer, 503, "not-ready")
    assert b"10.0.0.5" not in answer.content
