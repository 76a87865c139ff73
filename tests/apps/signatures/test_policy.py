"""How an organization registers its keys, asks for signatures, and cannot lock itself out."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.core.management import call_command

from apps.operations.demo import load
from tests.apps.signatures.client import ask
from tests.apps.signatures.conftest import P256, Signer, pem
from tests.cast import call
from tests.live import served

pytestmark = [pytest.mark.practice("AUTHN-15")]


def listed(id, key, algorithm="ed25519"):
    return {"id": id, "algorithm": algorithm, "public_key": pem(key)}


def policy_of(member):
    return member.get("security-policy").json()


def test_who_turns_it_on_has_signed_that_very_request(acme):
    key = Ed25519PrivateKey.generate()
    keys = [listed("one", key), listed("two", P256(), "ecdsa-p256-sha256")]
    on = {"require_signatures": True}
    nobodys = acme.owner.patch("security-policy", on)
    assert (nobodys.status_code, nobodys.json()["code"]) == (409, "conflict")
    unsigned = acme.owner.patch("security-policy", {"signing_keys": keys} | on)
    assert (unsigned.status_code, unsigned.json()["code"]) == (401, "signature-invalid")
    assert policy_of(acme.owner)["signing_keys"] == []
    signer = Signer(acme.owner, key)
    assert signer.call("PATCH", "security-policy", {"signing_keys": keys} | on).status_code == 200
    assert signer.call("GET", "security-policy").json()["signing_keys"] == keys
    for member in acme.members:  # from the next request on
        assert member.get("me").json()["code"] == "signature-invalid"
    off = signer.call("PATCH", "security-policy", {"require_signatures": False})
    assert off.status_code == 200
    assert acme.viewer.get("me").status_code == 200


def test_a_key_is_replaced_by_one_that_has_proved_itself(signer):
    new = Ed25519PrivateKey.generate()
    alone = {"signing_keys": [listed("new", new)]}
    refused = signer.call("PATCH", "security-policy", alone)
    assert refused.json()["code"] == "signature-invalid"  # with the old key: it would be gone
    both = {"signing_keys": [listed("one", signer.key), listed("new", new)]}
    assert signer.call("PATCH", "security-policy", both).status_code == 200
    assert (
        Signer(signer.member, new, "new").call("PATCH", "security-policy", alone).status_code == 200
    )
    assert signer.call("GET", "me").json()["code"] == "signature-invalid"
    emptied = Signer(signer.member, new, "new").call(
        "PATCH", "security-policy", {"signing_keys": []}
    )
    assert emptied.status_code == 409


def test_an_eleventh_key_and_a_second_of_the_same_name_are_refused(acme):
    key = Ed25519PrivateKey.generate()
    for keys in ([listed(str(n), key) for n in range(11)], [listed("a", key)] * 2, "a", {}, [[]]):
        refused = acme.owner.patch("security-policy", {"signing_keys": keys})
        assert refused.status_code == 400, keys
        assert policy_of(acme.owner)["signing_keys"] == []


PRIVATE = Ed25519PrivateKey.generate().private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
)


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"id": ""}, "id", "invalid"),
        ({"id": "a b"}, "id", "invalid"),
        ({"id": "a\n"}, "id", "invalid"),
        ({"id": "x" * 65}, "id", "invalid"),
        ({"id": 7}, "id", "invalid"),
        ({"algorithm": "ecdsa-p256-sha256"}, "public_key", "invalid"),
        ({"algorithm": "hmac-sha256"}, "algorithm", "invalid-choice"),
        ({"algorithm": "none"}, "algorithm", "invalid-choice"),
        ({"algorithm": []}, "algorithm", "invalid-choice"),
        ({"algorithm": None}, "algorithm", "invalid-choice"),
        ({"public_key": None}, "public_key", "invalid"),
        ({"public_key": ""}, "public_key", "invalid"),
        ({"public_key": "\u00e4"}, "public_key", "invalid"),
        ({"public_key": "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"}, "public_key", "invalid"),
        ({"public_key": PRIVATE.decode()}, "public_key", "invalid"),
        ({"public_key": pem(rsa.generate_private_key(65537, 2048))}, "public_key", "invalid"),
        ({"public_key": pem(ec.generate_private_key(ec.SECP384R1()))}, "public_key", "invalid"),
        ({"public_key": "x" * 2000}, "public_key", "invalid"),
        ({"private_key": "x"}, "private_key", "unexpected-field"),
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_and_pointed_at(acme, changes, pointer, code):
    good = listed("good", Ed25519PrivateKey.generate())
    refused = acme.owner.patch("security-policy", {"signing_keys": [good, good | changes]})
    assert refused.status_code == 400
    [error] = refused.json()["errors"]
    assert (error["pointer"], error["code"]) == (f"/signing_keys/1/{pointer}", code)
    assert "BEGIN" not in error["detail"]


def test_a_public_key_is_kept_in_one_form(acme):
    key = listed("one", Ed25519PrivateKey.generate())
    loose = key | {"public_key": "a comment\n" + key["public_key"].replace("\n", "\r\n")}
    kept = acme.owner.patch("security-policy", {"signing_keys": [loose]})
    assert kept.json()["signing_keys"] == [key]


def test_the_demo_has_an_organization_that_signs_and_a_client_that_can(committed, settings, capsys):
    """All calls of Initech are signed; those of Acme and Globex are plain."""
    demo = load()
    acme, globex, initech = demo["organizations"]
    assert [each["slug"] for each in (acme, globex)] == ["acme", "globex"]
    assert [key.keys() for key in initech["signing_keys"]] == [{"id", "algorithm", "private_key"}]
    with served(settings) as origin:
        settings.SAAS_ORIGIN = demo["base_url"] = origin
        status, listed = ask(demo, "GET", "/api/v1/customers?page_size=1")
        assert status == 200, listed
        assert listed["results"][0]["id"] in initech["customers"]
        status, made = ask(
            demo, "POST", "/api/v1/customers", '{"name": "Vandelay", "country": "DE"}'
        )
        assert status == 201, made
        demo["base_url"] = origin.replace("127.0.0.1", "localhost")  # signed for another name
        assert ask(demo, "GET", "/api/v1/me")[1]["code"] == "signature-invalid"
    for company, code in ((acme, None), (globex, None), (initech, "signature-invalid")):
        key = company["api_keys"][0]["secret"]
        answer = call(Signer(None, None).client, "GET", "me", **{"X-API-Key": key})
        assert answer.json().get("code") == code


def test_the_documents_and_the_database_are_as_the_code_says(db, settings):
    settings.SAAS_ROLE_CHECK = "warn"
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
