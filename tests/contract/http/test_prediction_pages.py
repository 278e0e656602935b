"""What the pages of logged predictions find, tell and make again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from presage.predictions.basis import Basis, Source
from presage.predictions.ports import PredictionLogEntry
from presage.training.recipe import InputDataset, Recipe, encode_recipe
from tests.contract.http.test_backend import Service, openapi, service
from tests.contract.http.test_experiment_pages import read_chart, read_text, visit
from tests.contract.http.test_experiment_results import land
from tests.contract.http.test_predictions import explored, listed, owner, past
from tests.fixtures.logged import entry, prediction_id
from tests.fixtures.metadata_rows import make_version
from tests.fixtures.replayed import DOWN, KINDS, Past
from tests.fixtures.serving import build_model

__all__ = ["explored", "listed", "openapi", "owner", "past", "service"]  # fixtures


def list_shown(caller: Service, query: str) -> list[str]:
    """Return the ids that a search shows, page by page."""
    found: list[str] = []
    path = f"/predictions?limit=2&{query}"
    while path:
        answer = visit(caller, path)
        assert answer.status_code == 200, answer.text
        found += re.findall(r'<td><a href="/predictions/([^"]+)">', answer.text)
        following = re.search(r'rel="next" href="([^"]+)"', answer.text)
        path = following[1].replace("&amp;", "&") if following else ""
    return found


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("entity=c0", [0, 3]),
        ("model=older", [1, 3, 5]),
        ("model=older&order=oldest", [5, 3, 1]),
        ("entity=c0&model=older&variant=&day=&since=&until=&order=", [3]),
        ("model=older&variant=control", [5]),
        ("entity=+c1+", [1, 4]),
    ],
)
def test_predictions_are_found_page_by_page(listed: Service, query: str, numbers: list[int]) -> None:
    assert list_shown(listed, query) == [prediction_id(number) for number in numbers]


def test_times_of_forms_are_in_utc_and_the_search_is_in_the_url(listed: Service) -> None:
    now = datetime.now(UTC)
    since, until = (f"{now - timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (3.5, 0.5))
    assert list_shown(listed, f"model=older&since={since}&until={until}") == [prediction_id(1), prediction_id(3)]
    page = visit(listed, f"/predictions?model=older&since={since}&limit=1")
    following = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert following is not None
    kept = parse_qs(urlsplit(following[1].replace("&amp;", "&")).query)
    assert (kept["model"], kept["since"]) == (["older"], [since])
    assert f'value="{since}"' in page.text


def test_a_list_tells_who_got_which_answer_of_which_version(listed: Service) -> None:
    text = read_text(visit(listed, "/predictions?model=older&variant=control"))
    assert "older c2 a, ü control 3" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [("variant=control", "Ask by"), ("entity=c&since=yesterday", "since is RFC 3339"), ("entity=c&day=2026-02-30", "day is a UTC day")],
)
def test_a_search_that_is_none_is_told_what_is_wrong(listed: Service, query: str, said: str) -> None:
    answer = visit(listed, f"/predictions?{query}")
    assert answer.status_code == 400
    assert said in answer.text


def test_an_id_leads_to_its_prediction_and_an_unknown_one_says_where_else_to_look(listed: Service) -> None:
    assert visit(listed, f"/predictions?id={prediction_id(1)}").location == f"/predictions/{prediction_id(1)}"
    answer = visit(listed, f"/predictions?id={prediction_id(99)}")
    assert answer.status_code == 400
    assert "batch predictions" in answer.text
    assert "batch predictions" in visit(listed, "/predictions").text
    assert "batch predictions" in visit(listed, "/predictions?entity=nobody").text


def replay(caller: Service, each: PredictionLogEntry) -> str:
    answer = visit(caller, f"/predictions/{each.prediction_id}/replay", {})
    assert answer.status_code == 200
    return read_text(answer)


def test_a_replay_says_the_same_each_difference_or_why_not(
    owner: Service,
    past: Past,
    explored: PredictionLogEntry,
) -> None:
    assert "It is the same" in replay(owner, explored)
    key = "ws=ws_1/models/mdl_m/1/model.msgpack"
    past.world.files.artifacts[key] = build_model(DOWN)
    text = replay(owner, explored)
    assert "It is not the same" in text
    score = explored.result["score"][0]  # type: ignore[index] # JSON
    assert re.search(rf"\$\.result\.score\[0\] {score} 0\.\d+", text)
    assert "$.files[" in text
    del past.world.files.artifacts[key]
    assert "It cannot be made again (file missing)" in replay(owner, explored)


def test_logged_contributions_are_drawn_and_others_come_with_a_replay(
    owner: Service,
    past: Past,
    explored: PredictionLogEntry,
) -> None:
    drawn = read_chart(visit(owner, f"/predictions/{explored.prediction_id}"), "made-1")["data"]["values"]
    items = explored.result["explanation"]["items"]  # type: ignore[index] # JSON
    first = items[next(iter(items))]["contributions"]
    assert {value["feature"]: value["contribution"] for value in drawn} == first
    assert [abs(value["contribution"]) for value in drawn] == sorted(map(abs, first.values()), reverse=True)
    plain = KINDS["linear"](past, 6)[1]
    assert "It was not asked for" in read_text(visit(owner, f"/predictions/{plain.prediction_id}"))
    replayed = visit(owner, f"/predictions/{plain.prediction_id}/replay", {})
    assert read_chart(replayed, "made-1")["data"]["values"]
    assert "the replay computed it" in read_text(replayed)


@pytest.fixture
def asked(service: Service) -> tuple[Service, PredictionLogEntry]:
    """A prediction in an experiment, of a version of a known recipe whose snapshot was renewed since."""
    experiment_id, workspace_id = service.create_experiment(), service.workspace_id
    model = service.ports.models.find_model_by_name(workspace_id, "again")
    assert model is not None
    built = Recipe(workspace_id, model.spec, {"orders": InputDataset("ds_1", 4, {}, ())}, 0)
    made = replace(make_version(model, 3), training_set_id=service.ports.recipes.put_recipe(built))  # type: ignore[attr-defined] # a memory adapter
    service.ports.versions.create_version(made)
    renewed = replace(built, datasets={"orders": InputDataset("ds_1", 7, {}, ())}, cutoff_us=1)
    service.ports.replay.files.lake["s/new/recipe.json"] = encode_recipe(renewed)  # type: ignore[attr-defined] # as above
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=10)
    logged = entry(
        1,
        workspace_id=workspace_id,
        model_id=model.model_id,
        experiment_id=experiment_id,
        predicted_for=at,
        created_at=at,
        features={"orders__spent": 3.5, "orders__n": 2.0},
        request={"model": "again", "features": [{"id": "c1", "orders__n": 2}]},
        result={"prediction": "1", "score": 0.7, "answered_by": "model", "snapshot_age_seconds": 7200.0, "fallback_reason": None},
        basis=Basis("model", Source(3, "a" * 64, made.snapshot_key, "b" * 64)),
    )
    return service, logged


def test_each_value_is_told_with_its_age_and_the_version_of_its_dataset(asked: tuple[Service, PredictionLogEntry]) -> None:
    caller, logged = asked
    caller.ports.predictions.put_predictions([logged])
    text = read_text(visit(caller, f"/predictions/{logged.prediction_id}"))
    assert "orders__spent 3.5 the snapshot 2.0 h orders, version 4" in text
    assert "orders__n 2 the request given with it -" in text
    assert "treatment of trial" in text
    assert "version 3 , built" in text


@pytest.mark.parametrize(("key", "said"), [("s/new/snapshot.json", "orders, version 7"), ("s/gone/snapshot.json", "not known")])
def test_a_renewed_snapshot_has_versions_of_its_own(asked: tuple[Service, PredictionLogEntry], key: str, said: str) -> None:
    caller, logged = asked
    renewed = msgspec.structs.replace(logged, basis=Basis("model", Source(3, "a" * 64, key, "b" * 64)))
    caller.ports.predictions.put_predictions([renewed])
    assert f"the snapshot 2.0 h {said}" in read_text(visit(caller, f"/predictions/{logged.prediction_id}"))


@pytest.mark.parametrize(("unit", "said"), [(None, "no records of"), ("c2", "So far no, not yet"), ("c1", "So far yes")])
def test_what_came_of_it_is_counted_from_the_records_since(asked: tuple[Service, PredictionLogEntry], unit: str | None, said: str) -> None:
    caller, logged = asked
    caller.ports.predictions.put_predictions([logged])
    if unit is not None:
        land(caller, [unit], logged.predicted_for + timedelta(hours=1))
    text = read_text(visit(caller, f"/predictions/{logged.prediction_id}/outcome")).replace(" ,", ",")
    assert said in text
    assert "still open" in text


def test_a_prediction_in_no_experiment_says_where_outcomes_are(listed: Service) -> None:
    lone = entry(50, workspace_id=listed.workspace_id, experiment_id=None, created_at=datetime.now(UTC))
    listed.ports.predictions.put_predictions([lone])
    assert "in no experiment" in visit(listed, f"/predictions/{lone.prediction_id}/outcome").text
    shown = visit(listed, f"/predictions/{lone.prediction_id}")
    assert shown.status_code == 200
    assert "It cannot be told any more" in read_text(shown)
