"""Further ways to prove who is there, beside the authenticator app. A module brings its own; where
none has joined, nothing here runs.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest

from apps.accounts.models import User


class Factor(NamedTuple):
    """One of them. Whoever brings it joins it when its app is ready.

    field       what a form names its proof
    is_set_up   whether this person has it, and is asked for it after the password
    proves      whether this text, from the field, proves the person; a guess is counted there
    forget      the account is over
    listed      what `home_page` shows of this person
    and the templates that stand on the pages of the account; `ask_page` where it is asked for
    """

    field: str
    is_set_up: Callable[[User], bool]
    proves: Callable[[HttpRequest, User, str], bool]
    forget: Callable[[User], None]
    listed: Callable[[User], Any]
    sign_in_page: str
    second_step_page: str
    home_page: str
    ask_page: str


FACTORS: list[Factor] = []


def of(user: User) -> list[Factor]:
    """Those that this person has set up."""
    return [factor for factor in FACTORS if factor.is_set_up(user)]
