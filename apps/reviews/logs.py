"""What a log says to whoever reviews it: how much, what was refused to whom, and what is new."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from ipaddress import ip_address
from typing import Any
from zoneinfo import ZoneInfo

from apps.reviews.reading import Line
from saas.edge.address import network_of

TOP = 20
MOST = 100_000  # different principals and networks that are counted


def summary(
    lines: Iterable[Line], known: Iterable[str], *, office: tuple[int, int], zone: ZoneInfo
) -> dict[str, Any]:
    """The findings. `known` are networks that earlier reviews have met, `office` the hours from and
    to on working days.
    """
    by: dict[str, Counter[str]] = {
        name: Counter() for name in ("status", "decision", "operation", "event", "route_refused")
    }
    principals: Counter[str] = Counter()
    refusing: Counter[str] = Counter()
    networks: Counter[str] = Counter()
    strange_hours: Counter[str] = Counter()
    total = slowest = 0
    for line in lines:
        total += 1
        slowest = max(slowest, line.get("duration_ms") or 0)
        status, network = int(line["status"]), network_of(ip_address(line["ip"]))
        count(networks, network)
        by["status"][str(status)] += 1
        by["decision"][str(line["decision"])] += 1
        by["operation"][str(line.get("operation_id"))] += 1
        by["event"].update(line.get("events") or ())
        if status >= 400:
            count(refusing, network)
            by["route_refused"][str(line.get("route"))] += 1
            if line.get("principal"):
                count(principals, line["principal"])
        if line.get("principal") and is_strange(line["ts"], office, zone):
            count(strange_hours, line["principal"])
    return {
        "requests": total,
        "slowest_ms": slowest,
        **{f"by_{name}": dict(counted.most_common(TOP)) for name, counted in by.items()},
        "refused_principals": dict(principals.most_common(TOP)),
        "refused_networks": dict(refusing.most_common(TOP)),
        "outside_office_hours": dict(strange_hours.most_common(TOP)),
        "networks": sorted(networks),
        "new_networks": sorted(networks.keys() - set(known)),
    }


def count(counter: Counter[str], name: str) -> None:
    """One more, of a bounded number of names: a log may hold millions of addresses."""
    if name in counter or len(counter) < MOST:
        counter[name] += 1


def is_strange(at: str, office: tuple[int, int], zone: ZoneInfo) -> bool:
    """Whether a request came when nobody works."""
    local = datetime.fromisoformat(at).astimezone(zone)
    return local.weekday() > 4 or not office[0] <= local.hour < office[1]
