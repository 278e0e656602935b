"""From real data to a concluded experiment, asserted by its effects in the stores and through the public interfaces."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import pytest

from demo.clients import JsonObject
from demo.evidence import Evidence
from demo.journey import Journey
from demo.stack import Stack

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]

SAMPLE_ORDERS = 5727
SAMPLE_CUSTOMERS_AFTER_CUTOFF = 386


def test_every_streamed_record_is_in_the_lake_with_its_sample_and_statistics(journey: Journey) -> None:
    report = journey.report

    assert report.rows_streamed == SAMPLE_ORDERS
    assert report.rows_imported == SAMPLE_ORDERS
    assert report.summaries["orders"]["rows"] == SAMPLE_ORDERS
    assert report.summaries["baskets"]["rows"] == SAMPLE_ORDERS
    assert 0 < report.samples["orders"] <= SAMPLE_ORDERS


def test_the_sample_that_the_backend_links_is_the_one_in_s3(journey: Journey, stack: Stack) -> None:
    report, dataset_id = journey.report, journey.report.dataset_ids["orders"]
    version = cast("dict[str, int]", journey.backend.get(f"/api/v1/datasets/{dataset_id}")["newest_version"])["version"]

    summary = journey.backend.get(f"/api/v1/datasets/{dataset_id}/versions/{version}/summary")
    _, stored = Evidence(stack).read_profile(report.workspace_id, dataset_id, version)

    assert summary == stored


def test_the_import_notified_its_user(journey: Journey) -> None:
    notifications = cast("list[dict[str, str]]", journey.backend.get("/api/v1/notifications")["items"])

    assert any("baskets" in notification["subject"] + notification["body"] for notification in notifications)


def test_the_model_was_trained_on_a_training_set_beside_a_baseline(journey: Journey) -> None:
    metrics = cast("Mapping[str, Mapping[str, object]]", journey.report.metrics)
    key = f"ws={journey.report.workspace_id}/training_sets/{journey.report.training_set_id}/manifest.json"

    manifest = json.loads(Evidence(journey.stack).read_object(key))

    assert manifest["rows"] > 0
    assert set(metrics) >= {"model", "baseline"}


def test_every_prediction_is_in_the_log_and_every_exposure_in_the_warehouse(journey: Journey) -> None:
    report = journey.report

    assert report.predictions_asked == report.predictions_logged == SAMPLE_CUSTOMERS_AFTER_CUTOFF
    assert sum(report.assignments.values()) == report.predictions_in_experiment
    assert set(report.assignments) == {"control", "treatment"}


def test_a_logged_prediction_can_be_read_back(journey: Journey) -> None:
    answer = journey.public.get(f"/v1/predictions/{journey.report.last_prediction_id}")

    assert answer["prediction_id"] == journey.report.last_prediction_id
    assert answer["features"]


def test_the_experiment_concluded_and_kept_every_look(journey: Journey) -> None:
    report = journey.report

    experiment = journey.backend.get(f"/api/v1/experiments/{report.experiment_id}")

    assert report.decision.startswith("concluded_")
    assert experiment["state"] == report.decision
    assert len(cast("list[object]", experiment["looks"])) == report.looks > 0


def test_the_conclusion_is_certified_and_verified_from_the_warehouse(journey: Journey, tmp_path: Path) -> None:
    path = f"/api/v1/experiments/{journey.report.experiment_id}"
    certificate = tmp_path / "certificate.json"
    certificate.write_text(json.dumps(journey.backend.get(f"{path}/certificate")))
    results = journey.backend.get(f"{path}/results")

    command = ["make", "--no-print-directory", "verify", f"CERTIFICATE={certificate}"]
    verified = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith(f"verified: {journey.report.experiment_id}, {journey.report.looks} looks, {journey.report.decision}")
    assert cast("JsonObject", results["latest"])["decision"] == journey.report.decision


@pytest.mark.parametrize("variant", ["control", "treatment"])
def test_what_the_experiment_showed_is_shown_again_by_a_replay(journey: Journey, variant: str) -> None:
    page = journey.backend.get("/api/v1/predictions", model="buys-again", variant=variant, order="oldest", limit="25")
    entries = cast("list[JsonObject]", page["items"])

    replays = [journey.backend.post(f"/api/v1/predictions/{entry['prediction_id']}/replay") for entry in entries]

    assert len(entries) == 25
    assert [(replay["outcome"], replay["differences"]) for replay in replays] == [("same", [])] * 25
    assert [replay["result"] for replay in replays] == [entry["result"] for entry in entries]
