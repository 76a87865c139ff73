"""What others have signed: the examples of RFC 9421 and RFC 9530."""

import pytest
from django.test import RequestFactory

from saas.authentication.signatures import keys
from saas.authentication.signatures.fields import (
    Invalid,
    byte_sequence,
    dictionary,
    inner_list,
)
from saas.authentication.signatures.message import check_digest, component, signature_base

pytestmark = [pytest.mark.practice("AUTHN-15")]

BODY = b'{"hello": "world"}'
ED25519 = {  # RFC 9421 B.1.4
    "algorithm": "ed25519",
    "public_key": "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=\n"
    "-----END PUBLIC KEY-----\n",
}
P256 = {  # RFC 9421 B.1.3
    "algorithm": "ecdsa-p256-sha256",
    "public_key": "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\n"
    "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n"
    "-----END PUBLIC KEY-----\n",
}
SHA512 = "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:"
SHA256 = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"


@pytest.fixture
def example(settings):
    """The request of RFC 9421 B.2."""
    settings.SAAS_ORIGIN = "https://example.com"
    return RequestFactory().post(
        "/foo?param=Value&Pet=dog",
        BODY,
        "application/json",
        headers={"Date": "Tue, 20 Apr 2021 02:07:55 GMT", "Content-Digest": SHA512},
    )


def base_of(request, text):
    covered = dictionary("Signature-Input", text, inner_list)["sig"]
    return signature_base(covered, lambda name: component(request, name))


def test_b_2_6_a_request_that_ed25519_signed(example):
    base = base_of(
        example,
        'sig=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"',
    )
    assert base.decode().splitlines() == [
        '"date": Tue, 20 Apr 2021 02:07:55 GMT',
        '"@method": POST',
        '"@path": /foo',
        '"@authority": example.com',
        '"content-type": application/json',
        '"content-length": 18',
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" '
        '"content-length");created=1618884473;keyid="test-key-ed25519"',
    ]
    text = "sig=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:"
    signature = dictionary("Signature", text, byte_sequence)["sig"]
    assert keys.verifies(ED25519, signature, base)
    assert not keys.verifies(ED25519, signature, base.replace(b"POST", b"PUT"))
    assert not keys.verifies(ED25519, signature[::-1], base)
    assert not keys.verifies(ED25519, signature[:-1], base)


def test_b_2_4_a_response_that_p256_signed():
    answer = {
        "@status": "200",
        "content-type": "application/json",
        "content-digest": "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
        "content-length": "23",
    }
    text = (
        'sig=("@status" "content-type" "content-digest" "content-length")'
        ';created=1618884473;keyid="test-key-ecc-p256"'
    )
    covered = dictionary("Signature-Input", text, inner_list)["sig"]
    base = signature_base(covered, answer.__getitem__)
    text = "sig=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:"
    signature = dictionary("Signature", text, byte_sequence)["sig"]
    assert keys.verifies(P256, signature, base)
    assert not keys.verifies(P256, signature, base + b" ")
    assert not keys.verifies(P256, b"\0" * 64, base)
    assert not keys.verifies(P256, signature + b"\0", base)
    check_digest(answer["content-digest"], b'{"message": "good dog"}')


def test_the_components_of_section_2_2_are_those_of_our_own_origin(settings):
    settings.SAAS_ORIGIN = "https://WWW.Example.com:443"
    asked = RequestFactory().get("/path/a%20b?param=value&foo=bar&baz=bat%2Dman")
    asked.META["HTTP_HOST"] = "evil.example"
    expected = {
        "@method": "GET",
        "@scheme": "https",
        "@authority": "www.example.com",
        "@path": "/path/a%20b",
        "@query": "?param=value&foo=bar&baz=bat%2Dman",
        "@target-uri": "https://WWW.Example.com:443/path/a%20b?param=value&foo=bar&baz=bat%2Dman",
    }
    assert {name: component(asked, name) for name in expected} == expected
    assert component(RequestFactory().get("/path"), "@query") == "?"
    settings.SAAS_ORIGIN = "http://localhost:8000"
    assert component(asked, "@authority") == "localhost:8000"


@pytest.mark.parametrize("name", ["@status", "@query-param", "@nonsense", "Date", "x_y", "missing"])
def test_a_component_that_is_not_there_is_refused(example, name):
    with pytest.raises(Invalid):
        component(example, name)


@pytest.mark.parametrize("value", ["a\nb", "a\r\n b", "\u00e4", "\x00"])
def test_a_value_that_would_write_lines_of_its_own_is_refused(example, value):
    example.META["HTTP_DATE"] = value
    with pytest.raises(Invalid):
        component(example, "date")


@pytest.mark.parametrize("text", [SHA256, SHA512, f"{SHA256}, {SHA512}", f"md5=:AAAA:, {SHA256}"])
def test_a_digest_of_rfc_9530_is_that_of_its_body(text):
    check_digest(text, BODY)
    for other in (BODY + b"\n", b"", BODY.replace(b"world", b"World")):
        with pytest.raises(Invalid):
            check_digest(text, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "md5=:AAAA:",
        "sha-256=::",
        "sha-256",
        SHA256[:-1],
        f"{SHA256}, sha-512=:AAAA:",
        "SHA-256=:AAAA:",
    ],
)
def test_a_digest_that_proves_nothing_is_refused(text):
    with pytest.raises(Invalid):
        check_digest(text, BODY)
