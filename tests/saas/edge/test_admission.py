"""The method, the size and the type of a body that nobody has read yet."""

import pytest

from tests.saas.wire import NOTES, refused, send

pytestmark = [pytest.mark.core, pytest.mark.django_db]

LIMIT = 256 * 1024
LIST = {"GET", "HEAD", "POST"}
ROW = {"GET", "HEAD", "PATCH", "DELETE"}


def allowed(answer):
    """The methods of the header Allow."""
    return {name.strip() for name in answer["Allow"].split(",")}


@pytest.mark.practice("X-18")
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(
    "method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "TRACK", "CONNECT", "QUERY"]
)
def test_a_method_outside_the_table_is_refused_before_who_calls_is_asked(acme, method, signed):
    answer = send(method, key=acme.owner.secret if signed else None)
    refused(answer, 405, "method-not-allowed")
    assert allowed(answer) == LIST


@pytest.mark.practice("X-18")
def test_allow_lists_the_methods_of_the_path_and_no_others(acme):
    answer = send("PUT", f"{NOTES}/00000000-0000-7000-8000-000000000000")
    assert allowed(answer) == ROW
    copies = send("GET", f"{NOTES}/00000000-0000-7000-8000-000000000000/copies")
    assert allowed(copies) == {"POST"}


@pytest.mark.practice("X-18")
@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_header_does_not_turn_one_method_into_another(acme, header):
    note = acme.owner.post("notes", {"title": "stays"}).json()
    path = f"{NOTES}/{note['id']}"
    answer = send("GET", path, key=acme.owner.secret, headers={header: "DELETE"})
    assert (answer.status_code, answer.json()) == (200, note)
    assert send("GET", path, key=acme.owner.secret).status_code == 200


@pytest.mark.practice("X-18")
def test_head_is_get_without_the_body(acme):
    path = f"{NOTES}/{acme.owner.post('notes', {'title': 'x'}).json()['id']}"
    head, get = (send(method, path, key=acme.owner.secret) for method in ("HEAD", "GET"))
    assert head.content == b""
    assert get.content
    differing = {"X-Request-Id", "RateLimit"}
    assert {k: v for k, v in head.items() if k not in differing} == {
        k: v for k, v in get.items() if k not in differing
    }


@pytest.mark.practice("INPUT-10")
def test_a_body_over_256_kib_is_refused_by_its_declared_length_alone(acme):
    answer = send("POST", key=acme.owner.secret, CONTENT_LENGTH=str(LIMIT + 1))
    refused(answer, 413, "body-too-large")
    refused(send("POST", CONTENT_LENGTH=str(LIMIT + 1)), 413, "body-too-large")
    for length in ("9" * 19, "9" * 5000):
        refused(send("POST", CONTENT_LENGTH=length), 413, "body-too-large")
    whole = b'{"title": "' + b"a" * (LIMIT - 13) + b'"}'
    assert len(whole) == LIMIT
    refused(send("POST", body=whole, key=acme.owner.secret), 400, "invalid-request")


@pytest.mark.practice("INPUT-10")
def test_a_body_without_a_length_could_grow_without_end_and_is_refused(acme):
    answer = send(
        "POST",
        key=acme.owner.secret,
        CONTENT_LENGTH="",
        headers={"Transfer-Encoding": "chunked"},
    )
    refused(answer, 400, "invalid-request")


@pytest.mark.practice("INPUT-10")
@pytest.mark.parametrize("length", ["-1", "+2", "1_0", "0x10", "2.0", " 2", "2,2", "²", "1e3"])
def test_a_content_length_that_is_no_number_is_refused(acme, length):
    answer = send("POST", body=b"{}", key=acme.owner.secret, CONTENT_LENGTH=length)
    refused(answer, 400, "invalid-request")


@pytest.mark.practice("INPUT-10")
def test_what_stands_behind_the_declared_length_is_never_read(acme):
    answer = send(
        "POST", body=b'{}{"title": "smuggled"}', key=acme.owner.secret, CONTENT_LENGTH="2"
    )
    refused(answer, 400, "invalid-request")
    assert acme.owner.get("notes").json()["results"] == []


@pytest.mark.practice("INPUT-10")
@pytest.mark.practice("AUTHN-07")
@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/merge-patch+json",
        "application/jsonx",
        "application/json, text/plain",
        "application/json; charset=utf-16",
        "application/json; charset=utf-7",
        "application/json; charset=latin-1",
        "application/json; charset=utf8",
        "application/json; charset=zlib_codec",
        "application/json; charset=",
        "application/json; charset",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; version=1",
    ],
)
def test_a_body_of_another_type_or_charset_is_refused_unread(acme, media_type):
    answer = send("POST", body=b'{"title": "x"}', key=acme.owner.secret, content_type=media_type)
    refused(answer, 415, "unsupported-media-type")
    assert answer["Accept"] == "application/json"


@pytest.mark.practice("INPUT-10")
@pytest.mark.parametrize(
    "media_type",
    ["application/json", "Application/JSON", "application/json; charset=UTF-8",
     'application/json;charset="utf-8"'],
)  # fmt: skip
def test_plain_json_in_utf_8_is_taken_however_it_is_spelled(acme, media_type):
    answer = send("POST", body=b'{"title": "x"}', key=acme.owner.secret, content_type=media_type)
    assert answer.status_code == 201


@pytest.mark.practice("INPUT-10")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "identity, gzip", "x"])
def test_a_compressed_body_is_refused_because_it_hides_its_size(acme, encoding):
    answer = send("POST", body=b"{}", key=acme.owner.secret, headers={"Content-Encoding": encoding})
    refused(answer, 415, "unsupported-media-type")


def test_an_empty_body_needs_no_type(acme):
    answer = send("POST", key=acme.owner.secret, content_type="")
    document = refused(answer, 400, "invalid-request")
    assert [error["pointer"] for error in document["errors"]] == ["/title"]


def test_accept_has_nothing_to_choose(acme):
    for accept in ("text/html", "application/xml", "*/*;q=0", "nonsense"):
        answer = send("GET", key=acme.owner.secret, headers={"Accept": accept})
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert send("GET", f"{NOTES}?format=api", key=acme.owner.secret).status_code == 400
