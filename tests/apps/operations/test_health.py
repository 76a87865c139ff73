"""What a balancer may ask, and development's mails."""

import socket

import pytest
from django.core.mail.backends.filebased import EmailBackend
from django.core.mail.message import EmailMessage
from django.db import connection

from apps.operations import health

pytestmark = pytest.mark.core


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
def test_a_healthy_process_says_so(db, stranger, path, status):
    answer = stranger("GET", path)
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert answer["Cache-Control"] == "no-store"
    assert stranger("HEAD", path).status_code == 200


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/dev/mail"])
def test_it_can_only_be_asked(stranger, method, path):
    answer = stranger(method, path)
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
    assert answer.json()["code"] == "method-not-allowed"


def refused(stranger, caplog, part: str) -> None:
    """Not ready, without a word to the outside on what is missing."""
    answer = stranger("GET", "/health/ready")
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert answer.json()["code"] == "not-ready"
    for word in ("database", "migration", "counters", "redis", "sql"):
        assert word not in answer.text.lower()
    assert part in caplog.text
    assert stranger("GET", "/health/live").status_code == 200


@pytest.mark.practice("X-22")
def test_not_ready_without_the_database(committed, stranger, caplog, monkeypatch):
    connection.close()
    with monkeypatch.context() as gone:
        gone.setitem(connection.settings_dict, "NAME", "/no/such/database")
        refused(stranger, caplog, "database")


@pytest.mark.practice("X-22")
def test_not_ready_before_every_migration_is_applied(db, stranger, caplog, monkeypatch):
    ahead = health.migrations_of_this_code() | {("customers", "9999_not_applied")}
    monkeypatch.setattr(health, "migrations_of_this_code", lambda: ahead)
    refused(stranger, caplog, "migrations")


@pytest.mark.practice("X-22")
def test_not_ready_without_the_store_of_the_counters(db, stranger, caplog, settings):
    with socket.create_server(("127.0.0.1", 0)) as spare:
        port = spare.getsockname()[1]
    settings.REDIS_URL = f"redis://127.0.0.1:{port}/0"
    refused(stranger, caplog, "counters")


def test_asking_spends_nothing(db, stranger):
    assert {stranger("GET", "/health/ready").status_code for _ in range(5)} == {200}


@pytest.fixture
def mail_folder(settings, tmp_path):
    """Development's pages and a place for its mails."""
    settings.SAAS_DEVELOPMENT_PAGES = True
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": tmp_path},
        }
    }
    return tmp_path


def test_outside_development_there_is_no_page_of_mails(stranger):
    page, nothing = stranger("GET", "/dev/mail"), stranger("GET", "/dev/nothing")
    assert page.status_code == nothing.status_code == 404
    assert page.json() | {"instance": ""} == nothing.json() | {"instance": ""}


def test_the_page_shows_mails_newest_first_and_escaped(stranger, mail_folder):
    backend = EmailBackend(file_path=mail_folder, alias="default")
    for subject in ("Older", "<script>alert(1)</script>"):
        text = f"To <b>you</b>\n{'-' * 79}\nand é\n"
        backend.send_messages([EmailMessage(subject, text, "us@ours.example", ["x@y.example"])])
    answer = stranger("GET", "/dev/mail")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<script" not in answer.text
    assert "<b>" not in answer.text
    newer, older = answer.text.index("&lt;script&gt;"), answer.text.index("Older")
    assert newer < older
    assert "To &lt;b&gt;you" in answer.text
    assert "and é" in answer.text


def test_the_page_is_there_before_the_first_mail(stranger, mail_folder):
    assert "None yet." in stranger("GET", "/dev/mail").text
    mail_folder.rmdir()
    assert stranger("GET", "/dev/mail").status_code == 200
