"""A room that notices something says so in the line of the request, and for whom it matters."""

from typing import Any, cast

from django.http import HttpRequest

from saas.edge.log import TracedRequest


def noticed(
    request: HttpRequest, event: str, *, org: Any, credential: Any, principal: Any = None
) -> None:
    """Add `event` to the line, `thing.what-happened`, and name whose it is.

    A credential that was shown and refused is named too; a `principal` only who has proved it.
    """
    facts = cast(TracedRequest, request).facts
    facts.events.append(event)
    facts.org, facts.credential_id = str(org), str(credential)
    if principal is not None:
        facts.principal = str(principal)
