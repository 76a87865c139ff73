"""What the toy has a worker do."""

import time
from pathlib import Path

from django.tasks import task

from saas.persistence.outbox import OUTSIDE
from saas.tenancy.binding import bound_tenant_or_none
from tests.toy.models import Note


class Misfortune(Exception):
    """Its message holds what no log or table may hold."""


@task
def write(title: str, *, seconds: float = 0.0) -> None:
    """A note of the bound tenant."""
    Note.objects.create(title=title)
    time.sleep(seconds)


@task
def write_and_fail(title: str) -> None:
    """A note that must not stay."""
    Note.objects.create(title=title)
    raise Misfortune(title)


@task
def write_where_bound() -> None:
    """Where this ran, for nobody to be lost in."""
    bound.append(bound_tenant_or_none())


bound: list[object] = []


@task(queue_name=OUTSIDE, takes_context=True)
def sign(context, file: str, *, seconds: float = 0.0) -> None:
    """Something outside of the database happens, and says under which id."""
    time.sleep(seconds)
    with Path(file).open("a") as book:
        book.write(f"{context.task_result.id}\n")
