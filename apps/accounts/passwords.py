"""What a password may be beyond what its owner likes: long, and nothing that is tried first."""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any
from unicodedata import normalize

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

from apps.accounts import leaked, queries

ALONE, WITH_FACTOR = 15, 8  # characters: NIST SP 800-63B-4 §3.1.1.2
OWN = 8  # characters that must be left when the words that anybody would try are gone
SERVICE = "strongroom"

# Each gives further words that stand beside the account of a person; an app adds its own when it
# starts.
NEAR: list[Callable[[Any], Iterable[str]]] = []


def folded(password: str) -> str:
    """The password as a guesser's list has it: in one case and one width. What is stored and
    compared is always what was typed.
    """
    return normalize("NFKC", password).casefold().strip()


def least(user: Any) -> int:
    """How many characters this person's password must have."""
    is_stored = user is not None and not user._state.adding
    return WITH_FACTOR if is_stored and queries.is_protected(user) else ALONE


class LongEnough:
    """Refuses a short password: a stolen table of hashes is tried at a billion guesses a day. Where
    a second factor is asked for as well, the password need not stand alone.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for too few characters."""
        if len(password) < least(user):
            raise ValidationError(
                f"Use at least {least(user)} characters.", code="password_too_short"
            )

    def get_help_text(self) -> str:
        """For a form."""
        return f"At least {ALONE} characters, or {WITH_FACTOR} beside a second factor."


class Unlisted(CommonPasswordValidator):
    """Refuses what stands in the lists of guessers, whole, again and again, or two joined; and what
    stands in the downloaded list of leaked ones (SAAS_LEAKED_PASSWORDS).
    """

    def __init__(self) -> None:
        super().__init__()
        self.passwords = {folded(one) for one in self.passwords}

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for what a guesser has."""
        plain = folded(password)
        index = leaked.index(settings.SAAS_LEAKED_PASSWORDS)
        if self.is_made_of_listed(plain) or (index and (password in index or plain in index)):
            raise ValidationError(
                "This password is known to those who guess passwords.", code="password_too_common"
            )

    def is_made_of_listed(self, plain: str) -> bool:
        """Whether a program finds it that takes its list, joins it with itself, and repeats."""
        once = plain[: (plain + plain).find(plain, 1)]  # the shortest piece that it repeats
        halves = ((plain[:at].strip(), plain[at:].strip()) for at in range(1, len(plain)))
        return once in self.passwords or any(
            head in self.passwords and tail in self.passwords for head, tail in halves
        )


@cache
def _unlisted() -> Unlisted:
    return Unlisted()


def is_listed(password: str) -> bool:
    """Whether guessers have it: a list that is younger than a password still refuses it."""
    try:
        _unlisted().validate(password)
    except ValidationError:
        return True
    return False


class ContextWords:
    """Refuses a password that is made of the service's name, the person's name or address, or the
    name of an organization: who guesses passwords tries those first (NIST SP 800-63B-4 §3.1.1.2).
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError when too little is left without those words."""
        about = [SERVICE, getattr(user, "email", ""), getattr(user, "name", "")]
        if user is not None and not user._state.adding:
            about += [word for near in NEAR for word in near(user)]
        words = re.findall(r"\w{3,}", normalize("NFKC", " ".join(about)).casefold())
        left = whole = folded(password)
        for word in sorted(words, key=len, reverse=True):
            left = left.replace(word, "")
        if left != whole and len(left) < OWN:
            raise ValidationError(
                "Use words that are not in your address, your organization or our name.",
                code="password_too_near",
            )

    def get_help_text(self) -> str:
        """For a form."""
        return "Not made of your address, your organization or our name."
