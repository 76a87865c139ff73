"""What can be done next, said in OpenAPI: from the answer that made a row to every use of it."""

import re
from collections.abc import Iterator

from saas.validation.documents import Schema

ID = "$response.body#/id"


def link(document: Schema) -> None:
    """Write the links into every answer that makes a row."""
    for path, item in document["paths"].items():
        made = item.get("post", {}).get("responses", {}).get("201")
        if made is not None:
            made["links"] = dict([*below(document, path, made), *named(document, path)])


def below(document: Schema, path: str, made: Schema) -> Iterator[tuple[str, Schema]]:
    """To the operations under the address of the new row."""
    address = re.compile(rf"{re.escape(path)}/\{{(\w+)\}}(/[a-z-]+)?")
    for other, operations in sorted(document["paths"].items()):
        if match := address.fullmatch(other):
            for operation in operations.values():
                yield operation["operationId"], follow(operation, match[1], made)


def follow(operation: Schema, name: str, made: Schema) -> Schema:
    """The new id in the path of an operation, and the new version in its If-Match."""
    values = {}
    for wanted in operation["parameters"]:
        if wanted["in"] == "path":
            own = wanted["name"] == name
            values[f"path.{wanted['name']}"] = ID if own else f"$request.path.{wanted['name']}"
        elif wanted["name"] == "If-Match" and "ETag" in made["headers"]:
            values["header.If-Match"] = "$response.header.ETag"
    return {"operationId": operation["operationId"], "parameters": values}


def named(document: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """To the operations that name such a row in their body: a `customer` is one of `/customers`."""
    for item in document["paths"].values():
        operation = item.get("post", {})
        if not operation or any(p["in"] == "path" for p in operation["parameters"]):
            continue
        reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        form = document["components"]["schemas"][reference.rsplit("/", 1)[1]]
        for field, schema in form["properties"].items():
            if schema.get("format") == "uuid" and path.endswith(f"/{field}s"):
                body = {field: ID}
                yield (
                    operation["operationId"],
                    {
                        "operationId": operation["operationId"],
                        "requestBody": body,
                    },
                )
