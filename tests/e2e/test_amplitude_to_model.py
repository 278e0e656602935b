"""From an Amplitude that fails, to a regression searched, reported, asked in batches, renewed, retrained and rolled back."""

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import polars as pl
import pytest
import requests

from demo import cdnow
from demo.clients import ApiError, JsonClient, JsonObject
from demo.journey import Journey
from demo.scenario import rfc3339
from demo.stack import Stack
from tests.e2e.conftest import Amplitude
from tests.e2e.test_rare_calls import wait_for_prediction
from tests.fixtures.amplitude import API_KEY, SECRET_KEY, WANTED, Project

pytestmark = pytest.mark.e2e

WAIT_SECONDS = 90
ROLLBACK_SECONDS = 2.0
DATASET, MODEL = "events", "spends"
COLUMNS = [{"name": "amount", "type": "number"}, {"name": "shop", "type": "string"}, {"name": "country", "type": "string"}]
SPEC = {
    "kind": "regression",
    "observations": {"dataset": DATASET},
    "label": {"dataset": DATASET, "window_days": 3, "aggregate": "sum", "value_column": "amount"},
    "feature_views": [
        {
            "name": DATASET,
            "dataset": DATASET,
            "features": [
                {"name": "count", "function": "count"},
                {"name": "last_amount", "function": "latest", "column": "amount"},
                {"name": "mean_amount", "function": "mean", "column": "amount"},
            ],
        }
    ],
    "derived": [
        {"name": "off_mean", "expression": {"op": "subtract", "of": ["events__last_amount", "events__mean_amount"]}},
        {"name": "some", "expression": {"op": "log1p", "of": [{"op": "coalesce", "of": ["events__mean_amount", 0]}]}},
    ],
    "training": {"trials": 2, "seconds": 60},
    "segment_by": "events__count",
}


@dataclass
class Road:
    """A workspace on its way from a source to a model that has been renewed and replaced, and what it saw of that."""

    journey: Journey
    project: Project
    dataset_id: str = ""
    model_id: str = ""
    imported: JsonObject = field(default_factory=dict)
    summary: JsonObject = field(default_factory=dict)
    batch_id: str = ""
    before: JsonObject = field(default_factory=dict)
    """A prediction for a customer whose last event had not been listed yet."""

    @property
    def backend(self) -> JsonClient:
        return self.journey.backend

    @property
    def model_path(self) -> str:
        return f"/api/v1/models/{self.model_id}"

    def run_job(self, path: str, body: Mapping[str, object] | None, what: str) -> JsonObject:
        return self.journey.wait_for_job(str(self.backend.post(path, body)["job_id"]), what)

    def import_events(self, start: str) -> JsonObject:
        """Import from `start` to the project's end and return the job's result."""
        until = self.project.start + timedelta(hours=self.project.hours)
        body = {
            "credential": "amplitude",
            "start": start,
            "until": rfc3339(until),
            "event_types": list(WANTED),
            "columns": {"country": "country"},
        }
        done = self.run_job(f"/api/v1/datasets/{self.dataset_id}/amplitude-imports", body, "importing from Amplitude")
        return cast("JsonObject", done["result"])

    def read_summary(self) -> JsonObject:
        """Return the newest version's summary, once it is there."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            newest = cast("JsonObject", self.backend.get(f"/api/v1/datasets/{self.dataset_id}")["newest_version"])
            if newest["profiled"]:
                return self.backend.get(f"/api/v1/datasets/{self.dataset_id}/versions/{newest['version']}/summary")
            time.sleep(0.5)
        pytest.fail("the newest version has no profile")

    def predict(self, entity_ids: list[str], **more: object) -> list[JsonObject]:
        entries = [{"id": each} for each in entity_ids]
        answer = self.journey.public.post("/v1/predict", {"model": MODEL, "features": entries, "include_features": True, **more})
        return cast("list[JsonObject]", answer["results"])

    def read_alias(self, **at: str) -> JsonObject:
        """Return the move of the alias production that is in force, or was."""
        return cast("JsonObject", self.backend.get(f"{self.model_path}/aliases/production", **at)["current"])

    @property
    def late_customer(self) -> str:
        """One whose event is listed after it was asked for the first time."""
        hours = range(self.project.hours - 2, self.project.hours)
        numbers = (number for hour in hours for number in self.project.list_hour(hour) if self.project.is_late(hour, number))
        return next(f"u{number % 5003}" for number in numbers if number % 10 != 9)


@pytest.fixture(scope="module")
def road(stack: Stack, amplitude: Amplitude) -> Road:
    """The whole way, once; each test looks at one part of what it left."""
    journey = Journey(stack, cdnow.build_scenario("CDNOW_sample.txt"))
    journey.set_up()
    road = Road(journey, amplitude.exports.project)
    for secret_key in ("mistyped", SECRET_KEY):
        road.backend.call("PUT", "/api/v1/credentials/amplitude", {"content": {"api_key": API_KEY, "secret_key": secret_key}})
    road.dataset_id = str(road.backend.post("/api/v1/datasets", {"name": DATASET, "entity": "customer", "columns": COLUMNS})["dataset_id"])
    road.imported = road.import_events(rfc3339(road.project.start))
    road.summary = road.read_summary()
    model = road.backend.post("/api/v1/models", {"name": MODEL, "default": 0.0, "spec": SPEC})
    road.model_id = str(model["model_id"])
    road.run_job(f"{road.model_path}/builds", {}, "building the model")
    road.batch_id = str(road.run_job(f"{road.model_path}/batch-predictions", {"version": 1}, "predicting for all")["job_id"])
    (road.before,) = road.predict([road.late_customer], version=1)
    return road


def test_every_event_is_there_once_although_amplitude_failed(road: Road, amplitude: Amplitude) -> None:
    assert amplitude.exports.counts["drop"]
    assert amplitude.exports.counts["throttle"]
    assert road.summary["rows"] == road.project.count_expected(revealed=False)
    amount = next(column for column in cast("list[dict[str, Any]]", road.summary["columns"]) if column["name"] == "amount")
    expected = [amount for _, amount, _ in road.project.expect(revealed=False).values()]
    assert amount["mean"] == pytest.approx(sum(expected) / len(expected))
    notifications = cast("list[dict[str, str]]", road.backend.get("/api/v1/notifications")["items"])
    assert sum(DATASET in each["subject"] + each["body"] for each in notifications) == 1


def test_the_model_is_searched_and_told_of_beside_its_baseline(road: Road) -> None:
    card = road.backend.get(f"{road.model_path}/versions/1/card")
    metrics = cast("dict[str, Any]", road.backend.get(f"{road.model_path}/versions/1/metrics"))["metrics"]

    token = {"authorization": f"Bearer {road.journey.report.token}"}
    assert card["kind"] == "regression"
    assert card["plots"]
    assert card["segments"]
    assert metrics["verdict"]["beats_baseline"]
    assert metrics["model"]["rmse"]["upper"] < metrics["baseline"]["rmse"]["lower"]
    for name in cast("list[str]", card["plots"]):
        plot = requests.get(f"{road.journey.stack.backend_url}{road.model_path}/versions/1/plots/{name}.svg", headers=token, timeout=30)
        assert (plot.status_code, plot.headers["content-type"].split(";")[0]) == (200, "image/svg+xml")
        assert "<svg" in plot.text


def test_a_batch_predicts_what_the_public_api_answers_to_the_bit(road: Road) -> None:
    found = road.backend.get(f"{road.model_path}/batch-predictions/{road.batch_id}")
    files = cast("list[dict[str, str]]", found["files"])
    rows = pl.concat([pl.read_parquet(io.BytesIO(requests.get(each["url"], timeout=30).content)) for each in files])
    chosen = rows.sort("prediction_id").head(200)

    assert len(rows) == found["rows"] == road.summary["entities"]
    moment = {"timestamp": found["as_of"]}
    for start in range(0, len(chosen), 100):
        some = chosen[start : start + 100]
        entries = [{"id": each, **moment} for each in some["entity_id"]]
        answer = road.journey.public.post("/v1/predict", {"model": MODEL, "features": entries, "version": 1})
        asked = [(each["prediction"], each["score"]) for each in cast("list[JsonObject]", answer["results"])]
        assert asked == list(zip(some["prediction"], some["score"], strict=True))
    one = chosen.row(0, named=True)
    told = road.backend.get(f"{road.model_path}/batch-predictions/{road.batch_id}/predictions/{one['prediction_id']}")
    assert (told["entity_id"], told["prediction"]) == (one["entity_id"], one["prediction"])


def test_late_events_reach_the_answers_by_a_renewed_snapshot(road: Road, amplitude: Amplitude) -> None:
    amplitude.exports.revealed = True
    again = road.import_events(str(road.imported["complete_until"]))
    road.run_job(f"{road.model_path}/snapshots", None, "renewing the snapshot")

    features = wait_for_features(road, cast("JsonObject", road.before["features"]))

    assert road.read_summary()["rows"] == road.project.count_expected(revealed=True)
    assert again["complete_until"] >= road.imported["complete_until"]  # type: ignore[operator] # both are RFC 3339 texts
    assert features["events__count"] == cast("int", cast("JsonObject", road.before["features"])["events__count"]) + 1


def test_a_version_that_is_not_better_serves_only_when_told_and_gives_way_to_a_rollback(road: Road) -> None:
    policy = road.backend.call("PUT", f"{road.model_path}/retraining", {"every_days": 7, "on_drift": True})
    road.run_job(f"{road.model_path}/builds", {"promote": "if_better"}, "building anew")
    found = cast("dict[str, Any]", road.backend.get(f"{road.model_path}/versions/2/metrics")["metrics"])
    assert found["champion"]["gain"]["lower"] <= 0.0
    assert not found["champion"]["better"]
    assert road.read_alias()["version"] == 1

    road.backend.call("PUT", f"{road.model_path}/aliases/production", {"version": 2})
    wait_for_version(road, 2)
    moved_at = str(road.read_alias()["moved_at"])
    began = time.monotonic()
    road.backend.post(f"{road.model_path}/aliases/production/rollback")
    wait_for_version(road, 1)
    took = time.monotonic() - began

    assert took < ROLLBACK_SECONDS
    assert policy["every_days"] == 7
    assert road.read_alias(at=moved_at)["version"] == 2


def test_a_prediction_leads_back_to_what_was_imported(road: Road) -> None:
    wait_for_prediction(road.journey.public, str(road.before["prediction_id"]))

    lineage = road.backend.get(f"/api/v1/predictions/{road.before['prediction_id']}/lineage")

    (dataset,) = cast("list[JsonObject]", cast("JsonObject", lineage["version"])["datasets"])
    assert dataset["dataset_id"] == road.dataset_id
    assert dataset["rows"] == sum(part["rows"] for part in cast("list[dict[str, int]]", dataset["parts"]))
    assert dataset["rows"] >= road.project.count_expected(revealed=False)


def test_nothing_is_read_with_a_credential_that_was_forgotten(road: Road) -> None:
    road.backend.call("DELETE", "/api/v1/credentials/amplitude")

    with pytest.raises(ApiError, match="no credential 'amplitude'"):
        road.import_events(rfc3339(road.project.start))


def wait_for_features(road: Road, before: JsonObject) -> JsonObject:
    """Return the late customer's features when they are others than before."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        features = cast("JsonObject", road.predict([road.late_customer])[0]["features"])
        if features["events__count"] != before["events__count"]:
            return features
        time.sleep(0.5)
    pytest.fail("the renewed snapshot does not serve")


def wait_for_version(road: Road, version: int) -> None:
    """Return when a version answers."""
    deadline = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < deadline:
        if road.predict([road.late_customer])[0]["model_version"] == version:
            return
        time.sleep(0.05)
    pytest.fail(f"version {version} does not answer after {WAIT_SECONDS} s")
