"""What can happen to an act that waits: two persons decide it, or time does."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.tasks import task
from django.utils import timezone

from apps.approvals import acts, letters, queries
from apps.approvals.access import INVOICES_OVER, TWO_PERSONS, ApprovalEvent, needs_second_person
from apps.approvals.models import APPROVED, DECLINED, EXPIRED, PENDING, Approval
from apps.organizations.queries import locked_policy, members
from saas.audit import trail
from saas.authorization.approval import Act, Waiting
from saas.context import Actor
from saas.errors import Problem

OPEN = timedelta(hours=72)  # AUTHZ-09
ALONE = timedelta(hours=24)  # AUTHZ-09: for others to object where none could agree


def consider(actor: Actor, act: Act) -> None:
    """Keep what this organization lets nobody do alone, and raise Waiting; unless it waits already
    and is not done by us, or was agreed to: then it passes, this once.
    """
    if not needs_second_person(act, queries.policy_for(actor, act)):
        return
    kept = None
    if acts.KINDS[act.kind].perform is None:
        locked_policy()  # who asks twice at once asks one after the other
        kept = queries.asked_for(actor, act)
    if kept and kept.state == APPROVED:
        use(actor, kept)
    else:
        raise Waiting(kept or ask(actor, act), act.once)


def ask(actor: Actor, act: Act) -> Approval:
    """Keep an act and write to those who can decide. Where nobody else could, it takes effect by
    itself a day later, and every member hears of it first.

    Raises 403 for a service, 409 for what waits already, or would take other changes along.
    """
    if actor.user_id is None:
        raise Problem("permission-denied", "This takes two persons, so a person has to ask.")
    if act.kind == "security-policy.change" and act.wanted.keys() - {TWO_PERSONS, INVOICES_OVER}:
        raise Problem("conflict", "This waits for a second person: send the other changes alone.")
    object_id = act.row.pk if act.row else None
    if object_id and queries.pending().filter(kind=act.kind, object_id=object_id).exists():
        raise Problem("conflict", "This waits for a second person already.")
    needed = act.granted | {acts.KINDS[act.kind].decides}
    others = list(queries.members_who_may(needed).exclude(user_id=actor.user_id))
    now = timezone.now()
    approval = Approval(
        kind=act.kind,
        object_id=object_id,
        wanted=dict(act.wanted),
        kept=dict(act.kept),
        granted=sorted(act.granted),
        asker=acts.kept_of(actor),
        asked_by_id=actor.user_id,
        expires_at=now + OPEN,
        takes_effect_at=None if others else now + ALONE,
    )
    approval.save(force_insert=True)
    trail.record(actor, ApprovalEvent.REQUESTED, approval, kind=act.kind, alone=not others)
    if others:
        letters.ask(approval, others)
    else:
        letters.announce(approval, members().filter(user__is_active=True).order_by("pk"))
    settle.using(run_after=approval.due_at).enqueue(str(approval.pk))
    return approval


def use(actor: Actor, approval: Approval) -> None:
    """Who asked does what was agreed to."""
    approval.used_at = timezone.now()
    approval.save(update_fields=["used_at"])
    trail.record(actor, ApprovalEvent.USED, approval, kind=approval.kind)


def decide(actor: Actor, approval: Approval, *, decision: str, reason: str = "") -> Approval:
    """Agree, and it is done in this transaction; or decline, as who asked may too. The row is
    locked: of two who decide at once, one does.

    Raises 409 when it is decided, or cannot be done any more; 403 for who asked, and for who holds
    less than is given.
    """
    if approval.state != PENDING or approval.expires_at <= timezone.now():
        raise Problem("conflict", "This waits no more.")
    if actor.user_id is None:
        raise Problem("permission-denied", "A person decides about this.")
    if decision == "approve":
        refuse_to_agree(actor, approval)
        acts.perform(approval)
    end(approval, APPROVED if decision == "approve" else DECLINED, actor, reason)
    return approval


def refuse_to_agree(actor: Actor, approval: Approval) -> None:
    """403 for who asked: a stolen account would agree with itself. And for who holds less than is
    given: two admins would make one of them an owner.
    """
    if actor.user_id == approval.asked_by_id:
        text = "Somebody else decides about what you asked for."
        raise Problem("permission-denied", text, reason="asked-for-it")
    if beyond := frozenset(approval.granted) - actor.rights:
        text = f"Your role does not hold: {', '.join(sorted(beyond))}."
        raise Problem("permission-denied", text, reason="holds-less-than-is-given")


def end(approval: Approval, state: str, actor: Actor | None, reason: str = "") -> None:
    """The one place where an approval stops waiting: what it took to do it is forgotten, and whom
    it invited.
    """
    approval.kept = {}
    approval.wanted = {name: v for name, v in approval.wanted.items() if name != "email"}
    approval.state, approval.reason, approval.decided_at = state, reason, timezone.now()
    approval.decided_by_id = actor.user_id if actor else None
    approval.save(update_fields=["state", "reason", "decided_at", "decided_by", "kept", "wanted"])
    trail.record(
        actor,
        ApprovalEvent.EXPIRED if state == EXPIRED else ApprovalEvent.DECIDED,
        approval,
        kind=approval.kind,
        state=state,
        asked_by=str(approval.asked_by_id),
    )


@task
def settle(approval_id: str) -> None:
    """Time decides: what nobody else could decide takes effect, anything else is over."""
    rows = queries.pending().select_for_update(of=("self",))
    approval = rows.filter(pk=UUID(approval_id)).first()
    if approval is None or approval.due_at > timezone.now():
        return
    with trail.recording():
        end(approval, APPROVED if is_done_alone(approval) else EXPIRED, None)


def is_done_alone(approval: Approval) -> bool:
    """Do it for its sole owner, if it can still be done."""
    if approval.takes_effect_at is None or approval.expires_at <= timezone.now():
        return False
    try:
        with transaction.atomic(), trail.recording():
            acts.perform(approval)
    except Problem:
        return False
    return True
