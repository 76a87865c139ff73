"""Lists of stolen names and passwords are tried from everywhere, each network and each name within
its own limit: the house as a whole sees it.
"""

from typing import NamedTuple

from django.conf import settings
from django.dispatch import Signal

from saas import counters
from saas.authentication import devices
from saas.counters import StoreUnavailable, Window
from saas.crypto import digest
from saas.errors import Problem

HOUSE = "house"
MOST = 100_000  # names that are told apart; beyond, there is no doubt any more

# Sent when it begins, and again for each further `lasts` seconds of it.
stuffing_noticed = Signal()


class Seen(NamedTuple):
    """What the house has seen of strangers: whether any of them has failed and not come in since,
    and whether these are so many that a right password is not enough.
    """

    is_uneasy: bool
    is_under_way: bool


def count(name: str, *, failed: bool) -> Seen:
    """Count a password for `name` from a browser that its owner is not known to use. Raises 503
    when nobody can count.

    Counted are names, not tries: who signs in to an account of their own a thousand times hides no
    guess. A name whose owner came in after all has failed no more: so do people who mistype.
    """
    rule = settings.STUFFING
    who = digest(f"{HOUSE}\0{devices.folded(name)}", purpose="attempt")
    tried, wrong = (
        Window(f"{what}:{HOUSE}", MOST, rule.seconds, held=True) for what in ("tried", "wrong")
    )
    try:
        store = counters.shared()
        if not failed:
            store.release(wrong, who)
        [of_all] = store.take([tried], ticket=who)
        [of_wrong] = store.take([wrong], ticket=who, spend=failed)
        all_names, wrong_names = MOST - of_all.remaining, MOST - of_wrong.remaining
        is_much = wrong_names >= max(rule.names, rule.share * all_names)
        [storm] = store.take([Window(f"stuffing:{HOUSE}", 1, rule.lasts)], spend=is_much)
    except StoreUnavailable:
        raise Problem("not-ready", "Attempts cannot be counted at the moment.") from None
    if is_much and not storm.wait:
        stuffing_noticed.send_robust(sender=None)
    return Seen(bool(wrong_names), not storm.remaining)
