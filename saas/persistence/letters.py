"""Mail: a letter goes out once what it tells is certain, and never when the act was undone."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMessage
from django.tasks import TaskContext, task

from saas.persistence.outbox import OUTSIDE


def post(*, to: str, subject: str, text: str) -> None:
    """Send a letter in plain text to one address, once the transaction that is open has committed.

    A worker brings it to the mail server, so no request waits for one. It stands sealed until then:
    a letter may hold the only copy of a secret (AUTHN-11).
    """
    deliver.enqueue(to, subject, text)


def post_each(*, to: Iterable[str], subject: str, text: str) -> None:
    """The same letter to each of some addresses; none learns of the others."""
    for address in to:
        post(to=address, subject=subject, text=text)


@task(queue_name=OUTSIDE, takes_context=True)
def deliver(context: TaskContext[Any, Any], to: str, subject: str, text: str) -> None:
    """Hand a letter over. If it comes twice, both copies carry one Message-ID (RFC 5322 §3.6.4)."""
    name = f"<{context.task_result.id}@{urlsplit(settings.SAAS_ORIGIN).hostname}>"
    EmailMessage(subject, text, to=[to], headers={"Message-ID": name}).send()
