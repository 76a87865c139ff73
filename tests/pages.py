"""A person in front of the pages, as Django's test client; every browser has a network of its own."""

import random
import re
from ipaddress import IPv6Address

from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.core import mail
from django.test import Client

from apps.accounts.models import User
from apps.accounts.queries import authenticator
from apps.accounts.services import Totp, make_recovery_codes
from saas.persistence.worker import run_due
from tests.apps.accounts.test_sign_in import PASSWORD, sign_in

NEW = "seven grey herons at low tide"
AT_HOME = "/accounts/"


def browser(**more):
    """A browser that has seen nothing yet."""
    address = str(IPv6Address(random.getrandbits(128)))
    return Client(raise_request_exception=False, REMOTE_ADDR=address, **more)


def signed_in(user):
    """A browser in which this person is signed in; they get a password if they have none."""
    if not user.has_usable_password() or not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save()
    client = browser()
    assert sign_in(client, user.email).status_code == 303
    return client


def signed_in_by_two(user):
    """As above, with a second factor that was answered; by a recovery code, which no clock ends."""
    if authenticator(user) is None:
        Totp.activate(user, generate_totp_secret())
    code = make_recovery_codes(user)[0]
    user.set_password(PASSWORD)
    user.save()
    client = browser()
    step = sign_in(client, user.email)
    assert client.post(step["Location"], {"code": code}, secure=True).status_code == 303
    letters()
    mail.outbox.clear()  # that a code was used is told, and not what a test is about
    return client


def is_in(client):
    """Whether somebody is signed in there."""
    return client.get(AT_HOME, secure=True).status_code == 200


def post(client, path, **form):
    """Send a form."""
    return client.post(f"/accounts/{path}", form, secure=True)


def get(client, path):
    """Look at a page."""
    return client.get(f"/accounts/{path}", secure=True)


def letters(to=None):
    """What was written, or written to one address; the last letter first."""
    run_due()
    return [letter for letter in reversed(mail.outbox) if to in (None, *letter.to)]


def mailed_code(to):
    """The code in the last letter to an address."""
    return re.search(r"\b\d{8}\b", letters(to)[0].body)[0]


def mailed_path(to, of):
    """The path of the link in the last letter to an address, from /accounts/ on."""
    return re.search(rf"/accounts/({of}/\S+)", letters(to)[0].body)[1]


def comparable(page):
    """A page without what differs from one to the next: nonce, token, request id."""
    text = re.sub(r'(nonce|csrfmiddlewaretoken" value)="[^"]*"', r"\1", page.content.decode())
    headers = {name: value for name, value in page.headers.items() if name != "X-Request-Id"}
    headers["Content-Security-Policy"] = re.sub(
        "'nonce-[^']*'", "", headers.get("Content-Security-Policy", "")
    )
    headers.pop("Content-Length", None)
    headers.pop("Expires", None)  # of what is never kept: now
    return page.status_code, text, headers, set(page.cookies)


def person(email):
    """Who has this address, or None."""
    return User.objects.filter(email=email).first()
