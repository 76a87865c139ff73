"""A key that is shown where it opens nothing tells its owner, and whoever shows it learns
nothing."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.db import connections
from django.dispatch import Signal
from django.http import HttpRequest

from saas.context import Principal
from saas.edge.address import Address, client_ip
from saas.edge.log import TracedRequest
from saas.edge.noticing import noticed

ELSEWHERE = "elsewhere"
HONEYTOKEN = "honeytoken"
EVENTS = {ELSEWHERE: "key.elsewhere", HONEYTOKEN: "honeytoken.used"}
MOST_WAITING = 1000

# Sent outside every transaction, with a Misuse as `misuse`.
key_misused = Signal()

_waiting: set[tuple[str, Any]] = set()


class Misuse(NamedTuple):
    """Which key was shown, how it was misused, from where and at what. The path holds no text of
    the caller's own: it met a route that takes ids and nothing else.
    """

    principal: Principal
    how: str
    address: Address
    path: str
    request_id: str


def note(request: HttpRequest, principal: Principal, how: str) -> None:
    """Remember it until the answer has left, and name the key in the access log."""
    noticed(request, EVENTS[how], org=principal.tenant_id, credential=principal.credential_id)
    traced = cast(TracedRequest, request)
    traced.facts.misuse = Misuse(
        principal, how, client_ip(request), request.path_info, traced.request_id
    )


def tell_later(misuse: Misuse) -> None:
    """Tell whoever listens, in a second or so and elsewhere: an alarm takes time, and a thief would
    hear that in this answer, or in the next one on the same connection.

    What waits already is not told twice. Where nothing is to be waited for, it is told at once.
    """
    delay = settings.KEY_ALARM_DELAY
    which = (misuse.how, misuse.principal.credential_id)
    if not delay:
        key_misused.send_robust(sender=None, misuse=misuse)
    elif which not in _waiting and len(_waiting) < MOST_WAITING:
        _waiting.add(which)
        due = time.monotonic() + random.uniform(delay / 2, delay)  # noqa: S311  # no secret
        _bell().submit(copy_context().run, _tell, misuse, which, due)


def _tell(misuse: Misuse, which: tuple[str, Any], due: float) -> None:
    time.sleep(max(0.0, due - time.monotonic()))
    _waiting.discard(which)
    try:
        key_misused.send_robust(sender=None, misuse=misuse)
    finally:
        connections.close_all()


@cache
def _bell() -> ThreadPoolExecutor:
    """One thread for each process; a process that ends first does what waits."""
    return ThreadPoolExecutor(1, thread_name_prefix="bell")
