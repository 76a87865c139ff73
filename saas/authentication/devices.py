"""A browser that somebody has signed in from is no stranger's: it answers for its own wrong guesses
alone.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from saas.crypto import digests, equal, random_text

ID, PROOF, PEOPLE = 22, 32, 5  # of base62: 131 bits; of hex: 128 bits; who share one browser
FORM = re.compile(rf"[0-9A-Za-z]{{{ID}}}(\.[0-9a-f]{{{PROOF}}}){{1,{PEOPLE}}}")


def folded(name: str) -> str:
    """One spelling of a name: in other cases or compatible letters it would be counted anew."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def known(request: HttpRequest, name: str) -> str | None:
    """The id of the browser, if the person of this name has signed in from it.

    A proof is bound to id and name, so nobody makes one for another's name, and who steals it has
    ten guesses and then waits like everybody.
    """
    id, proofs = _read(request)
    expected = list(_proofs(id, name))
    return id if any(equal(known, one) for known in expected for one in proofs) else None


def remember(request: HttpRequest, response: HttpResponse, name: str) -> None:
    """Leave the proof in the browser. It opens nothing, and says nothing of the person."""
    id, proofs = _read(request)
    id = id or random_text(ID)
    mine = next(_proofs(id, name))
    others = [one for one in proofs if one != mine]
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


def _proofs(id: str, name: str) -> Iterator[str]:
    for digested in digests(f"{id}\0{folded(name)}", purpose="device"):
        yield digested[:PROOF]


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
