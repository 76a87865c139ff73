"""Structured fields: what is read, and what is not."""

import pytest

from saas.authentication.signatures.fields import Invalid, byte_sequence, dictionary, inner_list

pytestmark = [pytest.mark.practice("AUTHN-15")]


def inputs(text):
    return dictionary("Signature-Input", text, inner_list)


def signatures(text):
    return dictionary("Signature", text, byte_sequence)


def test_a_list_with_parameters_is_read_and_its_text_kept():
    text = '("@method" "content-type");created=1618884473;keyid="a\\"b\\\\c";nonce="";tag="x"'
    found = inputs(f"sig-1={text}")["sig-1"]
    assert found.names == ("@method", "content-type")
    assert found.parameters == {"created": 1618884473, "keyid": 'a"b\\c', "nonce": "", "tag": "x"}
    assert found.text == text


def test_signatures_of_proxies_are_read_past():
    found = inputs(
        'ttrp=("@path" "signature";key="sig1" "@query-param";name="Pet" "x";bs);created=1;'
        "a=tok/en:*;b=?0;c=1.5;d=:AQI=:;e , \tsig=()"
    )
    assert list(found) == ["ttrp", "sig"]
    assert found["ttrp"].names == ("@path", "signature;", "@query-param;", "x;")
    assert found["ttrp"].parameters == {
        "created": 1, "a": None, "b": None, "c": None, "d": b"\x01\x02", "e": None
    }  # fmt: skip
    assert found["sig"].names == ()


def test_bytes_are_read():
    assert signatures("a=:AQID:, b=::") == {"a": b"\x01\x02\x03", "b": b""}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "sig",
        "sig=",
        "sig=(",
        "sig=()x",
        "sig=(),",
        ",sig=()",
        "sig=();",
        "sig=();=1",
        "sig=();a=",
        "sig=();a=1;a=1",
        "sig=(), sig=()",
        "sig=() other=()",
        "SIG=()",
        "sig =()",
        "sig= ()",
        "sig=( )",
        'sig=( "a")',
        'sig=("a" )',
        'sig=("a"  "b")',
        'sig=("a""b")',
        'sig=("a"\t"b")',
        "sig=(a)",
        "sig=(1)",
        'sig=("a)',
        'sig=("a\\n")',
        'sig=("\u00e4")',
        'sig=("a\nb")',
        "sig=();created=12345678901234567",
        "sig=();created=1.",
        "sig=();created=1.2345",
        "sig=();created=--1",
        "sig=();created=+1",
        "sig=(); created=1",
        "sig=();created =1",
        "sig=();b=?2",
        "sig=();b=:A:",
        ", ".join(f"s{n}=()" for n in range(9)),
    ],
)
def test_what_is_malformed_is_refused(text):
    with pytest.raises(Invalid):
        inputs(text)


@pytest.mark.parametrize(
    "text",
    [
        "sig=AQID",
        "sig=:AQID",
        "sig=:AQI:",  # without its padding
        "sig=:AQJ=:",  # bits behind the last byte
        "sig=:A===:",
        "sig=:AQ-_:",
        "sig=: AQID:",
        "sig=:AQID:;a=1",
        'sig="AQID"',
        "sig=()",
    ],
)
def test_bytes_have_one_spelling(text):
    with pytest.raises(Invalid):
        signatures(text)
