"""API7, server side request forgery: Mallory writes addresses wherever she may write, and waits for
the service to call them.

Nothing in Strongroom fetches anything today. Mail is the one thing that goes out, through the relay
that the settings name, to an address that is data and never a host to connect to. So the whole of
the surface is called here while every way out of the process is watched.
"""

import socket
from urllib.parse import urlsplit

import pytest
from django.conf import settings as live

from saas.validation.fields import Text
from tests.attacks.surface import OPERATIONS

pytestmark = [pytest.mark.core, pytest.mark.practice("INPUT-03")]

TARGETS = [
    "http://127.0.0.1:22/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://localhost.elsewhere.example@127.0.0.1/",
    "https://metadata.google.internal/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "ldap://127.0.0.1/a",
    "//127.0.0.1/",
    "\\\\127.0.0.1\\share",
    "dict://127.0.0.1:11211/stats",
]
FETCHERS = "Referer Origin From X-Forwarded-Host X-Original-URL X-Callback-URL Link X-Wap-Profile"


@pytest.fixture
def ways_out(monkeypatch):
    """Every host that this process looked up or connected to, but the store of the limits."""
    found = []
    store = urlsplit(live.REDIS_URL)
    own = (store.hostname, store.port)

    def watched(name):
        real = getattr(socket.socket, name)

        def connecting(self, address):
            if self.family != socket.AF_UNIX and address[:2] != own:
                found.append(address)
                raise OSError("Nothing goes out while this is watched.")
            return real(self, address)

        monkeypatch.setattr(socket.socket, name, connecting)

    watched("connect")
    watched("connect_ex")
    look_up = socket.getaddrinfo

    def looking_up(host, port, *args, **kwargs):
        if (host, port) != own:
            found.append(host)
        return look_up(host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", looking_up)
    return found


def test_the_watch_sees_what_it_watches(ways_out):
    nobody = ("127.0.0.1", 9)
    with pytest.raises(OSError, match="Nothing goes out"):
        socket.create_connection(nobody, timeout=1)
    for name in ("connect", "connect_ex"):
        with socket.socket() as out, pytest.raises(OSError, match="Nothing goes out"):
            getattr(out, name)(nobody)
    assert ways_out == ["127.0.0.1", nobody, nobody, nobody]


def test_no_operation_opens_a_connection_whatever_address_it_is_given(
    acme, shot, ways_out, delivered
):
    for operation in OPERATIONS:
        right = shot(operation)
        fields = operation.form().fields
        texts = [name for name, field in fields.items() if isinstance(field, Text)]
        for target in TARGETS if texts else TARGETS[:3]:
            headers = dict.fromkeys(FETCHERS.split(), target)
            body = right.body and right.body | dict.fromkeys(texts, target)
            assert right.by(acme.owner, body, **headers).status_code < 500
        foreign = dict.fromkeys(("url", "callback", "webhook_url", "logo"), TARGETS[0])
        assert right.by(acme.owner, foreign).status_code == 400
    assert delivered()
    assert ways_out == []


@pytest.mark.parametrize(
    "address", ["x@127.0.0.1", "x@[127.0.0.1]", "x@[::1]", "x@localhost", "x@169.254.169.254"]
)
def test_an_address_that_names_a_machine_is_no_mail_address(acme, address):
    assert acme.owner.post("invitations", {"email": address}).status_code == 400


@pytest.mark.practice("INPUT-05")
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\u2029", "\u0085", "\x0b", "\x0c"])
def test_a_name_adds_no_header_to_a_mail_and_stops_none(acme, end, delivered):
    name = f"Acme{end}Bcc: victim@elsewhere.example"
    assert acme.owner.patch("organization", {"name": name}).status_code == 400
    asked = {"email": f"x{end}Bcc:y@elsewhere.example"}
    assert acme.owner.post("invitations", asked).status_code == 400
    acme.owner.patch("organization", {"name": "<b>Acme</b> {{7*7}} \U0001f600"})
    acme.owner.post("invitations", {"email": "new@elsewhere.example"})
    (letter,) = delivered()
    assert letter.recipients() == ["new@elsewhere.example"]
    assert letter.subject == "You are invited to join <b>Acme</b> {{7*7}} \U0001f600"
    assert letter.message()["Bcc"] is None
    assert letter.message().get_content_type() == "text/plain"
