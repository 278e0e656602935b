"""Logged predictions, as the workspace API finds them and makes them again."""

from dataclasses import replace
from pathlib import Path

import pytest

from presage.predictions.ports import PredictionLogEntry
from presage.tenancy.model import User, Workspace
from presage.tenancy.use_cases import hash_token
from tests.contract.http.test_backend import Service, openapi, service
from tests.fixtures.backend_ports import build_ports
from tests.fixtures.openapi import OpenApi
from tests.fixtures.replayed import DOWN, KINDS, LISTS, UP, Past, memory_stores
from tests.fixtures.serving import NOW, RANKING, WORKSPACE, build_model, build_world

__all__ = ["openapi", "service"]  # fixtures


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(build_world(tmp_path), memory_stores())


@pytest.fixture
def owner(past: Past, openapi: OpenApi) -> Service:
    """The caller in the workspace whose past that is."""
    ports = replace(build_ports(), predictions=past.world.log, replay=past.ports())
    ports.workspaces.create_workspace(
        Workspace(WORKSPACE, "w", NOW), User(WORKSPACE, "usr_1", "a@x.org", "A", "owner", hash_token("t"), NOW)
    )
    return Service(openapi, ports, token="t", workspace_id=WORKSPACE)


@pytest.fixture
def entry(past: Past) -> PredictionLogEntry:
    model, versions = past.add("m", RANKING, ("f9",), UP, DOWN)
    past.world.deploy(model, versions[0])
    (entry,) = past.ask("m", LISTS[4], explain=True)
    return entry


def test_a_replay_is_the_same_different_or_impossible(owner: Service, past: Past, entry: PredictionLogEntry) -> None:
    path = f"/predictions/{entry.prediction_id}"
    same = owner.post(f"{path}/replay")
    assert (same["outcome"], same["differences"], same["reason"]) == ("same", [], None)
    assert same["result"] == owner.get(path)["result"]
    assert same["explanation"] == same["result"]["explanation"]
    key = "ws=ws_1/models/mdl_m/1/model.msgpack"
    past.world.files.artifacts[key] = build_model(DOWN)
    different = owner.post(f"{path}/replay")
    assert different["outcome"] == "different"
    assert different["differences"][0]["path"] == f'$.files["{key}"]'
    del past.world.files.artifacts[key]
    impossible = owner.post(f"{path}/replay")
    assert (impossible["outcome"], impossible["reason"], impossible["result"]) == ("impossible", "file_missing", None)


def test_every_way_to_an_answer_is_shown_and_replayed_as_documented(owner: Service, past: Past) -> None:
    entries = [*KINDS["policies"](past, 16), *KINDS["classes"](past, 3), *KINDS["fallbacks"](past, 2)]
    for entry in entries:
        assert owner.get(f"/predictions/{entry.prediction_id}")["basis"]["answerer"] is not None
        assert owner.post(f"/predictions/{entry.prediction_id}/replay")["outcome"] == "same"


def test_anothers_prediction_is_not_replayed(service: Service, past: Past, entry: PredictionLogEntry) -> None:
    service.ports.predictions.put_predictions([entry])
    assert service.refuse("POST", f"/predictions/{entry.prediction_id}/replay")[:2] == (404, "not_found")
    assert service.refuse("POST", "/predictions/nothing/replay")[:2] == (404, "not_found")
    assert past.world.log.entries.keys() == {entry.prediction_id}
