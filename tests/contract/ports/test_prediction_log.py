"""Every prediction log behaves alike: in memory, and in DynamoDB."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.dynamo.overflow import LARGEST_BULK_BYTES, Overflow
from presage.adapters.dynamo.prediction_item import PredictionItem
from presage.adapters.dynamo.prediction_log import DynamoPredictionLog
from presage.adapters.dynamo.walk import MOST_DAYS, MOST_LOOKED_AT
from presage.adapters.memory.prediction_log import MemoryPredictionLog
from presage.errors import InvalidInputError, NotFoundError, UnavailableError
from presage.predictions.basis import Basis, Source
from presage.predictions.ports import PredictionLog, PredictionPage, PredictionSearch
from tests.fixtures.logged import NOON, entry
from tests.fixtures.prediction_table import create_table

NOWHERE = Overflow("lake", cast("Any", None))
"""For logs that have no large entry to put."""


def build_dynamo_log(request: pytest.FixtureRequest) -> DynamoPredictionLog:
    request.getfixturevalue("emulator")
    name = f"predictions-{secrets.token_hex(6)}"
    create_table(name)
    s3 = build_client("s3")
    s3.create_bucket(Bucket=name)
    return DynamoPredictionLog(name, Overflow(name, s3))


@pytest.fixture(params=["memory", pytest.param("dynamo", marks=pytest.mark.integration)])
def log(request: pytest.FixtureRequest) -> PredictionLog:
    return MemoryPredictionLog() if request.param == "memory" else build_dynamo_log(request)


def collect(first: PredictionPage, more: Any) -> list[str]:  # noqa: ANN401 - a function of a cursor
    found = [item.prediction_id for item in first.entries]
    page = first
    while page.next_cursor is not None:
        page = more(page.next_cursor)
        found += [item.prediction_id for item in page.entries]
    return found


def of_entity(entity_id: str, **changes: Any) -> PredictionSearch:  # noqa: ANN401 - any field
    own: dict[str, Any] = {"workspace_id": "ws_1", "since": NOON - timedelta(days=2), "until": NOON + timedelta(days=5)}
    return PredictionSearch(**({"entity_id": entity_id} | own | changes))


def of_model(model_id: str, **changes: Any) -> PredictionSearch:  # noqa: ANN401 - any field
    return replace(of_entity("", **changes), model_id=model_id, entity_id=None)


def list_all(log: PredictionLog, search: PredictionSearch, *, limit: int) -> list[str]:
    def search_from(cursor: str | None) -> PredictionPage:
        page = log.search(search, cursor=cursor, limit=limit)
        assert len(page.entries) <= limit
        return page

    return collect(search_from(None), search_from)


def test_what_was_put_is_read_back_unchanged(log: PredictionLog) -> None:
    source = Source(3, "a" * 64, "ws=ws_1/snapshots/mdl_1/s/snapshot.json", "b" * 64)
    full = entry(1, basis=Basis("random", source, "c" * 64, "exp_1"))
    bare = entry(2, entity_id=None, model_version=None, experiment_id=None, variant="none", features={})
    log.put_predictions([full, bare])
    assert log.get_prediction("ws_1", full.prediction_id) == full
    assert log.get_prediction("ws_1", bare.prediction_id) == bare


def test_an_entry_put_again_is_there_once(log: PredictionLog) -> None:
    log.put_predictions([entry(1), entry(2)])
    log.put_predictions([entry(1), entry(3)])
    assert log.count_by_model_day("ws_1", "mdl_1", "2026-03-01") == 3


def test_an_entry_put_twice_at_once_is_there_once(log: PredictionLog) -> None:
    log.put_predictions([entry(1), entry(2), entry(1)])
    assert log.count_by_model_day("ws_1", "mdl_1", "2026-03-01") == 2
    assert log.get_prediction("ws_1", entry(1).prediction_id) == entry(1)


def test_entries_larger_than_an_item_may_be_are_read_back_unchanged(log: PredictionLog) -> None:
    large = entry(1, features={f"f{number}": "ü" * 1_000 for number in range(300)})
    log.put_predictions([large, entry(2)])
    log.put_predictions([large])
    assert log.get_prediction("ws_1", large.prediction_id) == large
    assert large in log.search(of_entity("c1")).entries
    assert large in log.list_by_model_day("ws_1", "mdl_1", "2026-03-01").entries
    with pytest.raises(NotFoundError):
        log.get_prediction("ws_2", large.prediction_id)


def test_more_than_one_batch_is_put_whole(log: PredictionLog) -> None:
    log.put_predictions([entry(number) for number in range(100)])
    assert log.count_by_model_day("ws_1", "mdl_1", "2026-03-01") == 100


def test_putting_nothing_changes_nothing(log: PredictionLog) -> None:
    log.put_predictions([])
    assert log.count_by_model_day("ws_1", "mdl_1", "2026-03-01") == 0


@pytest.mark.parametrize("workspace_id", ["ws_2", "ws_"])
def test_another_workspaces_prediction_does_not_exist(log: PredictionLog, workspace_id: str) -> None:
    log.put_predictions([entry(1)])
    with pytest.raises(NotFoundError):
        log.get_prediction(workspace_id, entry(1).prediction_id)
    assert log.search(of_entity("c1", workspace_id=workspace_id)).entries == []
    assert log.search(of_model("mdl_1", workspace_id=workspace_id)).entries == []
    assert log.count_by_model_day(workspace_id, "mdl_1", "2026-03-01") == 0


def test_an_unknown_prediction_does_not_exist(log: PredictionLog) -> None:
    with pytest.raises(NotFoundError):
        log.get_prediction("ws_1", "nothing")


def test_pages_of_a_day_hold_every_prediction_once(log: PredictionLog) -> None:
    wanted = [entry(number) for number in range(23)]
    other_day = entry(50, created_at=NOON + timedelta(days=1))
    other_model = entry(51, model_id="mdl_2")
    log.put_predictions([*wanted, other_day, other_model])

    def list_from(cursor: str | None) -> PredictionPage:
        return log.list_by_model_day("ws_1", "mdl_1", "2026-03-01", cursor=cursor, limit=4)

    found = collect(list_from(None), list_from)
    assert sorted(found) == sorted(item.prediction_id for item in wanted)


def test_an_entitys_predictions_come_newest_first(log: PredictionLog) -> None:
    log.put_predictions([entry(number) for number in range(9)] + [entry(20, entity_id="c2"), entry(21, entity_id=None)])
    assert list_all(log, of_entity("c1"), limit=2) == [str(UUID(int=number)) for number in range(8, -1, -1)]
    assert list_all(log, of_entity("c1", oldest_first=True), limit=2) == [str(UUID(int=number)) for number in range(9)]


@pytest.mark.parametrize("limit", [1, 7, 200])
@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_models_predictions_come_in_the_order_of_their_creation_over_days(log: PredictionLog, limit: int, *, oldest_first: bool) -> None:
    hours = [0, 1, 2, 11, 12, 13, 30, 31, 60, 61]
    wanted = [entry(number, created_at=NOON + timedelta(hours=hour, microseconds=number)) for number, hour in enumerate(hours * 3)]
    log.put_predictions([*wanted, entry(98, model_id="mdl_2"), entry(99, created_at=NOON - timedelta(days=9))])
    found = list_all(log, of_model("mdl_1", oldest_first=oldest_first), limit=limit)
    assert found == [each.prediction_id for each in sorted(wanted, key=lambda one: one.created_at, reverse=not oldest_first)]


@pytest.mark.parametrize("search", ["entity", "model"])
def test_entries_of_one_instant_are_all_listed(log: PredictionLog, search: str) -> None:
    log.put_predictions([entry(number, created_at=NOON) for number in range(40)])
    found = list_all(log, of_entity("c1") if search == "entity" else of_model("mdl_1"), limit=3)
    assert len(found) == len(set(found)) == 40


@pytest.mark.parametrize("oldest_first", [False, True])
def test_only_what_was_created_in_the_time_is_found(log: PredictionLog, *, oldest_first: bool) -> None:
    log.put_predictions([entry(number, created_at=NOON + timedelta(minutes=number)) for number in range(10)])
    times = {"since": NOON + timedelta(minutes=3), "until": NOON + timedelta(minutes=6), "oldest_first": oldest_first}
    for search in (of_entity("c1", **times), of_model("mdl_1", **times)):
        assert sorted(list_all(log, search, limit=2)) == [str(UUID(int=number)) for number in (3, 4, 5)]
    for search in (of_entity("c1", since=NOON, until=NOON), of_model("mdl_1", since=NOON, until=NOON - timedelta(days=2))):
        assert log.search(search) == PredictionPage([], None)


def test_what_is_searched_for_is_narrowed(log: PredictionLog) -> None:
    log.put_predictions(
        [
            entry(1),
            entry(2, variant="control"),
            entry(3, model_id="mdl_2"),
            entry(4, entity_id=None),
            entry(5, model_id="mdl_2", variant="control"),
        ]
    )
    assert list_all(log, of_entity("c1", model_id="mdl_2"), limit=1) == [str(UUID(int=number)) for number in (5, 3)]
    assert list_all(log, of_model("mdl_1", variant="control"), limit=1) == [str(UUID(int=2))]
    assert list_all(log, of_entity("c1", model_id="mdl_2", variant="none"), limit=9) == []


def test_empty_days_end(log: PredictionLog) -> None:
    log.put_predictions([entry(1)])
    far = of_model("mdl_1", since=NOON - timedelta(days=20), until=NOON + timedelta(days=20))
    assert list_all(log, far, limit=5) == [str(UUID(int=1))]


@pytest.mark.parametrize("cursor", ["x", "AAAA", "WzFd", "é"])
def test_a_malformed_cursor_is_refused(log: PredictionLog, cursor: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        log.search(of_entity("c1"), cursor=cursor)
    assert caught.value.path == "$.cursor"


@pytest.mark.integration
def test_a_page_looks_at_a_bounded_part_of_the_log(request: pytest.FixtureRequest) -> None:
    log = build_dynamo_log(request)
    log.put_predictions(
        [entry(number) for number in range(MOST_LOOKED_AT + 20)] + [entry(9_999, created_at=NOON - timedelta(days=MOST_DAYS))]
    )
    first = log.search(of_entity("c1", variant="other"))
    assert (first.entries, first.next_cursor is None) == ([], False)
    assert log.search(of_entity("c1", variant="other"), cursor=first.next_cursor) == PredictionPage([], None)
    of_days = of_model("mdl_1", variant="treatment", until=NOON, since=NOON - timedelta(days=20))
    days = log.search(of_days)
    assert (days.entries, days.next_cursor is None) == ([], False)
    assert [each.prediction_id for each in log.search(of_days, cursor=days.next_cursor).entries] == [str(UUID(int=9_999))]


@pytest.mark.integration
def test_a_cursor_of_another_search_is_refused(request: pytest.FixtureRequest) -> None:
    log = build_dynamo_log(request)
    log.put_predictions([entry(number) for number in range(5)])
    cursor = log.search(of_entity("c1"), limit=2).next_cursor
    assert cursor is not None
    for search in (of_model("mdl_1"), of_entity("c1", since=NOON + timedelta(hours=1))):
        with pytest.raises(InvalidInputError):
            log.search(search, cursor=cursor)


def read_raw(table: str, prediction_id: str) -> Mapping[str, Any]:
    item: Mapping[str, Any] = boto3.client("dynamodb").get_item(TableName=table, Key={"prediction_id": {"S": prediction_id}})["Item"]
    return item


@pytest.mark.integration
def test_items_expire_after_the_retention(request: pytest.FixtureRequest) -> None:
    build_dynamo_log(request).put_predictions([entry(1)])
    raw = read_raw(PredictionItem.Meta.table_name, entry(1).prediction_id)
    assert int(raw["expires_at"]["N"]) == int((entry(1).created_at + timedelta(days=90)).timestamp())
    assert raw["entity_shard"]["S"] == "ws_1#c1"
    assert raw["model_day_shard"]["S"].startswith("ws_1#mdl_1#2026-03-01#")


@pytest.mark.integration
def test_the_bulk_of_a_large_entry_lies_below_its_workspace_and_day(request: pytest.FixtureRequest) -> None:
    large = entry(1, features={"f": "x" * LARGEST_BULK_BYTES})
    build_dynamo_log(request).put_predictions([large, entry(2)])
    name = PredictionItem.Meta.table_name
    raw = read_raw(name, large.prediction_id)
    assert raw["overflow_key"]["S"] == f"ws=ws_1/predictions/2026-03-01/{large.prediction_id}.json"
    assert len(json.dumps(raw)) < 2_000
    assert "overflow_key" not in read_raw(name, entry(2).prediction_id)
    tags = boto3.client("s3").get_object_tagging(Bucket=name, Key=raw["overflow_key"]["S"])["TagSet"]
    assert tags == [{"Key": "presage", "Value": "prediction"}]


@pytest.mark.integration
def test_no_connection_is_unavailable(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    request.getfixturevalue("emulator")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    log = DynamoPredictionLog("predictions", NOWHERE, pause=lambda _: None)
    with pytest.raises(UnavailableError):
        log.put_predictions([entry(1)])
    with pytest.raises(UnavailableError):
        log.get_prediction("ws_1", "p")


def count_pauses(monkeypatch: pytest.MonkeyPatch, *, seconds_per_look: float) -> int:
    """How often a log without a table to reach puts a batch again, by a clock that runs that fast."""
    for name, value in {
        "ENDPOINT_URL": "http://127.0.0.1:9",
        "ACCESS_KEY_ID": "x",
        "SECRET_ACCESS_KEY": "x",
        "DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    times = (seconds_per_look * number for number in range(100))
    pauses: list[float] = []
    log = DynamoPredictionLog("predictions", NOWHERE, pause=pauses.append, clock=lambda: next(times))
    with pytest.raises(UnavailableError):
        log.put_predictions([entry(1)])
    return len(pauses)


def test_a_batch_is_put_again_until_a_deadline_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert count_pauses(monkeypatch, seconds_per_look=0.1) == 3
    assert count_pauses(monkeypatch, seconds_per_look=5.0) == 1
    assert count_pauses(monkeypatch, seconds_per_look=9.0) == 0


@pytest.mark.parametrize(
    "content", [[0, "", "p"], [0, "2026-03-01", ""], [8, "2026-03-01", "p"], [-1, "2026-03-01", "p"], [0, "x" * 65, "p"]]
)
def test_a_cursor_that_names_no_key_is_refused_before_dynamodb_is_asked(content: list[object]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    with pytest.raises(InvalidInputError):
        DynamoPredictionLog("predictions", NOWHERE).list_by_model_day("ws_1", "mdl_1", "2026-03-01", cursor=cursor)


@pytest.mark.parametrize(
    "content",
    [["", [["", "p"]]], ["", [["2026-03-01T12", ""]]], ["", []], ["", [None] * 8], ["2026-03-01", [None]], ["", [["1970", "p"]]], ["", 1]],
)
def test_a_cursor_that_names_no_place_is_refused_before_dynamodb_is_asked(content: list[object]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()
    with pytest.raises(InvalidInputError):
        DynamoPredictionLog("predictions", NOWHERE).search(of_entity("c1"), cursor=cursor)
