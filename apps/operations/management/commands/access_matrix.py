"""Who may do what, as the code declares it: operation by role and scope."""

import re
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.operations.tables import aligned, markdown
from saas.authorization.access import condition_name
from saas.authorization.operations import Allow, always
from saas.authorization.permissions import roles_with
from saas.checks import secure_views
from saas.context import roles

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
PAGE = """
# The access matrix

A call needs both: the scope in its credential, and a role that carries the permission of that name.
The condition is held against the row, after both. Where step-up is ticked, the token of a person
must come from a fresh sign-in by two factors. Written by `manage.py access_matrix --markdown` from
the declarations that the corridor enforces; a test compares this page with them, and `tests/matrix`
calls every line over HTTP.

{operations}

These fields need more than the permission to read their resource; for others they are absent:

{fields}

This answers without a credential:

{open_routes}
"""


class Command(BaseCommand):
    """`manage.py access_matrix [--markdown]`."""

    help = "Print each operation with the scope and the roles that may call it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The form."""
        parser.add_argument(
            "--markdown", action="store_true", help="the whole page docs/access-matrix.md"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print."""
        self.stdout.write(page() if options["markdown"] else aligned(operations()))


def page() -> str:
    """What stands in docs/access-matrix.md."""
    return PAGE.format(
        operations=markdown(operations()),
        fields=markdown(guarded_fields()),
        open_routes=markdown(open_routes()),
    ).strip()


def operations() -> list[list[str]]:
    """A heading, and one row for each operation of each route."""
    rows = [
        operation_row(route, method.upper(), f"{view.resource}.{name}", view.operations[name])
        for route, view, actions in secure_views()
        for method, name in actions.items()
        if method != "head"  # goes with every GET
    ]
    return [
        ["operation", "method", "path", "scope", *roles(), "condition", "step-up", "rate"],
        *rows,
    ]


def operation_row(route: str, method: str, operation: str, rule: Allow) -> list[str]:
    """One operation; an open one asks for any credential, and so any role has it."""
    holders = [
        role for role, rights in roles().items() if rule.is_open or rights & {*rule.permissions}
    ]
    return [
        operation,
        method,
        "/" + PARAMETER.sub(r"{\1}", route),
        "any credential" if rule.is_open else " or ".join(rule.permissions),
        *ticks(holders),
        "" if rule.when is always else condition_name(rule),
        "✓" if rule.step_up else "",
        rule.rate or ("read" if method == "GET" else "write"),
    ]


def guarded_fields() -> list[list[str]]:
    """A heading, and one row for each guarded field of each resource."""
    needed = {
        (view.resource, field): permission
        for _, view, _ in secure_views()
        for field, permission in view.outputs.access.guarded.items()
    }
    return [
        ["resource", "field", "scope", *roles()],
        *(
            [resource, field, permission, *ticks(roles_with(permission))]
            for (resource, field), permission in needed.items()
        ),
    ]


def open_routes() -> list[list[str]]:
    """A heading, and one row for each route under /api/ that asks for no credential."""
    return [
        ["path", "because"],
        *([f"/{route}", reason] for route, reason in settings.SAAS_OPEN_ROUTES.items()),
    ]


def ticks(holders: Any) -> list[str]:
    """A tick in the column of each role that is among `holders`."""
    return ["✓" if role in holders else "" for role in roles()]
