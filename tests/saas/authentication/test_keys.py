"""The form of an API key: scanners find it, typos end without a query, a stolen table opens
nothing.
"""

import hashlib
import hmac
import math
from base64 import b64decode

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from saas.authentication import keys
from saas.authentication.keys import CHECKSUM, FORM, PREFIX, PUBLIC_ID, SECRET, mint
from saas.crypto import ALPHABET, MARK, mark
from saas.edge.exposure import OUR_SECRETS

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-05")]


def test_a_key_is_a_prefix_a_public_id_256_random_bits_and_a_checksum():
    minted = mint()
    assert minted.secret.startswith("sr_live_" + minted.public_id)
    assert len(minted.secret) == len(PREFIX) + PUBLIC_ID + SECRET + CHECKSUM
    assert SECRET * math.log2(len(ALPHABET)) >= 256
    assert FORM.fullmatch(minted.secret)
    assert OUR_SECRETS.fullmatch(minted.secret)
    assert keys.is_well_formed(minted.secret)


def test_no_two_keys_share_their_id_their_secret_or_their_digest():
    minted = [mint() for _ in range(500)]
    for part in ("secret", "public_id", "digest"):
        assert len({getattr(one, part) for one in minted}) == 500


def test_what_is_stored_is_a_keyed_digest_that_the_pepper_alone_can_make():
    minted = mint()
    pepper = b64decode(settings.SAAS_PEPPER)
    text = f"credential\0{minted.secret}".encode()
    keyed = hmac.new(pepper, text, hashlib.sha256).hexdigest()
    assert minted.digest == keyed[:-MARK] + mark(settings.SAAS_PEPPER)
    assert hashlib.sha256(minted.secret.encode()).hexdigest() != minted.digest
    assert minted.public_id not in minted.digest


@given(
    position=st.integers(0, len(PREFIX) + PUBLIC_ID + SECRET + CHECKSUM - 1),
    shift=st.integers(1, 61),
)
def test_a_single_wrong_character_is_always_noticed(position, shift):  # fmt: skip
    secret = mint().secret
    wrong = ALPHABET[(ALPHABET.find(secret[position]) + shift) % len(ALPHABET)]
    if wrong != secret[position]:
        assert not keys.is_well_formed(secret[:position] + wrong + secret[position + 1 :])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda s: "",
        lambda s: s[:-1],
        lambda s: s + "0",
        lambda s: s + "\n",
        lambda s: " " + s,
        lambda s: s.replace("sr_live_", "sr_test_"),
        lambda s: s.replace("sr_live_", "SR_LIVE_"),
        lambda s: s[:20] + "_" + s[21:],
        lambda s: s[:20] + "é" + s[21:],
        lambda s: s[:-1] + "\uff10",
        lambda s: s.swapcase(),
    ],
)
def test_what_only_looks_like_a_key_is_none(spoil):
    assert not keys.is_well_formed(spoil(mint().secret))


@given(text=st.text(max_size=200))
def test_no_text_makes_the_form_fail_with_a_fault(text):
    assert keys.is_well_formed(text) is False


def test_the_checksum_protects_nothing_by_itself():
    body = PREFIX + "A" * (PUBLIC_ID + SECRET)
    assert keys.is_well_formed(body + keys.checksum(body))
    assert len(keys.checksum("")) == CHECKSUM
