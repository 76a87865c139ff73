"""Where the metrics are kept and who may read them; unset, there are none."""

import os
from ipaddress import ip_address
from pathlib import Path

from django.conf import settings


def port() -> int:
    """Where `manage.py metrics` serves; 0 is off. Raises ValueError."""
    number = int(os.environ.get("SAAS_METRICS_PORT") or 0)
    if not 0 <= number < 65536:
        raise ValueError("no port has this number")
    return number


def address() -> str:
    """Of one network card inside the house. Raises ValueError for one that strangers may reach:
    what operations there are, how busy they are and which guards fire is no business of theirs.
    """
    given = os.environ.get("SAAS_METRICS_ADDRESS") or "127.0.0.1"
    if not (ip_address(given).is_private and not ip_address(given).is_unspecified):
        raise ValueError("it must be a loopback or private address of this machine")
    return given


def folder() -> Path:
    """What every process of this machine counts into; made for this account alone."""
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    path = Path(given) if given else Path(settings.BASE_DIR) / "var" / "metrics"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
