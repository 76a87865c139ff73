"""Rows that open nothing and that nobody will ask about again."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet

from apps.integrations.models import OAuthAccessToken, OAuthGrant

KEPT = timedelta(days=1)  # after the end of everything that it could still betray
BATCH = 500  # so that no request waits long for a row


def sweep(now: datetime) -> int:
    """Delete what ended before `now`, and give how many rows went.

    A grant is the memory of its code and of its refresh tokens: while its family could live, a
    replay must be recognised, so it stays for the family's seven days even when it was ended on
    the first, and takes its tokens along when it goes.
    """
    tokens = OAuthAccessToken.objects.filter(expires__lt=now)
    return _deleted(tokens) + _deleted(OAuthGrant.objects.filter(expires__lt=now - KEPT))


def _deleted(rows: QuerySet[Any]) -> int:
    gone = 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        gone += rows.filter(pk__in=ids).delete()[0]
    return gone
