"""What happens at sign-in, in the words of the access log."""

from django.http import HttpRequest

FAILED = "sign-in.failed"
SUCCEEDED = "sign-in.succeeded"
STOPPED = "sign-in.stopped"  # the password was right, and nobody was let in by it


def note(request: HttpRequest, event: str, *, user_id: object = None) -> None:
    """Write `event` into the line of this request; and who it is, once that is proved."""
    facts = getattr(request, "facts", None)  # a test may sign somebody in without a request
    if facts is not None:
        facts.events.append(event)
        facts.user_id = str(user_id) if user_id else facts.user_id
