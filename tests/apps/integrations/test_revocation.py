"""What has ended is over for every worker of a real server, from the next request on."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
import requests

from apps.integrations.models import OAuthApplication, OAuthGrant
from apps.organizations.models import Membership
from saas.tenancy.binding import bind
from tests.apps.integrations.test_consent import browser_of
from tests.cast import Member, Tenant, make_key, make_tenant
from tests.conformance.server import serving
from tests.conftest import SQLITE
from tests.oauth import bearer, make_client, make_service, service_token, tokens_for

pytestmark = [
    pytest.mark.skipif(SQLITE, reason="several processes share no embedded database here"),
    pytest.mark.practice("AUTHN-16"),
]

READ = "customers:read"
CALLERS = 4
PATIENCE = 60  # seconds until so many have been answered, on a machine with much else to do
LATEST = 1.0  # seconds after the answer, when even the slowest worker must know
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Call(NamedTuple):
    """When it was sent, how it was answered, and the name by which the log knows it."""

    sent: float
    status: int
    id: str


class Caller(ThreadPoolExecutor):
    """Somebody who calls without a pause, on new connections and so on every worker."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        super().__init__(CALLERS)
        self.url, self.headers = url, headers
        self.seen: list[Call] = []
        self.stop = Event()
        self.calling = [self.submit(self.call) for _ in range(CALLERS)]

    def call(self) -> None:
        while not self.stop.is_set():
            sent = time.monotonic()
            answer = requests.get(self.url, headers=self.headers, timeout=PATIENCE)
            self.seen.append(Call(sent, answer.status_code, answer.headers["X-Request-Id"]))

    def wait(self, since: float = 0.0) -> None:
        """Until calls that were sent later have been answered, for each of them one."""
        deadline = time.monotonic() + PATIENCE
        while len(self.after(since)) < CALLERS and not any(call.done() for call in self.calling):
            assert time.monotonic() < deadline
            time.sleep(0.005)

    def after(self, moment: float) -> list[Call]:
        """What was sent later."""
        return [call for call in self.seen if call.sent > moment]


def cookies(jar: dict[str, str]) -> str:
    """The header, over loopback too, where a jar keeps back what is marked Secure."""
    return "; ".join(f"{name}={value}" for name, value in jar.items())


class Server:
    """A running server and what a member, a client and a browser end on it."""

    def __init__(self, origin: str, log: Path, workers: int) -> None:
        self.origin, self.log, self.workers = origin, log, workers
        self.latencies: list[float] = []
        self.refused = 0

    def delete(self, path: str, by: Member) -> None:
        """By the API."""
        url, headers = f"{self.origin}/api/v1/{path}", {"X-API-Key": by.secret}
        assert requests.delete(url, headers=headers, timeout=PATIENCE).status_code == 204

    def revoke(self, client: OAuthApplication, token: str) -> None:
        """By the client."""
        form = urlencode({"client_id": client.client_id, "token": token})
        answer = requests.post(f"{self.origin}/oauth/revoke", form, headers=FORM, timeout=PATIENCE)
        assert (answer.status_code, answer.json()) == (200, {})

    def disconnect(self, grant: OAuthGrant) -> None:
        """By the person, on their page."""
        url = f"{self.origin}/accounts/grants/"
        jar = {name: morsel.value for name, morsel in browser_of(grant.user).cookies.items()}
        page = requests.get(url, headers={"Cookie": cookies(jar)}, timeout=PATIENCE)
        token = page.text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0]
        answer = requests.post(
            f"{url}{grant.pk}/",
            {"csrfmiddlewaretoken": token},
            headers={"Cookie": cookies(jar | page.cookies.get_dict())},
            allow_redirects=False,
            timeout=PATIENCE,
        )
        assert answer.status_code == 303

    def refreshed(self, client: OAuthApplication, token: str) -> int:
        """How a refresh is answered."""
        form = {"grant_type": "refresh_token", "client_id": client.client_id}
        body = urlencode(form | {"refresh_token": token})
        url = f"{self.origin}/oauth/token"
        return requests.post(url, body, headers=FORM, timeout=PATIENCE).status_code

    def wake(self, headers: dict[str, str]) -> None:
        """Until every process has answered: one that starts later would prove nothing."""
        awake: set[str] = set()
        for _ in range(50):
            with self.load(headers) as caller:
                pass
            if len(awake := awake | self.workers_of(caller.seen)) == self.workers:
                return
        raise AssertionError(f"Only {len(awake)} of {self.workers} processes answer.")

    def workers_of(self, calls: list[Call]) -> set[str]:
        """The processes that answered, by the server's own log."""
        wanted = {call.id for call in calls}
        lines = (line.partition(" ") for line in self.log.read_text().splitlines())
        return {pid for pid, _, text in lines if any(id in text for id in wanted)}

    @contextmanager
    def load(self, headers: dict[str, str], pause: float = 0.0) -> Iterator[Caller]:
        """A valid credential in steady use, on every worker, before the block and until its end."""
        with Caller(f"{self.origin}/api/v1/customers", headers) as caller:
            try:
                caller.wait()
                time.sleep(pause)
                yield caller
            finally:
                caller.stop.set()
        for calling in caller.calling:
            calling.result()

    def ended(self, headers: dict[str, str], end: Callable[[], None], pause: float) -> None:
        """End a credential under load, and see that nothing sent after that answer was served."""
        with self.load(headers, pause) as caller:
            end()
            answered = time.monotonic()
            time.sleep(pause)
            caller.wait(answered)
        before = [call for call in caller.seen if call.sent < answered]
        after = caller.after(answered)
        served = [call.sent - answered for call in after if call.status != 401]
        self.latencies.append(max(served, default=0.0))
        self.refused += len(after)
        assert before[0].status == 200
        assert not served
        assert {call.status for call in caller.seen} == {200, 401}
        if pause > LATEST:
            assert len(self.workers_of(before)) == len(self.workers_of(after)) == self.workers


@pytest.fixture
def acme(committed: None) -> Tenant:
    """Acme, in a database that other processes see."""
    return make_tenant("Acme")


@pytest.mark.parametrize(
    ("workers", "pause"), [(2, 0.0), pytest.param(4, 1.5, marks=pytest.mark.drill)]
)
def test_no_worker_serves_a_credential_after_its_end(
    acme: Tenant, tmp_path: Any, workers: int, pause: float
):
    log = tmp_path / "server.log"
    with serving(log, workers=workers) as origin:
        server = Server(origin, log, workers)
        server.wake({"X-API-Key": acme.owner.secret})

        def held_by(member: Member) -> tuple[OAuthApplication, OAuthGrant, dict[str, str]]:
            app = make_client(acme, READ)
            pair = tokens_for(member, READ, client=app)
            return app, OAuthGrant.objects.get(application=app), pair

        def over(member: Member, end: Callable[..., None]) -> None:
            """A pair of tokens, ended in one way: both halves of it are dead."""
            app, grant, pair = held_by(member)
            server.ended(bearer(pair["access_token"]), lambda: end(app, grant, pair), pause)
            assert server.refreshed(app, pair["refresh_token"]) in (400, 401)

        def me(member: Member) -> int:
            headers = {"X-API-Key": member.secret}
            return requests.get(
                f"{origin}/api/v1/me", headers=headers, timeout=PATIENCE
            ).status_code

        def deactivate(member: Member) -> None:
            member.user.is_active = False
            member.user.save()

        def membership_of(member: Member) -> str:
            with bind(acme.id):
                return str(Membership.objects.get(user=member.user).pk)

        def close() -> None:
            """No page closes an organization yet: what is left of one is nobody's."""
            with bind(acme.id):
                Membership.objects.all().delete()

        key, secret = make_key(acme.id, acme.accountant.user, [READ])
        by_key = {"X-API-Key": secret}
        server.ended(by_key, lambda: server.delete(f"api-keys/{key.pk}", acme.owner), pause)
        over(acme.clerk, lambda app, _, pair: server.revoke(app, pair["access_token"]))
        over(acme.clerk, lambda app, _, pair: server.revoke(app, pair["refresh_token"]))
        over(acme.clerk, lambda _, it, __: server.delete(f"integrations/{it.pk}", acme.owner))
        over(acme.clerk, lambda _, grant, __: server.disconnect(grant))
        over(acme.clerk, lambda app, *_: app.delete() and None)
        viewer = membership_of(acme.viewer)
        over(acme.viewer, lambda *_: server.delete(f"members/{viewer}", acme.owner))
        assert me(acme.viewer) == 401
        over(acme.admin, lambda *_: deactivate(acme.admin))
        assert me(acme.admin) == 401
        accountant = membership_of(acme.accountant)
        made = make_key(acme.id, acme.accountant.user, [READ])[1]
        server.ended(
            {"X-API-Key": made}, lambda: server.delete(f"members/{accountant}", acme.owner), pause
        )
        service = make_service(acme, READ)
        acting = service_token(service, READ).json()["access_token"]
        server.ended(bearer(acting), lambda: service.delete() and None, pause)
        *_, pair = held_by(acme.clerk)
        server.ended(bearer(pair["access_token"]), close, pause)
        assert me(acme.owner) == 401
    p100 = max(server.latencies) * 1000
    ends = len(server.latencies)
    print(f"{workers} workers, {ends} ends, {server.refused} calls after: p100 {p100:.0f} ms")


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=pytest.mark.drill)])
def test_another_clients_revocation_leaves_a_token_alive(acme: Tenant, tmp_path: Any, workers: int):
    log = tmp_path / "server.log"
    app, other = make_client(acme, READ), make_client(make_tenant("Globex"), READ)
    pair = tokens_for(acme.clerk, READ, client=app)
    with serving(log, workers=workers) as origin:
        server = Server(origin, log, workers)
        server.wake({"X-API-Key": acme.owner.secret})
        with server.load(bearer(pair["access_token"])) as caller:
            for token in pair["access_token"], pair["refresh_token"]:
                server.revoke(other, token)
            caller.wait(time.monotonic())
        assert {call.status for call in caller.seen} == {200}
        assert server.refreshed(app, pair["refresh_token"]) == 200
