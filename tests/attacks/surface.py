"""What there is to attack, read from the URLconf: a new operation is attacked by existing."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from secrets import token_hex
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.test import Client
from rest_framework import serializers

from saas.authorization.operations import Allow
from saas.checks import secure_views
from saas.persistence.tenant import TenantModel
from saas.tenancy.binding import bind
from saas.validation.inputs import Input, NoInput
from saas.view import SecureViewSet
from tests.cast import Member, Tenant
from tests.matrix import samples
from tests.matrix.samples import SAMPLES, filled
from tests.races import at_once

ABSENT = "00000000-0000-7000-8000-000000000000"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
ID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
READING = ("GET", "DELETE")  # methods without a body


@dataclass(frozen=True)
class Operation:
    """One method on one path, with the view that declares it."""

    path: str
    method: str
    action: str
    view: type[SecureViewSet]

    def __str__(self) -> str:
        """As the test's name shows it."""
        return f"{self.method} {self.path}"

    @property
    def rule(self) -> Allow:
        """Its line of the table."""
        return self.view.operations[self.action]

    @property
    def form(self) -> type[Input]:
        """What it takes."""
        return self.view.inputs.get(self.action, NoInput)


def operations() -> Iterator[Operation]:
    """Every operation, HEAD left to GET."""
    for route, view, actions in secure_views():
        path = PARAMETER.sub(r"{\1}", route.removeprefix("api/v1/"))
        for method, action in actions.items():
            if method != "head":
                yield Operation(path, method.upper(), action, view)


OPERATIONS = list(operations())
WRITES = [o for o in OPERATIONS if o.method != "GET"]
TAKING = [o for o in OPERATIONS if o.method not in READING]
READS = [o for o in OPERATIONS if o.method == "GET"]
OF_ROWS = [o for o in OPERATIONS if "{id}" in o.path]


@dataclass
class Shot:
    """A request that would succeed for the owner of the row; attacks change one thing of it."""

    method: str
    path: str
    body: Any
    headers: dict[str, str]

    def by(self, caller: Any, body: Any = None, **headers: str) -> Any:
        """Sent by `caller`, with another body or other headers if asked."""
        sent = {**self.headers, **{name.replace("_", "-"): v for name, v in headers.items()}}
        if "Idempotency-Key" in self.headers and "Idempotency_Key" not in headers:
            sent["Idempotency-Key"] = f"attack-{uuid4()}"
        return caller.call(self.method, self.path, self.body if body is None else body, **sent)


def aim(operation: Operation, tenant: Tenant, row: samples.Row | None = None) -> Shot:
    """A right request for `operation`, about a new row of `tenant` or the row that is given."""
    sample = SAMPLES[operation.path]
    if row is None and sample.row:
        row = sample.row(tenant)
    path = filled(operation.path, row)
    body = sample.bodies.get(operation.method)
    headers: dict[str, str] = {}
    if operation.rule.idempotent:
        headers["Idempotency-Key"] = f"attack-{uuid4()}"
    if operation.rule.precondition and row != ABSENT:
        headers["If-Match"] = tenant.owner.get(path)["ETag"]
    return Shot(operation.method, path, body(tenant) if callable(body) else body, headers)


Row = Mapping[str, Any]
Rows = dict[tuple[str, Any], Row]
# The trail grows by refusals, and a key remembers its use: neither is what an attack was after.
GROWING = {"audit_auditentry", "audit_audithead", "audit_refusaltally"}


def database(*tenants: Tenant) -> Rows:
    """Every row of these tenants, and every person, as the columns hold them."""
    found: Rows = {}
    for tenant in tenants:
        with bind(tenant.id):
            for model in apps.get_models():
                if issubclass(model, TenantModel) and model._meta.db_table not in GROWING:
                    found |= rows_of(model, model.objects.all())
                elif model._meta.label in ("organizations.Organization", "accounts.User"):
                    own = {"pk": tenant.id} if model._meta.label.startswith("org") else {}
                    found |= rows_of(model, model._default_manager.filter(**own))
    return found


def rows_of(model: Any, rows: Any) -> Rows:
    """The rows of one table."""
    return {
        (model._meta.db_table, row["id"]): {k: v for k, v in row.items() if k != "last_used_at"}
        for row in rows.values()
    }


def changes(before: Rows, after: Rows) -> dict[str, set[str]]:
    """table -> the columns that differ; `+` for a new row, `-` for one that is gone."""
    found: dict[str, set[str]] = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        names = {"+"} if old is None else {"-"} if new is None else set()
        if old and new:
            names = {name for name in new if new[name] != old.get(name)}
        found.setdefault(key[0], set()).update(names)
    return found


def nested_forms(form: type[Input], pointer: str = "") -> Iterator[tuple[str, type[Input]]]:
    """`form` and every form inside it, each with the pointer to it (lists at their first entry)."""
    yield pointer, form
    for name, field in form().fields.items():
        many = isinstance(field, serializers.ListSerializer)
        inner: Any = getattr(field, "child", field) if many else field
        if isinstance(inner, Input):
            yield from nested_forms(type(inner), f"{pointer}/{name}" + ("/0" if many else ""))


def within(body: Any, pointer: str, more: dict[str, Any]) -> dict[str, Any]:
    """A copy of `body` with `more` in the object that `pointer` names, made where it is missing."""
    whole = json.loads(json.dumps(body or {}))
    place = whole
    for name in pointer.split("/")[1:]:
        if name == "0":
            place[:] = place[:1] or [{}]
            place = place[0]
        else:
            is_list = f"/{name}/0" in pointer
            place[name] = place.get(name) or ([{}] if is_list else {})
            place = place[name]
    place.update(more)
    return whole


def comparable(answer: Any) -> Any:
    """Status, body and headers without what names this one request or counts it."""
    own = {"X-Request-Id", "RateLimit"}
    headers = {name: value for name, value in answer.headers.items() if name not in own}
    body = answer.json() | {"instance": None} if answer.content else None
    return answer.status_code, headers, body


def crowd(act: Callable[[Member], Any], *members: Member) -> list[Any]:
    """The answers of `act` for each member, all at once, each with a client of their own."""
    return at_once(*(partial(act, apart(member)) for member in members))


def apart(member: Member) -> Member:
    """The same member with a client of their own, as another thread needs it."""
    return replace(member, client=Client(raise_request_exception=False))


def new_network() -> str:
    """An address whose network no test has called from: the store of the limits outlives tests."""
    return f"2001:db8:{token_hex(2)}:{token_hex(2)}::1"
