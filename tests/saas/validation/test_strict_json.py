"""JSON that means one thing, and costs no more than its bytes (INPUT-08)."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.errors import Problem
from saas.validation.strict_json import MAX_DEPTH, MAX_DIGITS, STRUCTURE, Fraction, parse
from tests.saas.wire import refused, send

pytestmark = [pytest.mark.core, pytest.mark.practice("INPUT-08")]

KIB_256 = 256 * 1024
DEEP = MAX_DEPTH - 1  # inside one object

BAD = {
    "duplicate-key": [b'{"a": 1, "a": 1}', b'{"a": {"b": 1, "b": 2}}', b'{"a": 1, "\\u0061": 2}',
                      b'{"": 1, "": 2}'],
    "malformed": [b'{"a": NaN}', b'{"a": Infinity}', b'{"a": -Infinity}', b"{'a': 1}", b'{"a": 1,}',
                  b'{"a": 01}', b'{"a": +1}', b'{"a": .5}', b'{"a": 1.}', b'{"a": 0x10}',
                  b'{"a": tru}', b'{"a" 1}', b"{a: 1}", b'{"a": 1} x', b'{"a": 1}{}', b"{} {}",
                  b'{"a": "\n"}', b'{"a": "\t"}', b'{"a": "\\x"}', b'{"a": "\\u12"}', b"{", b'{"a',
                  b'{"a": "', b"   ", b"/* */ {}", b'{"a": 1e9999999999999999999}',
                  b'{"a": 1e-99999999999999999999}', b"{}\x00", b'{"a": 1_000}'],
    "not-an-object": [b"[]", b'"a"', b"1", b"null", b"true", b"1.5", b'[{"a": 1}]'],
    "encoding": [b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\xc3"}', b'{"a": "\xed\xa0\x80"}',
                 '{"a": "é"}'.encode("latin-1"), "{}".encode("utf-16"), b'{"a": "\xc0\xaf"}',
                 b'{"a": "\xf4\x90\x80\x80"}'],
    "text": [b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": ["\\ud800"]}', b'{"a": "\\udc00x"}',
             b'{"a": {"b": "\\udfff\\ud800"}}'],
    "too-deep": [b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}",
                 b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
                 b"[" * 100_000, b'{"a":' * 50_000, b'{"a":"\\"' + b'"' + b"[" * 100_000],
    "too-long": [b'{"a": ' + b"9" * (MAX_DIGITS + 1) + b"}", b'{"a": -' + b"9" * 5000 + b"}",
                 b'{"a": 0.' + b"1" * 5000 + b"}"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "body"), [(code, body) for code, bodies in BAD.items() for body in bodies], ids=repr
)
def test_a_body_with_two_meanings_or_none_is_refused(code, body):
    with pytest.raises(Problem) as caught:
        parse(body)
    assert caught.value.status == 400
    (error,) = caught.value.errors
    assert (error.code, error.pointer) == (code, "")


@pytest.mark.django_db
def test_each_of_them_is_the_same_400_over_http_and_nothing_is_made(acme):
    for bodies in BAD.values():
        for body in (body for body in bodies if len(body) <= KIB_256):
            refused(send("POST", body=body, key=acme.owner.secret), 400, "invalid-request")
    assert acme.owner.get("notes").json()["results"] == []


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" \n\t{ } \r\n",
        b'{"a": "\\ud83d\\ude00"}',
        '{"a": "😀 é \u200b"}'.encode(),
        b'{"a":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a": "' + b"[{" * 500 + b'"}',
        b'{"a": "\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}',
        b'{"a": ' + b"9" * MAX_DIGITS + b"}",
        b'{"a": {"b": 1}, "c": {"b": 1}}',
    ],
    ids=repr,
)
def test_what_means_one_thing_is_read_as_it_is_meant(body):
    assert parse(body) == json.loads(body)


def test_a_number_with_a_point_is_neither_integer_nor_float():
    for text in (b"1.0", b"1e3", b"0.1", b"-0.0", b"1E-7"):
        value = parse(b'{"a": ' + text + b"}")["a"]
        assert type(value) is Fraction
        assert not isinstance(value, (int, float))
    assert str(parse(b'{"a": 0.1}')["a"]) == "0.1"


DECENT = st.text(st.characters(exclude_characters="\0", codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**300), 10**300) | DECENT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(DECENT, inner, max_size=4),
    max_leaves=20,
)


@given(value=st.dictionaries(st.text("abc"), JSON, max_size=4), ascii=st.booleans())
def test_every_decent_object_survives(value, ascii):
    assert parse(json.dumps(value, ensure_ascii=ascii).encode()) == value


@given(body=st.binary(max_size=60) | st.text('{}[]",:\\u0d8 1e+-.ntf', max_size=40).map(str.encode))
def test_no_bytes_at_all_end_in_anything_but_an_object_or_a_400(body):
    try:
        assert isinstance(parse(body), dict)
    except Problem as problem:
        assert problem.status == 400  # noqa: PT017  # either ending is right


@pytest.mark.parametrize(
    "unit", ['\\"', '"', "\\", '"\\', '["', "[]", '"a"', "\\\\", '\\"[', "a", '{"a":"']
)
def test_counting_brackets_takes_time_in_proportion_to_the_text(unit):
    def seconds(size):
        text = (unit * size)[:size]
        times = []
        for _ in range(3):
            start = time.thread_time()
            STRUCTURE.findall(text)
            times.append(time.thread_time() - start)
        return min(times)

    assert seconds(KIB_256) < 40 * seconds(KIB_256 // 8) + 0.01  # eight times the text
    assert seconds(KIB_256) < 0.5
    assert seconds(KIB_256 - 1) < 0.5


@pytest.mark.parametrize(
    "body", [b'{"a": "' + b'\\"' * 131_000, b'{"a":"' * 40_000, b'"' * KIB_256]
)
def test_the_worst_body_that_we_read_costs_less_than_half_a_second(body):
    start = time.thread_time()
    with pytest.raises(Problem):
        parse(body)
    assert time.thread_time() - start < 0.5
