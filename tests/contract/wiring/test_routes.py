"""The gateway has exactly the routes of the public API's contract."""

import json
import re

import pytest

from tests.fixtures.synthesis import ROOT, STAGES, Synthesis, read_synthesis

ORIGIN = re.compile(r"^(https?://[^/{]*|.*)(/v1/.*)$")


def read_routes(synthesis: Synthesis) -> set[tuple[str, str]]:
    """Verb and path of every method, from its place in the tree of resources."""
    resources = {name.split("/")[1]: each["Properties"] for name, each in synthesis.resources("AWS::ApiGateway::Resource").items()}

    def path_of(logical_id: str) -> str:
        properties = resources[logical_id]
        parent = properties["ParentId"].get("Ref")
        return (path_of(parent) if parent else "") + "/" + str(properties["PathPart"])

    methods = [method["Properties"] for method in synthesis.resources("AWS::ApiGateway::Method").values()]
    return {(method["HttpMethod"], path_of(method["ResourceId"]["Ref"])) for method in methods}


@pytest.mark.parametrize("stage", STAGES)
def test_the_gateway_has_the_routes_of_the_contract(stage: str) -> None:
    paths = json.loads((ROOT / "docs" / "openapi" / "public.json").read_text())["paths"]
    contract = {(verb.upper(), path) for path, verbs in paths.items() for verb in verbs if verb in {"get", "post", "put", "delete"}}
    assert read_routes(read_synthesis(stage)) == {(verb, path) for verb, path in contract if path.startswith("/v1/")}


def test_a_call_reaches_the_same_path_of_the_service() -> None:
    synthesis = read_synthesis("local")
    uris = {
        (method["Properties"]["HttpMethod"], method["Properties"]["Integration"]["Uri"])
        for method in synthesis.resources("AWS::ApiGateway::Method").values()
    }
    assert uris == {(verb, f"http://127.0.0.1:8081{path}") for verb, path in read_routes(synthesis)}
