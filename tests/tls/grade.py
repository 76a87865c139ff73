"""What a scanner found beside what was written down; a difference either way counts."""

from collections.abc import Iterator
from typing import Any, NamedTuple


class Line(NamedTuple):
    """One fact about a gateway."""

    fact: str
    found: Any
    expected: Any

    @property
    def agrees(self) -> bool:
        """Whether it is as it was written down."""
        return bool(self.found == self.expected)


def compared(kind: str, found: dict[str, Any], expected: dict[str, Any]) -> Iterator[Line]:
    """A line for each fact; what the scanner could not find out is None, and so no agreement."""
    for version, suites in expected["suites"][kind].items():
        result = found[f"{version}_cipher_suites"] or {"accepted_cipher_suites": None}
        accepted = result["accepted_cipher_suites"]
        names = accepted and [suite["cipher_suite"]["openssl_name"] for suite in accepted]
        yield Line(f"{kind}: {version}", names if names is None else sorted(names), sorted(suites))
    curves = (found["elliptic_curves"] or {}).get("supported_curves") or []
    names = sorted(curve["name"] for curve in curves)
    yield Line(f"{kind}: curves", names, sorted(expected["curves"]["supported"]))
    for part, facts in expected["facts"].items():
        for name, value in facts.items():
            yield Line(f"{kind}: {part}.{name}", (found[part] or {}).get(name), value)
