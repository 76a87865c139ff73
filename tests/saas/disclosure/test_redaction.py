"""Our own logs hold one line for each event, and no secret that a message let slip."""

import json
import logging
import sys

import pytest

from saas.authentication.keys import PREFIX
from saas.disclosure.redaction import JsonFormatter, redact

pytestmark = [pytest.mark.core, pytest.mark.practice("LOG-02")]

SECRET = PREFIX + "a1B2c3D4e5F6" * 5 + "x"  # the same in every worker of a run


def line(message, **more):
    """The line that a message becomes."""
    record = logging.LogRecord(
        "saas", logging.ERROR, "x.py", 1, message, None, more.get("exc_info")
    )
    record.__dict__.update({k: v for k, v in more.items() if k != "exc_info"})
    return JsonFormatter().format(record)


@pytest.mark.parametrize(
    "text",
    [SECRET, f"key={SECRET}&x", f'{{"secret": "{SECRET}"}}', "Bearer abcdefghijklmnopqrstuvwx",
     "authorization: bearer A.b-c~d+e/f=abcdefghijkl", "DPoP eyJhbGciOiJFUzI1NiJ9.e30.x"],
)  # fmt: skip
def test_everything_of_the_form_of_a_credential_is_struck_out(text):
    assert "[redacted]" in redact(text)
    assert SECRET[10:40] not in redact(text)
    assert "abcdefghijkl" not in redact(text)


def test_ordinary_words_are_left_alone():
    for text in ("the bearer of this letter", "sr_live_", "Bearer short", "a DPoP proof"):
        assert redact(text) == text


def test_a_message_is_one_line_of_json_whatever_it_holds():
    text = line(f'a\nb\r\n{{"level": "forged"}} \u2028 é {SECRET}')
    assert "\n" not in text
    assert text.isascii()
    assert json.loads(text)["level"] == "error"
    assert json.loads(text).keys() == {"ts", "level", "logger", "message"}
    assert SECRET not in text


def test_a_stack_is_redacted_too_and_carries_the_request_id():
    try:
        raise ValueError(f"no such key: {SECRET}")
    except ValueError:
        text = line("unhandled", exc_info=sys.exc_info(), request_id="4711")
    assert json.loads(text)["request_id"] == "4711"
    assert "ValueError" in json.loads(text)["stack"]
    assert SECRET not in text
