"""What can happen to an organization and its people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.text import slugify

from apps.accounts.models import User
from apps.accounts.services import create_person, erase
from apps.organizations import queries
from apps.organizations.access import POWERFUL, OrganizationEvent, Organizations, Security
from apps.organizations.letters import send_invitation, tell_of_release
from apps.organizations.models import Invitation, Membership, Organization
from saas.audit import chain, trail
from saas.authentication.demands import SWITCHES, complete
from saas.authentication.revocation import membership_ended
from saas.authorization.access import insufficient_scope
from saas.authorization.approval import Act, agreed
from saas.context import Actor, roles
from saas.crypto import digest, random_text
from saas.errors import Problem, invalid
from saas.ids import uuid7
from saas.persistence.encryption import create_data_key
from saas.tenancy.binding import bind

INVITATION_SECRET = 43  # of base62: 256 bits
SLUG = 50
LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"

# Asked inside the bound organization before a person comes or goes by a page of theirs, where no
# credential of the organization was shown. Raises Problem. A module joins in AppConfig.ready().
MOVES: list[Callable[[], None]] = []


@contextmanager
def founded(
    name: str, slug: str, *, owner: User, time_zone: str = "UTC", id: UUID | None = None
) -> Iterator[Organization]:  # as the column
    """A new organization with its key, chain and first owner; the block runs bound to it."""
    organization = Organization(id=id or uuid7(), name=name, slug=slug, time_zone=time_zone)
    with bind(organization.pk), trail.recording():
        organization.save(force_insert=True)
        create_data_key()
        chain.start_chain()
        trail.record(None, OrganizationEvent.CREATED, organization)
        add_member(None, owner, "owner")
        yield organization


def change_organization(actor: Actor, organization: Organization, **fields: Any) -> Organization:
    """Change name or time zone."""
    for name, value in fields.items():
        setattr(organization, name, value)
    organization.save(update_fields=[*fields, "updated_at"])
    trail.record(actor, OrganizationEvent.CHANGED, organization, fields=sorted(fields))
    return organization


def add_member(actor: Actor | None, user: User, role: str) -> Membership:
    """Let somebody belong to the bound organization."""
    membership = Membership(user=user, role=role)
    membership.save(force_insert=True)
    # Who belonged here before may have been making a key while they left: it must not wake up.
    membership_ended.send(sender=Membership, actor=actor, user_id=user.pk)
    trail.record(actor, OrganizationEvent.MEMBER_JOINED, membership, role=role)
    return membership


def change_role(actor: Actor, membership: Membership, *, role: str) -> Membership:
    """Give a member another role. Raises 403 where only an owner may, 409 for the last owner."""
    refuse_powerful(actor, membership.role, role)
    before = membership.role
    if before == "owner" and role != "owner":
        keep_an_owner(membership)
    given = roles()[role] - roles()[before]
    agreed(actor, Act("member.role", membership, given, {"role": role}, {"before": before}))
    membership.role = role
    membership.save(update_fields=["role"])
    trail.record(actor, OrganizationEvent.MEMBER_CHANGED, membership, before=before, after=role)
    return membership


def remove_member(actor: Actor, membership: Membership) -> None:
    """End a membership, and with it every key that the person made here."""
    refuse_powerful(actor, membership.role)
    end_membership(actor, membership, OrganizationEvent.MEMBER_REMOVED)


def end_membership(actor: Actor | None, membership: Membership, event: str) -> None:
    """Nobody's last owner goes; with anybody else go their keys and grants, in one transaction."""
    if membership.role == "owner":
        keep_an_owner(membership)
    trail.record(actor, event, membership, user=str(membership.user_id))
    membership_ended.send(sender=Membership, actor=actor, user_id=membership.user_id)
    membership.delete()


def refuse_powerful(actor: Actor, *roles: str) -> None:
    """Only an owner, by a credential for the organization itself, makes or unmakes owners and
    admins: an admin could otherwise raise themselves, and a key for members alone its holder.

    The role is read again: who was an owner when this request began may have been unmade while it
    waited for the owners' lock.
    """
    if not POWERFUL & set(roles):
        return
    if not queries.is_owner(actor.user_id):
        raise Problem(
            "permission-denied", "Only an owner grants or takes away the roles admin and owner."
        )
    if Organizations.WRITE not in actor.principal.scopes:
        raise insufficient_scope(Organizations.WRITE)


def keep_an_owner(membership: Membership) -> None:
    """409 for the last owner: an organization that nobody owns can never be given away."""
    if queries.lock_owners() <= {membership.pk}:
        raise Problem("conflict", "The last owner stays. Make somebody else an owner first.")


def invite(actor: Actor, *, email: str, role: str = "viewer") -> Invitation:
    """Ask an address to join, by a mail with a secret that is kept nowhere else.

    Raises 400 for an address that is a member or invited already. Whether it has an account in
    another organization is neither asked nor told.
    """
    refuse_powerful(actor, role)
    email = email.lower()
    if queries.is_member(email):
        raise invalid("already-a-member", "This address is a member already.", pointer="/email")
    agreed(actor, Act("member.invitation", None, roles()[role], {"email": email, "role": role}))
    queries.lapsed_invitations(email).delete()
    secret = random_text(INVITATION_SECRET)
    invitation = Invitation(
        email=email,
        role=role,
        invited_by_id=actor.user_id,
        digest=digest(secret, purpose="invitation"),
        expires_at=timezone.now() + queries.invitation_lifetime(),
    )
    try:
        with transaction.atomic():
            invitation.save(force_insert=True)
    except IntegrityError:
        raise invalid(
            "already-invited", "This address is invited already.", pointer="/email"
        ) from None
    trail.record(actor, OrganizationEvent.INVITED, invitation, role=role)
    send_invitation(invitation, actor.tenant.name, secret)
    return invitation


def withdraw(actor: Actor, invitation: Invitation) -> None:
    """Take an invitation back; its secret opens nothing from now on."""
    refuse_powerful(actor, invitation.role)
    trail.record(actor, OrganizationEvent.UNINVITED, invitation)
    invitation.delete()


def change_policy(actor: Actor, **decided: Any) -> dict[str, Any]:
    """Turn some switches, from the next request on; gives the whole policy."""
    policy = queries.locked_policy()
    agreed(actor, Act("security-policy.change", None, frozenset({Security.WRITE}), decided))
    policy.switches |= decided
    policy.save()
    for name, value in decided.items():
        if told := SWITCHES[name].changed:
            told(actor, value)
    trail.record(actor, OrganizationEvent.POLICY_CHANGED, policy, fields=sorted(decided))
    return complete(policy.switches)


def release_policy(name: str, *, reason: str, operators: dict[str, str]) -> bool:
    """The house takes back one demand of the bound organization, whose people cannot meet it any
    more and so cannot change it; tells whether it stood. They all read of it.
    """
    policy = queries.locked_policy()
    if policy.switches.pop(name, None) is None:
        return False
    policy.save()
    said = {"fields": [name], "reason": reason, "operators": operators}
    trail.record(None, OrganizationEvent.POLICY_CHANGED, policy, **said)
    tell_of_release(queries.organization().get().name, name, reason, queries.members())
    return True


@transaction.atomic
def accept(user: User, secret: str) -> Organization:
    """Let a person join by the secret that was mailed to their address. Of several at once one
    joins. Raises 404 for a secret that opens nothing, 403 for another person's, 409 for a member.
    """
    shown = queries.invitation_shown(secret)
    if shown is None:
        raise no_invitation()
    with bind(shown.tenant_id), trail.recording():
        invitation = queries.open_invitations().select_for_update().filter(pk=shown.pk).first()
        # The inviter's right of today: who lost it must not go on letting people in.
        if invitation is None or not queries.may_invite(invitation.invited_by_id, invitation.role):
            raise no_invitation()
        if invitation.email != user.email:
            raise Problem("permission-denied", "This invitation is for another address.")
        if queries.members().filter(user=user).exists():
            raise Problem("conflict", "You belong to this organization already.")
        let_move()
        trail.record(None, OrganizationEvent.INVITATION_ACCEPTED, invitation, user=str(user.pk))
        add_member(None, user, invitation.role)
        invitation.delete()
        return queries.organization().get()


def let_move() -> None:
    """Raise what a module says against it."""
    for judge in MOVES:
        judge()


def no_invitation() -> Problem:
    """The one answer for a secret that is unknown, used, late, taken back or no longer backed."""
    return Problem("not-found", "This invitation is not open.")


@transaction.atomic
def join_as_new(email: str, password: str, secret: str) -> User:
    """An account for the invited address, which the secret proves, and its first membership.
    Raises as `accept` and `create_person`.
    """
    user = create_person(email, password)
    accept(user, secret)
    return user


@transaction.atomic
def sign_up(email: str, password: str, organization: str) -> User:
    """An account and the organization that its owner founds with it, both or neither. `password`
    is hashed already; the address is proved. Raises 409 when it has an account by now.
    """
    user = create_person(email, password)
    slug = slugify(organization)[:SLUG].strip("-") or "organization"
    try:
        # Another organization's name is not seen from here, only that the database refuses it.
        with transaction.atomic(), founded(organization, slug, owner=user):
            pass
    except IntegrityError:
        with founded(organization, f"{slug}-{random_text(6, LOWER)}", owner=user):
            pass
    return user


@transaction.atomic
def leave(user: User, organization_id: UUID) -> None:
    """End one's own membership. Raises 404 where there is none, 409 for the last owner."""
    with bind(organization_id), trail.recording():
        queries.lock_owners()
        mine = queries.members().select_for_update(of=("self",)).filter(user=user).first()
        if mine is None:
            raise Problem("not-found", "You do not belong to this organization.")
        let_move()
        end_membership(None, mine, OrganizationEvent.MEMBER_LEFT)


@transaction.atomic
def close_account(user: User) -> None:
    """Leave every organization and erase the person. Raises 409 for the last owner of any: books
    that nobody owns could never be read, handed over or closed.
    """
    for organization in sorted(queries.organizations_of(user.pk), key=lambda one: one.pk):
        try:  # in one order, so that two who leave the same ones do not deadlock
            leave(user, organization.pk)
        except Problem as problem:
            raise Problem(problem.code, f"{organization.name}: {problem.detail}") from None
    erase(user)
