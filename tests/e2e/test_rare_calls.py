"""What a journey does not need but users do, so that the calls behind it are made, and recorded (docs/adr/0009)."""

import time
from datetime import UTC, datetime
from typing import cast

import pytest

from demo.clients import ApiError, JsonClient, JsonObject
from demo.journey import Journey
from demo.scenario import rfc3339
from demo.stack import Stack
from localstack.calls import Call
from localstack.places import Places
from tests.contract.wiring.recorded_calls import read_noted, read_record

pytestmark = pytest.mark.e2e

WAIT_SECONDS = 90


def test_a_batch_too_large_for_a_message_lands_through_the_lake(journey: Journey) -> None:
    columns = [{"name": "note", "type": "string"}]
    dataset_id = journey.backend.post("/api/v1/datasets", {"name": "notes", "entity": "user", "columns": columns})["dataset_id"]
    records = [
        {"entity_id": f"u{number}", "event_timestamp": "2026-01-01T00:00:00Z", "values": {"note": "x" * 900}} for number in range(400)
    ]

    deadline = time.monotonic() + WAIT_SECONDS
    while not _is_known(journey, "notes") and time.monotonic() < deadline:
        time.sleep(1)
    journey.public.post("/v1/datasets/notes/records", {"records": records})

    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        newest = cast("JsonObject | None", journey.backend.get(f"/api/v1/datasets/{dataset_id}").get("newest_version"))
        if newest and newest["rows"] == len(records):
            return
        time.sleep(1)
    pytest.fail("the batch has not landed")


def test_predictions_too_large_for_a_message_are_logged_through_the_lake(journey: Journey) -> None:
    entries = [{"id": f"{number:02}" + "\U0001f9fa" * 254, "timestamp": rfc3339(journey.scenario.cutoff)} for number in range(100)]

    answer = journey.public.post("/v1/predict", {"model": journey.scenario.model["name"], "features": entries})

    for result, entry in zip(cast("list[JsonObject]", answer["results"]), entries, strict=True):
        assert wait_for_prediction(journey.public, str(result["prediction_id"]))["entity_id"] == entry["id"]


def test_predictions_are_found_by_entity_and_by_model_and_day(journey: Journey) -> None:
    logged = journey.backend.get(f"/api/v1/predictions/{journey.report.last_prediction_id}")
    days = {str(logged["created_at"])[:10], f"{datetime.now(UTC):%Y-%m-%d}"}

    by_entity = journey.backend.get("/api/v1/predictions", entity=str(logged["entity_id"]))
    by_model = [journey.backend.get("/api/v1/predictions", model="buys-again", day=day) for day in days]

    assert by_entity["items"]
    assert any(page["items"] for page in by_model)


def test_a_cancelled_build_ends_its_step(journey: Journey) -> None:
    path = f"/api/v1/models/{journey.report.model_id}/builds"
    job_id = journey.backend.post(path, {"cutoff": rfc3339(journey.scenario.cutoff)})["job_id"]
    wait_for_state(journey.backend, str(job_id), {"running"})
    time.sleep(3)

    journey.backend.post(f"/api/v1/jobs/{job_id}/cancel")

    assert wait_for_state(journey.backend, str(job_id), {"cancelled", "succeeded", "failed"}) == "cancelled"


def test_a_key_in_the_free_plan_can_be_revoked(journey: Journey) -> None:
    key = journey.backend.post("/api/v1/api-keys", {"name": "short-lived", "plan": "free"})

    journey.backend.call("DELETE", f"/api/v1/api-keys/{key['api_key_id']}")

    keys = cast("list[JsonObject]", journey.backend.get("/api/v1/api-keys")["items"])
    assert next(each for each in keys if each["api_key_id"] == key["api_key_id"])["revoked_at"]


def test_every_call_of_this_run_is_on_the_reviewed_record(journey: Journey, stack: Stack) -> None:
    assert journey.stack is stack
    reviewed: set[Call] = {call for calls in read_record().values() for call in calls}

    assert sorted(read_noted(Places()) - reviewed) == []


def _is_known(journey: Journey, dataset: str) -> bool:
    """Whether the public API, which reads its catalog every few seconds, has heard of the dataset: else it answers 404."""
    try:
        journey.public.post(f"/v1/datasets/{dataset}/records", {"records": [{}]})
    except ApiError as error:
        return " 404 " not in str(error)
    return True


def wait_for_state(backend: JsonClient, job_id: str, states: set[str]) -> str:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        state = str(backend.get(f"/api/v1/jobs/{job_id}")["state"])
        if state in states:
            return state
        time.sleep(0.5)
    pytest.fail(f"job {job_id} is not in one of {sorted(states)}")


def wait_for_prediction(public: JsonClient, prediction_id: str) -> JsonObject:
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        try:
            return public.get(f"/v1/predictions/{prediction_id}")
        except ApiError as error:
            if " 404 " not in str(error):
                raise
        time.sleep(0.5)
    pytest.fail(f"prediction {prediction_id} is not in the log")
