"""Which permission a field needs: declared once, read by validation on the way in and disclosure on
the way out.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from saas.context import Actor
from saas.errors import FieldError, Problem


@dataclass(frozen=True, slots=True)
class FieldAccess:
    """The fields of one resource: those that everybody sees who may read it, and those that need
    more.

    `personal` are the fields whose disclosure is itself an event of the audit trail.
    """

    public: Set[str]
    guarded: Mapping[str, str]
    personal: frozenset[str] = frozenset()

    def visible(self, actor: Actor) -> frozenset[str]:
        """The guarded fields that `actor` may see."""
        return frozenset(name for name, permission in self.guarded.items() if actor.may(permission))

    def knows(self, name: str) -> bool:
        """Whether somebody decided who may see `name`."""
        return name in self.public or name in self.guarded


NO_FIELDS = FieldAccess(public=frozenset(), guarded={})


def refuse_guarded(fields: FieldAccess, actor: Actor, names: Mapping[str, str]) -> None:
    """403 when the body writes a field that its sender may not see; names each one.

    `names` maps what was sent to the field that it changes. Without this, who may not read a
    note could still overwrite it.
    """
    refused = [
        FieldError("guarded-field", "May not be written.", pointer=f"/{name}")
        for name, field in names.items()
        if field in fields.guarded and not actor.may(fields.guarded[field])
    ]
    if refused:
        raise Problem(
            "guarded-field", "This credential may not write these fields.", errors=refused
        )
