"""What an organization may ask of its callers beyond a credential: its switches, and what each
demands of a request.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.dispatch import Signal
from django.http import HttpRequest
from rest_framework.serializers import ValidationError

from saas.context import Actor, Principal

Policy = Mapping[str, Any]


class Switch(NamedTuple):
    """One thing that an organization decides about its own security. Whoever enforces it joins it,
    when its app is ready; a switch that nobody enforces does not exist.

    schema   the value in JSON Schema, with an example; whose default is null may be null too
    judge    the value as it is kept; raises DRF's ValidationError
    demand   asked of every request of an organization that has decided something, and of who sends
             it; raises Problem. The default demands nothing.
    changed  told of a new value, inside the transaction that keeps it
    of_tokens  the demand is held against who gets tokens too: it asks for nothing that only a call
             of the API could show
    """

    name: str
    default: Any
    schema: Mapping[str, Any]
    judge: Callable[[Any], Any]
    demand: Callable[[HttpRequest, Principal, Policy], None] | None = None
    changed: Callable[[Actor, Any], None] | None = None
    of_tokens: bool = False


def on_or_off(name: str, description: str, **effects: Any) -> Switch:
    """A switch that is off until it is turned on."""
    schema = {"type": "boolean", "description": description, "examples": [True]}
    return Switch(name, False, schema, _boolean, **effects)


def _boolean(data: Any) -> bool:
    if not isinstance(data, bool):
        raise ValidationError("Must be true or false.", "invalid")
    return data


SWITCHES: dict[str, Switch] = {}

# Sent by what answers credentials outside the API, inside its transaction, with the `request` and
# the `principal` who asks, or is to get tokens. The room that knows tenants listens, and raises
# Problem.
entering = Signal()

# What the house itself has noted of an organization beside its switches, by a name that no switch
# has: out of reach for every caller, since forms are drawn from the switches. Who joins is told
# on each request of an organization that has the note: who sends it, and all that is kept. To
# refuse it they leave `facts.barred`.
NOTES: dict[str, Callable[[HttpRequest, Principal, Policy], None]] = {}


def join(*switches: Switch) -> None:
    """Add switches, from AppConfig.ready(): documents and forms are drawn from those there are."""
    SWITCHES.update({switch.name: switch for switch in switches})


def complete(kept: Policy | None) -> dict[str, Any]:
    """What is kept, with the default of what nobody has decided, and without what nobody enforces
    any more.
    """
    return {name: (kept or {}).get(name, switch.default) for name, switch in SWITCHES.items()}


def are_possible() -> bool:
    """Whether a switch could ask more of a request; if none does, nobody reads a policy."""
    return bool(NOTES) or any(switch.demand for switch in SWITCHES.values())


def heed(request: HttpRequest, principal: Principal, kept: Policy | None) -> None:
    """Tell what the house has noted to who joined."""
    for name, told in NOTES.items():
        if kept and name in kept:
            told(request, principal, kept)


def meet(
    request: HttpRequest, principal: Principal, policy: Policy, *, of_tokens: bool = False
) -> None:
    """Hold a request and its sender against everything that `policy` demands, or against what it
    demands of who gets tokens. Raises Problem.
    """
    for switch in SWITCHES.values():
        if switch.demand and (switch.of_tokens or not of_tokens):
            switch.demand(request, principal, policy)
