"""What a careless or hostile caller gets: a precise problem document, and nothing half-written."""

import gzip
import json
from typing import Any, cast

import pytest
import requests

from demo.clients import ApiError, JsonObject, put_file
from demo.evidence import Evidence
from demo.journey import Journey
from demo.stack import Stack

pytestmark = pytest.mark.e2e

TIMEOUT_SECONDS = 30
GOOD_RECORD = {"entity_id": "c1", "event_timestamp": "1998-01-01T00:00:00Z", "values": {"spent": 1.0}}


def call(stack: Stack, key: str, path: str, body: bytes, content_type: str = "application/json", **headers: str) -> requests.Response:
    headers = {"x-api-key": key, "content-type": content_type, **headers}
    return requests.post(stack.gateway_url + path, data=body, headers=headers, timeout=TIMEOUT_SECONDS)


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("/v1/predict", b"{", 400, "invalid_input"),
        ("/v1/predict", b'{"model": "nobody", "features": [{"id": "1"}]}', 404, "not_found"),
        ("/v1/predict", b'{"model": 3, "features": []}', 400, "invalid_input"),
        ("/v1/predict", b'{"model": "buys-again", "features": []}', 400, "invalid_input"),
        ("/v1/datasets/nowhere/records", json.dumps({"records": [GOOD_RECORD]}).encode(), 404, "not_found"),
        ("/v1/datasets/orders/records", b'{"records": 1}', 400, "invalid_envelope"),
        ("/v1/datasets/orders/records", b"\xff\xfe", 400, "malformed_json"),
    ],
)
def test_bad_bodies_get_a_problem_document(journey: Journey, stack: Stack, path: str, body: bytes, status: int, code: str) -> None:
    response = call(stack, journey.report.api_key, path, body)

    assert response.status_code == status, response.text
    assert response.json()["code"] == code
    assert response.json()["request_id"]


def test_a_missing_or_foreign_key_gets_403(stack: Stack) -> None:
    assert call(stack, "not-a-key-of-this-gateway", "/v1/predict", b"{}").status_code == 403
    assert requests.post(f"{stack.gateway_url}/v1/predict", json={}, timeout=TIMEOUT_SECONDS).status_code == 403


def test_one_bad_record_fails_alone(journey: Journey, stack: Stack) -> None:
    future = GOOD_RECORD | {"event_timestamp": "2999-01-01T00:00:00Z"}
    missing = {"entity_id": "c1", "values": {"spent": 1.0}}
    wrong = GOOD_RECORD | {"values": {"spent": "much"}}

    response = call(
        stack, journey.report.api_key, "/v1/datasets/orders/records", json.dumps({"records": [future, missing, wrong]}).encode()
    )

    assert response.status_code == 422
    results = response.json()["results"]
    assert [result["status"] for result in results] == ["invalid"] * 3
    assert [result["code"] for result in results] == ["future_timestamp", "missing_event_timestamp", "wrong_type"]


def test_an_oversized_body_is_refused(journey: Journey, stack: Stack) -> None:
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)

    response = call(stack, journey.report.api_key, "/v1/datasets/orders/records", bomb, **{"content-encoding": "gzip"})

    assert response.status_code in {400, 413}, response.text


def test_nothing_of_the_bad_calls_was_written(journey: Journey, stack: Stack) -> None:
    newest = journey.backend.get(f"/api/v1/datasets/{journey.report.dataset_ids['orders']}")["newest_version"]

    assert isinstance(newest, dict)
    assert newest["rows"] == journey.report.rows_streamed
    assert Evidence(stack).count_predictions(journey.report.workspace_id) == journey.report.predictions_logged


def test_a_file_that_breaks_the_schema_waits_until_it_is_answered_for(journey: Journey) -> None:
    columns = [{"name": "price", "type": "number"}, {"name": "shop", "type": "string"}]
    dataset = journey.backend.post("/api/v1/datasets", {"name": "prices", "entity": "customer", "columns": columns})
    path = f"/api/v1/datasets/{dataset['dataset_id']}"
    told = {"format": "csv", "entity_column": "who", "event_timestamp_column": "at"}

    for content in (b"who,at,price\nc1,2026-01-01T00:00:00Z,1.5\n", b"who,at,price,shop\nc1,2026-01-01T00:00:00Z,cheap,s1\n"):
        upload = journey.backend.post(f"{path}/uploads", {"file_name": "prices.csv"})
        put_file(str(upload["url"]), content)
        job = journey.backend.post(f"{path}/imports", {**told, "key": upload["key"]})
        with pytest.raises(ApiError, match="quarantined"):
            journey.wait_for_job(str(job["job_id"]), "importing prices.csv")
    assert journey.backend.get(path)["newest_version"] is None
    loads = cast("list[dict[str, Any]]", journey.backend.get(f"{path}/quarantine")["items"])
    breaking = {each["column"]: (each, load["load_id"]) for load in loads for each in load["changes"] if not each["compatible"]}
    assert {column: each["change"] for column, (each, _) in breaking.items()} == {"shop": "removed", "price": "retyped"}
    assert breaking["price"][0]["first"] == {"line": 2, "value": "cheap", "part": ""}

    release = {"columns": {"shop": {"absent": True}}}
    job = journey.backend.post(f"{path}/quarantine/{breaking['shop'][1]}/release", release)
    journey.wait_for_job(str(job["job_id"]), "importing what was released")
    journey.backend.post(f"{path}/quarantine/{breaking['price'][1]}/discard")

    assert cast("JsonObject", journey.backend.get(path)["newest_version"])["rows"] == 1
    with pytest.raises(ApiError, match=" 409 "):
        journey.backend.post(f"{path}/quarantine/{breaking['price'][1]}/release", {"columns": {"price": {"ignore": True}}})


def test_another_workspaces_things_do_not_exist(journey: Journey, stack: Stack) -> None:
    stranger = Journey(stack, journey.scenario)
    stranger.set_up()

    response = requests.get(
        f"{stack.gateway_url}/v1/predictions/{journey.report.last_prediction_id}",
        headers={"x-api-key": stranger.report.api_key},
        timeout=TIMEOUT_SECONDS,
    )
    dataset = requests.get(
        f"{stack.backend_url}/api/v1/datasets/{journey.report.dataset_ids['orders']}",
        headers={"Authorization": f"Bearer {stranger.report.token}"},
        timeout=TIMEOUT_SECONDS,
    )

    assert response.status_code == 404
    assert dataset.status_code == 404
