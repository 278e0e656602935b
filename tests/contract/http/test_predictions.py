"""Logged predictions, as the workspace API finds them and makes them again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from presage.predictions.ports import PredictionLogEntry
from presage.tenancy.model import User, Workspace
from presage.tenancy.tokens import hash_token
from tests.contract.http.test_backend import Service, openapi, service
from tests.fixtures.backend_ports import build_ports
from tests.fixtures.logged import entry, prediction_id
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
def explored(past: Past) -> PredictionLogEntry:
    model, versions = past.add("m", RANKING, ("f9",), UP, DOWN)
    past.world.deploy(model, versions[0])
    (explored,) = past.ask("m", LISTS[4], explain=True)
    return explored


def test_a_replay_is_the_same_different_or_impossible(owner: Service, past: Past, explored: PredictionLogEntry) -> None:
    path = f"/predictions/{explored.prediction_id}"
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
    for each in entries:
        assert owner.get(f"/predictions/{each.prediction_id}")["basis"]["answerer"] is not None
        assert owner.post(f"/predictions/{each.prediction_id}/replay")["outcome"] == "same"


def test_anothers_prediction_is_not_replayed(service: Service, past: Past, explored: PredictionLogEntry) -> None:
    service.ports.predictions.put_predictions([explored])
    assert service.refuse("POST", f"/predictions/{explored.prediction_id}/replay")[:2] == (404, "not_found")
    assert service.refuse("POST", "/predictions/nothing/replay")[:2] == (404, "not_found")
    assert past.world.log.entries.keys() == {explored.prediction_id}


def list_ids(caller: Service, query: str) -> list[str]:
    found: list[str] = []
    following: str | None = ""
    while following is not None:
        page = caller.get(f"/predictions?limit=2&{query}{following}")
        found += [item["prediction_id"] for item in page["items"]]
        following = None if page["next"] is None else f"&after={page['next']}"
    return found


@pytest.fixture
def listed(service: Service) -> Service:
    """Of two models, entities and variants, one an hour until now."""
    made, now = service.ports.models.get_model(service.workspace_id, service.create_model()), datetime.now(UTC)
    model_id = "mdl_older"
    service.ports.models.create_model(replace(made, model_id=model_id, name="older", created_at=now - timedelta(hours=5)))
    for number in range(6):
        own = {"workspace_id": service.workspace_id, "model_id": model_id if number % 2 else "mdl_other", "entity_id": f"c{number % 3}"}
        at = now - timedelta(hours=number)
        service.ports.predictions.put_predictions([entry(number, created_at=at, variant="control" if number > 3 else "none", **own)])
    return service


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("model=older", [1, 3, 5]),
        ("model=older&order=oldest", [5, 3, 1]),
        ("entity=c0", [0, 3]),
        ("entity=c0&model=older", [3]),
        ("model=older&variant=control", [5]),
        ("model=older&since={3.5}&until={0.5}", [1, 3]),
        ("entity=c1&since={2}", [1]),
        ("entity=c1&since=0001-01-01T00:00:00Z&until=9999-12-31T00:00:00Z", [1, 4]),
        ("entity=c1&until=0001-01-02T00:00:00Z&since=0001-01-01T00:00:00Z", None),
        ("model=older&until={9}", []),
        ("entity=c1&day=9999-12-31", []),
        ("entity=c1&day=0001-01-01", []),
    ],
)
def test_predictions_are_found_by_model_entity_time_and_variant(listed: Service, query: str, numbers: list[int] | None) -> None:
    now = datetime.now(UTC)
    query = re.sub(r"\{([0-9.]+)\}", lambda found: f"{now - timedelta(hours=float(found[1])):%Y-%m-%dT%H:%M:%S.%fZ}", query)
    if numbers is None:
        assert listed.refuse("GET", f"/predictions?{query}") == (400, "invalid_input", "?since")
    else:
        assert list_ids(listed, query) == [prediction_id(number) for number in numbers]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("variant=control", "?entity"),
        ("entity=c&order=up", "?order"),
        ("entity=c&since=yesterday", "?since"),
        ("entity=c&since=2026-01-01T00:00:00", "?since"),
        ("entity=c&until=2026-01-32T00:00:00Z", "?until"),
        ("entity=c&day=2026-01-01&until=2026-01-02T00:00:00Z", "?day"),
        ("entity=c&day=2026-01-32", "?day"),
        ("entity=c&limit=201", "?limit"),
    ],
)
def test_a_search_that_is_none_is_refused_with_its_place(service: Service, query: str, path: str) -> None:
    assert service.refuse("GET", f"/predictions?{query}") == (400, "invalid_input", path)


def test_the_oldest_predictions_of_a_model_are_not_looked_for_before_it_was_there(service: Service) -> None:
    model_id, now = service.create_model(), datetime.now(UTC)
    at = {"since": now - timedelta(days=9), "asked": now}
    for number, created_at in enumerate(at.values()):
        service.ports.predictions.put_predictions(
            [entry(number, created_at=created_at, workspace_id=service.workspace_id, model_id=model_id)]
        )
    assert list_ids(service, "model=again&order=oldest") == [prediction_id(1)]
    assert list_ids(service, f"model=again&order=oldest&since={at['since']:%Y-%m-%dT%H:%M:%S.%fZ}") == [prediction_id(0), prediction_id(1)]
