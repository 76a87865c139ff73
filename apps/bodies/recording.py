"""A line for each request of an organization that is being watched: its body and its answer's, with
nothing in them that is theirs alone.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.bodies.redaction import kept_back, problem_shown, shown
from saas.authentication.demands import Policy
from saas.authorization.fields import NO_FIELDS
from saas.context import Principal
from saas.disclosure.redaction import redact
from saas.edge.log import TracedRequest
from saas.validation.inputs import NoInput

NOTE = "body_logging"  # in the organization's policy: {"until": …, "reason": …}
MOST_BYTES = 16 * 1024  # of one body; settings.SAAS_BODY_LOGGING_BYTES says otherwise

bodies = logging.getLogger("saas.bodies")


def told(request: HttpRequest, _: Principal, kept: Policy) -> None:
    """Have this request written down, if the hour is not over."""
    note = kept[NOTE]
    if datetime.fromisoformat(note["until"]) > timezone.now():
        cast(TracedRequest, request).facts.afterwards.append(write)


def write(request: HttpRequest, response: HttpResponse) -> None:
    """The line. The answer has gone out, so nobody waits for it."""
    traced = cast(TracedRequest, request)
    match = request.resolver_match
    view = getattr(match.func, "cls", None) if match else None
    method = str(request.method).lower().replace("head", "get")
    action = match.func.actions.get(method) if match and view else None  # type: ignore[attr-defined]  # as DRF keeps it
    form = view.inputs.get(action, NoInput)() if view else NoInput()
    line = {
        "ts": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": traced.request_id,
        "org": traced.facts.org,
        "operation_id": traced.facts.operation_id,
        "status": response.status_code,
        "request": read(
            getattr(request, "_body", b""),
            lambda body: shown(form, body, hidden(view, action), ours=False),
        ),
        "response": read(
            b"" if response.streaming else response.content,
            lambda body: answer_shown(view, action, form, body, response.status_code),
        ),
    }
    bodies.info(redact(json.dumps(line, ensure_ascii=True)))


def read(data: bytes, show: Any) -> dict[str, Any]:
    """The size of a body, and what may be shown of it if it is a JSON object and not too long."""
    said: dict[str, Any] = {"bytes": len(data)}
    if 0 < len(data) <= getattr(settings, "SAAS_BODY_LOGGING_BYTES", MOST_BYTES):
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            return said
        if isinstance(body, dict):
            said["body"] = show(body)
    return said


def hidden(view: Any, action: str | None) -> frozenset[str]:
    """What the declarations of a view keep back."""
    access = view.outputs.access if view else NO_FIELDS
    return kept_back(access, tuple(view.once.get(action, ())) if view else ())


def answer_shown(
    view: Any, action: str | None, form: Any, body: dict[str, Any], status: int
) -> Any:
    """A problem, a page of rows, or a row."""
    if status >= 400 or view is None:
        return problem_shown(body, form)
    output, back = view.outputs(), hidden(view, action)
    if isinstance(rows := body.get("results"), list):
        return {"results": shown(type(output)(many=True), rows, back, ours=True)}
    return shown(output, body, back, ours=True)
