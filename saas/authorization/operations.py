"""One line declares an operation; from it come the check, the challenge, the rate, the document and
the tests.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from saas.authorization.permissions import AnyCredential
from saas.context import Actor

Condition = Callable[[Actor, Any], bool]


def always(actor: Actor, row: Any) -> bool:
    """If the caller holds the permission, any row of the tenant will do."""
    return True


@dataclass(frozen=True, slots=True)
class Allow:
    """Who may call an operation, and what the corridor does around it.

    permission   what role and scope must both carry; AnyCredential.ANY for everyone known
    or_else      where rows of several kinds are listed as one, what those of other kinds ask for:
                 any of them opens the door, and the view asks again when it knows the row
    when         a condition on the row (ABAC): a function whose name reads after "if"
    rate         the class of limits that counts it: read, write or sensitive (RATES)
    idempotent   the operation moves something that must not move twice: Idempotency-Key is required
    precondition the row may have changed meanwhile: If-Match is required
    step_up      who has a person's token must have signed in by two factors, and lately (STEP_UP)
    event        what the audit trail must hold when it succeeds; the spine refuses an act
    without it
    may_wait     it asks `saas.authorization.approval.agreed`, and may answer 202
    """

    permission: str
    when: Condition = always
    rate: str = ""
    idempotent: bool = False
    precondition: bool = False
    event: StrEnum | None = None
    or_else: tuple[str, ...] = ()
    step_up: bool = False
    may_wait: bool = False

    @property
    def permissions(self) -> tuple[str, ...]:
        """Each of which is enough to come as far as the row."""
        return (self.permission, *self.or_else)

    def for_whom(self, actor: Actor) -> "Allow":
        """With the permission that the caller holds, if it is one of several."""
        held = [other for other in self.or_else if actor.may(other)]
        if not held or actor.may(self.permission):
            return self
        return replace(self, permission=held[0], or_else=())

    @property
    def is_open(self) -> bool:
        """Whether any credential will do."""
        return self.permission == AnyCredential.ANY
