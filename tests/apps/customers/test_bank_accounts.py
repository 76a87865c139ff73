"""A bank account comes in as an IBAN and never goes out again: a token and four characters do."""

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
