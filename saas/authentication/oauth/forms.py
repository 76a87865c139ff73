"""What may come to a machine endpoint: one form, each field once, nothing but text in it."""

import re

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest

from saas.authentication.oauth.answers import Refusal
from saas.edge.admission import admit

FORM = "application/x-www-form-urlencoded"
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636 §4.1
CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")  # RFC 7636 §4.2: SHA-256, without padding
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffd]")  # the last for what is no UTF-8
MAX_LENGTH = 4096


def read_form(request: HttpRequest) -> dict[str, str]:
    """The fields of a POST, or a refusal: no query, no field twice, no control characters.

    The toolkit would hand a NUL byte to the database, and take the last of two values.
    """
    admit(request, ["POST"], FORM)
    if request.META.get("QUERY_STRING"):
        raise Refusal("invalid_request", "Parameters belong in the body.")
    try:
        fields = list(request.POST.lists())
    except SuspiciousOperation:
        raise Refusal("invalid_request", "The form cannot be read.") from None
    for name, values in fields:
        if len(values) > 1:
            raise Refusal("invalid_request", "A parameter was sent twice.")
        if CONTROL.search(name + values[0]) or len(values[0]) > MAX_LENGTH:
            raise Refusal("invalid_request", "A parameter holds what no parameter may hold.")
    return {name: values[0] for name, values in fields if values[0]}  # empty is as good as absent
