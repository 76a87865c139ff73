"""At the API: who has a bound token and no proof has nothing."""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from types import SimpleNamespace

import pytest
from django.db import connection

from config.settings.security import Rate
from saas import counters
from saas.authentication.credentials import stronger
from saas.authentication.dpop import judgement, nonces
from saas.authentication.dpop.proofs import ALGORITHMS, hashed
from saas.counters.memory import MemoryCounters
from saas.counters.store import RedisCounters
from saas.errors import Problem
from tests.cast import make_tenant
from tests.oauth import bearer, make_service, service_token
from tests.saas.authentication.dpop.prover import GONE, READ, WRITE, Prover, ask
from tests.saas.wire import NOTES, refused, send, statements

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-14")]

BEARER = 'Bearer realm="https://api.strongroom.example"'
DPOP = 'DPoP algs="ES256 EdDSA"'
in_a_transaction = pytest.mark.django_db


def not_proved(answer, words="", error="invalid_dpop_proof"):
    """Assert that the answer is this refusal, in the form of RFC 9449 §7.1."""
    document = refused(answer, 401, error.replace("_", "-"))
    assert words in document["detail"]
    assert answer["WWW-Authenticate"] == f'{BEARER}, {DPOP}, error="{error}"'


@in_a_transaction
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_with_a_proof_of_its_key_opens_the_api(acme, algorithm):
    prover = Prover(algorithm)
    token = prover.service_token(acme, READ, WRITE)
    assert prover.get(token).status_code == 200
    assert prover.get(token, f"{NOTES}?page_size=1").status_code == 200
    proof = prover.proof("POST", NOTES, token)
    headers = {"Authorization": f"dPoP {token}", "DPoP": proof}
    assert send("POST", body=b'{"title": "x"}', headers=headers).status_code == 201
    assert (
        send("HEAD", headers=headers | {"DPoP": prover.proof("HEAD", NOTES, token)}).status_code
        == 200
    )


@in_a_transaction
def test_a_stranger_is_told_both_schemes():
    answer = send("GET")
    refused(answer, 401, "invalid-token")
    assert answer["WWW-Authenticate"] == f"{BEARER}, {DPOP}"


def test_what_came_from_too_weak_a_sign_in_is_told_under_its_own_scheme():
    principal = SimpleNamespace(credential=SimpleNamespace(dpop__jkt="a key"))
    challenge = stronger(principal, "Sign in.", "aal2", max_age=900).headers["WWW-Authenticate"]
    assert challenge == (
        f'{DPOP}, error="insufficient_user_authentication", error_description="Sign in.", '
        'acr_values="aal2", max_age="900"'
    )


@in_a_transaction
def test_a_bound_token_opens_nothing_as_bearer(prover, token):
    for headers in (bearer(token), bearer(token) | {"DPoP": prover.proof("GET", NOTES, token)}):
        answer = send("GET", headers=headers)
        refused(answer, 401, "invalid-token")
        assert answer["WWW-Authenticate"] == f'{BEARER}, error="invalid_token", {DPOP}'


@in_a_transaction
def test_a_plain_token_opens_nothing_under_dpop(acme, prover, token):
    plain = service_token(make_service(acme, READ), READ).json()["access_token"]
    for proof in (prover.proof("GET", NOTES, plain), None):
        answer = ask(plain, proof)
        refused(answer, 401, "invalid-token")
        assert answer["WWW-Authenticate"] == f'{BEARER}, {DPOP}, error="invalid_token"'
    assert send("GET", headers=bearer(plain)).status_code == 200


@in_a_transaction
def test_what_is_no_token_is_none_under_dpop(acme, prover, token):
    for secret in ("", "nonsense", token[:-1], acme.clerk.secret):
        answer = ask(secret, prover.proof("GET", NOTES, secret))
        refused(answer, 401, "invalid-token")
    refused(send("GET", headers={"DPoP": prover.proof()}), 401, "invalid-token")


# The checks of RFC 9449 §4.3, in its order.


@in_a_transaction
def test_1_no_proof_or_two_are_refused(prover, token):
    not_proved(ask(token, None), "missing")
    one, other = (prover.proof("GET", NOTES, token) for _ in range(2))
    not_proved(ask(token, f"{one},{other}"), "one DPoP header")
    not_proved(ask(token, f"{one}, {one}"), "one DPoP header")


@in_a_transaction
def test_2_what_is_no_jwt_is_refused(prover, token):
    for proof in (
        "",
        "nonsense",
        "a.b.c",
        token,
        prover.proof("GET", NOTES, token) + "=",
        "x" * 5000,
    ):
        not_proved(ask(token, proof))


@in_a_transaction
@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
def test_3_a_claim_that_is_missing_is_refused(prover, token, claim):
    not_proved(ask(token, prover.proof("GET", NOTES, token, **{claim: GONE})), claim)


@in_a_transaction
def test_4_another_type_is_refused(prover, token):
    not_proved(ask(token, prover.proof("GET", NOTES, token, head={"typ": "JWT"})), "typ")


@in_a_transaction
@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS256", "ES384"])
def test_5_another_algorithm_is_refused(prover, token, algorithm):
    not_proved(ask(token, prover.proof("GET", NOTES, token, head={"alg": algorithm})), "alg")


@in_a_transaction
def test_6_a_signature_of_another_key_is_refused(prover, token):
    other = Prover()
    other.nonce = prover.nonce
    not_proved(ask(token, other.proof("GET", NOTES, token, head={"jwk": prover.jwk})), "signature")


@in_a_transaction
def test_7_a_private_key_is_refused(prover, token):
    shown = prover.jwk | {"d": "AA"}
    not_proved(ask(token, prover.proof("GET", NOTES, token, head={"jwk": shown})), "private")


@in_a_transaction
@pytest.mark.parametrize("method", ["POST", "get", "HEAD", "", "GET "])
def test_8_a_proof_for_another_method_is_refused(prover, token, method):
    not_proved(ask(token, prover.proof("GET", NOTES, token, htm=method)), "htm")


@in_a_transaction
@pytest.mark.parametrize(
    "htu",
    [
        NOTES,
        f"https://localhost{NOTES}",
        f"http://api.strongroom.example{NOTES}",
        f"https://api.strongroom.example{NOTES}/1",
    ],
)
def test_9_a_proof_for_another_place_is_refused(prover, token, htu):
    headers = {"Authorization": f"DPoP {token}", "DPoP": prover.proof("GET", NOTES, token, htu=htu)}
    not_proved(send("GET", headers=headers, HTTP_HOST="localhost"), "htu")


@in_a_transaction
@pytest.mark.parametrize("nonce", [GONE, "", "nonsense", "0" * 32, None])
def test_10_without_our_nonce_a_client_learns_it_and_tries_again(prover, token, nonce):
    answer = ask(token, prover.proof("GET", NOTES, token, nonce=nonce))
    not_proved(answer, "DPoP-Nonce", "use_dpop_nonce")
    again = ask(token, prover.proof("GET", NOTES, token, nonce=answer["DPoP-Nonce"]))
    assert again.status_code == 200


@in_a_transaction
def test_10_a_nonce_dies_and_is_replaced_before(prover, token, time_machine):
    slot = nonces.SLOT
    time_machine.move_to((nonces.time.time() // slot + 1) * slot, tick=False)
    prover.nonce = nonces.current()
    assert "DPoP-Nonce" not in prover.get(token).headers
    old = prover.nonce
    time_machine.shift(slot)
    answer = ask(token, prover.proof("GET", NOTES, token, nonce=old))
    assert answer.status_code == 200
    assert answer["DPoP-Nonce"] == nonces.current() != old
    time_machine.shift(slot)
    not_proved(ask(token, prover.proof("GET", NOTES, token, nonce=old)), error="use_dpop_nonce")


@in_a_transaction
def test_11_a_proof_is_good_for_a_minute_on_either_side(prover, token, time_machine):
    slot = nonces.SLOT
    now = (nonces.time.time() // slot + 1) * slot
    time_machine.move_to(now, tick=False)
    prover.nonce = nonces.current()
    for shift in (-60, 60, 0, 0.5):
        assert ask(token, prover.proof("GET", NOTES, token, iat=now + shift)).status_code == 200
    for wrong in (now - 60.5, now - 61, now + 61, now + 86_400, 0, -1, 10**400, -(10**400), 1e308):
        not_proved(ask(token, prover.proof("GET", NOTES, token, iat=wrong)), "iat")


@in_a_transaction
@pytest.mark.parametrize("ath", [GONE, None, "", hashed("another"), hashed("")])
def test_12_a_proof_for_another_token_is_refused(prover, token, ath):
    not_proved(ask(token, prover.proof("GET", NOTES, token, ath=ath)), "ath")


@in_a_transaction
def test_12_a_token_of_another_key_is_refused(acme, prover, token):
    thief = Prover()
    thief.service_token(acme, READ)
    answer = ask(token, thief.proof("GET", NOTES, token))
    refused(answer, 401, "invalid-token")
    assert answer["WWW-Authenticate"] == f'{BEARER}, {DPOP}, error="invalid_token"'


NONSENSE = ["\ud800", "\0", [], {}, [[]], {"x": 1}, True, 1e999, None, "x" * 900]


@in_a_transaction
def test_nonsense_in_any_member_is_refused_and_breaks_nothing(prover, token):
    for wrong in NONSENSE:
        for name in ("jti", "htm", "htu", "iat", "ath", "nonce"):
            answer = ask(token, prover.proof("GET", NOTES, token, **{name: wrong}))
            assert answer.status_code == 401, (name, wrong)
        heads = [{name: wrong} for name in ("typ", "alg", "jwk")]
        heads += [{"jwk": prover.jwk | {name: wrong}} for name in ("kty", "crv", "x", "y")]
        for head in heads:
            not_proved(ask(token, prover.proof("GET", NOTES, token, head=head)))


# Once.


@in_a_transaction
def test_a_proof_is_good_once_and_a_jti_for_each_key(acme, prover, token):
    proof = prover.proof("GET", NOTES, token)
    assert ask(token, proof).status_code == 200
    not_proved(ask(token, proof), "used before")
    again = prover.proof("GET", NOTES, token, jti="again")
    assert ask(token, again).status_code == 200
    not_proved(ask(token, prover.proof("GET", NOTES, token, jti="again")), "used before")
    other = Prover()
    theirs = other.service_token(acme, READ)
    assert ask(theirs, other.proof("GET", NOTES, theirs, jti="again")).status_code == 200


@in_a_transaction
@pytest.mark.practice("LOG-01")
def test_a_replayed_proof_stands_in_the_line_with_whose_token_it_was(acme, prover, token, lines):
    proof = prover.proof("GET", NOTES, token)
    ask(token, proof)
    ask(token, proof)
    assert [line["events"] for line in lines[-2:]] == [[], ["proof.replayed"]]
    assert lines[-1]["org"] == str(acme.id)
    assert lines[-1]["credential_id"] == lines[-2]["credential_id"]
    assert lines[-1]["principal"] is None  # nobody proved to be anybody


@in_a_transaction
def test_what_is_refused_takes_no_room(prover, token, monkeypatch):
    remembered = []
    monkeypatch.setattr(judgement, "refuse_repeated", remembered.append)
    for wrong in ({"htm": "PUT"}, {"ath": "x"}, {"iat": 1}, {"nonce": GONE}, {"jti": ""}):
        assert ask(token, prover.proof("GET", NOTES, token, **wrong)).status_code == 401
    assert remembered == []
    assert ask(token, prover.proof("GET", NOTES, token)).status_code == 200
    assert len(remembered) == 1


@in_a_transaction
def test_when_nobody_remembers_proofs_none_is_good(prover, token, monkeypatch):
    down = RedisCounters("redis://127.0.0.1:1")
    monkeypatch.setattr(counters, "shared", lambda: down)
    answer = ask(token, prover.proof("GET", NOTES, token))
    refused(answer, 503, "not-ready")
    assert int(answer["Retry-After"]) > 0


def test_one_holder_cannot_fill_the_store(settings):
    settings.RATES = settings.RATES | {"burst": Rate(1, judgement.MEMORY // 2)}
    proof = judgement.Proof(Prover().jkt, "0", "GET", "https://a.example", 0, None, None)
    for jti in ("1", "2"):  # as many as the burst lets through while they are remembered
        judgement.refuse_repeated(proof._replace(jti=jti))
    with pytest.raises(Problem, match="503 not-ready"):
        judgement.refuse_repeated(proof._replace(jti="3"))


def test_the_memory_of_one_process_forgets_and_remembers_alike(monkeypatch, time_machine):
    time_machine.move_to("2026-11-22T12:00:00+00:00", tick=False)
    memory = MemoryCounters(time.time)
    monkeypatch.setattr(counters, "shared", lambda: memory)
    proof = judgement.Proof("key", "jti", "GET", "https://a.example", 0, None, None)
    judgement.refuse_repeated(proof)
    time_machine.shift(judgement.MEMORY - 1)
    with pytest.raises(judgement.BadProof):
        judgement.refuse_repeated(proof)
    time_machine.shift(2)
    judgement.refuse_repeated(proof)


def test_of_sixteen_equal_proofs_at_once_one_passes(committed):
    prover = Prover()
    token = prover.service_token(make_tenant("Acme"), READ)
    start = Barrier(16)

    def race(proof):
        try:
            start.wait()
            return ask(token, proof)
        finally:
            connection.close()

    for _ in range(3):
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(race, [prover.proof("GET", NOTES, token)] * 16))
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 15
        assert all(b"used before" in a.content for a in answers if a.status_code == 401)


# What it costs.


@in_a_transaction
def test_a_token_of_either_kind_costs_the_same_statements(acme, prover, token):
    plain = service_token(make_service(acme, READ), READ).json()["access_token"]
    send("GET", headers=bearer(plain))
    prover.get(token)  # both have been used now
    with statements() as of_plain:
        assert send("GET", headers=bearer(plain)).status_code == 200
    with statements() as of_bound:
        assert ask(token, prover.proof("GET", NOTES, token)).status_code == 200
    assert len(of_bound) == len(of_plain)


@in_a_transaction
def test_a_proof_costs_one_trip_to_the_store_and_a_plain_token_none(
    acme, prover, token, monkeypatch
):
    plain = service_token(make_service(acme, READ), READ).json()["access_token"]
    proof = prover.proof("GET", NOTES, token)
    store, trips = counters.shared(), []
    take = store.take
    monkeypatch.setattr(store, "take", lambda *a, **k: (trips.append(a), take(*a, **k))[1])
    send("GET", headers=bearer(plain))
    of_plain, trips[:] = len(trips), []
    assert ask(token, proof).status_code == 200
    assert len(trips) == of_plain + 1


# no byte of a proof may be another one.


def mutants(proof, count, seed):
    """`count` proofs that differ from this one in a byte or two: changed, added, lost or moved."""
    dice = random.Random(seed)  # noqa: S311  # so that a failure can be repeated
    while count:
        text = list(proof)
        for _ in range(dice.choice([1, 1, 2])):
            at = dice.randrange(len(text))
            match dice.randrange(4):
                case 0:
                    text[at] = chr(dice.randrange(1, 256))
                case 1:
                    text.insert(at, chr(dice.randrange(1, 256)))
                case 2:
                    del text[at]
                case _:
                    text[at], text[at - 1] = text[at - 1], text[at]
        mutant = "".join(text)
        if mutant != proof:
            count -= 1
            yield mutant


def test_no_mutant_of_a_proof_is_accepted(db, acme):
    mutate(acme, 300)


@pytest.mark.drill
def test_no_mutant_of_a_proof_is_accepted_however_many_there_are(db, acme):
    mutate(acme, 5000)


def mutate(acme, count):
    """Send mutants of good proofs of both kinds; then the proofs themselves, which are still good."""
    for seed, algorithm in enumerate(ALGORITHMS):
        prover = Prover(algorithm)
        token = prover.service_token(acme, READ)
        proof = prover.proof("GET", NOTES, token)
        for mutant in mutants(proof, count // len(ALGORITHMS), seed):
            answer = ask(token, mutant)
            assert answer.status_code == 401, (mutant, answer.content)
            assert b"invalid-dpop-proof" in answer.content
        if count < 1000:
            assert ask(token, proof).status_code == 200
