"""One search for a trace finds a sign-in, the token, the decision, the rows and what followed."""

import json
import uuid

import pytest

from saas.audit.models import AuditEntry
from saas.persistence.worker import run_due
from saas.tenancy.binding import bind
from tests import oauth
from tests.apps.accounts.test_sign_in import PASSWORD, able_to_sign_in, sign_in
from tests.pages import browser

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("LOG-15")]

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACED = {"Traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}


@pytest.fixture
def logged(caplog):
    """What was logged about a trace, in order: each line, parsed."""
    caplog.set_level("INFO", "saas")

    def search(trace):
        lines = [r.getMessage() for r in caplog.records if r.name in ("saas.access", "saas.work")]
        return [line for line in map(json.loads, lines) if line["trace_id"] == trace]

    return search


@pytest.fixture(autouse=True)
def heard(monkeypatch):
    """Loggers that hand nothing on are heard too."""
    import logging

    for name in ("saas.access", "saas.work"):
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)


def test_a_trace_goes_from_the_sign_in_to_the_letter(acme, logged):
    client = oauth.make_service(acme, "customers:write", "customers:read")
    owner = able_to_sign_in(acme.owner.user)
    sign_in(browser(), owner.email, PASSWORD, headers=TRACED)
    form = {"grant_type": "client_credentials", "scope": "customers:write"}
    token = oauth.post("/oauth/token", form, **oauth.basic(client), **TRACED).json()["access_token"]
    service = oauth.Holder(token)
    made = service.call("POST", "customers", {"name": "Initech", "country": "DE"}, **TRACED)
    assert made.status_code == 201
    invited = acme.owner.post("invitations", {"email": "new@acme.example"}, **TRACED)
    acme.owner.get("customers")  # another trace
    run_due()
    signed_in, issued, written, asked, *work = logged(TRACE)
    assert signed_in["route"] == "accounts/login/"
    assert (issued["operation_id"], issued["decision"]) == ("oauth.token", "allow")
    assert issued["principal"] == str(client.pk) == written["principal"]
    assert (written["decision"], written["object_ids"]) == ("allow", [made.json()["id"]])
    assert {line["task"].rpartition(".")[2] for line in work} == {"deliver"}
    letter = work[-1]
    assert letter["request_id"] == asked["request_id"] == invited["X-Request-Id"]
    assert (letter["outcome"], letter["attempt"], letter["org"]) == ("done", 1, str(acme.id))
    with bind(acme.id):
        entry = AuditEntry.objects.get(event="customer.created")
    assert str(entry.request_id) == written["request_id"]


def test_work_of_the_house_itself_has_no_request(logged, acme):
    from saas.persistence.tasks import forget_ended_tasks

    forget_ended_tasks.enqueue()
    run_due()
    assert logged(TRACE) == []
    (line,) = logged(None)
    assert (line["task"], line["request_id"]) == (forget_ended_tasks.module_path, None)


def test_a_trace_from_outside_is_a_name_and_opens_nothing(acme, logged, stranger):
    assert acme.owner.get("customers", **TRACED).status_code == 200
    assert stranger("GET", "customers", **TRACED).status_code == 401
    first, second = logged(TRACE)
    assert first["request_id"] != second["request_id"]
    assert uuid.UUID(second["request_id"]).version == 4
    assert (second["principal"], second["org"]) == (None, None)
