"""Batch predictions are asked for and read back as the workspace API's OpenAPI document says."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from presage.batch_predictions.order import build_namespace, build_prefix, choose_partition, compute_prediction_id
from presage.batch_predictions.results import BatchManifest, ResultFile
from presage.jobs.arguments import PredictBatch
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import make_move, make_version

PARTITIONS = 4


class Asking:
    """A workspace with a model whose version 2 serves, and version 1 that does not."""

    def __init__(self, owner: Service) -> None:
        self.service, self.workspace_id, self.model_id = owner, owner.workspace_id, owner.create_model()
        self.model = owner.ports.models.get_model(self.workspace_id, self.model_id)
        for number in (1, 2):
            owner.ports.versions.create_version(make_version(self.model, number))
        owner.ports.versions.append_alias_move(make_move(self.model, 2))
        self.path = f"/models/{self.model_id}/batch-predictions"

    def upload(self, name: str) -> str:
        key = f"ws={self.workspace_id}/imports/up_1/{name}"
        self.service.ports.uploads.objects[key] = b"id"  # type: ignore[attr-defined] # memory's own
        return key

    def finish(self, entity_ids: list[str], prediction: Any = "1", score: Any = 0.75) -> str:  # noqa: ANN401 - JSON
        """Leave what the job of that id would."""
        prefix, results = build_prefix(self.workspace_id, "job_1"), self.service.ports.batch_results
        parts: dict[int, list[dict[str, object]]] = {number: [] for number in range(PARTITIONS)}
        for each in entity_ids:
            prediction_id = compute_prediction_id(build_namespace("job_1"), each)
            row = {"prediction_id": prediction_id, "entity_id": each, "entity_found": True, "prediction": prediction, "score": score}
            parts[choose_partition(prediction_id, PARTITIONS)].append(row)
        files = [ResultFile(f"data/{number:05d}/a.parquet", len(rows), 9, "0" * 64, number) for number, rows in parts.items()]
        size = len(entity_ids)
        manifest = BatchManifest(
            1, "job_1", self.model_id, 2, "classification", "t1", "a" * 64, "ws=/s.json", "b" * 64, 1_700_000_000_000_000, "upload ids.csv",
            size, 1, PARTITIONS, size, files,
        )  # fmt: skip
        results.manifests[f"{prefix}manifest.json"] = msgspec.json.encode(manifest)  # type: ignore[attr-defined] # memory's own
        for number, rows in parts.items():
            results.rows[f"{prefix}data/{number:05d}/a.parquet"] = rows  # type: ignore[attr-defined] # same
        return "job_1"


@pytest.fixture
def asking(service: Service) -> Asking:  # noqa: F811 - the fixture
    return Asking(service)


def read_arguments(job: Any) -> PredictBatch:  # noqa: ANN401 - JSON
    assert (job["kind"], job["state"]) == ("predict_batch", "queued")
    return msgspec.convert(job["arguments"], PredictBatch)


def test_by_default_the_serving_version_scores_all_that_its_snapshot_knows(asking: Asking) -> None:
    assert read_arguments(asking.service.post(asking.path)) == PredictBatch(asking.model_id)


def test_a_datasets_entities_are_scored_by_a_version_as_of_a_time(asking: Asking) -> None:
    body = {"dataset": "orders", "version": 1, "as_of": "2026-01-02T03:04:05Z"}
    arguments = read_arguments(asking.service.post(asking.path, body))
    found = asking.service.ports.datasets.find_dataset_by_name(asking.workspace_id, "orders")
    assert found is not None
    assert (arguments.dataset_id, arguments.version, arguments.key) == (found.dataset_id, 1, None)
    assert arguments.as_of is not None
    assert arguments.as_of.isoformat() == "2026-01-02T03:04:05+00:00"


def test_an_uploaded_files_entities_are_scored(asking: Asking) -> None:
    key = asking.upload("ids.ndjson")
    arguments = read_arguments(asking.service.post(asking.path, {"key": key, "format": "ndjson", "entity_column": "customer"}))
    assert (arguments.key, arguments.format, arguments.entity_column) == (key, "ndjson", "customer")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"dataset": "nothing"}, "$.dataset"),
        ({"key": "ws=other/imports/up_1/a.csv"}, "$.key"),
        ({"as_of": "2999-01-01T00:00:00Z"}, "$.as_of"),
        ({"alias": "staging"}, "$.alias"),
        ({"format": "xls"}, "$.format"),
        ({"version": 0}, "$.version"),
        ({"candidates": []}, "$"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_a_job_is_made(asking: Asking, body: Any, path: str) -> None:  # noqa: ANN401 - JSON
    assert asking.service.refuse("POST", asking.path, body) == (400, "invalid_input", path)
    assert asking.service.get("/jobs")["items"] == []


def test_a_dataset_and_a_file_at_once_are_refused(asking: Asking) -> None:
    key = asking.upload("ids.csv")
    assert asking.service.refuse("POST", asking.path, {"key": key, "dataset": "orders"}) == (400, "invalid_input", "$.dataset")


def test_an_alias_whose_answers_are_not_the_models_is_refused(asking: Asking) -> None:
    move = replace(make_move(asking.model, 2, seconds=1), traffic="default")
    asking.service.ports.versions.append_alias_move(move)
    assert asking.service.refuse("POST", asking.path) == (400, "invalid_input", "$.alias")


def test_values_of_the_version_in_production_are_renewed(asking: Asking) -> None:
    job = asking.service.post(f"/models/{asking.model_id}/snapshots")
    assert (job["kind"], job["arguments"]) == ("refresh_snapshot", {"model_id": asking.model_id, "version": None})
    move = replace(make_move(asking.model, 2, seconds=1), traffic="default")
    asking.service.ports.versions.append_alias_move(move)
    assert asking.service.refuse("POST", f"/models/{asking.model_id}/snapshots") == (400, "invalid_input", "$.alias")


@pytest.mark.parametrize(("prediction", "score"), [("1", 0.75), (["f1", "f2"], [0.75, 0.25])])
def test_results_are_read_back_and_each_prediction_by_its_id(asking: Asking, prediction: Any, score: Any) -> None:  # noqa: ANN401 - JSON
    ids = [f"c{number}" for number in range(20)]
    path = f"{asking.path}/{asking.finish(ids, prediction, score)}"

    found = asking.service.get(path)

    assert (found["rows"], found["refused"], found["version"], found["as_of"]) == (20, 1, 2, "2023-11-14T22:13:20Z")
    assert sum(file["rows"] for file in found["files"]) == 20
    assert found["files"][0]["url"].endswith("/data/00000/a.parquet")
    for each in ids:
        prediction_id = compute_prediction_id(build_namespace("job_1"), each)
        row = asking.service.get(f"{path}/predictions/{prediction_id}")
        assert (row["entity_id"], row["prediction"], row["score"]) == (each, prediction, score)


@pytest.mark.parametrize("prediction_id", ["not-an-id", compute_prediction_id(build_namespace("job_1"), "another")])
def test_a_prediction_that_the_job_did_not_make_is_not_found(asking: Asking, prediction_id: str) -> None:
    path = f"{asking.path}/{asking.finish(['c1'])}"
    assert asking.service.refuse("GET", f"{path}/predictions/{prediction_id}")[:2] == (404, "not_found")


def test_a_job_that_has_not_ended_another_models_and_another_workspaces_are_not_found(asking: Asking) -> None:
    assert asking.service.refuse("GET", f"{asking.path}/job_2")[:2] == (404, "not_found")
    asking.finish(["c1"])
    assert asking.service.refuse("GET", "/models/mdl_other/batch-predictions/job_1")[:2] == (404, "not_found")
    asking.service.enter("Other")
    assert asking.service.refuse("GET", f"{asking.path}/job_1")[:2] == (404, "not_found")
