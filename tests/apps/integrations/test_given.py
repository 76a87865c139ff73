"""A person sees what they allowed, and ends it; nobody else does."""

from datetime import timedelta

import pytest
from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.test import Client
from django.utils import timezone

from apps.accounts.services import Totp
from apps.integrations.models import OAuthAccessToken, OAuthGrant, OAuthRefreshToken
from apps.integrations.sweep import sweep
from apps.organizations.services import add_member
from saas.audit import trail
from saas.audit.models import AuditEntry
from saas.tenancy.binding import bind
from tests.apps.integrations.test_consent import browser_of, told, url
from tests.cast import call
from tests.oauth import (
    bearer,
    code_for,
    exchange,
    make_client,
    make_service,
    refresh,
    service_token,
    tokens_for,
)
from tests.pages import signed_in_by_two

pytestmark = [pytest.mark.core]

READ, KEYS = "customers:read", "api-keys:write"
PAGE = "/accounts/grants/"


def status(token):
    """What a call with this token is answered."""
    return call(Client(), "GET", "customers", **bearer(token)).status_code


@pytest.fixture
def app(acme):
    """A public client of Acme."""
    return make_client(acme, READ, KEYS)


@pytest.mark.practice("X-12")
def test_a_person_sees_what_they_allowed_in_each_organization_and_ends_one(acme, globex, app):
    with bind(globex.id), trail.recording():
        add_member(None, acme.clerk.user, "viewer")
    here = tokens_for(acme.clerk, READ, client=app)
    acme.clerk.organization = globex
    there = tokens_for(acme.clerk, READ, client=app)
    browser = browser_of(acme.clerk.user)
    text = browser.get(PAGE, secure=True).content.decode()
    for part in ("an app", "In Acme", "In Globex", READ, "not used yet"):
        assert part in text
    grant = OAuthGrant.objects.get(organization_id=acme.id)
    answer = browser.post(f"{PAGE}{grant.pk}/", secure=True)
    assert (answer.status_code, answer["Location"]) == (303, PAGE)
    assert status(here["access_token"]) == 401
    assert refresh(app, here["refresh_token"]).status_code == 400
    assert status(there["access_token"]) == 200
    text = browser.get(PAGE, secure=True).content.decode()
    assert "In Acme" not in text
    assert "used last on" in text
    with bind(acme.id):
        assert AuditEntry.objects.filter(event="oauth-grant.revoked").count() == 1


@pytest.mark.practice("X-12")
def test_nobody_sees_or_ends_what_another_person_allowed(acme, app):
    pair = tokens_for(acme.clerk, READ, client=app)
    grant = OAuthGrant.objects.get()
    other = browser_of(acme.accountant.user)
    assert b"No application" in other.get(PAGE, secure=True).content
    assert other.post(f"{PAGE}{grant.pk}/", secure=True).status_code == 404
    assert Client().post(f"{PAGE}{grant.pk}/", secure=True).status_code == 302
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(
        acme.clerk.user, backend="allauth.account.auth_backends.AuthenticationBackend"
    )
    assert strict.post(f"{PAGE}{grant.pk}/", secure=True).status_code == 403
    assert status(pair["access_token"]) == 200


@pytest.mark.practice("AUTHN-08")
def test_a_password_alone_gives_away_nothing_that_makes_keys_or_members(acme, app):
    browser = browser_of(acme.owner.user)
    form = {"decision": "allow", "organization": str(acme.id)}
    asked = url(app, scope=f"{READ} {KEYS}")
    assert b"That is left out" in browser.get(asked, secure=True).content
    pair = exchange(app, told(browser.post(asked, form, secure=True))["code"]).json()
    assert pair["scope"] == READ
    only = told(browser.post(url(app, scope=KEYS), form, secure=True))
    assert (only["error"], "code" in only) == ("access_denied", False)
    Totp.activate(
        acme.owner.user, generate_totp_secret()
    )  # elsewhere: this session answers nothing
    assert b"That is left out" in browser.get(asked, secure=True).content
    browser = signed_in_by_two(acme.owner.user)
    assert b"That is left out" not in browser.get(asked, secure=True).content
    pair = exchange(app, told(browser.post(asked, form, secure=True))["code"]).json()
    assert set(pair["scope"].split()) == {READ, KEYS}


@pytest.mark.practice("AUTHN-04")
def test_what_opens_nothing_is_swept_and_what_a_replay_would_betray_is_kept(
    acme, app, time_machine, settings
):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    first = tokens_for(acme.clerk, READ, client=app)
    second = refresh(app, first["refresh_token"]).json()
    ended = tokens_for(acme.viewer, READ, client=app)
    browser_of(acme.viewer.user).post(
        f"{PAGE}{OAuthGrant.objects.get(user=acme.viewer.user).pk}/", secure=True
    )
    code_for(app, acme.admin, READ)  # never exchanged
    service = make_service(acme, READ)
    service_token(service, READ)
    assert sweep(timezone.now()) == 0
    assert status(second["access_token"]) == 200
    time_machine.shift(timedelta(days=2))
    assert sweep(timezone.now()) == 3  # two access tokens and the code
    assert OAuthGrant.objects.count() == 2
    assert refresh(app, ended["refresh_token"]).status_code == 400
    with bind(acme.id):
        assert not AuditEntry.objects.filter(event="oauth-grant.replayed").exists()
    assert refresh(app, first["refresh_token"]).status_code == 400
    with bind(acme.id):
        assert AuditEntry.objects.filter(event="oauth-grant.replayed").count() == 1
    time_machine.shift(settings.LIFETIMES.refresh_family)
    sweep(timezone.now())
    for model in (OAuthGrant, OAuthAccessToken, OAuthRefreshToken):
        assert not model.objects.exists()


@pytest.mark.practice("AUTHN-04")
def test_a_sweep_of_many_rows_takes_them_in_small_parts(acme, app, monkeypatch):
    monkeypatch.setattr("apps.integrations.sweep.BATCH", 2)
    for _ in range(5):
        tokens_for(acme.clerk, READ, client=app)
    living = tokens_for(acme.viewer, READ, client=app)
    OAuthAccessToken.objects.filter(user=acme.clerk.user).update(expires=timezone.now())
    assert sweep(timezone.now() + timedelta(seconds=1)) == 5
    assert status(living["access_token"]) == 200
