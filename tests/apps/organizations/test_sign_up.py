"""Somebody signs up: the address is proved before anything exists, and no answer tells who has an
account.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import Session, User
from apps.organizations.models import Organization
from apps.organizations.queries import memberships_of
from saas.tenancy.binding import bind
from tests.apps.accounts.test_second_factor import enrol
from tests.pages import NEW, browser, comparable, get, is_in, letters, mailed_code, person, post

pytestmark = [pytest.mark.core]

ADA = "ada@initech.example"


@pytest.fixture
def asked(db):
    """A browser that has filled in the form."""
    client = browser()
    assert sign_up(client).status_code == 303
    return client


def sign_up(client, email=ADA, organization="Initech GmbH", password=NEW):
    """Send the form."""
    return post(client, "signup/", email=email, organization=organization, password=password)


@pytest.mark.practice("X-15")
def test_who_proves_the_address_owns_a_new_organization_and_is_signed_in(asked):
    assert person(ADA) is None
    code = mailed_code(ADA)
    answer = post(asked, "signup/code/", code=f"{code[:4]} {code[4:]}")
    assert (answer.status_code, answer["Location"]) == (303, "/accounts/")
    [membership] = memberships_of(person(ADA).pk)
    assert (membership.role, membership.tenant.name) == ("owner", "Initech GmbH")
    assert membership.tenant.slug == "initech-gmbh"
    assert get(asked, "")["Location"] == "/accounts/2fa/"  # an owner wants a second factor
    enrol(asked, NEW)
    home = get(asked, "").content.decode()
    assert "Initech GmbH" in home
    assert "as owner" in home
    assert person(ADA).check_password(NEW)
    assert person(ADA).email_verified
    assert post(asked, "signup/code/", code=code)["Location"] == "/accounts/signup/"
    assert User.objects.filter(email=ADA).count() == 1


def test_before_the_code_nothing_exists_and_a_wrong_code_makes_nothing(asked):
    for code in ("00000000", "", "\0", "x" * 21, "1" * 5000):
        assert post(asked, "signup/code/", code=code).status_code == 400
    assert person(ADA) is None
    assert not is_in(asked)
    assert post(browser(), "signup/code/", code=mailed_code(ADA)).status_code == 303
    assert person(ADA) is None  # in another browser the code is worth nothing


@pytest.mark.practice("AUTHN-13")
def test_a_code_is_guessed_ten_times_and_then_waits(asked):
    answers = [post(asked, "signup/code/", code="00000000").status_code for _ in range(11)]
    assert answers == [400] * 10 + [429]
    refused = post(asked, "signup/code/", code=mailed_code(ADA))
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) >= 1
    assert person(ADA) is None


def test_after_a_quarter_of_an_hour_the_code_is_void(asked, time_machine):
    code = mailed_code(ADA)
    time_machine.move_to(timezone.now() + timedelta(minutes=16))
    assert post(asked, "signup/code/", code=code)["Location"] == "/accounts/signup/"
    assert person(ADA) is None


@pytest.mark.practice("X-15")
def test_an_address_that_has_an_account_gets_the_same_answer_and_its_owner_a_letter(acme):
    owner, pages = acme.owner.user, []
    password = owner.password
    for email in (owner.email, "somebody@acme.example"):
        client = browser()
        for page in (
            sign_up(client, email.upper()),
            get(client, "signup/code/"),
            post(client, "signup/code/", code="00000000"),
        ):
            status, text, headers, cookies = comparable(page)
            pages.append((status, text.replace(email, "…"), headers, cookies))
    assert pages[:3] == pages[3:]
    [letter] = letters(owner.email)
    assert "an account already" in letter.subject
    assert "/accounts/login/" in letter.body
    owner.refresh_from_db()
    assert owner.password == password
    assert len(memberships_of(owner.pk)) == 1


def test_of_two_who_prove_one_address_the_second_is_told_that_it_has_an_account(asked):
    other = browser()
    sign_up(other, organization="Another")
    code = mailed_code(ADA)
    first = letters(ADA)[1]
    assert post(other, "signup/code/", code=code).status_code == 303
    late = post(asked, "signup/code/", code=first.subject.split()[0])
    assert late.status_code == 409
    assert b"sign in instead" in late.content
    assert [one.tenant.name for one in memberships_of(person(ADA).pk)] == ["Another"]


def test_two_organizations_may_have_one_name_and_never_one_slug(acme, asked):
    client = browser()
    sign_up(client, "bob@initech.example", "Acme")
    assert post(client, "signup/code/", code=mailed_code("bob@initech.example")).status_code == 303
    [theirs] = memberships_of(person("bob@initech.example").pk)
    assert theirs.tenant.name == "Acme"
    assert theirs.tenant.slug.startswith("acme-")
    with bind(acme.id):
        assert Organization.objects.get(pk=acme.id).slug == "acme"


@pytest.mark.practice("X-14")
@pytest.mark.parametrize(
    "password",
    [
        "fourteen chars",
        "strongroom strongroom",
        "ada@initech.example",
        "Initech GmbH Initech",
        "x" * 201,
        "seven grey\0herons at low tide",
        "",
    ],
)
def test_a_password_is_long_and_not_what_anybody_would_try(password, db):
    refused = sign_up(browser(), password=password)
    assert refused.status_code == 400
    assert b'aria-invalid="true"' in refused.content
    assert letters() == []


@pytest.mark.practice("X-14")
@pytest.mark.parametrize(
    "password", ["correct horse battery staple", "ж" * 64, " " * 7 + "a b c d e"]
)
def test_a_password_of_words_of_any_script_is_taken_as_it_is_typed(password, db):
    client = browser()
    sign_up(client, password=password)
    post(client, "signup/code/", code=mailed_code(ADA))
    assert person(ADA).check_password(password)


@pytest.mark.practice("AUTHN-11")
def test_the_table_of_sessions_holds_neither_password_nor_code(asked):
    rows = [row.get_decoded() for row in Session.objects.all()]
    assert ADA in str(rows)
    assert NEW not in str(rows)
    assert mailed_code(ADA) not in str(rows)


@pytest.mark.parametrize("field", ["email", "organization", "password"])
@pytest.mark.parametrize("nonsense", ["", "\0", "a\0b", "x" * 100_000, "\u202e", " "])
def test_nonsense_is_an_error_of_its_field(field, nonsense, db):
    form = {"email": ADA, "organization": "Initech", "password": NEW, field: nonsense}
    assert post(browser(), "signup/", **form).status_code == 400
    assert letters() == []


def test_bytes_that_are_no_text_make_no_fault(db):
    form = b"email=%ED%A0%80@a.example&organization=%ED%A0%80%FF&password=%ff%fe%00"
    kind = "application/x-www-form-urlencoded"
    for body, sent_as in ((form, kind), (b'{"email": "a@b.example"}', "application/json")):
        answer = browser().post("/accounts/signup/", body, content_type=sent_as, secure=True)
        assert answer.status_code == 400
    assert letters() == []
