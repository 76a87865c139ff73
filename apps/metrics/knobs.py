"""Where the metrics are kept and who may read them; unset, there are none."""

from ipaddress import ip_address
from pathlib import Path

from django.conf import settings


def port() -> int:
    """Where `manage.py metrics` serves; 0 is off. Raises ValueError."""
    if not 0 <= settings.SAAS_METRICS_PORT < 65536:
        raise ValueError("no port has this number")
    return settings.SAAS_METRICS_PORT


def address() -> str:
    """Of one network card inside the house. Raises ValueError for one that strangers may reach:
    what operations there are, how busy they are and which guards fire is no business of theirs.
    """
    given = ip_address(settings.SAAS_METRICS_ADDRESS)
    if given.is_unspecified or not given.is_private:
        raise ValueError("it must be a loopback or private address of this machine")
    return str(given)


def folder() -> Path:
    """What every process of this machine counts into; made for this account alone."""
    path = Path(settings.SAAS_METRICS_FOLDER)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
