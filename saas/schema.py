"""OpenAPI is drawn from the declarations that are enforced, so the documents cannot disagree."""

import re
from collections.abc import Callable, Iterator
from inspect import cleandoc
from itertools import chain
from typing import Any, cast

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentIdentity, ResolvedComponent

from saas.authentication.credentials import SCHEMES
from saas.authentication.oauth.scopes import service_rights
from saas.authorization.access import condition_name
from saas.authorization.operations import always
from saas.authorization.permissions import known_permissions
from saas.checks import api_routes, secure_views
from saas.disclosure.outputs import Output
from saas.errors import Problem
from saas.persistence import idempotency
from saas.persistence.encryption import EncryptedText
from saas.responses import etags
from saas.responses.documents import (
    COUNTED,
    FIELD_ERROR,
    HEADERS,
    NAMED,
    OF_KEYS,
    envelope,
    headers,
    json,
    problem,
    refusal,
)
from saas.responses.links import link
from saas.validation import documents
from saas.validation.documents import ID, UUID, Schema, describe, sample, words_of
from saas.validation.inputs import NoInput
from saas.view import SecureViewSet

CREDENTIALS: dict[str, Schema] = {
    "ApiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-API-Key",
        "description": "A key of one organization; it carries scopes.",
    },
    "OAuth2": {
        "type": "oauth2",
        "description": "An access token of 15 minutes, given for one organization.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token",
            },
            "clientCredentials": {"tokenUrl": "/oauth/token"},
        },
    },
}
TO_ANYBODY = (400, 403, 413, 414, 429, 431, 500, 503)  # what the edge itself may answer
STATUS = {"POST": "201", "DELETE": "204"}
PARAMETER = re.compile(r"\{(\w+)\}")


def credentials() -> dict[str, Schema]:
    """How a caller proves who they are, with the scopes that there are at this moment."""
    persons = {name: name for name in sorted(known_permissions())}
    services = {name: name for name in sorted(service_rights())}
    flows = CREDENTIALS["OAuth2"]["flows"]
    joined = {scheme.challenge.split()[0]: scheme.document for scheme in SCHEMES.values()}
    return (
        CREDENTIALS
        | joined
        | {
            "OAuth2": CREDENTIALS["OAuth2"]
            | {
                "flows": {
                    "authorizationCode": flows["authorizationCode"] | {"scopes": persons},
                    "clientCredentials": flows["clientCredentials"] | {"scopes": services},
                }
            }
        }
    )


class SecureSchema(AutoSchema):
    """The document of one operation: what its declaration says, and nothing that it does not."""

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Schema:
        """The operation of OpenAPI, with what only we say in `x-…`."""
        self.path, self.path_regex, self.method, self.registry = path, path_regex, method, registry
        self.declared = declared = cast(SecureViewSet, self.view)
        self.rule = rule = declared.operations[declared.action]
        scopes = [] if rule.is_open else [str(scope) for scope in rule.permissions]
        return {
            "operationId": declared.operation_id,
            **self.words(),
            "tags": [declared.resource],
            "security": [
                {name: [scope] if scope else []}
                for scope in scopes or [""]
                for name in credentials()
            ],
            **({"x-permission": scopes[0]} if scopes else {}),
            **({"x-condition": condition_name(rule)} if rule.when is not always else {}),
            **({"x-step-up": True} if rule.step_up else {}),
            "x-rate": rule.rate or ("read" if method == "GET" else "write"),
            "parameters": [*self.path_parameters(), *self.own_headers(), *self.query()],
            **({"requestBody": self.body()} if method in ("POST", "PATCH") else {}),
            "responses": {STATUS.get(method, "200"): self.success()}
            | {str(status): self.refused(status) for status in self.statuses()},
        }

    def words(self) -> Schema:
        """The docstring of the handler, and what its caller needs."""
        action, name = self.declared.action, self.declared.resource.replace("-", " ")
        inherited = {"list": f"List {name}.", "retrieve": f"One of the {name}."}
        own = any(action in vars(cls) for cls in self.view_classes())
        text = cleandoc(getattr(self.declared, action).__doc__) if own else inherited[action]
        summary, _, rest = text.partition("\n\n")
        needs = (
            "Any credential will do."
            if self.rule.is_open
            else f"Needs {' or '.join(f'`{scope}`' for scope in self.rule.permissions)}."
        )
        if self.rule.when is not always:
            needs += f" Only if the caller {condition_name(self.rule)}."
        if self.rule.step_up:
            minutes = int(settings.STEP_UP.max_age.total_seconds() // 60)
            needs += f" A person's token wants a sign-in by two factors within {minutes} minutes."
        return {
            "summary": " ".join(summary.split()).rstrip("."),
            "description": "\n\n".join(filter(None, [" ".join(rest.split()), needs])),
        }

    def view_classes(self) -> Iterator[type[Any]]:
        """The classes of the view below the spine."""
        return (cls for cls in type(self.declared).__mro__ if cls not in SecureViewSet.__mro__)

    # What comes in.

    def path_parameters(self) -> Iterator[Schema]:
        """The ids of the path; the URLconf takes nothing else."""
        for name in PARAMETER.findall(self.path):
            if f"<uuid:{name}>" not in self.path_regex:
                raise TypeError(f"{self.path}: only a UUID may stand in a path.")
            schema = {"type": "string", "format": "uuid", "pattern": UUID}
            yield {"in": "path", "name": name, "required": True, "schema": schema, "example": ID}

    def own_headers(self) -> Iterator[Schema]:
        """The headers that the operation wants."""
        if self.rule.idempotent:
            yield {
                "in": "header",
                "name": "Idempotency-Key",
                "description": "Names this request: sent twice, it has one effect.",
                "required": True,
                "schema": {"type": "string", "pattern": idempotency.PATTERN},
                "example": "0192a000-0000-7000-8000-000000000001",
            }
        if self.rule.precondition:
            yield {
                "in": "header",
                "name": "If-Match",
                "description": "The `ETag` of the row as you read it.",
                "required": True,
                "schema": {"type": "string", "pattern": etags.PATTERN},
                "example": '"1-0f1e2d3c"',
            }

    def query(self) -> Iterator[Schema]:
        """The filters of a list, and what every page reads."""
        if self.declared.action != "list":
            return
        for name, field in self.declared.filters().fields.items():
            guarded = self.declared.outputs.access.guarded.get(name)
            yield {
                "in": "query",
                "name": name,
                "schema": describe(field, self.nested),
                **({"x-permission": str(guarded)} if guarded else {}),
            }
        if self.declared.sortable:
            names = chain.from_iterable(
                (name, f"-{name}") for name in sorted(self.declared.sortable)
            )
            yield {
                "in": "query",
                "name": "ordering",
                "schema": {"type": "string", "enum": list(names)},
            }
        size = {"default": settings.LIMITS["page_default"], "maximum": settings.LIMITS["page_max"]}
        yield {
            "in": "query",
            "name": "page_size",
            "schema": {"type": "integer", "minimum": 1, **size},
        }
        yield {
            "in": "query",
            "name": "cursor",
            "description": "From `next` or `previous`: good for this list, filter and ordering.",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z_-]+$"},
        }

    def body(self) -> Schema:
        """The JSON object that the operation takes; where nothing is required it may be absent."""
        form = self.declared.inputs.get(self.declared.action, NoInput)
        partial = self.declared.action == "partial_update"
        name = f"{form.__name__.removesuffix('Input')}Patch" if partial else form.__name__
        guarded = self.declared.outputs.access.guarded

        def draw() -> Schema:
            schema = self.shape(form())
            for field, shown in schema["properties"].items():
                if partial:
                    shown.pop("default", None)
                if permission := guarded.get(form.writes.get(field, field)):
                    shown["x-permission"] = str(permission)
            return schema | ({"required": []} if partial else {})

        schema = self.component(name, (form, "patch") if partial else form, draw)
        required = bool(self.registry[name, ResolvedComponent.SCHEMA].schema["required"])
        return {"required": required, "content": json(schema, sample(form()))}

    # What goes out.

    def success(self) -> Schema:
        """The answer when all went well."""
        status = STATUS.get(self.method, "200")
        if status == "204":
            return {"description": "It is gone.", "headers": headers(*COUNTED, sometimes=OF_KEYS)}
        if self.declared.action == "list":
            return {
                "description": "A page.",
                "headers": headers(*COUNTED, sometimes=OF_KEYS),
                "content": self.page(),
            }
        once = self.declared.once.get(self.declared.action, ())
        names = (*COUNTED, *(["ETag"] if self.has_version() else []))
        names += ("Location",) if status == "201" else ()
        sometimes = (*OF_KEYS, *(["Idempotency-Replayed"] if self.rule.idempotent else []))
        return {
            "description": "It is made." if status == "201" else "The row.",
            "headers": headers(*names, sometimes=sometimes),
            "content": json(
                self.output(once=once),
                sample(self.declared.outputs()) | dict.fromkeys(once, "shown this once"),
            ),
        }

    def has_version(self) -> bool:
        """Whether the rows of the resource count their changes."""
        try:
            return hasattr(self.declared.rows().model, "version")
        except Problem:  # a resource without rows of its own
            return False

    def output(self, *, brief: bool = False, once: tuple[str, ...] = ()) -> Schema:
        """The component of a row: in a list, or with the names that only this answer shows."""
        form = self.declared.outputs
        brief = brief and bool(form.summary)
        name = form.__name__.removesuffix("Output")
        name += "Summary" if brief else "".join(f"With{each.capitalize()}" for each in once)

        def draw() -> Schema:
            schema = self.shape(form())
            for left_out in form.summary if brief else ():
                del schema["properties"][left_out]
            schema["properties"] |= {each: {"type": "string"} for each in once}
            schema["required"] = [*schema["required"], *once]
            schema["required"] = [n for n in schema["required"] if n in schema["properties"]]
            return schema

        return self.component(name, (form, brief, once) if brief or once else form, draw)

    def page(self) -> Schema:
        """The envelope of a list, with one row in its example."""
        form = self.declared.outputs
        rows = self.output(brief=True)
        name = f"{form.__name__.removesuffix('Output')}Page"
        schema = self.component(name, (form, "page"), lambda: envelope(rows))
        row = {name: v for name, v in sample(form()).items() if name not in form.summary}
        return json(schema, {"results": [row], "next": None, "previous": None})

    def statuses(self) -> list[int]:
        """The refusals that this operation may answer."""
        found = {*TO_ANYBODY, 401}
        # A repeat of what is gone is a 404 too.
        found |= {404} if "{" in self.path or self.rule.idempotent else set()
        found |= {409} if self.method != "GET" else set()
        found |= {415} if self.method in ("POST", "PATCH") else set()
        found |= {412, 428} if self.rule.precondition else set()
        found |= {422} if self.rule.idempotent else set()
        found |= {410} if self.keeps_sealed() else set()
        return sorted(found)

    def keeps_sealed(self) -> bool:
        """Whether the rows have sealed columns, which can be erased."""
        view = type(self.declared)()
        view.action, view.kwargs = self.declared.action, {}
        try:
            model = view.rows().model
        except (Problem, AttributeError):  # it shows no rows, or another's by what was asked
            return False
        return any(isinstance(field, EncryptedText) for field in model._meta.local_fields)

    def refused(self, status: int) -> Schema:
        """The component of one refusal."""
        kind = ResolvedComponent.RESPONSE
        return self.component(f"Problem{status}", status, lambda: refusal(status), kind=kind)

    # How forms become components.

    def component(
        self,
        name: str,
        identity: Any,
        draw: Callable[[], Schema],
        *,
        kind: str = ResolvedComponent.SCHEMA,
    ) -> Schema:
        """A reference to the component, which is drawn when it is named for the first time."""
        identified = ComponentIdentity(identity)  # type: ignore[no-untyped-call]  # not ours
        found = ResolvedComponent(  # type: ignore[no-untyped-call]  # nor this
            name=name, type=kind, object=identified
        )
        if found not in self.registry:
            self.registry.register(found)
            found.schema = draw()
        reference: Schema = found.ref
        return reference

    def nested(self, form: Any) -> Schema:
        """A form inside another one."""
        name = type(form).__name__.removesuffix("Output")
        return self.component(name, type(form), lambda: self.shape(form))

    def shape(self, form: Any) -> Schema:
        """The closed object of a form: what may not be seen by all is optional and says so."""
        guarded = form.access.guarded if isinstance(form, Output) else {}
        return documents.shape(form, self.nested, guarded)


def open_operation(said: Schema) -> Schema:
    """A GET that needs no credential; with an ETag it answers 304 to who has the answer already."""
    names = (*NAMED, *(["ETag"] if said["tagged"] else []))
    answers: Schema = {
        "200": {
            "description": "The document.",
            "headers": headers(*names),
            "content": json(said["schema"], said["example"]),
        }
    }
    if said["tagged"]:
        answers["304"] = {"description": "You have it already.", "headers": headers(*names)}
    return {
        "operationId": said["operationId"],
        "summary": said["summary"],
        "tags": ["documents"],
        "security": [],
        "responses": answers
        | {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in TO_ANYBODY},
    }


class SecureGenerator(SchemaGenerator):
    """The whole document: every operation, what needs no credential, and what connects them."""

    def get_schema(self, request: Any = None, public: bool = True) -> Schema:
        """The document. Raises RuntimeError when something could not be drawn."""
        document: Schema = super().get_schema(  # type: ignore[no-untyped-call]  # not ours
            request=None, public=True
        )
        if GENERATOR_STATS:
            raise RuntimeError("Not everything could be drawn, see above.")
        document["paths"] |= dict(self.open_paths())
        document["components"] |= {"securitySchemes": credentials(), "headers": HEADERS}
        document["components"]["schemas"] |= {"Problem": problem(), "FieldError": FIELD_ERROR}
        document["tags"] = sorted(self.tags().values(), key=lambda tag: str(tag["name"]))
        link(document)
        return document

    def open_paths(self) -> Iterator[tuple[str, Schema]]:
        """The routes without a credential, which say themselves what they answer."""
        for route, callback in api_routes():
            if route in settings.SAAS_OPEN_ROUTES:
                yield f"/{route}", {"get": open_operation(callback.document)}

    def tags(self) -> dict[str, Schema]:
        """One for each resource, in the words of its view."""
        found = {"documents": {"name": "documents", "description": "What needs no credential."}}
        for _route, view, _actions in secure_views():
            found[view.resource] = {"name": view.resource, "description": words_of(view)}
        return found
