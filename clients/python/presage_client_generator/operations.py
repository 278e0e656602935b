"""The operations of a document, with the names and parameters of their methods."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from presage_client_generator.types import Types, pascal

ENCODING = "content-encoding"
"""A header parameter that the client sets itself."""


@dataclass(frozen=True)
class Parameter:
    """One argument of a method."""

    name: str
    wire_name: str
    place: str
    annotation: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """An operation of the OpenAPI document as a method of a group."""

    operation_id: str
    verb: str
    path: str
    api: str
    group: str
    method: str
    parameters: tuple[Parameter, ...]
    answer: str
    item: str | None
    has_body: bool
    takes_key: bool
    takes_gzip: bool
    summary: str
    description: str

    @property
    def constant(self) -> str:
        """The name of its description in the client."""
        return ("PUBLIC_" if self.api == "public" else "") + snake(self.operation_id).upper()


def read_operations(document: Mapping[str, Any], *, api: str, types: Types) -> list[Operation]:
    """Return the document's operations, and collect what they need in `types`."""
    return [
        _read(document, written, verb=verb, path=path, api=api, types=types)
        for path, item in document["paths"].items()
        for verb, written in item.items()
    ]


def list_inputs(document: Mapping[str, Any]) -> set[str]:
    """Return the names of all schemas that requests may hold."""
    waiting = [
        item for path in document["paths"].values() for written in path.values() for item in _references(written.get("requestBody", {}))
    ]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(document["components"]["schemas"][name])
    return found


def _references(node: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    if isinstance(node, Mapping):
        if "$ref" in node:
            yield node["$ref"].rpartition("/")[2]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _read(document: Mapping[str, Any], written: Mapping[str, Any], *, verb: str, path: str, api: str, types: Types) -> Operation:
    operation_id = written["operationId"]
    group = "public" if api == "public" else path.split("/")[3].replace("-", "_")
    group = {"workspaces": "workspace"}.get(group, group)
    headers = [_dereference(document, each) for each in written.get("parameters", ())]
    parameters = [_parameter(each, types) for each in headers if each["name"] != ENCODING]
    content = _dereference(document, written.get("requestBody", {})).get("content", {})
    if content:
        parameters += _body(content["application/json"]["schema"], types)
    names = [parameter.name for parameter in parameters]
    if len(set(names)) < len(names):
        raise ValueError(f"{operation_id} has two parameters of one name: {names}")
    answer, item = _answer(written, types, paged="after" in names)
    return Operation(
        operation_id=operation_id,
        verb=verb.upper(),
        path=path,
        api=api,
        group=group,
        method=name_method(operation_id, group),
        parameters=tuple(parameters),
        answer=answer,
        item=item,
        has_body=bool(content),
        takes_key="idempotency_key" in names,
        takes_gzip=any(each["name"] == ENCODING for each in headers),
        summary=written.get("summary", ""),
        description=written.get("description", ""),
    )


def _dereference(document: Mapping[str, Any], node: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document
    for part in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        found = found[part]
    return found if "$ref" in node else node


def _parameter(written: Mapping[str, Any], types: Types) -> Parameter:
    name = written["name"]
    annotation = types.annotate(written["schema"], name=pascal(name), strict=True)
    return Parameter(
        name.replace("-", "_").lower(), name, written["in"], annotation, bool(written.get("required")), written.get("description", "")
    )


def _body(schema: Mapping[str, Any], types: Types) -> list[Parameter]:
    properties, required = types.properties(schema)
    owner = schema["$ref"].rpartition("/")[2]
    return [
        Parameter(
            name,
            name,
            "body",
            as_input(types.annotate(each, name=owner + pascal(name), strict=True)),
            name in required,
            str(types.resolve(each).get("description", "")) if "$ref" not in each else "",
        )
        for name, each in properties.items()
    ]


def as_input(annotation: str) -> str:
    """Return what a method takes for a type: any sequence for a list, any mapping for a dict."""
    return re.sub(r"\blist\[", "Sequence[", re.sub(r"\bdict\[", "Mapping[", annotation))


def _answer(written: Mapping[str, Any], types: Types, *, paged: bool) -> tuple[str, str | None]:
    [answer] = [each for status, each in written["responses"].items() if status.startswith("2")]
    content = answer.get("content", {})
    if not content:
        return "None", None
    [(media, body)] = content.items()
    if media != "application/json":
        return "str", None
    name = types.annotate(body["schema"], name=pascal(written["operationId"]) + "Answer")
    items = types.structs[name].members if paged and name in types.structs else []
    item = next((member.annotation for member in items if member.name == "items"), None)
    return name, item.removeprefix("list[").removesuffix("]") if item else None


def snake(name: str) -> str:
    """Return a camelCase name in snake_case."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()


def name_method(operation_id: str, group: str) -> str:
    """Return the method's name: the operation's, without the noun of its group."""
    verb, _, noun = snake(operation_id).partition("_")
    return verb if noun in {group, group.removesuffix("s")} else snake(operation_id)
