"""What can happen to a grant: an owner gives it, staff takes it up and looks, and it ends."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.tasks import task
from django.utils import timezone

from apps.integrations.access import KeyEvent
from apps.integrations.models import ApiKey
from apps.integrations.queries import locked_key
from apps.integrations.services import refuse_more_than_held, revoke_key
from apps.support import letters, queries
from apps.support.access import SupportEvent
from apps.support.models import SupportGrant
from saas.audit import trail
from saas.authentication import keys
from saas.authentication.credentials import unauthorized
from saas.context import Actor, Principal, PrincipalKind
from saas.edge.log import Facts
from saas.errors import Problem

NAME = "support: "  # what the name of such a key begins with


def grant(actor: Actor, *, reason: str, hours: int, scopes: list[str]) -> SupportGrant:
    """Let one of the staff see what these scopes show, for so many hours.

    Raises 403 for a service, and for scopes beyond the actor's own: staff would be a ladder too.
    """
    if actor.user_id is None:
        raise Problem("permission-denied", "A person has to answer for this.")
    scopes = sorted(set(scopes))
    refuse_more_than_held(actor, scopes)
    row = SupportGrant(
        reason=reason,
        scopes=scopes,
        granted_by_id=actor.user_id,
        expires_at=timezone.now() + timedelta(hours=hours),
    )
    row.save(force_insert=True)
    trail.record(actor, SupportEvent.GRANTED, row, scopes=scopes, hours=hours)
    letters.tell(row, "was granted")
    expire.using(run_after=row.expires_at).enqueue(str(row.pk))
    return row


def take_up(grant_id: UUID, *, by: str) -> str | None:
    """The secret of a key that sees what the grant allows and ends with it, and with the rights of
    who granted it; None where there is no such grant, or it was taken up before.
    """
    waiting = queries.living().select_for_update(of=("self",)).filter(pk=grant_id, key=None)
    row = waiting.first()
    if row is None or not queries.may_grant_today(row.granted_by_id):
        return None
    minted = keys.mint()
    key = ApiKey(
        public_id=minted.public_id,
        digest=minted.digest,
        creator_id=row.granted_by_id,
        name=f"{NAME}{by}",
        scopes=row.scopes,
        expires_at=row.expires_at,
    )
    key.save(force_insert=True)
    row.key, row.staff = key, by
    row.save(update_fields=["key", "staff"])
    trail.record(None, KeyEvent.CREATED, key, scopes=row.scopes)
    trail.record(None, SupportEvent.TAKEN_UP, row, staff=by, key=str(key.pk))
    letters.tell(row, f"was taken up by {by}")
    return minted.secret


def note_view(principal: Principal, facts: Facts, **_: Any) -> None:
    """Write down what staff has seen, in the transaction that shows it: what cannot be written is
    not shown. Of any other caller nothing is asked.

    Raises 401 when the grant was revoked while this request was on its way.
    """
    if principal.kind != PrincipalKind.API_KEY or not principal.credential.name.startswith(NAME):
        return
    row = queries.locked_for(principal.credential_id)
    if row is None:  # a key of their own with such a name
        return
    if row.revoked_at is not None:
        raise unauthorized("This API key is not valid.", error="invalid_token")
    row.views, row.last_used_at = row.views + 1, timezone.now()
    row.save(update_fields=["views", "last_used_at"])
    trail.record(
        None,  # not the owner, in whose name the key stands
        SupportEvent.VIEWED,
        row,
        staff=row.staff,
        operation=facts.operation_id,
        objects=facts.object_ids,
        key=str(principal.credential_id),
    )


def revoke(actor: Actor | None, row: SupportGrant) -> None:
    """End it, and its key, at once. The key is locked first, as who uses it does: the other way
    round each would wait for the other. Raises 404 when it ended meanwhile.
    """
    if row.key_id:
        locked_key(row.key_id)
    row = queries.living().select_for_update(of=("self",)).get(pk=row.pk)
    row.revoked_at = timezone.now()
    row.save(update_fields=["revoked_at"])
    trail.record(actor, SupportEvent.REVOKED, row, staff=row.staff, views=row.views)
    if row.key_id:
        revoke_key(actor, row.key, why="support ended")
    letters.tell(row, "was revoked")


def revoke_grants_of(actor: Actor | None, user_id: UUID, **_: Any) -> None:
    """What a person granted ends when they leave."""
    for row in queries.living().filter(granted_by_id=user_id):
        revoke(actor, row)


@task
def expire(grant_id: str) -> None:
    """Say that it has run out; its key ended by itself."""
    due = queries.grants().filter(revoked_at=None, expires_at__lte=timezone.now())
    row = due.select_for_update(of=("self",)).filter(pk=UUID(grant_id)).first()
    if row is not None:
        with trail.recording():
            trail.record(None, SupportEvent.EXPIRED, row, staff=row.staff, views=row.views)
            letters.tell(row, "has ended")
