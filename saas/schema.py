"""OpenAPI is drawn from the same declarations that are enforced, so the documents cannot disagree."""

import re
from collections.abc import Callable, Iterator
from inspect import cleandoc
from itertools import chain
from typing import Any

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentIdentity, ResolvedComponent

from saas.authentication.oauth.scopes import service_rights
from saas.authorization.access import condition_name
from saas.authorization.operations import always
from saas.authorization.permissions import known_permissions
from saas.checks import api_routes
from saas.disclosure.outputs import Output
from saas.errors import Problem
from saas.persistence import idempotency
from saas.responses import etags
from saas.responses.documents import COUNTED, FIELD_ERROR, HEADERS, NAMED, PROBLEM, headers, refusal
from saas.validation.documents import ID, UUID, Schema, describe, example
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
    return CREDENTIALS | {
        "OAuth2": CREDENTIALS["OAuth2"]
        | {
            "flows": {
                "authorizationCode": flows["authorizationCode"] | {"scopes": persons},
                "clientCredentials": flows["clientCredentials"] | {"scopes": services},
            }
        }
    }


class SecureSchema(AutoSchema):
    """The document of one operation: what its declaration says, and nothing that it does not."""

    view: SecureViewSet

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Schema:
        """The operation of OpenAPI, with what only we say in `x-…`."""
        self.path, self.path_regex, self.method, self.registry = path, path_regex, method, registry
        self.rule = rule = self.view.operations[self.view.action]
        operation: Schema = {
            "operationId": self.view.operation_id,
            **self.words(),
            "tags": [self.view.resource],
            "security": [
                {name: [] if rule.is_open else [str(rule.permission)]} for name in CREDENTIALS
            ],
            "parameters": [*self.path_parameters(), *self.own_headers(), *self.query()],
            "responses": {STATUS.get(method, "200"): self.success()}
            | {str(status): self.refused(status) for status in self.statuses()},
            "x-rate": rule.rate or ("read" if method == "GET" else "write"),
        }
        if method in ("POST", "PATCH"):
            operation["requestBody"] = self.body()
        if not rule.is_open:
            operation["x-permission"] = str(rule.permission)
        if rule.when is not always:
            operation["x-condition"] = condition_name(rule)
        return operation

    def words(self) -> Schema:
        """The docstring of the handler, and what its caller needs."""
        action, name = self.view.action, self.view.resource.replace("-", " ")
        inherited = {"list": f"List {name}.", "retrieve": f"One of the {name}."}
        own = any(action in vars(cls) for cls in self.view_classes())
        text = cleandoc(getattr(self.view, action).__doc__) if own else inherited[action]
        summary, _, rest = text.partition("\n\n")
        needs = (
            "Any credential will do." if self.rule.is_open else f"Needs `{self.rule.permission}`."
        )
        if self.rule.when is not always:
            needs += f" Only if the caller {condition_name(self.rule)}."
        return {
            "summary": " ".join(summary.split()).rstrip("."),
            "description": "\n\n".join(filter(None, [rest, needs])),
        }

    def view_classes(self) -> Iterator[type[Any]]:
        """The classes of the view below the spine."""
        return (cls for cls in type(self.view).__mro__ if cls not in SecureViewSet.__mro__)

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
        if self.view.action != "list":
            return
        for name, field in self.view.filters().fields.items():
            guarded = self.view.outputs.access.guarded.get(name)
            yield {
                "in": "query",
                "name": name,
                "schema": describe(field, self.nested),
                **({"x-permission": str(guarded)} if guarded else {}),
            }
        if self.view.sortable:
            names = chain.from_iterable((name, f"-{name}") for name in sorted(self.view.sortable))
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
        form = self.view.inputs.get(self.view.action, NoInput)
        partial = self.view.action == "partial_update"
        name = f"{form.__name__.removesuffix('Input')}Patch" if partial else form.__name__
        guarded = self.view.outputs.access.guarded

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
        return {"required": required, "content": json(schema, self.sample(form()))}

    # What goes out.

    def success(self) -> Schema:
        """The answer when all went well, with its headers, and the links to what can be done next."""
        status = STATUS.get(self.method, "200")
        if status == "204":
            return {"description": "It is gone.", "headers": headers(*COUNTED)}
        if self.view.action == "list":
            schema, shown = self.page()
            return {
                "description": "A page.",
                "headers": headers(*COUNTED),
                "content": json(schema, shown),
            }
        once = self.view.once.get(self.view.action, ())
        names = (*COUNTED, *(["ETag"] if self.has_version() else []))
        names += ("Location",) if status == "201" else ()
        replayed = ("Idempotency-Replayed",) if self.rule.idempotent else ()
        return {
            "description": "It is made." if status == "201" else "The row.",
            "headers": headers(*names, sometimes=replayed),
            "content": json(
                self.output(once=once),
                self.sample(self.view.outputs()) | dict.fromkeys(once, "shown this once"),
            ),
        }

    def has_version(self) -> bool:
        """Whether the rows of the resource count their changes."""
        try:
            return hasattr(self.view.rows().model, "version")
        except Problem:  # a resource without rows of its own
            return False

    def output(self, *, brief: bool = False, once: tuple[str, ...] = ()) -> Schema:
        """The component of a row: in a list, or with the names that only this answer shows."""
        form = self.view.outputs
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

    def page(self) -> tuple[Schema, Any]:
        """The envelope of a list, and one."""
        form = self.view.outputs
        rows = self.output(brief=True)
        link = {"type": ["string", "null"], "format": "uri"}
        most = settings.LIMITS["page_max"]

        def draw() -> Schema:
            return closed(
                {
                    "results": {"type": "array", "items": rows, "maxItems": most},
                    "next": link,
                    "previous": link,
                }
            )

        row = {k: v for k, v in self.sample(form()).items() if k not in form.summary}
        name = f"{form.__name__.removesuffix('Output')}Page"
        return self.component(name, (form, "page"), draw), {
            "results": [row],
            "next": None,
            "previous": None,
        }

    def statuses(self) -> list[int]:
        """The refusals that this operation may answer."""
        found = {*TO_ANYBODY, 401}
        found |= {404} if "{" in self.path else set()
        found |= {409} if self.method != "GET" else set()
        found |= {415} if self.method in ("POST", "PATCH") else set()
        found |= {412, 428} if self.rule.precondition else set()
        found |= {422} if self.rule.idempotent else set()
        return sorted(found)

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
        found = ResolvedComponent(name=name, type=kind, object=ComponentIdentity(identity))
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
        properties = {}
        for name, field in form.fields.items():
            properties[name] = describe(field, self.nested)
            if name in guarded:
                properties[name]["x-permission"] = str(guarded[name])
        required = [n for n, field in form.fields.items() if field.required and n not in guarded]
        return closed(properties, required) | {"description": cleandoc(type(form).__doc__ or "")}

    def sample(self, form: Any) -> Schema:
        """A form filled in: by its own `examples`, else by the types of its fields."""
        own = getattr(form, "examples", {})
        return {
            name: own[name] if name in own else example(field, self.sample)
            for name, field in form.fields.items()
        }


def closed(properties: Schema, required: list[str] | None = None) -> Schema:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }


def json(schema: Schema, shown: Any) -> Schema:
    """A body of JSON."""
    return {"application/json": {"schema": schema, "example": shown}}


class SecureGenerator(SchemaGenerator):
    """The whole document: every operation, those that need no credential, and what connects them."""

    def get_schema(self, request: Any = None, public: bool = True) -> Schema:
        """The document. Raises RuntimeError when something could not be drawn."""
        document: Schema = super().get_schema(request=None, public=True)
        if GENERATOR_STATS:
            raise RuntimeError("Not everything could be drawn, see above.")
        document["paths"] |= dict(self.open_paths())
        document["components"] |= {"securitySchemes": credentials(), "headers": HEADERS}
        document["components"]["schemas"] |= {"Problem": PROBLEM, "FieldError": FIELD_ERROR}
        document["tags"] = sorted(self.tags().values(), key=lambda tag: str(tag["name"]))
        link(document["paths"])
        return document

    def open_paths(self) -> Iterator[tuple[str, Schema]]:
        """The routes without a credential, which say themselves what they answer."""
        for route, callback in api_routes():
            if route not in settings.SAAS_OPEN_ROUTES:
                continue
            said = callback.document
            answer = {
                "description": "The document.",
                "headers": headers(*NAMED, *said.get("headers", ())),
                "content": json(said["schema"], said["example"]),
            }
            yield (
                f"/{route}",
                {
                    "get": {
                        "operationId": said["operationId"],
                        "summary": said["summary"],
                        "tags": ["documents"],
                        "security": [],
                        "responses": {"200": answer}
                        | {
                            str(s): {"$ref": f"#/components/responses/Problem{s}"}
                            for s in TO_ANYBODY
                        },
                    }
                },
            )

    def tags(self) -> dict[str, Schema]:
        """One for each resource, in the words of its view."""
        found = {"documents": {"name": "documents", "description": "What needs no credential."}}
        for _path, _regex, _method, callback in self.endpoints:
            view = callback.cls
            words = " ".join(cleandoc(view.__doc__ or "").split())
            found[view.resource] = {"name": view.resource, "description": words}
        return found


def link(paths: Schema) -> None:
    """From what makes a row to everything that can be done with it (OpenAPI's links)."""
    for path, item in paths.items():
        made = item.get("post", {}).get("responses", {}).get("201")
        if made is None:
            continue
        below = re.compile(rf"{re.escape(path)}/\{{(\w+)\}}(/[a-z-]+)?")
        made["links"] = {
            operation["operationId"]: follow(operation, match[1], "ETag" in made["headers"])
            for other, operations in sorted(paths.items())
            if (match := below.fullmatch(other))
            for operation in operations.values()
        }


def follow(operation: Schema, name: str, tagged: bool) -> Schema:
    """The link to one operation: the new id in its path, the new version in its If-Match."""
    values = {}
    for wanted in operation["parameters"]:
        if wanted["in"] == "path":
            own = wanted["name"] == name
            values[f"path.{wanted['name']}"] = (
                "$response.body#/id" if own else f"$request.path.{wanted['name']}"
            )
        elif wanted["name"] == "If-Match" and tagged:
            values["header.If-Match"] = "$response.header.ETag"
    return {"operationId": operation["operationId"], "parameters": values}
