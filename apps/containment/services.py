"""What can be done to stop harm. A measure stands until it is lifted; an end is an end."""

import logging
from enum import StrEnum
from itertools import groupby
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import end_sessions
from apps.containment.models import Kind, Measure
from apps.integrations.grants import revoke_grant, revoke_grants_of
from apps.integrations.models import OAuthAccessToken, OAuthApplication, OAuthGrant
from apps.integrations.queries import standing_keys
from apps.integrations.services import revoke_key
from apps.organizations import queries
from apps.organizations.access import OrganizationEvent
from apps.organizations.services import end_membership
from saas.audit import trail
from saas.tenancy.binding import bind, bound_tenant
from saas.tenancy.person import tenants_of

NOTE = "containment"  # in the organization's policy: kind -> what it needs
OF_ORGANIZATIONS = frozenset({Kind.FREEZE, Kind.READ_ONLY, Kind.DIVERT})
WHY = "contained"

log = logging.getLogger("saas.containment")


class ContainmentEvent(StrEnum):
    """What the trail of an organization says of it."""

    TAKEN = "containment.taken"
    LIFTED = "containment.lifted"
    ACTED = "containment.acted"


# Measures: they stand, and can be lifted.


@transaction.atomic
def take(
    kind: str, about: str = "", *, reason: str, by: str, kept: dict[str, Any] | None = None
) -> tuple[Measure, bool]:
    """Let a measure stand, and tell whether it is new. A second time changes nothing, unless it
    needs something else now.
    """
    wanted = Measure(kind=kind, about=about, kept=kept or {}, reason=reason, by=by)
    Measure.objects.bulk_create([wanted], ignore_conflicts=True)
    standing = Measure.objects.select_for_update().get(kind=kind, about=about, lifted_at=None)
    is_new = standing.pk == wanted.pk
    if standing.kept != wanted.kept and kind != Kind.REVOKE_APP:  # which keeps what once was
        standing.kept, is_new = wanted.kept, True
        standing.save(update_fields=["kept"])
    if is_new:
        if is_of_organization(standing):
            note(standing, ContainmentEvent.TAKEN, reason=reason, by=by)
        log.warning("%s taken by %s: %s (%s)", standing, by, reason, standing.pk)
    return standing, is_new


@transaction.atomic
def lift(id: UUID, *, reason: str, by: str) -> Measure:
    """Take a measure back; a second time changes nothing. Raises Measure.DoesNotExist."""
    measure = Measure.objects.select_for_update().get(pk=id)
    if measure.lifted_at is None:
        measure.lifted_at, measure.lifted_by, measure.lifted_because = timezone.now(), by, reason
        measure.save()
        if is_of_organization(measure):
            note(measure, ContainmentEvent.LIFTED, reason=reason, by=by)
        if measure.kind == Kind.REVOKE_APP:
            clients = OAuthApplication.objects.filter(client_id=measure.about)
            clients.update(allowed_scopes=measure.kept["allowed_scopes"])
        log.warning("%s lifted by %s: %s (%s)", measure, by, reason, measure.pk)
    return measure


def is_of_organization(measure: Measure) -> bool:
    """Whether it stands against one organization."""
    return measure.kind in OF_ORGANIZATIONS and measure.about != ""


def note(measure: Measure, event: str, **said: str) -> None:
    """Write it where each request of the organization reads it anyway, and into its trail."""
    with bind(UUID(measure.about)), trail.recording():
        policy = queries.locked_policy()
        notes = policy.switches.pop(NOTE, {})
        notes.pop(measure.kind, None)
        if measure.lifted_at is None:
            notes[measure.kind] = measure.kept
        if notes:
            policy.switches[NOTE] = notes
        policy.save()
        trail.record(None, event, policy, kind=measure.kind, measure=str(measure.pk), **said)


def shut(tenant_id: UUID, reason: str, **_: Any) -> bool:
    """Freeze an organization because the watch asks for it, as its policy lets it."""
    take(Kind.FREEZE, str(tenant_id), reason=reason, by="the watch")
    return True


# Ends: of credentials, in the bound organization unless they say otherwise. None comes back.


def acted(what: str, *, reason: str, by: str, **ids: str) -> None:
    """The trail and our log say who ended what, and why."""
    trail.record(None, ContainmentEvent.ACTED, None, kind=what, reason=reason, by=by, **ids)
    log.warning("%s by %s in %s: %s %s", what, by, bound_tenant(), reason, ids)


def end_key(named: str, **said: str) -> bool | None:
    """End a key by its id or the public part of it; None where there is no such one, False where it
    had ended before.
    """
    keys = standing_keys().model.objects.select_for_update(of=("self",))
    key = keys.filter(pk=as_id(named)).first() if as_id(named) else None
    key = key or keys.filter(public_id=named).first()
    if key is None or key.revoked_at is not None:
        return None if key is None else False
    revoke_key(None, key, why=WHY)
    acted("revoke-key", key=str(key.pk), **said)
    return True


def end_member(user: User, **said: str) -> bool:
    """End a membership with its keys and grants. Raises 409 for the last owner."""
    membership = queries.members().filter(user=user).first()
    if membership is None:
        return False
    end_membership(None, membership, OrganizationEvent.MEMBER_REMOVED)
    acted("revoke-member", user=str(user.pk), **said)
    return True


def end_credentials(**said: str) -> int:
    """End every key and token, of people and of services; tell how many. A honeytoken opens nothing
    anyway, and stays to be found.
    """
    keys = list(standing_keys().filter(is_honeytoken=False).select_for_update(of=("self",)))
    for key in keys:
        revoke_key(None, key, why=WHY)
    grants = living_grants(organization_id=bound_tenant())
    for grant in grants:
        revoke_grant(None, grant)
    tokens = OAuthAccessToken.objects.filter(organization_id=bound_tenant()).delete()[0]
    if count := len(keys) + len(grants) + tokens:
        acted("revoke-org-tokens", **said)
    return count


def clients_with_secrets() -> list[str]:
    """The clients of the bound organization that can still get tokens by a secret of theirs."""
    rows = OAuthApplication.objects.filter(
        organization_id=bound_tenant(),
        authorization_grant_type=OAuthApplication.GRANT_CLIENT_CREDENTIALS,
    )
    return list(rows.exclude(allowed_scopes=[]).values_list("client_id", flat=True))


def end_sign_ins(**said: str) -> int:
    """Everybody of the organization signs in again; tell how many people it concerns. Their
    sessions end for all organizations of theirs: a session is a person's.
    """
    people = [membership.user for membership in queries.members().order_by("pk")]
    for user in people:
        revoke_grants_of(None, user.pk)
        end_sessions(user)
    acted("force-reauth", **said)
    return len(people)


@transaction.atomic
def end_sign_ins_of(user: User, **said: str) -> int:
    """One person signs in again, for whichever organization; tell of how many they are."""
    tenants = tenants_of(user.pk)
    for tenant_id in sorted(tenants):
        with bind(tenant_id), trail.recording():
            revoke_grants_of(None, user.pk)
            acted("force-reauth", user=str(user.pk), **said)
    end_sessions(user)
    return len(tenants)


@transaction.atomic
def shut_app(client_id: str, **said: str) -> tuple[Measure, bool]:
    """End every token of a client, whosever data it opens, and let it have none until the measure
    is lifted: without scopes a token that it still made would open nothing. Raises
    OAuthApplication.DoesNotExist.
    """
    client = OAuthApplication.objects.select_for_update().get(client_id=client_id)
    kept = {"allowed_scopes": client.allowed_scopes}
    measure, is_new = take(Kind.REVOKE_APP, client_id, kept=kept, **said)
    client.allowed_scopes = []
    client.save(update_fields=["allowed_scopes"])
    OAuthAccessToken.objects.filter(application=client, grant=None).delete()
    grants = living_grants(application=client)
    concerned = {client.organization_id} if is_new else set()
    for tenant_id, own in groupby(grants, lambda grant: grant.organization_id):
        concerned.add(tenant_id)
        with bind(tenant_id), trail.recording():
            for grant in own:
                revoke_grant(None, grant)
    for tenant_id in sorted(concerned):
        with bind(tenant_id), trail.recording():
            acted("revoke-app", client=str(client.pk), **said)
    return measure, is_new


def living_grants(**which: Any) -> list[OAuthGrant]:
    """What people allow, locked, organization by organization."""
    grants = OAuthGrant.objects.filter(ended_at=None, **which)
    return list(grants.order_by("organization_id", "pk").select_for_update(of=("self",)))


def as_id(text: str) -> UUID | None:
    """The id that this is, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
