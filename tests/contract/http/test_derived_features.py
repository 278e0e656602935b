"""Models with derived features, as the workspace API takes and shows them."""

import json
from typing import Any

import pytest

from tests.contract.http.test_backend import SPEC, Service, openapi, service  # noqa: F401 - fixtures

DERIVED = [
    {"name": "average", "expression": {"op": "ratio", "of": ["orders__spent", "orders__n"]}},
    {
        "name": "class",
        "expression": {
            "op": "if",
            "of": [
                {"op": "is_missing", "of": ["derived__average"]},
                -1,
                {"op": "bucketise", "of": [{"op": "log1p", "of": ["derived__average"]}], "values": [1, 2.5]},
            ],
        },
    },
    {"name": "sunday", "expression": {"op": "one_of", "of": [{"op": "time_part", "part": "weekday"}], "values": [6]}},
]


def create(service: Service, derived: list[Any]) -> Any:  # noqa: ANN401, F811 - JSON; a fixture
    service.create_dataset()
    return {"name": "again", "default": "0", "spec": SPEC | {"derived": derived}}


def test_a_model_with_derived_features_is_created_and_shown(service: Service) -> None:  # noqa: F811
    model_id = service.post("/models", create(service, DERIVED))["model_id"]

    shown = service.get(f"/models/{model_id}")["spec"]["derived"]

    assert [derived["name"] for derived in shown] == ["average", "class", "sunday"]
    assert shown[0]["expression"]["of"] == ["orders__spent", "orders__n"]
    assert shown[1]["expression"]["of"][2]["values"] == [1.0, 2.5]


@pytest.mark.parametrize(
    ("expression", "path", "message"),
    [
        ({"op": "ratio", "of": ["orders__spent", "orders__none"]}, "of[1]", "there is no feature 'orders__none'; there are: orders__spent"),
        ({"op": "and", "of": ["orders__n", True]}, "of[0]", "'and' takes a boolean, got a number"),
        ({"op": "add", "of": [1, "derived__first"]}, "of[1]", "made of each other: derived__first -> derived__first"),
        ({"op": "power", "of": ["orders__n", 2]}, "op", "Invalid enum value 'power'"),
        ({"op": "log1p", "of": ["orders__n"], "base": 2}, "base", "no such field"),
        ({"op": "log1p", "of": [{"op": "log1p", "of": ["orders__n"], "base": 2}]}, "of[0].base", "no such field"),
        ({"op": "log1p", "of": [None]}, "of[0]", "Expected `bool | float | str | object`, got `null`"),
    ],
)
def test_what_cannot_be_computed_is_refused_at_its_place(service: Service, expression: Any, path: str, message: str) -> None:  # noqa: ANN401, F811
    response = service.call("POST", "/models", create(service, [{"name": "first", "expression": expression}]))

    problem = response.get_json()
    assert (response.status_code, problem["code"]) == (400, "invalid_input")
    assert problem["path"] == f"$.spec.derived[0].expression.{path}"
    assert message in problem["detail"]


@pytest.mark.parametrize("levels", [9, 60, 300, 450, 3_000])
def test_what_is_nested_too_deeply_is_refused_however_deep(service: Service, levels: int) -> None:  # noqa: F811
    body = create(service, [])
    nested = '{"op":"log1p","of":[' * levels + '"orders__n"' + "]}" * levels
    text = '{"name":"again","default":"0","spec":' + _encode(body["spec"], nested) + "}"
    headers = {"authorization": f"Bearer {service.token}", "content-type": "application/json"}

    response = service.client.post("/api/v1/models", data=text, headers=headers)

    assert (response.status_code, response.get_json()["code"]) == (400, "invalid_input")
    assert "nested too deeply" in response.get_json()["detail"]


def _encode(spec: Any, expression: str) -> str:  # noqa: ANN401 - JSON
    return json.dumps(spec | {"derived": [{"name": "first", "expression": 0}]}).replace('"expression": 0', f'"expression": {expression}')
