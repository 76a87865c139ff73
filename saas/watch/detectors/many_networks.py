"""LOG-11: one key, or one family of tokens, at many places at once."""

from collections.abc import Iterator
from typing import Any

from saas.alerts import Severity
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, credential_of, network


class ManyNetworks(Detector):
    """A credential that was shared or sold is used from more networks than one client has."""

    kind = "credential.on-many-networks"
    means = "One credential was used from more than five networks within an hour."
    severity = Severity.HIGH
    window = 3600
    threshold = 6
    distinct = True
    rung = "revoke"
    playbook = "many-networks"

    def hits(self, line: Line) -> Iterator[Hit]:
        """The network of each call of a proved caller."""
        subject = credential_of(line)
        if subject and line["principal"]:
            yield Hit(subject, member=network(line["ip"]))

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """The key is used through a list of proxies."""
        return [scene.line(60 * n, ip=f"198.51.100.{n % 12 + 1}") for n in range(40)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Four machines with an address each; in IPv6 a new address for every call, in one /64."""
        return [
            scene.line(30 * n, ip=f"198.51.100.{n % 4}" if n % 8 else f"2001:db8:1:1::{n:x}")
            for n in range(1200)
        ]
