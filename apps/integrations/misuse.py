"""A key was shown where it opens nothing: the trail and the owners learn of it, now and then."""

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError

from apps.integrations import queries
from apps.integrations.access import KeyEvent
from apps.integrations.models import ApiKey
from saas import counters
from saas.alerts import alert
from saas.audit import trail
from saas.authentication.misuse import ELSEWHERE, HONEYTOKEN, Misuse
from saas.counters import StoreUnavailable, Window
from saas.tenancy.binding import bind

log = logging.getLogger("saas.audit")

EVENTS = {ELSEWHERE: KeyEvent.USED_ELSEWHERE, HONEYTOKEN: KeyEvent.HONEYTOKEN_USED}
WORDS = {
    ELSEWHERE: "The API key {prefix} was shown from {address} at {path}, outside its networks, and "
    "was refused. If that was none of yours, somebody has copied it: revoke it.",
    HONEYTOKEN: "The honeytoken {prefix} was used from {address} at {path}. It opens nothing; "
    "whoever has it has read the place where you left it.",
}
LONGEST_PATH = 200


def tell_of_misuse(misuse: Misuse, **_: Any) -> None:
    """Leave an entry and an alert of what was shown in a request."""
    now_and_then(misuse.how, misuse.principal.credential_id, lambda: write(misuse))


def ring_for(key: ApiKey, message: str, **data: str) -> None:
    """The same of a honeytoken that turned up in another way, inside its tenant."""

    def ring() -> None:
        trail.record(None, KeyEvent.HONEYTOKEN_USED, key, **data)
        alert(key.tenant_id, KeyEvent.HONEYTOKEN_USED, message, row=key)

    now_and_then(HONEYTOKEN, key.pk, ring)


def now_and_then(how: str, key_id: UUID, tell: Callable[[], None]) -> None:
    """At most once in the time that settings name for one key: a thief with a loop must not fill
    the trail.
    """
    window = Window(f"{how}:{key_id}", *settings.KEY_ALARMS[how])
    ticket = counters.new_ticket()
    try:
        store = counters.shared()
        [told] = store.take([window], ticket=ticket)
    except StoreUnavailable:
        store = counters.local()
        [told] = store.take([window], ticket=ticket)
    if told.wait:
        return
    try:
        tell()
    except DatabaseError:
        log.exception("the misuse of a key could not be recorded")
        store.release(window, ticket)  # the next one tries again


def write(misuse: Misuse) -> None:
    """The entry and the alert; the address stands in the alert alone, since the trail is kept for
    ever.
    """
    event = EVENTS[misuse.how]
    with bind(misuse.principal.tenant_id), trail.recording(misuse.request_id):
        key = queries.keys().get(pk=misuse.principal.credential_id)
        path = misuse.path[:LONGEST_PATH]
        trail.record(None, event, key, path=path)
        message = WORDS[misuse.how].format(prefix=key.prefix, address=misuse.address, path=path)
        alert(key.tenant_id, event, message, row=key)
