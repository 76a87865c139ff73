"""The pepper changes under everybody's feet: each credential opens on, and moves over when it is
used.
"""

import base64
import os

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.accounts import services
from apps.integrations.models import ApiKey
from apps.organizations.queries import invitation_shown
from saas.authentication import lookup
from saas.crypto import digest, is_digest_of, mark
from saas.responses.pages import Place, read_cursor, write_cursor
from saas.tenancy.binding import bind
from tests.apps.customers.test_bank_accounts import customer
from tests.cast import make_tenant
from tests.oauth import SECRET, code_for, exchange, make_client, make_service, post

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-04")]


def changed(settings):
    """From now on another pepper."""
    settings.SAAS_PEPPER_PREVIOUS = settings.SAAS_PEPPER
    settings.SAAS_PEPPER = base64.b64encode(os.urandom(32)).decode()


def ended(settings):
    """And the former one counts no more."""
    settings.SAAS_PEPPER_PREVIOUS = ""


def test_a_key_opens_through_the_change_and_afterwards_when_it_was_used_in_between(acme, settings):
    changed(settings)
    assert acme.owner.get("me").status_code == 200
    with bind(acme.id):
        assert ApiKey.objects.get(creator=acme.owner.user).digest == digest(acme.owner.secret)
    assert acme.owner.get("me").status_code == 200
    ended(settings)
    assert acme.owner.get("me").status_code == 200
    assert acme.clerk.get("me").status_code == 401  # nobody used it in between


def test_a_look_up_costs_what_it_did_but_for_the_first_after_the_change(acme, settings):
    def cost():
        with CaptureQueriesContext(connection) as sent:
            assert acme.owner.get("me").status_code == 200
        return len(
            [query for query in sent if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        )

    acme.owner.get("me")
    before = cost()
    changed(settings)
    first, later = cost(), cost()
    assert first > before == later


def test_a_clients_secret_opens_and_moves_over(acme, settings):
    client = make_service(acme, "customers:read")
    changed(settings)
    asked = {"grant_type": "client_credentials", "scope": "customers:read",
             "client_id": client.client_id, "client_secret": SECRET}  # fmt: skip
    assert post("/oauth/token", asked).status_code == 200
    ended(settings)
    assert post("/oauth/token", asked).status_code == 200


def test_a_recovery_code_opens_through_the_change(acme, settings):
    one, other = services.make_recovery_codes(acme.owner.user)[:2]
    changed(settings)
    assert services.use_recovery_code(acme.owner.user, one)
    ended(settings)
    assert not services.use_recovery_code(acme.owner.user, other)


def test_a_cursor_and_a_search_go_on(acme, settings):
    cursor = write_cursor(Place(None, "x", back=False), "here")
    made = customer(acme.owner, email="ann@initech.example")
    changed(settings)
    assert read_cursor(cursor, "here").id == "x"
    found = acme.owner.get("customers?email=ann@initech.example").json()["results"]
    assert [row["id"] for row in found] == [made["id"]]


def test_an_invitation_is_found_and_an_unknown_one_is_not(acme, settings, delivered):
    acme.owner.post("invitations", {"email": "new@elsewhere.example"})
    [letter] = delivered("new@elsewhere.example")
    secret = letter.body.partition("/accounts/invitations/")[2].split()[0].strip("/")
    changed(settings)
    assert invitation_shown(secret)
    assert invitation_shown(secret[:-1]) is None


def test_indexes_are_made_anew_and_a_count_says_when_the_old_pepper_may_go(
    committed, settings, capsys
):
    acme = make_tenant("Acme")
    made = customer(acme.owner, email="ann@initech.example")
    make_client(acme, "customers:read")  # shows no secret, ever
    dead = acme.clerk.with_scopes("customers:read").key
    assert acme.owner.delete(f"api-keys/{dead.pk}").status_code == 204
    changed(settings)
    call_command("rotate_keys", "--indexes", by="ann", approved_by="bob")
    for member in acme.members:
        member.get("me")
    call_command("rotate_keys", "--status")
    told = [line for line in capsys.readouterr().out.splitlines() if "another pepper" in line]
    assert len(told) >= 5
    assert {line.rpartition(" ")[2] for line in told} == {"0"}
    ended(settings)
    found = acme.owner.get("customers?email=ann@initech.example").json()["results"]
    assert [row["id"] for row in found] == [made["id"]]


def test_a_person_stays_signed_in_whatever_becomes_of_the_pepper(db, settings):
    from saas.authentication.pages.sessions import SessionStore

    session = SessionStore()
    session["name"] = "value"
    session.save()
    changed(settings)
    ended(settings)
    assert SessionStore(session.session_key)["name"] == "value"


@pytest.mark.practice("DATA-07")
def test_a_key_that_another_request_moves_over_between_two_looks_is_found(
    acme, settings, monkeypatch
):
    real, looks = lookup.proved, []

    def meanwhile(proof, digested):
        found, seen = real(proof, digested)
        looks.append(found)
        if len(looks) == 1:
            ApiKey.objects.filter(pk=acme.owner.key.pk).update(digest=digest(acme.owner.secret))
        return found, seen

    changed(settings)
    monkeypatch.setattr(lookup, "proved", meanwhile)
    with bind(acme.id):
        principal = lookup.key_principal(acme.owner.secret)
    assert [found is not None for found in looks] == [False, False, True]
    assert principal.id == acme.owner.key.pk


def test_a_process_that_does_not_use_the_new_pepper_yet_knows_it(acme, settings):
    old = settings.SAAS_PEPPER
    changed(settings)
    assert acme.owner.get("me").status_code == 200  # moved over, by a process that is ahead
    settings.SAAS_PEPPER, settings.SAAS_PEPPER_PREVIOUS = old, settings.SAAS_PEPPER
    assert acme.owner.get("me").status_code == 200


def test_what_lives_for_minutes_outlives_the_change(acme, settings):
    client = make_client(acme, "customers:read")
    code = code_for(client, acme.clerk, "customers:read")
    stored = digest("12345678", purpose="sign-up")
    changed(settings)
    assert exchange(client, code).status_code == 200
    assert is_digest_of(stored, "12345678", purpose="sign-up")
    assert not is_digest_of(stored, "12345679", purpose="sign-up")


def test_a_mark_says_which_pepper_and_nothing_of_it(settings):
    one = mark(settings.SAAS_PEPPER)
    changed(settings)
    assert len(one) == 4
    assert one not in settings.SAAS_PEPPER_PREVIOUS
