"""What has ended is over for every worker of a real server, from the next request on."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any
from urllib.parse import urlencode

import pytest
import requests

from apps.integrations.models import OAuthApplication
from tests.cast import make_key, make_tenant
from tests.conformance.server import serving
from tests.conftest import SQLITE
from tests.oauth import bearer, make_client, make_service, service_token, tokens_for

pytestmark = [
    pytest.mark.skipif(SQLITE, reason="several processes share no embedded database here"),
    pytest.mark.practice("AUTHN-16"),
]

READ = "customers:read"


class Caller(ThreadPoolExecutor):
    """Somebody who calls without a pause, on new connections and so on every worker."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        super().__init__(4)
        self.url, self.headers = url, headers
        self.seen: list[tuple[float, int]] = []  # when it was sent, and how it was answered
        self.stop = Event()
        for _ in range(4):
            self.submit(self.call)

    def call(self) -> None:
        while not self.stop.is_set():
            sent = time.monotonic()
            answer = requests.get(self.url, headers=self.headers, timeout=10)
            self.seen.append((sent, answer.status_code))

    def served_after(self, moment: float) -> list[int]:
        """The answers to what was sent later."""
        return [status for sent, status in self.seen if sent > moment]


@pytest.mark.parametrize("workers", [2, pytest.param(4, marks=pytest.mark.drill)])
def test_no_worker_serves_a_credential_after_its_end(committed: None, tmp_path: Any, workers: int):
    acme = make_tenant("Acme")
    boss = {"X-API-Key": acme.owner.secret}
    with serving(tmp_path / "server.log", workers=workers) as origin:
        api, oauth = f"{origin}/api/v1", f"{origin}/oauth"

        def grant(member: Any) -> tuple[Any, dict[str, str]]:
            app = make_client(acme, READ)
            return app, tokens_for(member, READ, client=app)

        def delete(path: str) -> None:
            assert requests.delete(f"{api}/{path}", headers=boss, timeout=10).status_code == 204

        def listed(path: str) -> Any:
            answer = requests.get(f"{api}/{path}", headers=boss, timeout=10)
            return answer.json()["results"]

        def oldest_grant_of(member: Any) -> str:
            rows = listed("integrations?ordering=created_at")
            return next(r["id"] for r in rows if r["approved_by"] == str(member.user.pk))

        def viewer() -> str:
            return next(row["id"] for row in listed("members") if row["role"] == "viewer")

        key, secret = make_key(acme.id, acme.accountant.user, [READ])
        app, revoked = grant(acme.clerk)
        _, disconnected = grant(acme.admin)
        gone, orphaned = grant(acme.accountant)
        _, left = grant(acme.viewer)
        _, inactive = grant(acme.admin)
        service = service_token(make_service(acme, READ), READ).json()
        form = urlencode({"client_id": app.client_id, "token": revoked["refresh_token"]})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}

        def deactivate() -> None:
            acme.admin.user.is_active = False
            acme.admin.user.save()

        def revoke() -> None:
            assert requests.post(f"{oauth}/revoke", form, headers=kind, timeout=10).ok

        clients = OAuthApplication.objects
        ends = [
            ({"X-API-Key": secret}, lambda: delete(f"api-keys/{key.pk}")),
            (bearer(revoked["access_token"]), revoke),
            (
                bearer(disconnected["access_token"]),
                lambda: delete(f"integrations/{oldest_grant_of(acme.admin)}"),
            ),
            (bearer(orphaned["access_token"]), lambda: clients.filter(pk=gone.pk).delete()),
            (bearer(left["access_token"]), lambda: delete(f"members/{viewer()}")),
            (
                bearer(service["access_token"]),
                lambda: clients.filter(authorization_grant_type="client-credentials").delete(),
            ),
            (bearer(inactive["access_token"]), deactivate),
        ]
        for headers, end in ends:
            with Caller(f"{api}/customers", headers) as caller:
                try:
                    time.sleep(0.3)
                    end()
                    ended = time.monotonic()
                    time.sleep(0.5)
                finally:
                    caller.stop.set()
            assert caller.seen[0][1] == 200
            assert set(caller.served_after(ended)) == {401}
        by_key = {"X-API-Key": acme.admin.secret}
        assert requests.get(f"{api}/customers", headers=by_key, timeout=10).status_code == 401
