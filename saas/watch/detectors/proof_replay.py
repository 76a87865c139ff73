"""LOG-11: a proof of a key (DPoP), or a signed request, that was sent before."""

from collections.abc import Iterator
from typing import Any

from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, credential_of

REPLAYED = frozenset({"proof.replayed", "signature.replayed"})


class ProofReplay(Detector):
    """It was refused. Whoever sent it has read a request of ours on its way or in a log."""

    kind = "proofs.replayed"
    means = "A proof or signature that was used before came again and was refused."
    window = 3600
    threshold = 1
    playbook = "replayed-proof"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each replay, for the credential that it was sent with."""
        subject = credential_of(line)
        if subject and not REPLAYED.isdisjoint(line["events"]):
            yield Hit(subject)

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """One overheard request, sent again every ten seconds."""
        return [
            scene.line(10 * n, principal=None, user_id=None, auth_method=None, status=401,
                       decision="invalid-dpop-proof", events=["proof.replayed"])
            for n in range(5)
        ]  # fmt: skip

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """A clock that is wrong, and nonces that have ended: refused, and no replay."""
        return [
            scene.stranger(40 * n, decision="use-dpop-nonce" if n % 2 else "invalid-dpop-proof")
            for n in range(60)
        ]
