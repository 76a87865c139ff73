"""Whom this process speaks to on other machines, and which of those wires could be read."""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlsplit

UNVERIFIED = frozenset({"none", "optional", "false", "0"})


def in_clear(settings: Any) -> Iterator[tuple[str, str]]:
    """What is asked and at which host, for each wire that a stranger could read or answer on."""
    owner = settings.DATABASE_OWNER
    for name, database in [*settings.DATABASES.items(), *([("owner", owner)] if owner else [])]:
        if "postgresql" in database["ENGINE"]:
            yield from _database(f"The database {name!r}", database)
    yield from _redis("The counters", settings.REDIS_URL)
    for name, cache in settings.CACHES.items():
        for url in _listed(cache.get("LOCATION", "")):
            if "://" in url:
                yield from _redis(f"The cache {name!r}", url)
    for name, mailer in settings.MAILERS.items():
        if mailer["BACKEND"].endswith("smtp.EmailBackend"):
            yield from _mail(f"The mailer {name!r}", mailer.get("OPTIONS", {}))


def is_local(host: str) -> bool:
    """Whether nothing leaves this machine: loopback, or the path of a socket."""
    if host in ("", "localhost") or host.startswith("/"):
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _database(name: str, database: dict[str, Any]) -> Iterator[tuple[str, str]]:
    # Anything short of verify-full takes any certificate, or that of another server.
    options = database.get("OPTIONS", {})
    given = [database.get("HOST", ""), options.get("host", ""), options.get("hostaddr", "")]
    hosts = [host for names in given for host in str(names).split(",")]
    hosts += [options["service"]] if "service" in options else []
    if options.get("sslmode") != "verify-full":
        yield from ((name, host) for host in hosts if not is_local(host))


def _redis(name: str, url: str) -> Iterator[tuple[str, str]]:
    parts = urlsplit(url)
    asked = parse_qs(parts.query)
    loose = {*asked.get("ssl_cert_reqs", []), *asked.get("ssl_check_hostname", [])}
    verified = parts.scheme == "rediss" and not {word.lower() for word in loose} & UNVERIFIED
    if parts.scheme != "unix" and not verified and not is_local(parts.hostname or ""):
        yield name, parts.hostname or ""


def _mail(name: str, options: dict[str, Any]) -> Iterator[tuple[str, str]]:
    # With either of the two, Django verifies the certificate and the name on it.
    if not (options.get("use_tls") or options.get("use_ssl")) and not is_local(
        options.get("host", "")
    ):
        yield name, options.get("host", "")


def _listed(location: str | list[str]) -> list[str]:
    return [location] if isinstance(location, str) else location
