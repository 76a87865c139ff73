"""Bodies are logged for one organization, for an hour at most, and nothing in them that is theirs."""

import json
import logging
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.bodies.recording import NOTE
from apps.bodies.services import turn_on
from apps.organizations.queries import kept_policy
from saas.audit import trail
from saas.tenancy.binding import bind
from tests.apps.invoices.drafts import body as invoice_body
from tests.apps.invoices.drafts import new_customer
from tests.operators import hired, run, signed, wanted

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("LOG-17")]

CANARY = "canary-6fd1c2"
WHO = {"reason": "invoices fail with overpayment", "by": "Ada", "approved_by": "Bob"}


@pytest.fixture
def logged():
    """The lines that the test caused, parsed."""
    found = []

    class Reader(logging.Handler):
        def emit(self, record):
            found.append(json.loads(record.getMessage()))

    reader = Reader()
    logging.getLogger("saas.bodies").addHandler(reader)
    yield found
    logging.getLogger("saas.bodies").removeHandler(reader)


def switched_on(tenant, minutes=30):
    """As the command does it."""
    with bind(tenant.id), trail.recording():
        return turn_on(lasts=timedelta(minutes=minutes), **WHO)


def command(*arguments, **options):
    """What the command prints."""
    out = StringIO()
    call_command("body_logging", *arguments, stdout=out, **options)
    return out.getvalue()


def test_nothing_is_logged_of_anybody_until_it_is_turned_on(acme, globex, logged):
    acme.owner.post("customers", {"name": CANARY, "country": "DE"})
    switched_on(globex)
    acme.owner.post("customers", {"name": CANARY, "country": "DE"})
    assert logged == []
    globex.owner.get("customers")
    assert [line["org"] for line in logged] == [str(globex.id)]


def test_harmless_kinds_are_shown_and_words_are_not(acme, logged):
    switched_on(acme)
    sent = {"name": CANARY, "country": "DE", "email": f"{CANARY}@x.example", "internal_note": CANARY,
            "address": {"line1": CANARY, "city": CANARY, "country": "FR"}}  # fmt: skip
    made = acme.owner.post("customers", sent)
    (line,) = logged
    assert made.status_code == line["status"] == 201
    assert line["operation_id"] == "customers.create"
    assert line["request"]["body"] == {
        "name": "[text 13]",
        "country": "DE",
        "email": "[text 23]",
        "internal_note": "[text 13]",
        "address": "[object 3]",  # its column is encrypted
    }
    assert line["response"]["body"]["id"] == made.json()["id"]
    assert CANARY not in json.dumps(logged)


def test_amounts_are_shown_and_what_they_are_for_is_not(acme, logged):
    customer = new_customer(acme)
    switched_on(acme)
    made = acme.owner.post("invoices", invoice_body(customer), Idempotency_Key="k" * 20)
    acme.owner.get("invoices")
    assert made.status_code == 201
    line = logged[0]["request"]["body"]["lines"][0]
    assert line["quantity"] == "2"
    assert line["description"].startswith("[text ")
    assert logged[1]["response"]["body"]["results"][0]["total"] == made.json()["total"]


@pytest.mark.parametrize(
    "sent",
    [
        {CANARY: 1, "name": "x"},
        {"name": "x", "country": CANARY},
        {"name": {CANARY: [CANARY]}, "country": [CANARY]},
        {"address": CANARY},
        {"address": {CANARY: CANARY}},
        f'{{"name": "{CANARY}"',
        f'["{CANARY}"]',
        f'"{CANARY}"',
        f'{{"name": "{CANARY * 2000}"}}',
        "[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_refused_may_hold_anything_in_any_field(acme, logged, sent):
    switched_on(acme)
    answer = acme.owner.call("POST", f"customers?{CANARY}=1", sent, X_Thing=CANARY)
    answer = acme.owner.call("POST", "customers", sent, X_Thing=CANARY)
    assert answer.status_code == 400
    assert len(logged) == 2
    assert logged[1]["request"]["bytes"] > 0
    assert logged[1]["response"]["body"]["code"] == "invalid-request"
    assert CANARY not in json.dumps(logged)


def test_a_secret_that_is_shown_once_is_shown_to_its_owner_alone(acme, logged):
    switched_on(acme)
    made = acme.owner.post("api-keys", {"name": CANARY, "scopes": ["customers:read"]})
    assert made.json()["secret"] not in json.dumps(logged)
    assert logged[0]["response"]["body"]["secret"] == f"[text {len(made.json()['secret'])}]"


def test_it_ends_by_itself(acme, logged):
    until = switched_on(acme, 60)
    with time_machine.travel(until - timedelta(seconds=5)):
        acme.owner.get("customers")
    assert len(logged) == 1
    with time_machine.travel(until + timedelta(seconds=1)):
        acme.owner.get("customers")
        assert command("list") == ""
    assert len(logged) == 1


def test_the_organization_is_told_by_mail_and_in_its_trail(acme, delivered):
    said = command("on", organization="acme", minutes=30, **WHO)
    assert said.startswith("on until")
    assert "acme until" in command("list")
    assert command("off", organization=str(acme.id), by="Ada") == "off\n"
    assert command("off", organization="acme", by="Ada") == "it was not on\n"
    letters = delivered(acme.owner.user.email)
    assert ["logged" in letter.subject for letter in letters] == [True, True]
    assert WHO["reason"] in letters[0].body
    off, on = acme.owner.get("audit-events?page_size=2").json()["results"]
    assert (on["event"], off["event"]) == ("body-logging.on", "body-logging.off")
    assert on["data"].keys() == {"reason", "by", "approved_by", "until"}
    assert (on["data"]["by"], on["data"]["approved_by"]) == ("Ada", "Bob")


@pytest.mark.parametrize(
    ("changed", "because"),
    [
        ({"minutes": 61}, "60 minutes"),
        ({"minutes": 0}, "60 minutes"),
        ({"reason": ""}, "reason"),
        ({"approved_by": ""}, "approves"),
        ({"approved_by": " ada "}, "Another person"),
        ({"by": ""}, "yourself"),
        ({"organization": "nobody"}, "no organization"),
    ],
)
def test_without_a_reason_or_a_second_person_it_stays_off(acme, changed, because):
    with pytest.raises(CommandError, match=because):
        command("on", **{"organization": "acme", "minutes": 30, **WHO, **changed})
    with bind(acme.id):
        assert NOTE not in kept_policy()


def test_both_sign_with_their_own_keys_where_operators_have_some(acme, settings, tmp_path):
    """As in production: the second person is no name that the first one types."""
    files = hired(settings, tmp_path, "ada", "bob")
    asked = ["body_logging", "on", "--organization=acme", "--reason=drafts fail with 400"]
    asked += ["--by=ada", "--approved-by=bob"]
    text = wanted(*asked)
    assert "because drafts fail with 400" in text
    both = [f"--approval={signed(file, text)}" for file in files.values()]
    with pytest.raises(CommandError, match="Not signed by bob"):
        run(*asked, both[0], both[0])
    with pytest.raises(CommandError, match="Not signed"):
        run(*asked, "--minutes=60", *both)
    with bind(acme.id):
        assert NOTE not in kept_policy()
    assert run(*asked, *both).startswith("on until")


def test_no_caller_turns_it_on_sees_it_or_loses_it(acme):
    before = acme.owner.get("security-policy").json()
    refused = acme.owner.patch("security-policy", {NOTE: {"until": "2999-01-01T00:00:00Z"}})
    assert refused.status_code == 400
    switched_on(acme)
    assert acme.owner.get("security-policy").json() == before
    name, value = next((n, v) for n, v in before.items() if isinstance(v, bool))
    acme.owner.patch("security-policy", {name: value})
    with bind(acme.id):
        assert timezone.now().isoformat() < kept_policy()[NOTE]["until"]
