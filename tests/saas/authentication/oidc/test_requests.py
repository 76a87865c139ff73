"""The authorization request: how fresh a sign-in must be, who may be asked, and what is refused."""

import random
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from tests.oauth import CALLBACK
from tests.saas.authentication.oidc.browser import BACKEND, SCOPES, Person, parts, told

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-10")]

ISSUER = "https://api.strongroom.example"
LOGIN = "/accounts/login/?next="


def test_the_page_tells_in_words_what_the_client_learns(clerk):
    text = clerk.look().content.decode()
    for words in ("a number that stays the same", "your name", "your e-mail address"):
        assert words in text
    assert "<code>notes:read</code>" in text
    assert "openid" not in text.split("<main")[-1].replace("an app", "")
    alone = clerk.look(scope="openid").content.decode()
    assert "your name" not in alone
    assert "as far as your role allows" not in alone


def test_with_prompt_none_nobody_is_asked_so_nobody_says_yes(clerk):
    for look in (clerk.look, lambda **more: clerk.browser.post(
        clerk.url(**more), {"decision": "allow", "organization": clerk.member.organization.id},
        secure=True,
    )):  # fmt: skip
        answer = told(look(prompt="none"))
        assert answer.keys() == {"error", "error_description", "state", "iss"}
        assert (answer["error"], answer["state"], answer["iss"]) == (
            "consent_required",
            "xyz",
            ISSUER,
        )
    clerk.browser = Client()
    assert told(clerk.look(prompt="none"))["error"] == "login_required"


def test_prompt_none_sends_nobody_where_no_client_registered(clerk):
    clerk.browser = Client()
    for change in ({"redirect_uri": "https://evil.example/callback"}, {"client_id": "nobody"}):
        answer = clerk.look(prompt="none", **change)
        assert (answer.status_code, "Location" in answer) == (400, False)


def sent_to_sign_in(person, **asked):
    """Whether the page sends the person to the sign-in, and there back to the same request."""
    answer = person.look(**asked)
    if answer.status_code == 200:
        return False
    url = person.url(**asked)
    assert answer["Location"] == LOGIN + quote(url, safe="/")
    return True


@pytest.mark.parametrize("prompt", ["login", "select_account", "login consent"])
def test_who_must_sign_in_again_does_so_once_and_the_url_alone_does_not_do(clerk, prompt):
    assert sent_to_sign_in(clerk, prompt=prompt)
    assert sent_to_sign_in(clerk, prompt=prompt)  # the session has ended
    clerk.browser.force_login(clerk.user, backend=BACKEND)
    assert not sent_to_sign_in(clerk, prompt=prompt)
    assert "id_token" in clerk.tokens(prompt=prompt)
    assert sent_to_sign_in(clerk, prompt=prompt)  # the next time again
    clerk.browser.force_login(clerk.user, backend=BACKEND)
    assert sent_to_sign_in(clerk, prompt=prompt, state="another request")


@pytest.mark.parametrize("demand", [{"prompt": "login"}, {"max_age": "0"}])
def test_who_was_not_signed_in_at_all_signs_in_once_as_well(clerk, demand):
    clerk.browser = Client()
    assert sent_to_sign_in(clerk, **demand)
    clerk.browser.force_login(clerk.user, backend=BACKEND)
    assert not sent_to_sign_in(clerk, **demand)


def test_a_yes_without_the_new_sign_in_is_none(clerk):
    form = {"decision": "allow", "organization": str(clerk.member.organization.id)}
    answer = clerk.browser.post(clerk.url(prompt="login"), form, secure=True)
    assert answer["Location"].startswith(LOGIN)


def test_a_sign_in_that_is_older_than_max_age_does_not_do(clerk, travel):
    assert not sent_to_sign_in(clerk, max_age="600")
    travel(timedelta(minutes=11))
    assert told(clerk.look(max_age="600", prompt="none"))["error"] == "login_required"
    assert not sent_to_sign_in(clerk, max_age="700")
    assert sent_to_sign_in(clerk, max_age="600")
    clerk.browser.force_login(clerk.user, backend=BACKEND)
    _, claims = parts(clerk.tokens(max_age="600")["id_token"])
    assert claims["iat"] - claims["auth_time"] <= 60


def test_max_age_of_nothing_asks_for_a_sign_in_and_not_for_ever(clerk):
    assert sent_to_sign_in(clerk, max_age="0")
    clerk.browser.force_login(clerk.user, backend=BACKEND)
    assert not sent_to_sign_in(clerk, max_age="0")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": "https://evil.example/request"}, "request_uri_not_supported"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "request_uri_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"claims": '{"id_token": {"email": null}}'}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"prompt": "NONE"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"max_age": "1e3"}, "invalid_request"),
        ({"max_age": ""}, "invalid_request"),
        ({"max_age": "9" * 10}, "invalid_request"),
        ({"max_age": "\u0661"}, "invalid_request"),
        ({"nonce": "n" * 256}, "invalid_request"),
        ({"id_token_hint": "nonsense"}, "invalid_request"),
        ({"id_token_hint": "a.b.c"}, "invalid_request"),
        ({"id_token_hint": ""}, "invalid_request"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
    ],
)
def test_what_is_not_supported_is_told_to_the_client_and_nobody_is_asked(clerk, change, error):
    answer = told(clerk.look(**change))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "xyz", ISSUER)


def test_a_hint_for_one_person_is_no_sign_in_of_another(acme, clerk):
    hint = clerk.tokens()["id_token"]
    assert clerk.look(id_token_hint=hint).status_code == 200
    other = Person(acme.viewer, clerk.app)
    for prompt in ("none", None):
        assert told(other.look(id_token_hint=hint, prompt=prompt))["error"] == "login_required"
    theirs = Person(acme.clerk)  # the same person at another client
    assert told(theirs.look(id_token_hint=hint))["error"] == "invalid_request"


def test_without_openid_the_parameters_of_openid_connect_mean_nothing(clerk):
    asked = {"prompt": "login", "claims": "{}"}
    assert clerk.look(scope="notes:read", **asked).status_code == 200


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_sent_nobody_leaves_for_another_address(clerk, seed):
    """A mixture of everything above, for people who are signed in and who are not."""
    chance = random.Random(seed)  # noqa: S311  # a mixture, no secret
    values = {
        "prompt": ["none", "login", "consent", "x", "none login", None],
        "max_age": ["0", "1", "x", None],
        "scope": [" ".join(SCOPES), "openid", "notes:read", "openid nonsense"],
        "redirect_uri": [CALLBACK, "https://evil.example/", "//evil.example", None],
        "request_uri": ["https://evil.example/", None, None, None],
        "nonce": ["n", "", "n" * 300, None],
        "state": ["s", "https://evil.example/", None],
    }
    for _ in range(40):
        change = {name: chance.choice(choices) for name, choices in values.items()}
        if chance.random() < 0.5:
            clerk.browser = Client(raise_request_exception=False)
        answer = clerk.look(**change)
        assert answer.status_code in (200, 302, 303, 400), change
        went = answer.get("Location", CALLBACK)
        assert went.startswith((CALLBACK, LOGIN)), change
