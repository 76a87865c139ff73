"""What raises a score: each rule is a question about one line of the access log."""

from collections.abc import Callable, Container
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple

from saas.alerts import Severity
from saas.edge.address import network_of

Line = dict[str, Any]


class Rule(NamedTuple):
    """So many `points` for each line that meets the question, but for the first `free` of a
    minute. A score at `up_to` is raised no further by this rule: what alone proves nothing never
    moves a limit alone.
    """

    name: str
    points: float
    free: int
    up_to: float
    meets: Callable[[Line, Container[str]], bool]


def was_refused(line: Line, networks: Container[str]) -> bool:
    """They tried what they may not."""
    return line["status"] in (401, 403)


def found_nothing(line: Line, networks: Container[str]) -> bool:
    """They asked for what is not there: ids are being tried."""
    return bool(line["status"] == 404)


def refreshed(line: Line, networks: Container[str]) -> bool:
    """A token was refreshed, which an honest client does a few times an hour."""
    return "token.refreshed" in line["events"]


def jumped(line: Line, networks: Container[str]) -> bool:
    """Somebody was in two places that are too far apart."""
    return "location.jumped" in line["events"]


def came_from_elsewhere(line: Line, networks: Container[str]) -> bool:
    """A network that this principal was not seen in; of the first one nobody can say so."""
    return bool(networks) and network_in(line) not in networks


RULES = (
    Rule("refused", 2, 5, 100, was_refused),
    Rule("sweep", 2, 20, 100, found_nothing),
    Rule("refresh-loop", 5, 3, 100, refreshed),
    Rule("geo-jump", 40, 0, 100, jumped),
    Rule("new-network", 10, 0, 20, came_from_elsewhere),
)
OF_AN_ALERT = {Severity.HIGH: 60.0, Severity.MEDIUM: 30.0, Severity.LOW: 5.0}


def network_in(line: Line) -> str:
    """Where a request came from, as limits count it."""
    return _network_of(line["ip"])


@lru_cache(4096)
def _network_of(ip: str) -> str:
    return network_of(ip_address(ip))
