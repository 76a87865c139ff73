"""Reading a proof: the examples of the RFCs, and everything that is nearly a proof."""

import json
from base64 import urlsafe_b64encode

import pytest
from cryptography.hazmat.primitives import hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from jwcrypto import jwk, jws

from saas.authentication.dpop.proofs import (
    MAX_JTI,
    MAX_LENGTH,
    BadProof,
    hashed,
    is_signed,
    packed,
    read,
    thumbprint,
    unpacked,
)
from tests.saas.authentication.dpop.prover import GONE, Prover

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-14")]

AT_THE_SERVER = (  # RFC 9449 §4.1
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
    ".eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ"
    ".2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
AT_A_RESOURCE = (  # RFC 9449 §7.1
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19"
    ".eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9"
    ".2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # RFC 9449 §6.1
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"  # RFC 9449 §7.1


def refused(proof, words):
    """Assert that this is no proof, for this reason."""
    with pytest.raises(BadProof, match=words):
        read(proof)


def test_the_examples_of_the_rfc_are_read_and_name_its_key():
    proof = read(AT_THE_SERVER)
    assert (proof.jkt, proof.htm, proof.iat) == (JKT, "POST", 1562262616)
    assert (proof.htu, proof.jti) == ("https://server.example.com/token", "-BwC3ESc6acc2lTc")
    assert (proof.ath, proof.nonce) == (None, None)
    proof = read(AT_A_RESOURCE)
    assert (proof.jkt, proof.htm, proof.ath) == (JKT, "GET", hashed(TOKEN))


def test_the_signatures_and_thumbprints_of_the_rfcs_are_right():
    ed = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(ed) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"  # RFC 8037 A.3
    signed = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = unpacked(
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    assert is_signed("EdDSA", ed, signed, signature)  # RFC 8037 A.4
    assert not is_signed("EdDSA", ed, signed + b"x", signature)
    p256 = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    signed = b"eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    signature = unpacked(
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    assert is_signed("ES256", p256, signed, signature)  # RFC 7515 A.3
    assert not is_signed("ES256", p256, signed, signature[:-1] + b"x")


@pytest.mark.parametrize(("kind", "algorithm"), [("EC", "ES256"), ("OKP", "EdDSA")])
def test_a_proof_that_another_library_made_is_read(kind, algorithm):
    key = jwk.JWK.generate(kty=kind, crv="P-256" if kind == "EC" else "Ed25519")
    head = {"typ": "dpop+jwt", "alg": algorithm, "jwk": key.export_public(as_dict=True)}
    claims = {"jti": "a", "htm": "GET", "htu": "https://a.example/", "iat": 1}
    made = jws.JWS(json.dumps(claims))
    made.add_signature(key, None, json.dumps(head), None)
    assert read(made.serialize(compact=True)).jkt == key.thumbprint()


# 1: one header.


def test_two_headers_are_refused():
    refused(f"{Prover().proof()},{Prover().proof()}", "one DPoP header")
    refused(f"{Prover().proof()}, {Prover().proof()}", "one DPoP header")
    refused(None, "missing")


# 2: a JWT.


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: "",
        lambda proof: "..",
        lambda proof: "nonsense",
        lambda proof: proof + ".",
        lambda proof: proof.rpartition(".")[0],
        lambda proof: proof + "=",
        lambda proof: proof + " ",
        lambda proof: "\t" + proof,
        lambda proof: proof.replace(".", "..", 1),
        lambda proof: proof.replace(".", "\n.", 1),
        lambda proof: proof[:40] + "!" + proof[40:],  # Python alone would skip it
        lambda proof: proof[:40] + "é" + proof[41:],
        lambda proof: json.dumps({"protected": proof.split(".")[0], "signature": "x"}),
    ],
)
def test_what_is_no_compact_jws_is_refused(change):
    refused(change(Prover().proof()), "proof|part|one DPoP header")


def test_the_last_character_has_one_spelling():
    proof = Prover().proof()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    at = alphabet.index(proof[-1])
    assert (
        urlsafe_b64encode(unpacked(proof.rpartition(".")[2])).decode().rstrip("=")[-1] == proof[-1]
    )
    for bits in (1, 2, 3):  # 64 bytes leave four bits of the last character unused
        refused(proof[:-1] + alphabet[at ^ bits], "base64url")


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        ("[]", "{}"),
        ("{}", "null"),
        ("{", "{}"),
        ('{"typ": "dpop+jwt", "typ": "dpop+jwt"}', "{}"),
        ("{}", '{"iat": 1, "iat": 2}'),
        ("{}", '{"iat": NaN}'),
        ("{}", '{"iat": Infinity}'),
        ("{}", '{"iat": ' + "9" * 1000 + "}x"),
        ("[" * 700, "{}"),
        ("\ufeff{}", "{}"),
    ],
)
def test_what_is_not_two_json_objects_is_refused(header, claims):
    refused(Prover().signed(header, claims), "JSON")


def test_a_proof_has_an_end():
    refused(Prover().proof(padding="x" * MAX_LENGTH), "too long")
    assert read(Prover().proof(padding="x" * 500))


# 3: its claims.


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *[(name, wrong) for name in ("jti", "htm", "htu") for wrong in (GONE, None, 1, ["a"], {})],
        *[("iat", wrong) for wrong in (GONE, None, "1", True, [1])],
        ("jti", ""),
        ("jti", "x" * (MAX_JTI + 1)),
        ("jti", "a\nb"),
        ("jti", "\ud800"),
        ("jti", "\x00"),
        ("ath", 1),
        ("nonce", 1),
        ("nonce", ["a"]),
        *[(name, "\ud800") for name in ("htm", "htu", "ath", "nonce")],
        *[(name, "é") for name in ("htm", "htu", "ath", "nonce")],
    ],
)
def test_a_claim_that_is_missing_or_of_another_type_is_refused(claim, value):
    refused(Prover().proof(**{claim: value}), claim)


def test_claims_that_nobody_knows_change_nothing():
    assert read(Prover().proof(sub="x", jti="x" * MAX_JTI)).jti == "x" * MAX_JTI


# 4: its type.


@pytest.mark.parametrize(
    "typ", [GONE, None, "JWT", "dpop+JWT", "application/dpop+jwt", "", ["dpop+jwt"]]
)
def test_another_kind_of_jwt_is_refused(typ):
    refused(Prover().proof(head={"typ": typ}), "typ")


# 5: its algorithm.


@pytest.mark.parametrize(
    "alg",
    [
        GONE,
        None,
        "none",
        "None",
        "HS256",
        "RS256",
        "ES384",
        "ES256K",
        "es256",
        "",
        ["ES256"],
        {},
        1,
    ],
)
def test_an_algorithm_that_is_not_offered_is_refused(alg):
    refused(Prover().proof(head={"alg": alg}), "alg must be")


def test_a_key_is_good_for_its_own_algorithm_alone():
    refused(Prover("ES256").proof(head={"alg": "EdDSA"}), "wants a key")
    refused(Prover("EdDSA").proof(head={"alg": "ES256"}), "wants a key")


def test_nothing_that_both_sides_could_know_signs_a_proof():
    secret = Prover()
    text = secret.proof(head={"alg": "HS256", "jwk": {"kty": "oct", "k": "c2VjcmV0"}}).rpartition(
        "."
    )[0]
    mac = hmac.HMAC(b"secret", SHA256())
    mac.update(text.encode())
    refused(f"{text}.{packed(mac.finalize())}", "alg must be")
    unsigned = secret.proof(head={"alg": "none"}).rpartition(".")[0]
    refused(f"{unsigned}.", "alg must be")


def test_what_must_be_understood_and_is_not_is_refused():
    refused(Prover().proof(head={"crit": ["b64"], "b64": False}), "crit")
    refused(Prover().proof(head={"crit": []}), "crit")
    assert read(Prover().proof(head={"kid": "1", "jku": "https://elsewhere.example/"}))


# 6: its signature.


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_signature_of_another_key_is_refused(algorithm):
    one, other = Prover(algorithm), Prover(algorithm)
    refused(one.proof(head={"jwk": other.jwk}), "signature")


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: b"",
        lambda raw: bytes(64),
        lambda raw: raw[:63],
        lambda raw: raw + b"\0",
        lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:],  # the same two numbers, one byte longer
        lambda raw: raw[32:] + raw[:32],
        lambda raw: raw[:32] + bytes(32),
    ],
)
@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_a_signature_of_another_form_is_refused(algorithm, change):
    text, _, signature = Prover(algorithm).proof().rpartition(".")
    refused(f"{text}.{packed(change(unpacked(signature)))}", "signature|base64url")


# 7: its key.


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_in_the_proof_is_refused(algorithm, member):
    prover = Prover(algorithm)
    refused(prover.proof(head={"jwk": prover.jwk | {member: "AA"}}), "private")


@pytest.mark.parametrize(
    "jwk", [GONE, None, "x", [], {}, {"kty": "RSA", "n": "AQ", "e": "AQAB"}, {"kty": "oct"}]
)
def test_a_proof_without_a_key_of_ours_is_refused(jwk):
    refused(Prover().proof(head={"jwk": jwk}), "jwk|key")


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1(), ec.SECP256K1()])
def test_another_curve_is_refused(curve):
    prover = Prover()
    point = ec.generate_private_key(curve).public_key().public_numbers()
    size = (curve.key_size + 7) // 8
    x, y = packed(point.x.to_bytes(size)), packed(point.y.to_bytes(size))
    names = {"secp384r1": "P-384", "secp521r1": "P-521", "secp256k1": "secp256k1"}
    named = {"kty": "EC", "crv": names[curve.name], "x": x, "y": y}
    refused(prover.proof(head={"jwk": named}), "wants a key of P-256")
    refused(prover.proof(head={"jwk": named | {"crv": "P-256"}}), "length|signature")


@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize(
    "value",
    [
        GONE,
        None,
        1,
        "",
        "AA",
        packed(bytes(31)),
        packed(bytes(33)),
        packed(bytes(32)),
        packed(b"\xff" * 32),
    ],
)
def test_what_is_no_point_of_the_curve_is_refused(name, value):
    prover = Prover()
    jwk = {k: v for k, v in (prover.jwk | {name: value}).items() if v is not GONE}
    refused(prover.proof(head={"jwk": jwk}), "base64url|length|signature")


def test_what_a_browser_says_of_a_key_besides_changes_nothing():
    prover = Prover()
    jwk = prover.jwk | {
        "ext": True,
        "key_ops": ["verify"],
        "alg": "ES256",
        "use": "sig",
        "kid": "1",
    }
    assert read(prover.proof(head={"jwk": jwk})).jkt == prover.jkt
