"""Where an address is, by a table of our own: nobody outside is asked. Optional: without the table,
or without the extra `geoip`, every address is nowhere.
"""

import logging
import math
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.conf import settings

log = logging.getLogger("saas.watch")
EARTH = 6371.0  # kilometres


class Place(NamedTuple):
    """The country, and the point where the table says how near it knows."""

    country: str
    latitude: float | None
    longitude: float | None


@cache
def table() -> Any:
    """The open table of SAAS_GEOIP_PATH, or None; says once why there is none."""
    path = settings.SAAS_GEOIP_PATH
    if not path:
        log.info("SAAS_GEOIP_PATH names no table: the watch knows no countries")
        return None
    try:
        import maxminddb

        return maxminddb.open_database(path)
    except ImportError:
        log.warning("the extra `geoip` is not installed: the watch knows no countries")
    except (OSError, ValueError, RuntimeError) as fault:  # InvalidDatabaseError is the last
        log.warning("the table of SAAS_GEOIP_PATH cannot be read: %s", fault)
    return None


@lru_cache(20_000)
def place_of(ip: str) -> Place | None:
    """Where this address is, or None when the table does not say."""
    found = table() and table().get(ip)
    if not isinstance(found, dict):
        return None
    country = found.get("country", {}).get("iso_code")
    point = found.get("location", {})
    if not country:
        return None
    return Place(str(country), point.get("latitude"), point.get("longitude"))


def kilometres(one: Place, other: Place) -> float:
    """The way between two places along the surface of the earth; 0 where a point is not known."""
    if None in (one.latitude, one.longitude, other.latitude, other.longitude):
        return 0.0
    a, b = math.radians(one.latitude or 0), math.radians(other.latitude or 0)
    across = math.radians((other.longitude or 0) - (one.longitude or 0))
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(across / 2) ** 2
    return 2 * EARTH * math.asin(min(1.0, math.sqrt(half)))
