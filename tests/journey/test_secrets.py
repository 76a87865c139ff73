"""Every kind of secret, issued by a real server: it stands in the answer that issues it, in the
letter that brings it, and nowhere else.
"""

import os
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
import requests
from django.db import connections

from tests.apps.accounts.test_sign_in import PASSWORD, code_of
from tests.apps.integrations.test_consent import url as consent
from tests.cast import make_tenant
from tests.conformance.server import serving
from tests.conftest import SQLITE
from tests.oauth import CALLBACK, VERIFIER, make_client, make_service
from tests.pages import letters, mailed_code, mailed_path
from tests.secrecy import Ledger, dump_of_database, search_database
from tests.secrecy import ledger as whole_run

pytestmark = [
    pytest.mark.skipif(SQLITE, reason="several processes share no embedded database here"),
    pytest.mark.practice("AUTHN-11"),
]

READ = "customers:read"
ADA = "ada@initech.example"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Browser:
    """A browser and a program in one, which keep every answer."""

    def __init__(self, origin: str) -> None:
        self.origin = origin
        self.jar: dict[str, str] = {}
        self.answers: list[tuple[str, str]] = []

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """One request; its answer is kept but for the cookies, which hold the session alone."""
        url = self.origin + path
        answer = requests.request(method, url, timeout=20, allow_redirects=False, **more)
        headers = {k: v for k, v in answer.headers.items() if k.lower() != "set-cookie"}
        self.answers.append((f"{method} {path}", f"{headers} {answer.text}"))
        assert answer.status_code < 400, answer.text
        return answer

    def page(self, method: str, path: str, **form: str) -> requests.Response:
        """A page, with the cookies that a browser would send."""
        data = {"csrfmiddlewaretoken": self.token, **form} if method == "POST" else None
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = self.ask(method, path, headers={"Cookie": cookies}, data=data)
        self.jar |= answer.cookies.get_dict()
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    def send(self, path: str, **form: str) -> requests.Response:
        """Open a page and send its form."""
        self.page("GET", path)
        return self.page("POST", path, **form)

    def places_of(self, secret: str) -> list[str]:
        """The answers in which it stands."""
        one = Ledger()
        one.note(secret, "it")
        return [place for place, text in self.answers if any(one.known_in(text))]


def test_a_secret_stands_where_it_is_issued_and_nowhere_else(committed, tmp_path):
    acme = make_tenant("Acme")
    app = make_client(acme, READ)
    program = make_service(acme, READ, secret="kqvzpxwjgh" * 5)
    by_owner = {"X-API-Key": acme.owner.secret}
    log = tmp_path / "server.log"
    issued: dict[str, list[str]] = {}  # secret -> the answers that may hold it
    with serving(log, workers=2) as origin:
        who = Browser(origin)
        # A person signs up, sets a second factor up, and asks for another password.
        who.send("/accounts/signup/", email=ADA, organization="Initech", password=PASSWORD)
        who.page("POST", "/accounts/signup/code/", code=mailed_code(ADA))
        issued |= {PASSWORD: [], who.jar["__Host-session"]: []}
        who.send("/accounts/2fa/", password=PASSWORD)
        seed = re.search(
            r'class="seed">([A-Z2-7]+)<', who.page("GET", "/accounts/2fa/confirm/").text
        )
        assert seed
        issued[seed[1]] = ["GET /accounts/2fa/confirm/"]
        who.page("POST", "/accounts/2fa/confirm/", code=code_of(seed[1]))
        shown = who.page("GET", "/accounts/2fa/codes/").text
        codes = re.findall(r"<li>([0-9a-z]{5}-[0-9a-z]{5})</li>", shown)
        assert len(codes) == 10
        issued |= {code: ["GET /accounts/2fa/codes/"] for code in codes}
        issued[who.jar["__Host-session"]] = []
        Browser(origin).send("/accounts/password/reset/", email=ADA)
        reset = mailed_path(ADA, "password").rpartition("/")[2]
        # They allow an app, which exchanges and refreshes.
        asked = consent(app)
        chosen = re.search(r'name="organization" value="([^"]+)"', who.page("GET", asked).text)
        assert chosen
        back = who.page("POST", asked, decision="allow", organization=chosen[1]).headers["Location"]
        code = parse_qs(urlsplit(back).query)["code"][0]
        issued[code] = [f"POST {asked}"]
        form = {"client_id": app.client_id, "grant_type": "authorization_code", "code": code}
        form |= {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
        first = who.ask("POST", "/oauth/token", data=form).json()
        form = {"client_id": app.client_id, "grant_type": "refresh_token"}
        second = who.ask(
            "POST", "/oauth/token", data=form | {"refresh_token": first["refresh_token"]}
        )
        own = {"grant_type": "client_credentials", "scope": READ, "client_id": program.client_id}
        third = who.ask("POST", "/oauth/token", data=own | {"client_secret": "kqvzpxwjgh" * 5})
        for pair in first, second.json(), third.json():
            held = {name: pair[name] for name in ("access_token", "refresh_token") if name in pair}
            issued |= {token: ["POST /oauth/token"] for token in held.values()}
            bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        who.ask("GET", "/api/v1/customers", headers=bearer)
        # An owner makes a key, replaces it, and invites somebody.
        key = {"name": "a key", "scopes": [READ]}
        made = who.ask("POST", "/api/v1/api-keys", json=key, headers=by_owner).json()
        issued[made["secret"]] = ["POST /api/v1/api-keys"]
        turn = f"/api/v1/api-keys/{made['id']}/rotation"
        turned = who.ask("POST", turn, json={}, headers=by_owner).json()
        issued[turned["secret"]] = [f"POST {turn}"]
        new = {"email": "new@initech.example", "role": "viewer"}
        who.ask("POST", "/api/v1/invitations", json=new, headers=by_owner)
        invitation = mailed_path(new["email"], "invitations").rpartition("/")[2]
        issued |= {acme.owner.secret: [], "kqvzpxwjgh" * 5: [], invitation: [], reset: []}
        for path in ("customers", "api-keys", "integrations", "invitations", "audit-events"):
            who.ask("GET", f"/api/v1/{path}", headers=by_owner)
        for path in ("/accounts/", "/accounts/grants/"):
            who.page("GET", path)

    for secret, places in issued.items():
        whole_run.note(secret, "the journey")
        assert who.places_of(secret) == places
    written = " ".join(f"{letter.subject} {letter.body}" for letter in letters())
    assert {secret for secret in issued if secret in written} == {invitation, reset}
    whole_run.search("the server's log", log.read_text())
    whole_run.search("Redis", everything_in_redis())
    connections.close_all()
    assert acme.owner.key.digest in dump_of_database()  # it sees behind the walls
    search_database()
    assert len(issued) >= 26


def everything_in_redis() -> str:
    """All keys and their values, whatever their kind."""
    store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True, encoding="latin-1")
    read = {"string": store.get, "hash": store.hgetall, "set": store.smembers}
    read["zset"] = lambda name: store.zrange(name, 0, -1)
    read["list"] = lambda name: store.lrange(name, 0, -1)
    with store:
        kinds = ((name, store.type(name)) for name in store.scan_iter(count=1000))
        return " ".join(f"{name} {read[kind](name)}" for name, kind in kinds if kind in read)
