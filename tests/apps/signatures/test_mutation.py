"""A signed request with one byte changed is another request: none is accepted, and none is a fault
(R-16).
"""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection
from django.test import Client

from tests.apps.signatures.conftest import Signer

pytestmark = [pytest.mark.practice("AUTHN-15")]

CUSTOMER = {"name": "Vandelay", "country": "DE", "internal_note": "Latex"}
ALPHABET = "".join(map(chr, range(32, 127)))


EARLIER = {  # what is refused before anybody asks who is calling
    "method": {405},
    "path": {400, 404},
    "content-type": {415},
    "x-api-key": {400},
}


def mutated(text: str, dice: random.Random) -> str:
    """One character is another one, gone, doubled or new."""
    at = dice.randrange(len(text))
    other = dice.choice([letter for letter in ALPHABET if letter != text[at]])
    return dice.choice(
        [
            text[:at] + other + text[at + 1 :],
            text[:at] + text[at + 1 :],
            text[:at] + other + text[at:],
            text[:at] + chr(ord(text[at]) ^ 1 << dice.randrange(7)) + text[at + 1 :],
        ]
    )


def spoiled(request, place, dice):
    """The request with one byte changed in one place."""
    method, path, content, headers = request
    if place == "method":
        return mutated(method, dice), path, content, headers
    if place == "path":  # never its own first byte: then there is no request line
        return method, path[0] + mutated(path[1:], dice), content, headers
    if place == "content":
        changed = mutated(content.decode(), dice).encode("latin-1")
        return method, path, changed, headers
    return method, path, content, headers | {place: mutated(headers[place], dice)}


def is_the_same(one, other):
    """Whether both say the same to whoever reads them: space around a value is nobody's, and the
    fragment of a URL is not sent.
    """

    def said(request):
        method, path, content, headers = request
        return method, path.partition("#")[0], content, {n: v.strip() for n, v in headers.items()}

    return said(one) == said(other)


def storm(signer, rounds, seed):
    """That many requests, each with one byte changed; gives the statuses of those refused."""
    dice = random.Random(seed)  # noqa: S311  # to be thrown again, and no secret
    statuses = []
    while len(statuses) < rounds:
        request = signer.request(
            "POST", "customers?note=%41", CUSTOMER, headers={"idempotency-key": "k" * 20}
        )
        for _ in range(50):
            place = dice.choice(["method", "path", "content", *request[-1]])
            changed = spoiled(request, place, dice)
            if is_the_same(changed, request):
                continue
            answer = signer.send(*changed)
            # Whoever got past the signature would be told of the query.
            assert b"unknown-parameter" not in answer.content, changed
            assert answer.status_code in EARLIER.get(place, set()) | {401}, (
                changed,
                answer.content,
            )
            statuses.append(answer.status_code)
    return statuses


@pytest.mark.usefixtures("undocumented")
def test_no_byte_can_be_changed(signer):
    statuses = storm(signer, 300, "suite")
    assert statuses.count(401) > 200


@pytest.mark.drill
@pytest.mark.usefixtures("undocumented")
def test_no_byte_can_be_changed_five_thousand_times(signer):
    for key, key_id in ((signer.key, "one"), (signer.second, "two")):
        statuses = storm(Signer(signer.member, key, key_id), 2500, key_id)
        assert statuses.count(401) > 1700


def at_once(signer, request, copies):
    """The answers to equal requests that arrive together."""
    start = Barrier(copies)

    def run(_):
        try:
            start.wait()
            twin = Signer(signer.member, signer.key, client=Client(raise_request_exception=False))
            return twin.send(*request)
        finally:
            connection.close()

    with ThreadPoolExecutor(copies) as pool:
        return list(pool.map(run, range(copies)))


def test_of_sixteen_equal_requests_one_is_believed(initech_apart):
    for _ in range(3):
        request = initech_apart.request("POST", "customers", CUSTOMER)
        answers = at_once(initech_apart, request, 16)
        assert sorted(answer.status_code for answer in answers) == [201] + [401] * 15
        codes = {answer.json()["code"] for answer in answers if answer.status_code == 401}
        assert codes == {"signature-invalid"}
