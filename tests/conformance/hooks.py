"""What the fuzzer is told besides the document: ids of rows that are there, to get past the 404s."""

import json
import os
import re
from typing import Any

import schemathesis

ROWS: dict[str, list[dict[str, str]]] = json.loads(os.environ["CONFORMANCE_ROWS"])  # by path
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def is_id(value: Any) -> bool:
    """Whether this was drawn as an id, and not as something that should be refused."""
    return isinstance(value, str) and UUID.fullmatch(value) is not None


@schemathesis.hook
def map_path_parameters(
    context: schemathesis.HookContext, path_parameters: dict[str, Any]
) -> dict[str, Any]:
    """Of two rows that were drawn, one is there."""
    rows = ROWS.get(context.operation.path) if context.operation else None
    if rows and path_parameters and all(map(is_id, path_parameters.values())):
        drawn = int(path_parameters["id"][-6:], 16)
        if drawn % 2:
            return dict(rows[drawn // 2 % len(rows)])
    return path_parameters


@schemathesis.hook
def map_body(context: schemathesis.HookContext, body: Any) -> Any:
    """An invoice is for a customer who is there."""
    if isinstance(body, dict) and is_id(body.get("customer")):
        return {**body, "customer": ROWS["/api/v1/customers/{id}"][0]["id"]}
    return body
