"""A letter is written with the act, brought by a worker, and the same one if it comes twice."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.db import transaction
from django.utils import timezone

from saas.persistence import letters, worker
from saas.persistence.models import OutboxEntry
from saas.tenancy.across_tenants import outbox_across_tenants
from tests.saas.persistence.test_outbox import entries

pytestmark = [pytest.mark.core, pytest.mark.django_db, pytest.mark.practice("X-20")]

LETTER = {"to": "somebody@elsewhere.example", "subject": "Hello", "text": "How are you?"}


def test_a_letter_waits_for_the_worker_and_then_goes_once(delivered):
    letters.post(**LETTER)
    assert mail.outbox == []
    [letter] = delivered()
    assert (letter.to, letter.subject, letter.body) == (
        ["somebody@elsewhere.example"], "Hello", "How are you?"
    )  # fmt: skip
    assert len(delivered()) == 1


def test_a_letter_about_what_was_undone_is_never_written(delivered):
    with transaction.atomic():
        letters.post(**LETTER)
        transaction.set_rollback(True)
    assert delivered() == []


def test_a_letter_that_goes_twice_has_one_name():
    letters.post(**LETTER)
    [entry] = entries()
    for _ in range(2):  # as after a worker died between the mail server and our own table
        with outbox_across_tenants():
            OutboxEntry.objects.update(state="waiting", payload=entry.payload, due_at=entry.due_at)
        worker.run_due()
    names = [letter.message()["Message-ID"] for letter in mail.outbox]
    assert names == [f"<{entry.pk}@api.strongroom.example>"] * 2


def test_a_mail_server_that_is_away_is_asked_again(settings, delivered):
    settings.MAILERS = {
        "default": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": 9, "timeout": 1},
        }
    }
    letters.post(**LETTER)
    assert worker.run_due() == 1
    [entry] = entries()
    assert (entry.state, entry.fault) == ("waiting", "ConnectionRefusedError")
    settings.MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
    with time_machine.travel(timezone.now() + timedelta(minutes=1)):
        assert len(delivered()) == 1
