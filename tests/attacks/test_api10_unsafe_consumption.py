"""API10, unsafe consumption of APIs: Mallory is the other system, and what she sends is read by
somebody who trusts it.

Strongroom calls no other service yet, so no foreign answer is ever parsed. What it consumes are
the bodies, parameters and headers of its callers' systems: JSON that two readers understand in two
ways, and text that means something in SQL, in a template, in a shell or on a page.
"""

import json
from itertools import product
from typing import Any
from unicodedata import normalize
from urllib.parse import urlencode

import pytest
from rest_framework import serializers

from apps.organizations.serializers import SwitchField
from saas.validation.fields import Text
from tests.attacks.payloads import INJECTIONS, ODD_VALUES, not_one_thing
from tests.attacks.surface import OPERATIONS, TAKING, aim, changes, database, within
from tests.attacks.surface import nested_forms as forms
from tests.matrix.samples import LINE

pytestmark = [pytest.mark.core, pytest.mark.practice("INPUT-08")]

WITH_HEADERS = ("PATCH customers/{id}", "POST invoices")
ENTRY = {"amount": "0", "reason": "x"}
FULL: dict[str, Any] = {  # bodies in which every free text stands
    "POST customers": {
        "name": "x",
        "country": "DE",
        "address": {"line1": "x", "line2": "x", "postal_code": "x", "city": "x", "country": "DE"},
        "tax_id": "x",
        "internal_note": "x",
    },
    "POST invoices": {
        "lines": [{**LINE, "unit": "x", "exemption_reason": "x", "charges": [ENTRY]}],
        "charges": [{**ENTRY, "tax_rate": "19"}],
        "buyer_reference": "x",
        "note": "x",
        "internal_note": "x",
    },
}


@pytest.mark.parametrize("operation", TAKING, ids=str)
def test_json_that_is_not_one_thing_is_refused_by_every_write(operation, acme):
    shot = aim(operation, acme)
    before = database(acme)
    for name, body in not_one_thing():
        answer = shot.by(acme.owner, body)
        assert answer.status_code == 400, name
        assert answer.json()["code"] == "invalid-request", name
    assert not changes(before, database(acme))


@pytest.mark.practice("INPUT-01")
@pytest.mark.parametrize("operation", {o.form: o for o in TAKING}.values(), ids=str)
def test_a_value_of_another_type_is_refused_and_never_a_fault(operation, acme):
    shot = aim(operation, acme)
    many = serializers.ListField | serializers.ListSerializer | serializers.IntegerField
    many |= SwitchField | serializers.BooleanField  # one takes true, another an empty list
    for pointer, form in forms(operation.form):
        for (name, field), value in product(form().fields.items(), ODD_VALUES):
            body = within(shot.body, pointer, {name: value})
            answer = shot.by(acme.owner, body)
            assert answer.status_code < 500, (pointer, name, value)
            if not isinstance(field, many) and not (value is None and field.allow_null):
                assert answer.status_code == 400, (pointer, name, value)


def texts(form, body):
    """The paths to every free text of `body`, with the longest that each may be."""
    for name, field in form().fields.items():
        if name not in body:
            continue
        many = isinstance(field, serializers.ListSerializer)
        inner = field.child if many else field
        if isinstance(inner, serializers.Serializer):
            part = body[name][0] if many else body[name]
            for path, size in texts(type(inner), part):
                yield (name, 0, *path) if many else (name, *path), size
        elif type(field) is Text:
            yield (name,), field.max_length


def planted(body, paths, payload):
    """A copy of `body` with the payload in every text, cut to what fits."""
    body = json.loads(json.dumps(body))
    for path, size in paths:
        place = body
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = payload[:size].strip() or "x"
    return body


@pytest.mark.practice("INPUT-05")
@pytest.mark.practice("INPUT-06")
@pytest.mark.parametrize("operation", TAKING, ids=str)
def test_text_that_means_something_elsewhere_is_text_here(operation, acme):
    shot = aim(operation, acme)
    body = {**(shot.body or {}), **FULL.get(str(operation), {})}
    unfree = {("time_zone",), ("purpose",)}  # a name of a list, and what no answer shows again
    paths = [(p, size) for p, size in texts(operation.form, body) if p not in unfree]
    if not paths:
        return
    benign = shot.by(acme.owner, planted(body, paths, "hello"))
    assert benign.status_code in (200, 201), benign.content
    answer = benign
    # A form that POST has tried whole is tried by PATCH with every third.
    for payload in INJECTIONS[:: 3 if "If-Match" in shot.headers else 1]:
        sent = planted(body, paths, payload)
        if "If-Match" in shot.headers:
            shot.headers["If-Match"] = answer["ETag"]
        answer = shot.by(acme.owner, sent)
        assert answer.status_code == benign.status_code, payload
        assert answer["Content-Type"] == "application/json"
        shown = answer.json()
        for path, _ in paths:
            told, meant = shown, sent
            for step in path:
                told, meant = told[step], meant[step]
            assert told == normalize("NFC", meant)


@pytest.mark.practice("INPUT-06")
@pytest.mark.parametrize("path", ["customers", "invoices", "audit-events"])
def test_no_filter_of_a_list_is_taken_for_more_than_it_is(path, acme):
    view = next(o.view for o in OPERATIONS if (o.path, o.action) == (path, "list"))
    names = set(view.filters().fields)
    for payload in INJECTIONS:
        query = {**dict.fromkeys(names, payload), payload: "1"}
        answer = acme.owner.get(f"{path}?{urlencode(query)}")
        assert answer.status_code == 400, payload
        assert {error["parameter"] for error in answer.json()["errors"]} == query.keys()


@pytest.mark.practice("INPUT-06")
@pytest.mark.parametrize("name", ["cursor", "ordering", "page_size"])
def test_no_parameter_of_a_page_is_taken_for_more_than_it_is(name, acme):
    for payload in INJECTIONS[:: 3 if name == "page_size" else 1]:
        answer = acme.owner.get(f"customers?{urlencode({name: payload})}")
        assert answer.status_code == 400, payload
        assert [error["parameter"] for error in answer.json()["errors"]] == [name]


@pytest.mark.practice("INPUT-06")
def test_no_header_is_taken_for_more_than_it_is(acme):
    shots = {str(o): aim(o, acme) for o in TAKING if str(o) in WITH_HEADERS}
    patch, post = (shots[name] for name in WITH_HEADERS)
    names = ("If-Match", "X-Request-Id", "traceparent", "Origin", "Cookie", "Referer", "From")
    for payload in INJECTIONS:
        value = payload.encode().decode("latin-1")
        assert patch.by(acme.owner, **dict.fromkeys(names, value)).status_code == 412, payload
        if len(value) < 16:  # any longer printable text is as good an Idempotency-Key as another
            assert post.by(acme.owner, Idempotency_Key=value).status_code == 400, payload


@pytest.mark.practice("INPUT-05")
def test_a_payload_in_a_list_and_in_the_trail_is_json_and_nothing_else(acme):
    sent = {normalize("NFC", payload) for payload in INJECTIONS[::4]}
    for payload in sent:
        acme.owner.post("customers", {"name": payload, "country": "DE"})
    for path in ("customers?page_size=100", "audit-events?page_size=100"):
        answer = acme.owner.get(path)
        assert answer["Content-Type"] == "application/json"
        assert answer["X-Content-Type-Options"] == "nosniff"
    rows = acme.owner.get("customers?page_size=100").json()["results"]
    assert {row["name"] for row in rows} == sent
