"""The knobs, with their defaults; SAAS_RISK names those that a clone wants otherwise."""

from typing import NamedTuple

from django.conf import settings


class Risk(NamedTuple):
    """Seconds, but where a name says otherwise."""

    half_life: float = 900  # in which half of a score is forgotten
    trust_days: float = 30  # without a point, until limits are doubled
    forgotten: float = 7 * 86_400  # a record of somebody who was not seen for so long
    known: float = 600  # a credential that was proved so lately may pass a refused network
    most: int = 10_000  # principals that a process remembers
    beat: float = 1.0  # between two exchanges with the other processes; 0: nobody exchanges


RISK = Risk(**getattr(settings, "SAAS_RISK", {}))

# A score from so much on, and what is left of the limits. Below the last they stay as they are.
BANDS = ((75.0, 0.1), (50.0, 0.25), (25.0, 0.5))
TENTH = BANDS[0][1]
TRUSTED = 5.0  # below this score a clean record counts
