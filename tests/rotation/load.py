"""Who calls while secrets change: keys, tokens, sessions, forms, links and letters, each checked for
what it should open.
"""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.oauth import CALLBACK, CHALLENGE, SECRET, VERIFIER
from tests.rotation.outside import PostOffice

READ = "customers:read"
BUYER = {
    "name": "Initech",
    "country": "DE",
    "email": "ada@initech.example",
    "tax_id": "DE136695976",
}
PROVED_BY = "__Host-session"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
PATIENCE = 120  # seconds for a letter, or for every caller to come round


class Load:
    """Threads that ask again and again; each answer that is not what it should be is an error."""

    def __init__(self, origin: str, held: dict[str, Any], office: PostOffice) -> None:
        self.origin, self.held, self.office = origin, held, office
        self.asked, self.errors = 0, list[str]()
        self.rounds = Counter[str]()
        self.kids: set[str] = set()  # that signed an ID token lately
        self.over = Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Everybody calls, for the length of the block."""
        callers = [self.reads, self.reads, self.searches, self.refreshes, self.serves]
        callers += [self.consents, self.signs_in, self.follows_a_link, self.invites]
        self.rounds.update({one.__name__: 0 for one in callers})
        threads = [Thread(target=self.again, args=(one,)) for one in callers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def again(self, caller: Callable[[], None]) -> None:
        """Until it is over."""
        while not self.over.is_set():
            try:
                caller()
            except Exception as fault:  # whatever it is, it is an error
                self.errors.append(f"{caller.__name__}: {fault!r}")
            self.rounds[caller.__name__] += 1
            self.over.wait(0.05)

    def settle(self) -> None:
        """Wait until every caller has begun and ended a round."""
        self.kids.clear()
        before, deadline = self.rounds.copy(), time.monotonic() + PATIENCE
        while any(self.rounds[name] < before[name] + 4 for name in before):
            assert time.monotonic() < deadline, (before, self.rounds)
            time.sleep(0.1)

    def ask(self, method: str, path: str, *expected: int, **more: Any) -> requests.Response:
        """One request on a connection of its own."""
        self.asked += 1
        url = self.origin + path
        answer = requests.request(method, url, timeout=30, allow_redirects=False, **more)
        assert answer.status_code in (expected or (200,)), (
            method,
            path,
            answer.status_code,
            answer.text[:300],
        )
        return answer

    def reads(self) -> None:
        """A detail that decrypts, by each key in turn."""
        for key in [*self.held["keys"], self.held["viewers key"]]:
            answer = self.ask(
                "GET", f"/api/v1/customers/{self.held['customer']}", headers={"X-API-Key": key}
            )
            if key == self.held["owner"]:
                assert answer.json()["email"] == BUYER["email"], answer.text

    def searches(self) -> None:
        """What was just written is found by its blind index."""
        mine, by = f"{uuid4()}@initech.example", {"X-API-Key": self.held["owner"]}
        made = self.ask(
            "POST", "/api/v1/customers", 201, json=BUYER | {"email": mine}, headers=by
        ).json()
        [found] = self.ask("GET", f"/api/v1/customers?email={mine}", headers=by).json()["results"]
        assert found["id"] == made["id"]
        self.ask("DELETE", f"/api/v1/customers/{made['id']}", 204, headers=by)

    def refreshes(self) -> None:
        """A pair for the next one."""
        form = {"grant_type": "refresh_token", "client_id": self.held["app"]}
        form["refresh_token"] = self.held["refresh"]
        pair = self.ask("POST", "/oauth/token", data=form).json()
        self.held["refresh"] = pair["refresh_token"]
        self.verifies(pair)
        self.over.wait(0.3)

    def verifies(self, pair: dict[str, str]) -> None:
        """The ID token, by the keys that are published; and the access token opens."""
        published = KeySet.import_key_set(self.ask("GET", "/.well-known/jwks.json").json())
        token = jwt.decode(pair["id_token"], published, algorithms=["ES256"])
        assert token.claims["aud"] == self.held["app"]
        self.kids.add(token.header["kid"])
        self.ask(
            "GET", "/api/v1/customers", headers={"Authorization": f"Bearer {pair['access_token']}"}
        )

    def serves(self) -> None:
        """A client's own secret."""
        form = {"grant_type": "client_credentials", "scope": READ}
        who = (self.held["service"], SECRET)
        token = self.ask("POST", "/oauth/token", data=form, auth=who).json()["access_token"]
        self.ask("GET", "/api/v1/customers", headers={"Authorization": f"Bearer {token}"})

    def consents(self) -> None:
        """A person who stays signed in allows an app, which exchanges the code."""
        asked = {"response_type": "code", "client_id": self.held["app"], "redirect_uri": CALLBACK,
                 "scope": f"openid {READ}", "state": "xyz", "nonce": "n", "code_challenge": CHALLENGE,
                 "code_challenge_method": "S256"}  # fmt: skip
        who = Browser(self, **{PROVED_BY: self.held["session"]})
        form = {"decision": "allow", "organization": self.held["organization"]}
        back = who.send(f"/oauth/authorize?{urlencode(asked)}", 303, **form).headers["Location"]
        self.held["session"] = who.jar[PROVED_BY]
        grant = {"grant_type": "authorization_code", "client_id": self.held["app"],
                 "code": parse_qs(urlsplit(back).query)["code"][0], "redirect_uri": CALLBACK,
                 "code_verifier": VERIFIER}  # fmt: skip
        self.verifies(self.ask("POST", "/oauth/token", data=grant).json())

    def signs_in(self) -> None:
        """With a password, and out again."""
        who, (address, password) = Browser(self), self.held["viewer"]
        who.send("/accounts/login/", 303, login=address, password=password)
        who.page("GET", "/accounts/")
        who.page("POST", "/accounts/logout/", 303)

    def follows_a_link(self) -> None:
        """A mailed link that nobody has used yet."""
        if self.held["link"]:
            self.ask("GET", f"/accounts/password/reset/{self.held['link']}")
        self.over.wait(0.3)

    def invites(self) -> None:
        """A letter goes out through the worker, and its link opens."""
        somebody, by = f"{uuid4()}@initech.example", {"X-API-Key": self.held["owner"]}
        new = {"email": somebody, "role": "viewer"}
        made = self.ask("POST", "/api/v1/invitations", 201, json=new, headers=by).json()
        deadline = time.monotonic() + PATIENCE
        while not (texts := [text for to, text in self.office.letters if somebody in to]):
            assert time.monotonic() < deadline, "no letter came"
            time.sleep(0.05)
        path = re.search(r"/accounts/invitations/\S+", texts[0])
        assert path
        self.ask("GET", path[0])
        self.ask("DELETE", f"/api/v1/invitations/{made['id']}", 204, headers=by)


class Browser:
    """It keeps its cookies, and sends the form that it was shown."""

    def __init__(self, load: Load, **jar: str) -> None:
        self.load, self.jar, self.token = load, jar, ""

    def page(self, method: str, path: str, *expected: int, **form: str) -> requests.Response:
        """One page."""
        data = {"csrfmiddlewaretoken": self.token, **form} if method == "POST" else None
        cookies = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        answer = self.load.ask(method, path, *expected, headers={"Cookie": cookies}, data=data)
        self.jar |= answer.cookies.get_dict()
        if found := TOKEN.search(answer.text):
            self.token = found[1]
        return answer

    def send(self, path: str, *expected: int, **form: str) -> requests.Response:
        """Open a page and send its form."""
        self.page("GET", path)
        return self.page("POST", path, *expected, **form)
