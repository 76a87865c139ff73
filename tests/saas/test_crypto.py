"""Three tools and no more: a keyed digest, a sealed box, randomness."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas import crypto
from saas.crypto import (
    ALPHABET,
    NONCE_BYTES,
    Unreadable,
    digest,
    equal,
    random_key,
    random_text,
    seal,
    unseal,
)

pytestmark = [pytest.mark.core, pytest.mark.practice("DATA-01")]

KEY, OTHER = random_key(), random_key()


@given(plaintext=st.binary(max_size=200), context=st.binary(max_size=50))
def test_what_was_sealed_opens_with_its_key_and_its_context_alone(plaintext, context):
    sealed = seal(KEY, plaintext, context)
    assert unseal(KEY, sealed, context) == plaintext
    assert plaintext == b"" or len(plaintext) < 4 or plaintext not in sealed
    for key, box, where in (
        (OTHER, sealed, context),
        (KEY, sealed, context + b"x"),
        (KEY, sealed, b"x" + context),
        (KEY, sealed[:-1], context),
        (KEY, sealed + b"x", context),
        (KEY, sealed[1:], context),
        (KEY, b"", context),
        (KEY, sealed[:NONCE_BYTES], context),
    ):
        with pytest.raises(Unreadable):
            unseal(key, box, where)


def test_every_flipped_bit_is_noticed():
    sealed = seal(KEY, b"secret", b"here")
    for bit in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Unreadable):
            unseal(KEY, bytes(flipped), b"here")


def test_no_nonce_is_used_twice():
    assert len({seal(KEY, b"x", b"")[:NONCE_BYTES] for _ in range(2000)}) == 2000


def test_a_digest_needs_the_pepper_and_tells_purposes_apart(settings):
    first = digest("secret")
    assert first == digest("secret", purpose="credential") != digest("secret", purpose="cursor")
    assert digest("a", purpose="b\0c") != digest("a\0b", purpose="c")
    settings.SAAS_PEPPER = settings.SAAS_KEK
    assert digest("secret") != first


@pytest.mark.practice("DATA-04")
def test_while_the_pepper_changes_there_are_two_digests_each_with_its_mark(settings):
    old = digest("secret")
    assert list(crypto.digests("secret")) == [old]
    settings.SAAS_PEPPER_PREVIOUS, settings.SAAS_PEPPER = settings.SAAS_PEPPER, settings.SAAS_KEK
    new = digest("secret")
    assert list(crypto.digests("secret")) == [new, old, new]
    assert len(new) == len(old) == 64
    assert (new[-4:], old[-4:]) == tuple(
        map(crypto.mark, (settings.SAAS_PEPPER, settings.SAAS_PEPPER_PREVIOUS))
    )


@given(one=st.text(), other=st.text())
def test_equal_is_equality(one, other):
    if one.isprintable() and other.isprintable():
        assert equal(one, other) is (one == other)
        assert equal(one, one)


def test_random_text_has_the_length_and_the_letters_that_it_says():
    texts = [random_text(43) for _ in range(500)]
    assert len(set(texts)) == 500
    assert {len(text) for text in texts} == {43}
    assert set("".join(texts)) == set(ALPHABET)
    assert len(ALPHABET) == len(set(ALPHABET)) == 62
    assert len(random_key()) == 32
