"""A browser that somebody has signed in from is no stranger's: it answers for its own wrong guesses
alone.
"""

import math
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from saas.authentication import events
from saas.crypto import digests, equal, random_text
from saas.edge.noticing import noticed

ID, PROOF, PEOPLE = 22, 32, 5  # of base62: 131 bits; of hex: 128 bits; who share one browser
SINCE = 8  # of hex: seconds since 1970
FORM = re.compile(rf"[0-9A-Za-z]{{{ID}}}(\.[0-9a-f]{{{SINCE + PROOF}}}){{1,{PEOPLE}}}")
NEW_HERE = "new_here_at"  # in the session; see is_new_here


def folded(name: str) -> str:
    """One spelling of a name: in other cases or compatible letters it would be counted anew."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def known(request: HttpRequest, name: str, *, before: float = math.inf) -> str | None:
    """The id of the browser, if the person of this name has signed in from it; `before` a time.

    A proof is bound to id, name and date, so nobody makes one for another's name, and who steals it
    has ten guesses and then waits like everybody.
    """
    id, proofs = _read(request)
    mine = _mine(id, name, proofs)
    return id if mine and int(mine[:SINCE], 16) < before else None


def is_settled(request: HttpRequest, name: str) -> bool:
    """Whether the browser is known from calm times, by two factors or by a letter, or for a week: a
    thief whose pair was right before there were enough wrong ones is no friend of the house.
    """
    before = time.time() - settings.DEVICE_SETTLED.total_seconds()
    return known(request, name, before=before) is not None


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Leave the proof in the browser. It opens nothing, and says nothing of the person."""
    id, proofs = _read(request)
    id = id or random_text(ID)
    before = _mine(id, name, proofs)
    since = int(request.session[NEW_HERE]) if is_new_here(request) else 0
    if before:
        since = min(since, int(before[:SINCE], 16))
    mine = next(_proofs(id, name, since))
    others = [one for one in proofs if one != before]
    response.set_cookie(
        cookie_name(),
        ".".join([id, mine, *others][: PEOPLE + 1]),
        max_age=settings.DEVICE_KNOWN,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def cookie_name() -> str:
    """`__Host-` binds it to this host, and wants Secure, which development on loopback has not."""
    return "__Host-device" if settings.SESSION_COOKIE_SECURE else "device"


def _read(request: HttpRequest) -> tuple[str, list[str]]:
    value = request.COOKIES.get(cookie_name(), "")
    id, *proofs = value.split(".") if FORM.fullmatch(value) else [""]
    return id, proofs


def _mine(id: str, name: str, proofs: list[str]) -> str:
    """The proof of this name among them, or nothing."""
    for one in proofs:
        if any(equal(proof, one) for proof in _proofs(id, name, int(one[:SINCE], 16))):
            return one
    return ""


def _proofs(id: str, name: str, since: int) -> Iterator[str]:
    for proof in digests(f"{id}\0{folded(name)}\0{since}", purpose="device"):
        yield f"{since:0{SINCE}x}{proof[:PROOF]}"


def is_new_here(request: HttpRequest) -> bool:
    """Whether this very request signs somebody in by a password alone, in a new browser, while
    others fail.
    """
    return getattr(request, "is_new_here", False)


class KnownDevices:
    """Leave the cookie in the browser of whoever has just signed in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The answer; with the cookie when somebody signed in while it was made."""
        response = self.get_response(request)
        if (name := getattr(request, "signed_in_as", None)) is not None:
            remember(request, response, name)
        return response


@receiver(user_logged_in)
def note_name(request: HttpRequest, user: Any, **_: Any) -> None:
    """With all factors: before the second one nobody is signed in."""
    request.signed_in_as = user.get_username()  # type: ignore[attr-defined]  # read above
    noticed(request, events.SUCCEEDED, user=user.pk)
    if is_new_here(request):
        request.session[NEW_HERE] = time.time()
