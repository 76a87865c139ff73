"""How each kind of act is done once it is agreed: as who asked for it, with the rights that they
have by then.
"""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist

from apps.approvals.models import Approval
from apps.approvals.queries import role_today
from apps.integrations.access import ApiKeys
from apps.integrations.queries import keys as api_keys
from apps.integrations.queries import living_grants
from apps.integrations.services import create_key, rotate_key
from apps.invoices.access import Invoices
from apps.invoices.queries import invoices
from apps.invoices.services import issue_invoice
from apps.organizations import queries as organizations
from apps.organizations.access import Members, Security
from apps.organizations.services import change_policy, change_role, invite
from saas.authentication.keys import Minted
from saas.context import Actor, Principal, PrincipalKind, roles
from saas.errors import Problem


class Kind(NamedTuple):
    """What who asks must still be allowed, how it is done, and which scope decides. Without
    `perform` who asked does it themselves, once, and is judged anew when they do.
    """

    asks: str
    perform: Callable[[Actor, Approval], Any] | None
    decides: str = Security.WRITE


def change_role_now(asker: Actor, approval: Approval) -> None:
    """Who has another role by now is not who was agreed to."""
    organizations.lock_owners()
    rows = organizations.members().select_for_update(of=("self",))
    membership = rows.get(pk=str(approval.object_id))
    refuse_changed(membership.role != approval.kept["before"])
    change_role(asker, membership, **approval.wanted)


def create_key_now(asker: Actor, approval: Approval) -> None:
    """The key whose secret was shown to who asked, and to nobody else."""
    at = approval.wanted["expires_at"]
    until = at and datetime.fromisoformat(at)
    create_key(
        asker,
        **approval.wanted | {"expires_at": until},
        honeytoken=approval.kept["honeytoken"],
        minted=shown(approval),
    )


def rotate_key_now(asker: Actor, approval: Approval) -> None:
    """The successor, likewise."""
    key = api_keys().select_for_update(of=("self",)).get(pk=str(approval.object_id))
    hours = approval.kept["overlap_hours"]
    rotate_key(asker, key, overlap_hours=hours, minted=shown(approval))


def shown(approval: Approval) -> Minted:
    """The key of the 202."""
    return Minted("", approval.kept["public_id"], approval.kept["digest"])


def issue_now(asker: Actor, approval: Approval) -> None:
    """The number is taken now. A draft that was written on since is not what was agreed to."""
    invoice = invoices().select_for_update(of=("self",)).get(pk=str(approval.object_id))
    refuse_changed(invoice.version != approval.kept["version"])
    days = {name: approval.wanted[name] for name in ("issued_on", "due_on")}
    issue_invoice(
        asker, invoice, **{name: day and date.fromisoformat(day) for name, day in days.items()}
    )


KINDS = {
    "member.role": Kind(Members.WRITE, change_role_now),
    "member.invitation": Kind(Members.WRITE, lambda asker, row: invite(asker, **row.wanted)),
    "api-key.create": Kind(ApiKeys.WRITE, create_key_now),
    "api-key.rotation": Kind(ApiKeys.WRITE, rotate_key_now),
    "oauth-grant.consent": Kind("", None),
    "security-policy.change": Kind(
        Security.WRITE, lambda asker, row: change_policy(asker, **row.wanted)
    ),
    "invoice.issue": Kind(Invoices.ISSUE, issue_now, decides=Invoices.ISSUE),
}


def perform(approval: Approval) -> None:
    """Do what was agreed to. Raises 409 when it cannot be done any more."""
    kind = KINDS[approval.kind]
    if kind.perform is None:
        return
    try:
        asker = asker_today(approval)
        refuse_changed(not asker.may(kind.asks))
        kind.perform(asker, approval)
    except (Problem, ObjectDoesNotExist) as fault:
        why = fault.detail if isinstance(fault, Problem) else "It is gone."
        raise Problem("conflict", f"This cannot be done any more: {why}") from fault


def asker_today(approval: Approval) -> Actor:
    """Who asked, with the scopes that they asked with and the role that they have now. A key or a
    grant that has ended since may have been a thief's.
    """
    role, asked = role_today(approval.asked_by_id), approval.asker
    is_key = asked["kind"] == PrincipalKind.API_KEY
    living = api_keys().usable() if is_key else living_grants()
    is_over = not living.filter(pk=asked["credential_id"]).exists()
    if role is None or is_over:
        raise Problem("conflict", "Who asked belongs here no more, or their credential has ended.")
    principal = Principal(
        PrincipalKind(asked["kind"]),
        UUID(asked["id"]),
        UUID(asked["credential_id"]),
        approval.tenant_id,
        approval.asked_by_id,
        frozenset(asked["scopes"]),
        None,
        networks=tuple(asked["networks"]),
    )
    return Actor(principal, approval.tenant_id, role, roles()[role], approval=approval.pk)


def kept_of(actor: Actor) -> dict[str, Any]:
    """The credential that asks, as it is kept until then."""
    who = actor.principal
    return {
        "kind": str(who.kind),
        "id": str(who.id),
        "credential_id": str(who.credential_id),
        "scopes": sorted(who.scopes),
        "networks": list(who.networks),
    }


def refuse_changed(is_so: bool) -> None:
    """409 for what was agreed to and is something else by now."""
    if is_so:
        raise Problem("conflict", "It has changed since it was asked for.")
