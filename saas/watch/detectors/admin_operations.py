"""LOG-08: who is not an admin, and tries what only admins do."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import URLPattern, get_resolver

from saas.alerts import Severity
from saas.context import roles
from saas.watch.detectors import Detector
from saas.watch.lines import Hit, Line, Scene, principal_of

POWERFUL = frozenset({"owner", "admin"})


class AdminOperations(Detector):
    """Refused calls of operations that only owner and admin may do."""

    kind = "admin-operations.tried"
    means = "Somebody without the right tried what only owners and admins may do, again and again."
    severity = Severity.HIGH
    window = 600
    threshold = 3
    playbook = "admin-operations"

    def hits(self, line: Line) -> Iterator[Hit]:
        """Each 403 of such an operation."""
        subject = principal_of(line)
        if line["status"] == 403 and subject and line["operation_id"] in admin_operations():
            yield Hit(subject)

    def simulate(self, scene: Scene) -> list[dict[str, Any]]:
        """A clerk's key tries to make itself a stronger one."""
        name = min(admin_operations())
        return [scene.line(at=60 * n, status=403, operation_id=name) for n in range(4)]

    def benign(self, scene: Scene) -> list[dict[str, Any]]:
        """Somebody follows a link that is not for them, once in six minutes."""
        name = min(admin_operations())
        return [scene.line(at=360 * n, status=403, operation_id=name) for n in range(200)]


@cache
def admin_operations() -> frozenset[str]:
    """The operations whose permission no other role holds, from the declarations."""
    powerful: frozenset[str] = getattr(settings, "SAAS_WATCH_POWERFUL", POWERFUL)
    others = frozenset().union(*(held for role, held in roles().items() if role not in powerful))
    return frozenset(
        f"{view.resource}.{action}"
        for view in declaring_views()
        for action, rule in view.operations.items()
        if not rule.is_open and others.isdisjoint(rule.permissions)
    )


def declaring_views() -> Iterator[Any]:
    """The classes behind all routes that declare operations."""
    waiting = [*get_resolver().url_patterns]
    while waiting:
        pattern = waiting.pop()
        if not isinstance(pattern, URLPattern):
            waiting += pattern.url_patterns
        elif hasattr(view := getattr(pattern.callback, "cls", None), "operations"):
            yield view
