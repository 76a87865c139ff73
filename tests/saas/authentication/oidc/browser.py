"""A person in front of a browser, and the client that sent them."""

import json
import time
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tests.cast import Member
from tests.oauth import CALLBACK, CHALLENGE, bearer, exchange, make_client

SCOPES = ("openid", "profile", "email", "notes:read")
NONCE = "n-0S6_WzA2Mj"
PASSWORD = "a long and quiet sentence"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


class Person:
    """Signed in; `app` is a public client of their organization."""

    def __init__(self, member: Member, app: Any = None) -> None:
        self.member, self.user = member, member.user
        self.app = app or make_client(member.organization, *SCOPES)
        self.browser = Client(raise_request_exception=False)
        self.browser.force_login(self.user, backend=BACKEND)

    def sign_in(self, network: str, *, seed: str | None = None, onward: str = "") -> Any:
        """Through the pages, so that the session knows what was proved; gives the last answer."""
        self.user.set_password(PASSWORD)
        self.user.save()
        self.browser.defaults["REMOTE_ADDR"] = network
        pages = [("login/", {"next": onward, "login": self.user.email, "password": PASSWORD})]
        if seed:
            code = format_hotp_value(hotp_value(seed, int(time.time()) // 30))
            pages.append(("2fa/authenticate/", {"code": code}))
        for page, form in pages:
            answer = self.browser.post(f"/accounts/{page}", form, secure=True)
            assert answer.status_code == 303, answer.content
        return answer

    def url(self, **changes: str | None) -> str:
        """An authorization request; a change to None leaves a parameter out."""
        asked = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "scope": " ".join(SCOPES),
            "state": "xyz",
            "nonce": NONCE,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        return "/oauth/authorize?" + urlencode({k: v for k, v in asked.items() if v is not None})

    def look(self, **changes: str | None) -> Any:
        """Open the consent page."""
        return self.browser.get(self.url(**changes), secure=True)

    def allow(self, **changes: str | None) -> str:
        """Say yes; gives the code."""
        form = {"decision": "allow", "organization": str(self.member.organization.id)}
        return told(self.browser.post(self.url(**changes), form, secure=True))["code"]

    def tokens(self, **changes: str | None) -> Any:
        """What the client has in the end."""
        answer = exchange(self.app, self.allow(**changes))
        assert answer.status_code == 200, answer.content
        return answer.json()


def told(answer: Any) -> dict[str, str]:
    """What the client is told, at the address that it registered and nowhere else."""
    assert answer.status_code == 303, answer.content
    assert answer["Location"].startswith(CALLBACK + "?")
    return {name: value[0] for name, value in parse_qs(urlsplit(answer["Location"]).query).items()}


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unverified."""
    header, claims, _ = token.split(".")
    return tuple(json.loads(urlsafe_b64decode(part + "==")) for part in (header, claims))  # type: ignore[return-value]  # two of them


def userinfo(token: str, method: str = "GET", **headers: str) -> Any:
    """The endpoint with an access token."""
    client = Client(raise_request_exception=False)
    return client.generic(method, "/oauth/userinfo", secure=True, headers=bearer(token) | headers)
