"""The keys rotate while people sign in, and nobody notices."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from django.core.management import call_command
from django.db import connection
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.cast import make_tenant
from tests.oauth import make_client, refresh
from tests.saas.authentication.oidc.browser import SCOPES, Person
from tests.saas.wire import send

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-10")]

JWKS = "/.well-known/jwks.json"


@pytest.mark.parametrize("rotations", [3, pytest.param(40, marks=pytest.mark.drill)])
def test_keys_rotate_under_load_and_each_token_verifies(committed, key_file, rotations):
    acme = make_tenant("Acme")
    people = [Person(member, make_client(acme, *SCOPES)) for member in acme.members[:3]]
    pairs = [person.tokens() for person in people]
    over, kids = Event(), set()

    def keep_signing_in(person, pair):
        """Note the keys that signed, each verified by the set that is published after it."""
        try:
            while not over.is_set():
                answer = refresh(person.app, pair["refresh_token"])
                assert answer.status_code == 200, answer.content
                pair = answer.json()
                published = KeySet.import_key_set(send("GET", JWKS).json())
                token = jwt.decode(pair["id_token"], published, algorithms=["ES256"])
                assert token.claims["sub"] == str(person.user.pk)
                kids.add(token.header["kid"])
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        waiting = [pool.submit(keep_signing_in, *one) for one in zip(people, pairs, strict=True)]
        try:
            for number in range(1, rotations + 1):
                deadline = time.monotonic() + 60
                while len(kids) < number and not any(one.done() for one in waiting):
                    assert time.monotonic() < deadline, "nobody signs with the new key"
                    time.sleep(0.02)
                call_command("rotate_oidc_keys")
        finally:
            over.set()
        for one in waiting:
            one.result()
    assert len(kids) >= rotations
