"""One place has one spelling, and another place none of them."""

import pytest
from django.test import RequestFactory

from saas.authentication.dpop.judgement import is_for
from saas.authentication.dpop.targets import normal

pytestmark = [pytest.mark.core, pytest.mark.practice("AUTHN-14")]

NOTES = "https://api.strongroom.example/api/v1/notes"


def arrived(htu, path="/api/v1/notes", **environ):
    """Whether a proof for `htu` is for a request to `path`."""
    return is_for(htu, RequestFactory().get(path, secure=True, **environ))


@pytest.mark.parametrize(
    "htu",
    [
        NOTES,
        NOTES + "?page_size=1",
        NOTES + "#fragment",
        "HTTPS://API.Strongroom.EXAMPLE/api/v1/notes",
        "https://api.strongroom.example:443/api/v1/notes",
        "https://api.strongroom.example:/api/v1/notes",
        "https://api.strongroom.example/api/v1/%6e%6Ftes",
        "https://api.strongroom.example/api/v1/./notes",
        "https://api.strongroom.example/api/v1/customers/../notes",
        "https://api.strongroom.example/../api/v1/notes",
    ],
)
def test_every_spelling_of_the_place_is_the_place(htu):
    assert arrived(htu)
    assert arrived(htu, "/api/v1/notes?page_size=50")


@pytest.mark.parametrize(
    "htu",
    [
        "",
        "/api/v1/notes",
        "//api.strongroom.example/api/v1/notes",
        "http://api.strongroom.example/api/v1/notes",
        "http://api.strongroom.example:443/api/v1/notes",
        "https://api.strongroom.example:8443/api/v1/notes",
        "https://api.strongroom.example.evil.example/api/v1/notes",
        "https://evil.example/api/v1/notes",
        "https://api.strongroom.example@evil.example/api/v1/notes",
        "https://evil.example@api.strongroom.example/api/v1/notes",
        "https://user:password@api.strongroom.example/api/v1/notes",
        "https://@api.strongroom.example/api/v1/notes",
        "https://evil.example\\@api.strongroom.example/api/v1/notes",
        "https://api.strongroom.example./api/v1/notes",
        NOTES + "/",
        NOTES + "/.",
        NOTES + "/..",
        NOTES + "%2F",
        NOTES + "%3F",
        NOTES + ";x",
        NOTES.upper(),
        "https://api.strongroom.example/api/v1//notes",
        "https://api.strongroom.example/api/v1%2Fnotes",
        "https://api.strongroom.example/API/v1/notes",
        "https://api.strongroom.example/api/v1/notés",
        "https://api.strongroom.example/api/v1/no\ttes",
        " " + NOTES,
        NOTES + "\n",
        NOTES + "\x00",
        "https://api.strongroom.example:x/api/v1/notes",
        "https://api.strongroom.example:99999/api/v1/notes",
        "https://[api.strongroom.example/api/v1/notes",
        "https://[::1/api/v1/notes",
        "ftp://api.strongroom.example/api/v1/notes",
        "javascript:alert(1)",
        "https:api.strongroom.example/api/v1/notes",
        "https:///api/v1/notes",
        "%",
    ],
)
def test_no_other_place_is(htu):
    assert not arrived(htu)


def test_the_host_of_a_request_says_nothing():
    assert arrived(NOTES, HTTP_HOST="localhost", SERVER_NAME="localhost")
    assert not arrived("https://localhost/api/v1/notes", HTTP_HOST="localhost")


def test_paths_that_only_look_alike_are_told_apart():
    assert not arrived(NOTES, "/api/v1/notes/")
    assert not arrived("https://api.strongroom.example/a%2Fb", "/a/b")
    assert arrived("https://api.strongroom.example/%C3%A9", "/é")
    assert arrived("https://api.strongroom.example/%c3%a9", "/%C3%A9")
    assert not arrived("https://api.strongroom.example/%C3%A8", "/é")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/b/c/./../../g", "/a/g"),
        ("/./x", "/x"),
        ("/..", "/"),
        ("/a/.", "/a/"),
        ("/a/..", "/"),
        ("/a/b/..", "/a/"),
        ("", "/"),
    ],
)
def test_dots_are_taken_out_as_the_rfc_does(path, expected):
    assert normal(f"http://a.example{path}") == f"http://a.example:80{expected}"
    assert normal(f"http://[::1]:8000{path}") == f"http://[::1]:8000{expected}"
