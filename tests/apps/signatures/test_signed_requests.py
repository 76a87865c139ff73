"""Calls of an organization that wants each of them signed, over HTTP, as they are and as they are
not.
"""

import time
from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.customers.models import Customer
from saas import counters
from saas.counters.store import RedisCounters
from saas.tenancy.binding import bind
from tests.apps.signatures.conftest import Signer, demand_signatures
from tests.apps.signatures.test_vectors import base_of
from tests.cast import KEY
from tests.oauth import bearer, make_service, service_token
from tests.saas.wire import on_postgresql

pytestmark = [pytest.mark.practice("AUTHN-15")]

CUSTOMER = {"name": "Vandelay", "country": "DE"}
OTHER = {"name": "Vandelbay", "country": "DE"}


def customers_of(signer):
    with bind(signer.member.organization.id):
        return Customer.objects.count()


def refused(signer, answer):
    """That nothing was let through, and nothing happened."""
    assert answer.status_code == 401, answer.content
    assert answer.json()["code"] == "signature-invalid"
    assert answer["WWW-Authenticate"].startswith("Bearer ")
    assert 'tag="invoice-api"' in answer["Accept-Signature"]
    assert customers_of(signer) == 0
    return answer.json()["detail"]


def test_signed_calls_of_every_kind_are_answered(signer):
    made = signer.call("POST", "customers", CUSTOMER)
    assert made.status_code == 201, made.content
    path = f"customers/{made.json()['id']}"
    assert signer.call("GET", path).status_code == 200
    assert signer.call("HEAD", path).status_code == 200
    assert signer.call("GET", "customers?ordering=name&page_size=1").json()["results"]
    changed = signer.call("PATCH", path, OTHER, headers={"if-match": made["ETag"]})
    assert changed.status_code == 200, changed.content
    draft = {
        "customer": made.json()["id"],
        "currency": "EUR",
        "lines": [{"description": "A", "quantity": "1", "unit_price": "1.00", "tax_rate": "0.00"}],
    }
    keyed = {"headers": {"idempotency-key": KEY}}
    first = signer.call("POST", "invoices", draft, **keyed)
    again = signer.call("POST", "invoices", draft, **keyed)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotency-Replayed"] == "true"
    assert signer.call("DELETE", f"invoices/{first.json()['id']}").status_code == 204


def test_a_second_key_of_another_kind_signs_too(signer):
    other = Signer(signer.member, signer.second, "two")
    assert other.call("POST", "customers", CUSTOMER).status_code == 201
    assert other.call("GET", "customers", alg="ecdsa-p256-sha256").status_code == 200
    assert signer.call("GET", "customers", alg="ed25519").status_code == 200


def test_a_token_is_covered_as_a_key_is(signer):
    organization = signer.member.organization
    client = make_service(organization, "customers:read")
    tokens = [
        bearer(service_token(client, "customers:read").json()["access_token"]) for _ in range(2)
    ]
    one, other = ({name.lower(): value for name, value in token.items()} for token in tokens)
    plain = signer.client.get("/api/v1/customers", headers=one, secure=True)
    refused(signer, plain)
    signed = signer.request("GET", "customers", credential=one)
    assert signer.send(*signed).status_code == 200
    signed = signer.request("GET", "customers", credential=one, without="authorization")
    assert "authorization" in refused(signer, signer.send(*signed))
    *signed, headers = signer.request("GET", "customers", credential=one)
    refused(signer, signer.send(*signed, headers | other))


def test_an_unsigned_call_is_refused_and_told_how_to_sign(signer):
    for path in ("me", "customers", "security-policy", "organization"):
        assert "missing" in refused(signer, signer.member.get(path))
    refused(signer, signer.member.post("customers", CUSTOMER))


@on_postgresql
def test_others_call_as_ever_and_with_as_many_statements(acme, signer):
    for one in (acme.owner.get("me"), signer.call("GET", "me")):  # the first use is noted
        assert one.status_code == 200
    with CaptureQueriesContext(connection) as plain:
        assert acme.owner.get("me").status_code == 200
    with CaptureQueriesContext(connection) as signed:
        assert signer.call("GET", "me").status_code == 200
    assert len(plain) == len(signed)
    asked = [query["sql"] for query in [*plain, *signed]]
    assert not [sql for sql in asked if "securitypolicy" in sql]  # saas_prove_key brought it along
    refused(signer, signer.member.get("me"))


@pytest.mark.parametrize(
    "without",
    [
        "@method",
        "@authority",
        "@path",
        "@query",
        "x-api-key",
        "content-type",
        "content-digest",
        "idempotency-key",
    ],
)
def test_what_could_be_changed_on_the_way_must_be_covered(signer, without):
    headers = {"headers": {"idempotency-key": KEY}}
    answer = signer.call("POST", "customers", CUSTOMER, without=without, **headers)
    assert without in refused(signer, answer)


SPOILED = {
    "another method": lambda m, p, c, h: ("GET", "/api/v1/customers", b"", h),
    "another case of the method": lambda m, p, c, h: ("pOST", p, c, h),
    "another path": lambda m, p, c, h: (m, "/api/v1/invitations", c, h),
    "a query": lambda m, p, c, h: (m, p + "?page_size=1", c, h),
    "another body": lambda m, p, c, h: (m, p, c.replace(b"DE", b"FR"), h),
    "a longer body": lambda m, p, c, h: (m, p, c + b" ", h),
    "no body": lambda m, p, c, h: (m, p, b"", h),
    "another body and its digest": lambda m, p, c, h: (
        m,
        p,
        b"{}",
        h | {"content-digest": "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"},
    ),
    "no digest": lambda m, p, c, h: (m, p, c, {**h, "content-digest": ""}),
    "another type": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"content-type": "application/json; charset=utf-8"},
    ),
    "another idempotency key": lambda m, p, c, h: (m, p, c, h | {"idempotency-key": KEY + "x"}),
    "no signature": lambda m, p, c, h: (m, p, c, {n: v for n, v in h.items() if n != "signature"}),
    "no input": lambda m, p, c, h: (
        m,
        p,
        c,
        {n: v for n, v in h.items() if n != "signature-input"},
    ),
    "another label": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature": h["signature"].replace("sig=", "gis=")},
    ),
    "two with the tag": lambda m, p, c, h: (
        m,
        p,
        c,
        h
        | {
            "signature-input": f"{h['signature-input']}, b{h['signature-input']}",
            "signature": f"{h['signature']}, b{h['signature']}",
        },
    ),
    "the same label twice": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature-input": f"{h['signature-input']}, {h['signature-input']}"},
    ),
    "one space more": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature-input": h["signature-input"].replace('" "', '"  "', 1)},
    ),
    "a later created": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature-input": h["signature-input"].replace("created=1", "created=2")},
    ),
    "swapped parameters": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature-input": h["signature-input"].replace("@path", "@query", 1)},
    ),
    "no tag": lambda m, p, c, h: (
        m,
        p,
        c,
        h | {"signature-input": h["signature-input"].replace(';tag="invoice-api"', "")},
    ),
}


@pytest.mark.parametrize("how", SPOILED.values(), ids=SPOILED.keys())
def test_what_was_changed_on_the_way_is_refused(signer, how):
    headers = {"headers": {"idempotency-key": KEY}}
    refused(signer, signer.send(*how(*signer.request("POST", "customers", CUSTOMER, **headers))))


def test_labels_are_only_labels(signer):
    method, path, content, headers = signer.request("POST", "customers", CUSTOMER)
    for name, by_a_proxy in (
        ("signature-input", 'proxy=("@path" "@query-param";name="a");created=1;keyid="p"'),
        ("signature", "proxy=:AQID:"),
    ):
        own = headers[name].replace("sig=", "a-z.*_1=")
        headers[name] = f"{by_a_proxy}, {own}"
    assert signer.send(method, path, content, headers).status_code == 201


def test_two_signatures_whose_labels_are_swapped_are_refused(signer):
    *request, headers = signer.request("POST", "customers", CUSTOMER)
    other = signer.request("POST", "customers", CUSTOMER, tag="another")[-1]
    headers["signature-input"] += f", b{other['signature-input']}"
    swapped = f"{other['signature']}, b{headers['signature']}"
    refused(signer, signer.send(*request, headers | {"signature": swapped}))
    headers["signature"] += f", b{other['signature']}"
    assert signer.send(*request, headers).status_code == 201


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"created": None}, "created"),
        ({"created": 0}, "created"),
        ({"created": "now"}, "created"),
        ({"expires": 1}, "expired"),
        ({"expires": "never"}, "expired"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ""}, "nonce"),
        ({"nonce": "x" * 15}, "nonce"),
        ({"nonce": "x" * 129}, "nonce"),
        ({"nonce": 1234567890123456}, "malformed"),
        ({"nonce": 123456789012345}, "nonce"),
        ({"tag": None}, "tag"),
        ({"tag": "another-api"}, "tag"),
        ({"tag": 1}, "tag"),
        ({"key_id": "three"}, "keyid"),
        ({"key_id": "two"}, "not that of this request"),
        ({"keyid": None}, "keyid"),
        ({"keyid": 1}, "keyid"),
        ({"alg": "ecdsa-p256-sha256"}, "alg"),
        ({"alg": "hmac-sha256"}, "alg"),
        ({"alg": "none"}, "alg"),
        ({"alg": 1}, "alg"),
        ({"context": "x"}, "context"),
    ],
)
def test_parameters_that_are_not_what_they_must_be_are_refused(signer, changes, said):
    answer = signer.call("POST", "customers", CUSTOMER, **changes)
    assert said in refused(signer, answer)


@pytest.mark.parametrize(("seconds", "status"), [(-310, 401), (-290, 201), (290, 201), (310, 401)])
def test_the_clocks_may_differ_by_five_minutes(signer, seconds, status):
    created = int(time.time()) + seconds
    answer = signer.call("POST", "customers", CUSTOMER, created=created)
    assert answer.status_code == status


def test_expires_is_kept_where_it_is_given(signer):
    later = int(time.time()) + 60
    assert signer.call("POST", "customers", CUSTOMER, expires=later).status_code == 201


def test_a_signature_is_good_once(signer):
    request = signer.request("GET", "customers")
    assert signer.send(*request).status_code == 200
    assert "nonce" in refused(signer, signer.send(*request))
    assert "nonce" in refused(signer, signer.send(*request))
    nonce = {"nonce": "a-nonce-of-twenty-five-ch"}
    assert signer.call("GET", "me", **nonce).status_code == 200
    refused(signer, signer.call("GET", "customers", **nonce))  # signed anew, and still the same
    other = Signer(signer.member, signer.second, "two")
    assert other.call("GET", "me", **nonce).status_code == 200


@pytest.mark.practice("LOG-01")
def test_a_replayed_signature_stands_in_the_line_with_whose_key_it_was(signer, lines):
    request = signer.request("GET", "me")
    signer.send(*request)
    signer.send(*request)
    assert [line["events"] for line in lines] == [[], ["signature.replayed"]]
    assert lines[1]["org"] == str(signer.member.organization.id)
    assert lines[1]["credential_id"] == str(signer.member.key.pk)
    assert lines[1]["principal"] is None


def test_what_is_refused_spends_no_nonce(signer):
    method, path, content, headers = signer.request("POST", "customers", CUSTOMER)
    refused(signer, signer.send(method, path, content + b" ", headers))
    assert signer.send(method, path, content, headers).status_code == 201


def test_the_key_of_another_organization_signs_nothing_here(acme, signer):
    theirs = Ed25519PrivateKey.generate()
    demand_signatures(acme, one=("ed25519", theirs))
    refused(signer, Signer(signer.member, theirs).call("GET", "customers"))
    assert Signer(acme.owner, theirs).call("GET", "customers").status_code == 200
    stolen = signer.request("GET", "customers")
    stolen[-1]["x-api-key"] = acme.owner.secret
    answer = signer.send(*stolen)
    assert (answer.status_code, answer.json()["code"]) == (401, "signature-invalid")


def test_a_request_for_another_host_is_not_good_here_whatever_it_says(signer, settings):
    ours, settings.SAAS_ORIGIN = settings.SAAS_ORIGIN, "https://testserver"
    request = signer.request("GET", "customers")
    settings.SAAS_ORIGIN = ours
    refused(signer, signer.send(*request))
    for host in ("testserver", "localhost"):  # hosts of ours, for health checks and the like
        *request, headers = signer.request("GET", "customers")
        assert signer.send(*request, headers | {"host": host}).status_code == 200


def test_a_path_is_signed_as_it_is_understood(signer):
    method, _, content, headers = signer.request("GET", "customers")
    assert signer.send(method, "/api/v1/custom%65rs", content, headers).status_code == 200


def test_without_the_store_of_nonces_nothing_is_believed(signer, monkeypatch):
    monkeypatch.setattr(counters, "shared", lambda: RedisCounters("redis://127.0.0.1:1/0"))
    answer = signer.call("GET", "customers")
    assert answer.status_code == 503
    assert answer.json()["code"] == "not-ready"
    assert int(answer["Retry-After"]) > 0


def test_a_wrong_credential_is_refused_before_the_signature_is_read(signer):
    signer.member.secret = signer.member.secret[:-1] + "0"
    answer = signer.call("GET", "customers")
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-token")


def test_who_cannot_sign_is_counted_against_their_network_and_not_against_the_key(signer, settings):
    settings.RATES = settings.RATES | {"network": settings.RATES["network"]._replace(requests=3)}
    network = {"REMOTE_ADDR": "203.0.113.77"}
    headers = {"X-API-Key": signer.member.secret}
    answers = [
        signer.client.get("/api/v1/me", headers=headers, secure=True, **network) for _ in range(4)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert "RateLimit" not in answers[0]


def test_the_base_is_that_of_the_request_alone(signer, rf):
    """What we verify is what a client of another house would have signed."""
    method, path, content, headers = signer.request("POST", "customers?x=%20", CUSTOMER)
    request = rf.generic(method, path, content, "application/json", headers=headers)
    text = headers["signature-input"]
    assert base_of(request, text).decode().splitlines() == [
        f'"@method": {method}',
        '"@authority": api.strongroom.example',
        '"@path": /api/v1/customers',
        '"@query": ?x=%20',
        f'"x-api-key": {signer.member.secret}',
        '"content-type": application/json',
        f'"content-digest": {headers["content-digest"]}',
        f'"@signature-params": {text.removeprefix("sig=")}',
    ]
    signature = b64encode(signer.key.sign(base_of(request, text))).decode()
    assert headers["signature"] == f"sig=:{signature}:"
