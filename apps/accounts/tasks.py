"""What signing in leaves behind."""

from django.tasks import task

from saas.authentication.pages.sessions import SessionStore
from saas.persistence.schedule import every


@every(hours=1)
@task
def forget_ended_sessions() -> None:
    """A session that has ended opens nothing, and says when somebody was here."""
    SessionStore.clear_expired()
