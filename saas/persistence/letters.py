"""Mail: a letter goes out once what it tells is certain, and never when the act was undone."""

from functools import partial

from django.core.mail import send_mail
from django.db import transaction


def post(*, to: str, subject: str, text: str) -> None:
    """Send a letter in plain text to one address, when the transaction that is open commits."""
    letter = partial(send_mail, subject=subject, message=text, from_email=None, recipient_list=[to])
    transaction.on_commit(letter, robust=True)
