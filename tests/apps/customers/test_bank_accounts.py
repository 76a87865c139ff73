"""A bank account comes in as an IBAN, and goes out as a token and four characters. The number itself
is told one customer at a time, to who may, for a purpose that the trail keeps.
"""

import re

import pytest

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-02")]

IBAN = "DE89370400440532013000"
OTHER = "GB82WEST12345698765432"


def customer(member, **more):
    """A customer with an account, as its maker sees it."""
    made = member.post("customers", {"name": "Initech", "country": "DE", "iban": IBAN, **more})
    assert made.status_code == 201, made.content
    return made.json()


def test_the_account_is_shown_as_a_token_and_its_last_four_characters(acme):
    account = customer(acme.owner)["bank_account"]
    assert account.keys() == {"token", "last4"}
    assert re.fullmatch(r"ba_[0-9A-Za-z]{24}", account["token"])
    assert account["last4"] == IBAN[-4:]


def test_no_answer_holds_the_number(acme):
    made = customer(acme.owner)
    for path in ("customers", f"customers/{made['id']}", "audit-events"):
        for member in acme.members:
            assert IBAN[4:] not in member.get(path).content.decode()


def test_equal_accounts_have_different_tokens(acme, globex):
    made = [customer(member) for member in (acme.owner, acme.admin, globex.owner)]
    assert len({row["bank_account"]["token"] for row in made}) == 3


def test_another_account_is_another_token_and_none_is_none(acme):
    made = customer(acme.owner)
    path = f"customers/{made['id']}"

    def change(body):
        tag = acme.owner.get(path)["ETag"]
        return acme.owner.patch(path, body, If_Match=tag).json()["bank_account"]

    assert change({"name": "Initrode"}) == made["bank_account"]
    changed = change({"iban": OTHER})
    assert changed["last4"] == OTHER[-4:]
    assert changed["token"] != made["bank_account"]["token"]
    assert change({"iban": None}) is None


@pytest.mark.parametrize(
    "number",
    [IBAN[:-1] + "1", IBAN.lower(), IBAN[:4] + " " + IBAN[4:], "DE89", "", 89, IBAN + "\n"],
)
def test_what_is_no_account_is_refused(acme, number):
    refused = acme.owner.post("customers", {"name": "x", "country": "DE", "iban": number})
    assert refused.status_code == 400
    assert [error["pointer"] for error in refused.json()["errors"]] == ["/iban"]
    assert acme.owner.get("customers").json()["results"] == []


def test_the_token_is_chosen_by_us(acme):
    body = {"name": "x", "country": "DE", "bank_account": {"token": "ba_mine", "last4": "0000"}}
    refused = acme.owner.post("customers", body)
    assert refused.json()["errors"][0]["code"] == "unexpected-field"


WHY = {"purpose": "Refund of invoice 2026-000042"}


def disclosed(member, made, body=WHY):
    """The answer to who asks for the number."""
    return member.post(f"customers/{made['id']}/bank-account-disclosure", body)


def told(acme):
    """What the trail says of numbers that were told."""
    rows = acme.owner.get("audit-events?page_size=100").json()["results"]
    return [row for row in rows if row["event"] == "customer.bank-account-disclosed"]


def test_who_may_and_says_what_for_is_told_the_number_and_the_trail_keeps_why(acme):
    made = customer(acme.owner)
    answer = disclosed(acme.accountant, made)
    assert answer.status_code == 201
    assert answer.json() == {"token": made["bank_account"]["token"], "iban": IBAN}
    assert answer["Location"].endswith(f"/api/v1/customers/{made['id']}")
    [row] = told(acme)
    assert row["data"] == {"token": made["bank_account"]["token"], **WHY}
    assert IBAN[4:] not in str(row)


def test_who_may_not_is_refused_and_nothing_was_told(acme, globex):
    made = customer(acme.owner)
    assert disclosed(acme.clerk, made).status_code == 403
    assert disclosed(globex.owner, made).status_code == 404  # a token is worth nothing elsewhere
    for body in ({}, {"purpose": "ab"}, {"purpose": "x" * 201}, {"purpose": None}, {**WHY, "x": 1}):
        assert disclosed(acme.owner, made, body).status_code == 400
    bare = acme.owner.post("customers", {"name": "x", "country": "DE"}).json()
    assert disclosed(acme.owner, bare).status_code == 409
    assert told(acme) == []


def test_a_key_without_the_scope_is_told_nothing(acme):
    made = customer(acme.owner)
    answer = disclosed(acme.owner.with_scopes("customers:read", "customers:write"), made)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient-scope")
    assert told(acme) == []


@pytest.mark.practice("X-26")
def test_a_persons_token_wants_a_fresh_sign_in_by_two_factors(acme):
    from apps.customers.views import DisclosureViewSet

    rule = DisclosureViewSet.operations["create"]
    assert rule.step_up
    assert rule.rate == "sensitive"
