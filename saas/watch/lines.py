"""What detectors read: lines of the access log, and whom each is about."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from saas.edge.address import network_of

Line = Mapping[str, Any]
REFUSED = frozenset({401, 403})


class Subject(NamedTuple):
    """Whom a finding is about. A network belongs to no tenant."""

    type: str  # principal, network, organization, operation…
    name: str
    tenant: str | None = None

    @property
    def id(self) -> UUID:
        """The id under which an alert keeps it: its own, or one made of its name."""
        try:
            return UUID(self.name)
        except ValueError:
            return uuid5(NAMESPACE_URL, f"{self.type}:{self.name}")


class Hit(NamedTuple):
    """One line counts for a subject: `weight` times, or, where a detector counts what is distinct,
    as one more `member`.
    """

    subject: Subject
    weight: int = 1
    member: str | None = None


def principal_of(line: Line) -> Subject | None:
    """The proved caller, or None."""
    if not line["principal"]:
        return None
    return Subject("principal", line["principal"], line["org"])


def family_of(line: Line) -> Subject:
    """The consent whose tokens these are; the line names it as the credential."""
    return Subject("family", line["credential_id"], line["org"])


def credential_of(line: Line) -> Subject | None:
    """What was shown, proved or not: a family of tokens of a person, a key, or a service, which has
    a new token every quarter of an hour. None where nobody knows it.
    """
    if line["auth_method"] == "service":
        return principal_of(line)
    if line["auth_method"] == "api-key" and line["principal"]:
        return principal_of(line)
    return family_of(line) if line["credential_id"] else None


@lru_cache(4096)
def network(ip: str) -> str:
    """The unit that is counted: an IPv4 address, or the /64 that one IPv6 customer owns."""
    return network_of(ip_address(ip))


def network_subject(line: Line) -> Subject:
    """The network that the line came from."""
    return Subject("network", network(line["ip"]))


@lru_cache(1024)
@lru_cache(4096)  # several detectors ask it of each line of a batch
def seconds_of(ts: str) -> float:
    """The time of a line, in seconds since 1970."""
    return datetime.fromisoformat(ts).timestamp()


@dataclass
class Scene:
    """Who acts in a simulation, and when it begins: its `line()` is one of an ordinary request."""

    principal: str
    org: str
    user: str | None = None
    ip: str = "203.0.113.66"
    auth_method: str = "api-key"
    begins: datetime = field(default_factory=lambda: datetime.now(UTC))

    def line(self, at: float = 0.0, **changes: Any) -> dict[str, Any]:
        """A line of the log `at` seconds after the beginning; `changes` are its other values."""
        moment = self.begins + timedelta(seconds=at)
        request_id = str(uuid4())
        return {
            "ts": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "request_id": request_id,
            "trace_id": request_id.replace("-", ""),
            "ip": self.ip,
            "user_id": self.user,
            "principal": self.principal,
            "org": self.org,
            "credential_id": self.principal,
            "auth_method": self.auth_method,
            "operation_id": "things.list",
            "route": "api/v1/things",
            "method": "GET",
            "status": 200,
            "duration_ms": 5.0,
            "bytes_in": 0,
            "bytes_out": 2000,
            "object_ids": [],
            "disclosed": [],
            "exposed_parameters": [],
            "decision": "allow",
            "events": [],
        } | changes

    def stranger(self, at: float = 0.0, **changes: Any) -> dict[str, Any]:
        """The same of a request that proved nothing."""
        nobody: dict[str, Any] = dict.fromkeys(
            ("user_id", "principal", "org", "credential_id", "auth_method", "operation_id")
        )
        return self.line(at, **nobody | {"status": 401, "decision": None} | changes)
