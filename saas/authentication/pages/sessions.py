"""Django's sessions in the database, by a digest of their key: a stolen table signs nobody in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from saas.authentication.devices import NEW_HERE
from saas.crypto import digest, digests

LENGTH = 40  # of the column: 160 bits


def stored(session_key: str | None) -> str:
    """What stands in the table for a key."""
    return digest(session_key or "", purpose="session")[:LENGTH]


def names(session_key: str | None) -> Iterator[str]:
    """What may stand there while the pepper changes; the one that is written comes first."""
    for digested in digests(session_key or "", purpose="session"):
        yield digested[:LENGTH]


class SessionStore(DatabaseStore):
    """The key is in the cookie and nowhere else. The row names the person (SAAS_SESSION_MODEL)."""

    @classmethod
    def get_model_class(cls) -> Any:
        """The product's table of sessions."""
        return apps.get_model(settings.SAAS_SESSION_MODEL)

    def _get_session_from_db(self) -> Any:
        alive = self.model.objects.filter(expire_date__gt=timezone.now())
        for name in names(self.session_key):
            row: Any = alive.filter(session_key=name).first()
            if row is not None:
                if name != (current := stored(self.session_key)):  # of before the pepper changed
                    alive.filter(session_key=name).update(session_key=current)
                    row.session_key = current
                return row
        self._session_key = None
        return None

    def exists(self, session_key: str | None) -> bool:
        """Whether this key is taken."""
        return self.model.objects.filter(session_key=stored(session_key)).exists()

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        """The row to be saved."""
        row: Any = super().create_model_instance(data)
        row.session_key = stored(self.session_key)
        row.user_id = data.get(SESSION_KEY)
        since = data.get(NEW_HERE)
        row.new_here_at = datetime.fromtimestamp(since, UTC) if since else None
        return row

    def delete(self, session_key: str | None = None) -> None:
        """Forget a session."""
        key = session_key or self.session_key
        if key is not None:
            self.model.objects.filter(session_key__in=list(names(key))).delete()
