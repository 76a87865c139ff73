"""Keys that stay in another house: AWS KMS and Vault, by their own clients."""

import importlib.util
import subprocess
import sys

import pytest
from django.conf import settings

from saas import custody
from saas.crypto import Unreadable
from saas.errors import Problem
from saas.persistence.encryption import forget_rings
from saas.persistence.models import DataKey
from saas.tenancy.binding import bind
from tests.saas.persistence.providers.houses import KmsHouse, VaultHouse, open_house
from tests.saas.walls import write
from tests.toy.models import Note

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-05")]

HERE = b"data-key:one:two"


@pytest.fixture(params=["aws", "vault"])
def house(request, settings, monkeypatch):
    """A running house of either kind, and the settings that lead to it."""
    if importlib.util.find_spec({"aws": "boto3", "vault": "hvac"}[request.param]) is None:
        pytest.skip("its client is not installed")
    made = {"aws": KmsHouse, "vault": VaultHouse}[request.param]()
    settings.SAAS_KMS_KEY, settings.SAAS_TRANSIT_KEY = "alias/strongroom", "strongroom"
    with open_house(made) as address:
        if request.param == "aws":
            settings.SAAS_KEY_PROVIDER = "saas.persistence.providers.aws.Kms"
            names = {"AWS_ENDPOINT_URL_KMS": address, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                     "AWS_SECRET_ACCESS_KEY": "example", "AWS_DEFAULT_REGION": "eu-central-1",
                     "AWS_EC2_METADATA_DISABLED": "true", }  # fmt: skip
        else:
            settings.SAAS_KEY_PROVIDER = "saas.persistence.providers.transit.Transit"
            names = {
                "VAULT_ADDR": address,
                "VAULT_TOKEN": made.tokens[0],
            }
        for name, value in names.items():
            monkeypatch.setenv(name, value)
        forget()
        yield made
        forget()


def forget():
    """As a process that has just begun."""
    custody.forget()
    custody._made.cache_clear()
    forget_rings()


def test_a_key_comes_back_from_there_in_its_place_alone(house):
    key = b"k" * 32
    wrapped = custody.wrap(key, HERE)
    assert custody.parts_of(wrapped).key_id == custody.provider().current()
    assert key not in wrapped
    assert custody.unwrap(wrapped, HERE) == key
    name, _, body = wrapped.partition(b"\0")
    for box, context in (
        (wrapped, b"elsewhere"),
        (name + b"\0" + body[:-6] + b"AAAAAA", HERE),
        (name + b"\0nonsense", HERE),
    ):
        with pytest.raises(Unreadable):
            custody.unwrap(box, context)


def test_what_a_request_locks_costs_it_no_call(house):
    locked = [custody.lock(b"text" * 5000, b"%d" % number) for number in range(20)]
    assert [custody.unlock(one, b"%d" % number) for number, one in enumerate(locked)]
    assert len(house.asked) == 1


@pytest.mark.practice("DATA-04")
def test_a_rotation_there_is_a_rotation_here(house):
    wrapped, locked = custody.wrap(b"k" * 32, HERE), custody.lock(b"text", HERE)
    keeper = custody.provider()
    former, current = keeper.current(), keeper.rotate()
    assert current == keeper.current() != former
    forget()
    assert custody.unwrap(wrapped, HERE) == b"k" * 32  # the former still opens
    moved, relocked = custody.rewrap(wrapped, HERE), custody.relock(locked)
    assert custody.parts_of(moved).key_id == custody.key_of(relocked) == current
    assert former in keeper.names()
    keeper.retire(former)
    forget()
    assert former not in keeper.names()
    assert custody.unwrap(moved, HERE) == b"k" * 32
    assert custody.unlock(relocked, HERE) == b"text"
    for call in (lambda: custody.unwrap(wrapped, HERE), lambda: custody.unlock(locked, HERE)):
        with pytest.raises(Unreadable):
            call()


@pytest.mark.practice("X-22")
@pytest.mark.parametrize("fault", ["broken", "silent", "forbidden"])
def test_a_house_that_does_not_answer_is_a_503_and_never_plain_text(
    house, acme, fault, monkeypatch
):
    note = write(acme, body="canary-7e")  # what it wraps was wrapped before
    with bind(acme.id):
        assert DataKey.objects.exists()
    assert acme.owner.get(f"notes/{note.pk}").json()["body"] == "canary-7e"
    if fault == "broken":
        house.broken = 503
    elif fault == "silent":
        for name in ("AWS_ENDPOINT_URL_KMS", "VAULT_ADDR"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
        monkeypatch.setenv("VAULT_TOKEN", "s.ended")
    forget()
    for answer in (
        acme.owner.get(f"notes/{note.pk}"),
        acme.owner.post("notes", {"title": "x", "body": "canary-8f"}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")
        assert answer["Retry-After"] == "2"
        assert b"canary" not in answer.content
    with bind(acme.id):
        assert Note.objects.count() == 1
    with pytest.raises(Problem):
        custody.wrap(b"k" * 32, HERE)


def test_the_core_knows_neither_client():
    asking = (
        f"import django; django.setup(); import {settings.ROOT_URLCONF}, sys; "
        "print(sorted({'boto3', 'botocore', 'hvac'} & set(sys.modules)))"
    )
    told = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True)
    assert told.stdout.strip() == "[]", told.stderr[-2000:]
