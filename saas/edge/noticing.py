"""A room that notices something says so in the line of the request, and for whom it matters."""

from typing import Any

from django.http import HttpRequest


def noticed(
    request: HttpRequest,
    event: str,
    *,
    org: Any = None,
    credential: Any = None,
    principal: Any = None,
    user: Any = None,
) -> None:
    """Add `event` to the line, `thing.what-happened`, and name whose it is.

    A credential that was shown and refused is named too; a `principal` and a `user` only who has
    proved it.
    """
    facts = getattr(request, "facts", None)  # a test may sign somebody in without a request
    if facts is None:
        return
    facts.events.append(event)
    whose = {"org": org, "credential_id": credential, "principal": principal, "user_id": user}
    for name, value in whose.items():
        if value is not None:
            setattr(facts, name, str(value))
