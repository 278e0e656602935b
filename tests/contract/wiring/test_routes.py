"""The public API's gateway has exactly the routes of its contract."""

import json
import re
from typing import Any

import pytest

from tests.fixtures.synthesis import ROOT, STAGES, Synthesis, read_synthesis

ORIGIN = re.compile(r"^(https?://[^/{]*|.*)(/v1/.*)$")


def list_methods(synthesis: Synthesis) -> list[dict[str, Any]]:
    methods = synthesis.resources("AWS::ApiGateway::Method")
    return [each["Properties"] for name, each in methods.items() if "-Gateway/" in name]


def read_routes(synthesis: Synthesis) -> set[tuple[str, str]]:
    """Verb and path of every method, from its place in the tree of resources."""
    resources = {name.split("/")[1]: each["Properties"] for name, each in synthesis.resources("AWS::ApiGateway::Resource").items()}

    def path_of(logical_id: str) -> str:
        properties = resources[logical_id]
        parent = properties["ParentId"].get("Ref")
        return (path_of(parent) if parent else "") + "/" + str(properties["PathPart"])

    return {(method["HttpMethod"], path_of(method["ResourceId"]["Ref"])) for method in list_methods(synthesis)}


@pytest.mark.parametrize("stage", STAGES)
def test_the_gateway_has_the_routes_of_the_contract(stage: str) -> None:
    paths = json.loads((ROOT / "docs" / "openapi" / "public.json").read_text())["paths"]
    contract = {
        (verb.upper(), path) for path, verbs in paths.items() for verb in verbs if verb in {"get", "post", "put", "delete", "options"}
    }
    assert read_routes(read_synthesis(stage)) == {(verb, path) for verb, path in contract if path.startswith("/v1/")}


def test_a_call_reaches_the_same_path_of_the_service() -> None:
    synthesis = read_synthesis("local")
    uris = {(method["HttpMethod"], method["Integration"]["Uri"]) for method in list_methods(synthesis)}
    assert uris == {(verb, f"http://127.0.0.1:8081{path}") for verb, path in read_routes(synthesis)}
