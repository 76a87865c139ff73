"""The demo: what it made once it keeps, with the same ids; its secrets are new each time."""

from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.apps import apps
from django.conf import settings
from django.core.management.base import CommandError
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import Totp
from apps.customers import queries as customers
from apps.customers.serializers import CustomerInput
from apps.customers.services import create_customer
from apps.integrations import queries as credentials
from apps.integrations.models import OAuthAccessToken, OAuthApplication
from apps.integrations.services import create_key, revoke_key
from apps.invoices import queries as invoices
from apps.invoices.serializers import InvoiceInput
from apps.invoices.services import draft_invoice
from apps.operations.demo_cast import COMPANIES, STRANGER, Company
from apps.operations.health import database_is_current
from apps.organizations import queries as organizations
from apps.organizations.access import OrganizationEvent
from apps.organizations.models import ROLES, Membership
from apps.organizations.services import add_member, change_policy, founded
from saas.audit import trail
from saas.authentication import attempts
from saas.authentication.oauth import families
from saas.authentication.oauth.scopes import IDENTITY, INTROSPECTION, service_rights
from saas.authorization.permissions import known_permissions
from saas.context import Actor, Principal, PrincipalKind
from saas.crypto import random_text
from saas.tenancy.across_tenants import each_tenant_across_tenants
from saas.tenancy.binding import bind, bound_tenant
from saas.tenancy.entrance import entered
from saas.validation.inputs import judge

READ_ONLY = ("customers:read", "invoices:read")
CALLBACK = "http://127.0.0.1:8765/callback"
SECRET = 64  # of base62: 381 bits
PASSWORD = 24  # of base62: 142 bits
type Entry = dict[str, Any]  # an object of the printed JSON


def refuse_outside_development() -> None:
    """The demo prints credentials: where real data may live there must be no way to load it."""
    if not settings.SAAS_DEMO:
        raise CommandError(
            f"The demo is for development; {settings.SETTINGS_MODULE} does not allow it."
        )


def load() -> Entry:
    """Make what is missing, and give all of it with fresh secrets; the former ones open nothing
    any more.
    """
    if not database_is_current():
        raise CommandError("The database is not up to date: run `manage.py migrate` first.")
    with transaction.atomic():
        ids = {organizations.organization().get().slug: id for id in each_tenant_across_tenants()}
        stranger, password = person(STRANGER)
        return {
            "base_url": settings.SAAS_ORIGIN,
            "organizations": [
                load_company(company, ids.get(company.slug)) for company in COMPANIES
            ],
            "stranger": {"email": stranger.email, "password": password},
        }


def load_company(company: Company, tenant_id: UUID | None) -> Entry:
    """One organization with its people, keys, customers and drafts."""
    people = {role: person(f"{role}@{company.slug}.example") for role in ROLES}
    owner = people["owner"][0]
    if tenant_id is None:
        with founded(
            company.name, company.slug, owner=owner, time_zone=company.time_zone
        ) as organization:
            tenant_id = organization.pk
    with bind(tenant_id), trail.recording():
        members = [load_member(role, *people[role]) for role in ROLES]
        return {
            "id": str(tenant_id),
            "name": company.name,
            "slug": company.slug,
            "members": members,
            "api_keys": load_keys(owner),
            "oauth_clients": [load_service(), load_mobile()],
            "customers": load_customers(company, owner),
            "invoices": load_drafts(company, {role: user for role, (user, _) in people.items()}),
            **load_policy(company, owner),
        }


def person(email: str) -> tuple[User, str]:
    """The person with this address, able to sign in, and their new password."""
    user = User.objects.filter(email=email).first() or User(email=email, name=name_of(email))
    password = random_text(PASSWORD)
    user.set_password(password)
    user.is_active = True
    user.save()
    attempts.forget("account", email)  # of guesses at the password that was
    return user, password


def name_of(email: str) -> str:
    """`clerk@acme.example` is called "Clerk of Acme"."""
    role, _, host = email.partition("@")
    return f"{role} of {host.partition('.')[0]}".title().replace(" Of ", " of ")


def load_member(role: str, user: User, password: str) -> Entry:
    """A member of the bound organization, in the role that the demo gives them."""
    membership = organizations.members().filter(user=user).first() or add_member(None, user, role)
    if membership.role != role:
        restore_role(membership, role)
    return {
        "id": str(membership.pk),
        "email": user.email,
        "password": password,
        "role": role,
        "totp_secret": second_factor(user),
    }


def second_factor(user: User) -> str:
    """A new seed for the person's authenticator app."""
    Authenticator.objects.filter(user=user).delete()
    seed = generate_totp_secret()
    Totp.activate(user, seed)
    return seed


def restore_role(membership: Membership, role: str) -> None:
    """Undo what somebody tried out; the system acts, because the owner may be the one who was
    demoted.
    """
    before, membership.role = membership.role, role
    membership.save(update_fields=["role"])
    trail.record(None, OrganizationEvent.MEMBER_CHANGED, membership, before=before, after=role)


def acting(user: User) -> AbstractContextManager[Actor]:
    """A member of the bound organization at work, with all that their role may do."""
    principal = Principal(
        kind=PrincipalKind.USER_TOKEN,
        id=user.pk,
        credential_id=user.pk,
        tenant_id=bound_tenant(),
        user_id=user.pk,
        scopes=known_permissions(),
        expires_at=None,
    )
    return entered(principal, None)


def load_keys(owner: User) -> list[Entry]:
    """New keys in place of those of the last time."""
    with acting(owner) as actor:
        wanted = {"full": sorted(actor.permissions), "read-only": sorted(READ_ONLY)}
        for key in credentials.standing_keys().filter(creator=owner, name__in=wanted):
            revoke_key(actor, key, why="the demo was loaded again")
        made = [create_key(actor, name=name, scopes=scopes) for name, scopes in wanted.items()]
    return [
        {"id": str(key.pk), "name": key.name, "secret": secret, "scopes": key.scopes}
        for key, secret in made
    ]


def load_policy(company: Company, owner: User) -> Entry:
    """Turn on what a module wants to show at this company (`demo_policies` of its AppConfig); gives
    what a client of it needs.
    """
    shown: Entry = {}
    for config in apps.get_app_configs():
        if decide := getattr(config, "demo_policies", {}).get(company.slug):
            decided, told = decide()
            with acting(owner) as actor:
                change_policy(actor, **decided)
            shown |= told
    return shown


def load_service() -> Entry:
    """A confidential client that acts for itself, with a new secret."""
    secret = random_text(SECRET)
    application = load_client("backoffice", sorted(service_rights() | {INTROSPECTION}))
    application.client_type = application.CLIENT_CONFIDENTIAL
    application.authorization_grant_type = application.GRANT_CLIENT_CREDENTIALS
    application.client_secret = secret
    application.save()
    return {
        "name": application.name,
        "type": application.client_type,
        "grant": "client_credentials",
        "client_id": application.client_id,
        "client_secret": secret,
        "scopes": application.allowed_scopes,
    }


def load_mobile() -> Entry:
    """A public client that people consent to."""
    application = load_client("mobile", sorted(known_permissions() | IDENTITY.keys()))
    application.client_type = application.CLIENT_PUBLIC
    application.authorization_grant_type = application.GRANT_AUTHORIZATION_CODE
    application.redirect_uris = CALLBACK
    application.save()
    return {
        "name": application.name,
        "type": application.client_type,
        "grant": "authorization_code",
        "client_id": application.client_id,
        "redirect_uris": [CALLBACK],
    }


def load_client(name: str, scopes: list[str]) -> OAuthApplication:
    """A client of the bound organization; what it held from the last time opens nothing more."""
    which = {"organization_id": bound_tenant(), "name": name}
    application = OAuthApplication.objects.filter(**which).first() or OAuthApplication(**which)
    application.allowed_scopes = scopes
    if not application._state.adding:
        families.end_all(application=application)
        OAuthAccessToken.objects.filter(application=application).delete()
    return application


def load_customers(company: Company, owner: User) -> list[str]:
    """The ids of the company's customers, found by their names."""
    ids = dict(customers.customers().order_by("-pk").values_list("name", "pk"))
    with acting(owner) as actor:
        for body in company.customers:
            if body["name"] not in ids:
                made = create_customer(actor, **judge(CustomerInput, body, partial=False))
                ids[made.name] = made.pk
    return [str(ids[body["name"]]) for body in company.customers]


def load_drafts(company: Company, people: dict[str, User]) -> list[str]:
    """The ids of the company's invoices, found by their references; each made by its own member,
    because whose draft it is decides who may change it.
    """
    rows = customers.customers().order_by("-pk").values_list("name", "pk")
    customer_ids = {name: str(pk) for name, pk in rows}
    ids = dict(invoices.invoices_in_brief().order_by("-pk").values_list("buyer_reference", "pk"))
    for draft in company.drafts:
        if draft.reference not in ids:
            body = {
                "customer": customer_ids[draft.customer],
                "currency": "EUR",
                "lines": list(draft.lines),
                "buyer_reference": draft.reference,
                **draft.more,
            }
            with acting(people[draft.by]) as actor:
                made = draft_invoice(actor, **judge(InvoiceInput, body, partial=False))
            ids[draft.reference] = made.pk
    return [str(ids[draft.reference]) for draft in company.drafts]
