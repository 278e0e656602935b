"""Aliases and lineage: what serves, what served when, and what a prediction rests on."""

import json
from dataclasses import replace
from typing import cast

import pytest

from presage.adapters.memory.recipe_store import MemoryRecipeStore
from presage.predictions.ports import PredictionLogEntry
from presage.training.findings import Cell, Findings, Leak, Moments, describe_leaks, describe_statistics
from presage.training.ports import Document
from presage.training.recipe import InputDataset, InputPart, Recipe, to_microseconds
from tests.contract.http.test_backend import Service, openapi, service  # noqa: F401 - fixtures
from tests.fixtures.metadata_rows import NOW, at, make_move, make_version

PARTS = (InputPart("records/event_month=2026-01/a.parquet", "a" * 64, 3), InputPart("records/event_month=2026-02/b.parquet", "b" * 64, 4))


def test_an_alias_moves_and_rolls_back_and_keeps_its_history(service: Service) -> None:  # noqa: F811 - the fixture
    model_id = service.create_model()
    model = service.ports.models.get_model(service.workspace_id, model_id)
    for number in (1, 2):
        service.ports.versions.create_version(make_version(model, number))
    path = f"/models/{model_id}/aliases/production"

    assert service.get(path) == {"alias": "production", "current": None, "history": []}
    assert service.refuse("POST", f"{path}/rollback")[:2] == (409, "conflict")
    for number in (1, 2):
        service.call("PUT", path, {"version": number})
    rolled_back = service.post(f"{path}/rollback")

    assert (rolled_back["version"], rolled_back["reason"]) == (1, "rolled back from 2")
    assert [move["version"] for move in service.get(path)["history"]] == [1, 2, 1]
    assert service.refuse("PUT", path, {"version": 9})[:2] == (404, "not_found")
    assert [version["version"] for version in service.get(f"/models/{model_id}/versions")["items"]] == [2, 1]


def test_an_alias_tells_what_served_at_a_moment(service: Service) -> None:  # noqa: F811 - the fixture
    model = service.ports.models.get_model(service.workspace_id, service.create_model())
    for number, seconds in ((1, 0), (2, 60)):
        service.ports.versions.append_alias_move(make_move(model, number, seconds=seconds))
    path = f"/models/{model.model_id}/aliases/production"

    asked = {
        text: service.get(f"{path}?at={text}") for text in ("2026-03-01T12:30:15Z", "2026-03-01T13:31:00%2B01:00", "2026-03-01T12:32:00Z")
    }

    assert [view["current"] and view["current"]["version"] for view in asked.values()] == [None, 1, 2]
    assert [len(view["history"]) for view in asked.values()] == [0, 1, 2]
    for text in ("yesterday", "2026-03-01T12:30:15", ""):
        assert service.refuse("GET", f"{path}?at={text}") == (400, "invalid_input", "?at")


@pytest.fixture
def trained(service: Service) -> Service:  # noqa: F811 - the fixture
    """A model with version 1, whose training set's recipe is in the lake, and version 2, whose recipe is lost."""
    model = service.ports.models.get_model(service.workspace_id, service.create_model())
    orders = InputDataset("ds_orders", 7, {"spent": "number"}, PARTS)
    recipe = Recipe(service.workspace_id, model.spec, {"orders": orders}, to_microseconds(NOW))
    kept = cast("MemoryRecipeStore", service.ports.recipes).put_recipe(recipe)
    service.ports.versions.create_version(replace(make_version(model, 1), training_set_id=kept))
    service.ports.versions.create_version(make_version(model, 2))
    return service


def test_a_version_is_traced_to_the_parts_it_was_trained_on(trained: Service) -> None:
    (model,) = trained.get("/models")["items"]

    lineage = trained.get(f"/models/{model['model_id']}/versions/1/lineage")

    (orders,) = lineage["datasets"]
    assert (orders["name"], orders["dataset_id"], orders["version"], orders["rows"]) == ("orders", "ds_orders", 7, 7)
    assert orders["parts"] == [{"key": part.key, "sha256": part.sha256, "rows": part.rows} for part in PARTS]
    assert (lineage["spec"], lineage["cutoff"]) == (model["spec"], "2026-03-01T12:30:15.123456Z")
    assert trained.refuse("GET", f"/models/{model['model_id']}/versions/9/lineage")[:2] == (404, "not_found")
    assert trained.refuse("GET", "/models/mdl_other/versions/1/lineage")[:2] == (404, "not_found")
    assert trained.refuse("GET", f"/models/{model['model_id']}/versions/2/lineage")[:2] == (404, "not_found")


def test_what_was_found_in_a_versions_training_set_is_told(trained: Service) -> None:
    (model,) = trained.get("/models")["items"]
    path = f"/models/{model['model_id']}/versions"
    training_set_id = trained.ports.versions.get_version(trained.workspace_id, model["model_id"], 1).training_set_id
    moments = {("train", "own__n"): Moments(1, 1, 3.0, 0.0, 3.0, 3.0)}
    leaks = {("newest_values", "own__n"): Leak(1, Cell(5, "e1", "", 3.0, None), Cell(5, "e1", "", 3.0, None))}
    found = Findings({("train", "0"): 2}, moments, leaks)
    documents: dict[Document, object] = {"statistics": describe_statistics(found), "leak_report": describe_leaks(found, ["own__n"])}
    for name, told in documents.items():
        store = cast("MemoryRecipeStore", trained.ports.recipes)
        store.put_document(trained.workspace_id, training_set_id, name, json.dumps(told).encode())

    told = trained.get(f"{path}/1/training-set")

    assert told["training_set_id"] == training_set_id
    assert told["statistics"]["splits"]["train"]["features"]["own__n"]["standard_deviation"] is None
    assert told["statistics"]["splits"]["train"]["labels"] == {"0": 2}
    assert told["leak_report"]["joins"]["newest_values"]["features"]["own__n"]["examples"] == [
        {"at_us": 5, "entity_id": "e1", "item": "", "value": 3.0, "naive": None}
    ]
    assert (told["leak_report"]["cells"], told["leak_report"]["joins"]["known_time_ignored"]["wrong_cells"]) == (2, 0)
    assert [trained.get(f"{path}/2/training-set")[name] for name in ("statistics", "leak_report")] == [None, None]
    assert trained.refuse("GET", f"{path}/9/training-set")[:2] == (404, "not_found")


def test_a_prediction_is_traced_to_its_version_and_to_what_served_then(trained: Service) -> None:
    model = trained.ports.models.get_model(trained.workspace_id, trained.get("/models")["items"][0]["model_id"])
    for number, seconds in ((1, 0), (2, 60)):
        trained.ports.versions.append_alias_move(make_move(model, number, seconds=seconds))
    for name, version, answered_by in (("p1", 1, "model"), ("p2", None, "default")):
        answer = {"prediction": "1", "answered_by": answered_by}
        entry = PredictionLogEntry(trained.workspace_id, name, model.model_id, version, "c1", "none", None, at(30), NOW, {}, {}, answer)
        trained.ports.predictions.put_predictions([entry])

    by_model, by_default = (trained.get(f"/predictions/{name}/lineage") for name in ("p1", "p2"))

    assert (by_model["answered_by"], by_model["in_production"]["version"], by_model["version"]["version"]) == ("model", 1, 1)
    assert by_model["version"]["datasets"][0]["parts"][0]["sha256"] == "a" * 64
    assert (by_default["answered_by"], by_default["in_production"]["version"], by_default["version"]) == ("default", 1, None)
    assert trained.refuse("GET", "/predictions/p3/lineage")[:2] == (404, "not_found")


def test_a_models_retraining_is_set_and_shown(service: Service) -> None:  # noqa: F811 - the fixture
    path = f"/models/{service.create_model()}/retraining"

    assert service.get(path) == {"every_days": None, "on_drift": False, "changed_by": None, "changed_at": None}
    changed = service.call("PUT", path, {"every_days": 30, "on_drift": True}).get_json()

    assert (changed["every_days"], changed["on_drift"]) == (30, True)
    assert service.get(path) == changed
    assert changed["changed_by"] == service.get("/workspace")["user"]["user_id"]
    for days in (0, 366):
        assert service.refuse("PUT", path, {"every_days": days}) == (400, "invalid_input", "$.every_days")
    assert service.refuse("PUT", "/models/mdl_other/retraining", {})[:2] == (404, "not_found")
    service.enter("Other")
    assert service.refuse("GET", path)[:2] == (404, "not_found")


def test_a_build_may_have_to_be_better(service: Service) -> None:  # noqa: F811 - the fixture
    path = f"/models/{service.create_model()}/builds"

    jobs = [service.post(path, body) for body in ({}, {"promote": "if_better"})]

    assert [job["arguments"]["promote"] for job in jobs] == ["always", "if_better"]
    assert service.refuse("POST", path, {"promote": "never"})[:2] == (400, "invalid_input")
