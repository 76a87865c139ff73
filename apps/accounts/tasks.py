"""What signing in leaves behind, and what somebody must be told of it."""

from __future__ import annotations  # django.tasks takes its type parameters in stubs alone

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.tasks import task
from django.utils import timezone

from apps.accounts import letters, queries, services
from saas.authentication.pages.sessions import SessionStore
from saas.persistence.schedule import every

NOBODY = UUID(int=0)
AGAIN = timedelta(minutes=1)  # whoever was on their way in has arrived by then


@every(hours=1)
@task
def forget_ended_sessions() -> None:
    """A session that has ended opens nothing, and says when somebody was here."""
    SessionStore.clear_expired()


@task
def tell_of_doubt(user_id: str | None, code: str) -> None:
    """A password was entered; the right one, where there is a person."""
    user = queries.people().filter(pk=user_id or NOBODY).first()
    if user is None:
        return
    letters.send_doubt(user, None if queries.is_protected(user) else code)
    services.tell_organizations(
        user,
        "sign-in.stuffed",
        "The right password of one of your members was entered in a new browser while passwords "
        "are tried at many accounts. It let nobody in by itself.",
    )


@task
def tell_of_leaked(user_id: str | None) -> None:
    """A right password stands in a list of leaked ones: its owner sets a new one by a link."""
    user = queries.people().filter(pk=user_id or NOBODY).first()
    if user is None:
        return
    letters.send_listed(user, default_token_generator.make_token(user))
    services.tell_organizations(
        user,
        "sign-in.leaked",
        "One of your members has a password that is in a list of leaked ones. It lets nobody in, "
        "and they were asked to set a new one.",
    )


@task
def end_newcomers(since: float) -> None:
    """See the service."""
    services.end_newcomers(datetime.fromtimestamp(since, UTC))


def end_newcomers_soon(**_: Any) -> None:
    """Stolen passwords are being tried: at once, and again for whom that was too early."""
    now = timezone.now()
    since = (now - timedelta(seconds=settings.STUFFING.seconds)).timestamp()
    end_newcomers.enqueue(since)
    end_newcomers.using(run_after=now + AGAIN).enqueue(since)
