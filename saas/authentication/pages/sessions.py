"""Django's sessions in the database, by a digest of their key: a stolen table signs nobody in."""

from datetime import UTC, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from saas.authentication.devices import NEW_HERE
from saas.crypto import hashed

LENGTH = 40  # of the column: 160 bits


def stored(session_key: str | None) -> str:
    """What stands in the table for a key."""
    return hashed(session_key or "")[:LENGTH]


class SessionStore(DatabaseStore):
    """The key is in the cookie and nowhere else. The row names the person (SAAS_SESSION_MODEL)."""

    def __init__(self, session_key: str | None = None, *, row: str = "") -> None:
        super().__init__(session_key)
        self.row = row

    @property
    def key_salt(self) -> str:
        """What it holds is signed for its row: who can write to the table would else copy what a
        colleague's session holds into their own.
        """
        return f"session:{self.row or stored(self.session_key)}"

    @classmethod
    def get_model_class(cls) -> Any:
        """The product's table of sessions."""
        return apps.get_model(settings.SAAS_SESSION_MODEL)

    def _get_session_from_db(self) -> Any:
        alive = self.model.objects.filter(expire_date__gt=timezone.now())
        row: Any = alive.filter(session_key=stored(self.session_key)).first()
        if row is None:
            self._session_key = None
        return row

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
            self.model.objects.filter(session_key=stored(key)).delete()
