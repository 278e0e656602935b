"""Both clients have a method for every operation of both OpenAPI documents, which takes all there is to tell, and reads every answer.

Methods are found by the line of their docstring that names verb and path; what they take and answer is made from the documents here,
without the generator.
"""

from __future__ import annotations

import inspect
import json
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from gzip import decompress
from typing import Any
from urllib.parse import parse_qs

import httpx
import msgspec
import pytest
import yaml

import presage_client.async_resources
import presage_client.resources
from presage_client import AsyncClient, Client
from tests.fixtures.python_client import KEY, TOKEN, Answers, AsyncDriver, SyncDriver
from tests.fixtures.schema_samples import Samples
from tests.fixtures.synthesis import ROOT

DOCUMENTS = {
    "workspace": yaml.safe_load((ROOT / "docs" / "openapi" / "backend.yaml").read_text()),
    "public": json.loads((ROOT / "docs" / "openapi" / "public.json").read_text()),
}
NOT_TAKEN = {"content-encoding"}
"""Parameters that the client sets itself: it packs bodies that are worth it."""


@dataclass(frozen=True)
class Described:
    """An operation as its document has it."""

    api: str
    verb: str
    path: str
    written: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.verb} {self.path}"

    def parameters(self) -> list[Mapping[str, Any]]:
        return [Samples(DOCUMENTS[self.api]).resolve(each) for each in self.written.get("parameters", ())]

    def body_schema(self) -> Mapping[str, Any] | None:
        content = self.written.get("requestBody", {}).get("content", {})
        return content["application/json"]["schema"] if content else None

    def answer(self) -> tuple[int, Mapping[str, Any]]:
        [(status, written)] = [(int(status), each) for status, each in self.written["responses"].items() if status.startswith("2")]
        return status, written.get("content", {})


OPERATIONS = [
    Described(api, verb.upper(), path, written)
    for api, document in DOCUMENTS.items()
    for path, item in document["paths"].items()
    for verb, written in item.items()
]


def list_methods(groups: object) -> dict[str, str]:
    """Return the dotted name of each method by the verb and path that its docstring names."""
    found = {}
    for group_name, group in vars(groups).items():
        for name, method in inspect.getmembers(group, inspect.ismethod):
            if name.startswith("_"):
                continue
            [told] = re.findall(r"^\s*`([A-Z]+ /\S*)`$", inspect.getdoc(method) or "", re.MULTILINE)
            assert told not in found
            found[told] = f"{group_name}.{name}"
    return found


NOBODY: Any = None
"""Nothing is called by it."""
METHODS = list_methods(presage_client.resources.Groups(NOBODY))


def test_both_clients_have_exactly_the_documents_operations() -> None:
    told = {str(operation) for operation in OPERATIONS}

    assert METHODS.keys() == told
    assert list_methods(presage_client.async_resources.AsyncGroups(NOBODY)) == METHODS
    assert issubclass(Client, presage_client.resources.Groups)
    assert issubclass(AsyncClient, presage_client.async_resources.AsyncGroups)


def make_arguments(
    operation: Described, signature: inspect.Signature, hints: Mapping[str, Any], samples: Samples
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a value for everything that the document lets a caller say, as the method takes it, and as JSON by where it goes."""
    wire: dict[str, Any] = {"path": {}, "query": {}, "header": {}, "body": None}
    given = {}
    for parameter in operation.parameters():
        if parameter["name"] in NOT_TAKEN:
            continue
        value = samples.make(parameter["schema"])
        wire[parameter["in"]][parameter["name"]] = value
        given[parameter["name"].replace("-", "_")] = value
    schema = operation.body_schema()
    if schema is not None:
        wire["body"] = samples.make(schema)
        given |= wire["body"]
    assert given.keys() == signature.parameters.keys() - {"self"}
    return {name: msgspec.convert(value, hints[name]) for name, value in given.items()}, wire


def read_hints(name: str, module: Any) -> tuple[inspect.Signature, dict[str, Any]]:  # noqa: ANN401 - a module
    group, method = name.split(".")
    kind = {key: type(value) for key, value in vars(module.Groups(None)).items()}[group]
    function = vars(kind)[method]
    # `list` is the name of a method in these classes: annotations are read in the module, not in the class.
    return inspect.signature(function), typing.get_type_hints(function)


@pytest.mark.parametrize("alternative", [0, 1])
@pytest.mark.parametrize("driver_type", [SyncDriver, AsyncDriver])
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_an_operation_sends_all_that_it_is_told_and_reads_the_answer(
    operation: Described, driver_type: type[SyncDriver], alternative: int
) -> None:
    name, samples = METHODS[str(operation)], Samples(DOCUMENTS[operation.api], alternative)
    arguments, wire = make_arguments(operation, *read_hints(name, presage_client.resources), samples)
    status, content = operation.answer()
    media, schema = next(((media, each.get("schema", {})) for media, each in content.items()), (None, {}))
    made = samples.make(schema) if media == "application/json" else "text"
    if isinstance(made, dict) and "next" in made and "after" in wire["query"]:
        made["next"] = None
    body: dict[str, Any] = {"json": made} if media == "application/json" else {"text": made}
    server = Answers([httpx.Response(status, **(body if media else {}))])

    answer = driver_type(server).call(name, **arguments)

    [request] = server.requests
    check_request(operation, request, wire)
    check_answer(answer, made, media)


def check_request(operation: Described, request: httpx.Request, wire: Mapping[str, Any]) -> None:
    path = operation.path
    for name, value in wire["path"].items():
        path = path.replace(f"{{{name}}}", str(value))
    several = {name: value if isinstance(value, list) else [value] for name, value in wire["query"].items()}
    query = {name: [each if isinstance(each, str) else json.dumps(each) for each in values] for name, values in several.items()}
    assert (request.method, request.url.path) == (operation.verb, path)
    assert parse_qs(request.url.query.decode()) == query
    assert {name: request.headers[name] for name in wire["header"]} == wire["header"]
    assert request.headers.get("authorization") == (f"Bearer {TOKEN}" if operation.api == "workspace" else None)
    assert request.headers.get("x-api-key") == (KEY if operation.api == "public" else None)
    content = decompress(request.content) if "content-encoding" in request.headers else request.content
    assert (json.loads(content) if content else None) == wire["body"]


def check_answer(answer: Any, made: Any, media: str | None) -> None:  # noqa: ANN401 - any operation's
    if media is None:
        assert answer is None
    elif media != "application/json":
        assert answer == "text"
    elif isinstance(answer, list):
        assert msgspec.to_builtins(answer) == made["items"]
    else:
        assert msgspec.to_builtins(answer) == made
