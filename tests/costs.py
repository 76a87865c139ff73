"""`python -m tests.costs` prints what protections cost that can be timed alone, in microseconds.

The figures of docs/practices.toml come from here. Compare them with each other and not with those
of another machine; what a whole request costs is a matter of requests, not of this list.
"""

import os
import timeit
from collections.abc import Callable
from uuid import uuid4

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.test")
TRIES, TIMES = 7, 400


def guards() -> dict[str, Callable[[], object]]:
    """A call of each protection, as an ordinary request makes it."""
    from django.test import RequestFactory

    from apps.customers.access import Customers
    from apps.customers.serializers import CustomerInput
    from saas import crypto
    from saas.authentication import keys
    from saas.authorization.access import permit
    from saas.authorization.operations import Allow
    from saas.context import Actor, Principal, PrincipalKind
    from saas.counters import Window
    from saas.counters.memory import MemoryCounters
    from saas.edge import admission, gate, log
    from saas.edge.address import client_ip
    from saas.errors import Problem, problem_response
    from saas.ids import uuid7
    from saas.persistence.idempotency import fingerprint
    from saas.validation import strict_json, text
    from saas.validation.inputs import judge

    body = b'{"name": "Initech", "country": "DE", "email": "billing@initech.example"}'
    secret, key, tenant = keys.mint().secret, crypto.random_key(), uuid4()
    request = RequestFactory().post(
        "/api/v1/customers", body, "application/json", headers={"X-API-Key": secret}
    )
    request.request_id, request.facts = str(uuid4()), log.Facts()  # type: ignore[attr-defined]  # as RequestLog does
    answer = problem_response(Problem("not-found"), request)
    scopes = frozenset({Customers.WRITE})
    principal = Principal(PrincipalKind.API_KEY, tenant, tenant, tenant, tenant, scopes, None)
    actor = Actor(principal, tenant, "clerk", scopes)
    rule, asked = Allow(Customers.WRITE), strict_json.parse(body)
    windows = [Window(f"{n}:{tenant}", 10**9, 3600) for n in range(4)]
    store, sealed = MemoryCounters(), crypto.seal(key, body, b"here")
    return {
        "LOG-01": lambda: log._line(request, answer, 0.0),  # type: ignore[arg-type]  # as above
        "X-17": lambda: client_ip(request),
        "AUTHN-06": lambda: gate.refuse_credentials_in_url(request),
        "AUTHN-07": lambda: gate.refuse_two_credentials(request),
        "INPUT-10": lambda: admission.admit(request, ("GET", "POST")),
        "AUTHN-05": lambda: keys.is_well_formed(secret),
        "AUTHN-11": lambda: crypto.digest(secret),
        "RATE-02": lambda: store.take(windows),
        "AUTHZ-10": lambda: permit(actor, rule),
        "INPUT-01": lambda: judge(CustomerInput, asked),
        "INPUT-05": lambda: text.clean("Initech GmbH"),
        "INPUT-08": lambda: strict_json.parse(body),
        "INPUT-09": lambda: text.email("billing@initech.example"),
        "AUTHZ-04": uuid7,
        "DATA-01": lambda: crypto.unseal(key, sealed, b"here"),
        "X-01": lambda: fingerprint("POST", "/api/v1/invoices", body),
    }


def main() -> None:
    """One line for each, the best of several tries."""
    import django

    django.setup()
    for practice, call in guards().items():
        best = min(timeit.repeat(call, number=TIMES, repeat=TRIES)) / TIMES
        print(f"{practice:<9} {best * 1e6:6.1f} µs")


if __name__ == "__main__":
    main()
