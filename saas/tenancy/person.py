"""Where a person belongs, asked before one of their tenants is chosen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet


def tenants_of(user_id: UUID) -> list[UUID]:
    """The ids of the tenants that a person is a member of, and nothing else of them.

    On PostgreSQL a policy shows a person their own memberships and no others.
    """
    memberships = apps.get_model(settings.SAAS_MEMBERSHIP_MODEL)
    with transaction.atomic(), _shown(user_id):
        rows: QuerySet[Any] = QuerySet(memberships).filter(user_id=user_id)
        return list(rows.values_list("tenant_id", flat=True))


@contextmanager
def _shown(user_id: UUID) -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.user', %s, true)", [str(user_id)])
        yield
        cursor.execute("SELECT set_config('app.user', '', true)")
