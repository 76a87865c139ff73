"""The mails that development would have sent, at /dev/mail; anywhere else there is no such page."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.operations.health import question
from saas.errors import Problem

RULE = b"\n" + b"-" * 79 + b"\n"  # what Django's file backend writes after each message
NEWEST = 100
HEADERS = ("Date", "From", "To", "Subject")


class Mail(NamedTuple):
    """A mail as the page shows it."""

    sent: str
    sender: str
    to: str
    subject: str
    text: str


@question
def mails(request: HttpRequest) -> HttpResponse:
    """The newest mails as plain text, escaped by the template: a stranger chose some of it."""
    if not settings.SAAS_DEVELOPMENT_PAGES:
        raise Problem("not-found")
    mailers: Any = settings.MAILERS
    folder = Path(mailers["default"]["OPTIONS"]["file_path"])
    return render(request, "operations/mails.html", {"mails": newest(folder), "folder": folder})


def newest(folder: Path) -> list[Mail]:
    """What lies in `folder`, the latest first; no name of a file ever comes from a request."""
    files = sorted(folder.glob("*.log"), key=lambda file: file.stat().st_mtime, reverse=True)
    found: list[Mail] = []
    for file in files[:NEWEST]:
        found += [read(part) for part in reversed(file.read_bytes().split(RULE)) if part.strip()]
    return found[:NEWEST]


def read(raw: bytes) -> Mail:
    """The parts of one message that a person reads."""
    message = message_from_bytes(raw, EmailMessage, policy=default)
    body = message.get_body(("plain",))
    sent, sender, to, subject = (str(message.get(name, "")) for name in HEADERS)
    return Mail(sent, sender, to, subject, body.get_content() if body else "")
