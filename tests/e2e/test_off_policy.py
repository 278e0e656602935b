"""A ranker is judged by what it explored itself, before it gets traffic: from a built model to numbers that hand computation gives."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import cast

import pytest

from demo import cdnow
from demo.clients import JsonObject
from demo.journey import Journey
from demo.scenario import rfc3339
from demo.stack import Stack
from tests.e2e.test_rare_calls import wait_for_prediction

pytestmark = pytest.mark.e2e

WAIT_SECONDS = 90
CUTOFF = datetime(1998, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SONGS = ("s1", "s2", "s3", "s4")
LISTENERS = [f"l{number}" for number in range(200)]
MODEL = {
    "name": "next-song",
    "default": ["s1", "s2", "s3"],
    "spec": {
        "kind": "ranking",
        "list_length": 3,
        "observations": {"dataset": "plays", "spacing_days": 1},
        "label": {"dataset": "plays", "window_days": 7, "item_column": "song"},
        "candidates": {"dataset": "plays", "item_column": "song", "limit": 10, "negatives_per_positive": 2},
        "feature_views": [
            {"name": "listener", "dataset": "plays", "features": [{"name": "plays", "function": "count"}]},
            {
                "name": "song",
                "dataset": "plays",
                "join": "item",
                "key_column": "song",
                "features": [{"name": "plays", "function": "count"}],
            },
        ],
    },
}
METRIC = {"name": "played", "kind": "hit", "dataset": "plays", "item_column": "song", "window_hours": 48}
EXPLORED: dict[str, object] = {"exploration": {"epsilon": 0.5}}


@pytest.fixture
def journey(stack: Stack) -> Journey:
    """A workspace of its own, with no model yet."""
    journey = Journey(stack, cdnow.build_scenario("CDNOW_sample.txt"))
    journey.set_up()
    return journey


def test_a_ranker_is_judged_by_the_log_before_it_has_traffic(journey: Journey) -> None:
    dataset_id = create_history(journey)
    model_id = build_ranking(journey)
    asked: list[dict[str, object]] = [{"id": listener, "timestamp": rfc3339(CUTOFF + DAY)} for listener in LISTENERS]
    shown = predict(journey, [entry | EXPLORED for entry in asked])
    own = predict(journey, asked)
    play_what_is_liked(journey, dataset_id, shown)
    for result in (*shown, *own):
        wait_for_prediction(journey.public, str(result["prediction_id"]))

    path = f"/api/v1/models/{model_id}/versions/1/off-policy-estimates"
    found = estimate(journey, path)

    assert found["evidence"] == cast("JsonObject", found["evidence"]) | {
        "read": 400,
        "used": 200,
        "units": 200,
        "excluded": {"no_propensity": 200},
        "logged_by": {"1": 200},
    }
    lists = [(strings(result["prediction"]), cast("list[float]", result["propensity"])) for result in shown]
    earned = [[float(likes(listener, song)) for song in songs] for listener, (songs, _) in zip(LISTENERS, lists, strict=True)]
    wanted = [strings(result["prediction"]) for result in own]
    weights = [
        [(song == best) / propensity for song, best, propensity in zip(songs, judged, propensities, strict=True)]
        for judged, (songs, propensities) in zip(wanted, lists, strict=True)
    ]
    ips = fmean(sum(weight * reward for weight, reward in zip(*pair, strict=True)) for pair in zip(weights, earned, strict=True))
    judged_value = cast("Mapping[str, Mapping[str, float]]", found["judged"])
    assert judged_value["ips"]["value"] == pytest.approx(ips)
    assert judged_value["snips"]["value"] == pytest.approx(ips / fmean(map(fmean, weights)))
    assert cast("Mapping[str, float]", found["logging"])["value"] == pytest.approx(fmean(map(sum, earned)))
    assert judged_value["doubly_robust"]["lower"] < judged_value["doubly_robust"]["value"] < judged_value["doubly_robust"]["upper"]
    assert journey.backend.get(path)["items"] == [{"estimate_id": found["estimate_id"]}]


def likes(listener: str, song: str) -> bool:
    """Every second listener likes s1, every third s2, and so on."""
    return int(listener[1:]) % (SONGS.index(song) + 2) == 0


def create_history(journey: Journey) -> str:
    """Return the dataset: two months in which s1 was played most, then s2, s3, s4."""
    columns = [{"name": "song", "type": "string"}]
    dataset_id = str(journey.backend.post("/api/v1/datasets", {"name": "plays", "entity": "listener", "columns": columns})["dataset_id"])
    plays = [
        (f"l{number % 60}", SONGS[min(number * number % 7, 3)], CUTOFF - timedelta(days=58) + timedelta(hours=2 * number))
        for number in range(600)
    ]
    send(journey, plays)
    wait_for_rows(journey, dataset_id, len(plays))
    return dataset_id


def build_ranking(journey: Journey) -> str:
    model_id = str(journey.backend.post("/api/v1/models", MODEL)["model_id"])
    job = journey.backend.post(f"/api/v1/models/{model_id}/builds", {"cutoff": rfc3339(CUTOFF)})
    journey.wait_for_job(str(job["job_id"]), "building the ranking")
    return model_id


def predict(journey: Journey, entries: Sequence[Mapping[str, object]]) -> list[JsonObject]:
    return [
        result
        for start in range(0, len(entries), 100)
        for result in cast(
            "list[JsonObject]",
            journey.public.post("/v1/predict", {"model": "next-song", "features": list(entries[start : start + 100])})["results"],
        )
    ]


def play_what_is_liked(journey: Journey, dataset_id: str, shown: Sequence[JsonObject]) -> None:
    """Let each listener play what it was shown and likes within the window, and what it likes after it."""
    liked = [
        (unit, song) for unit, result in zip(LISTENERS, shown, strict=True) for song in strings(result["prediction"]) if likes(unit, song)
    ]
    late = [(unit, song) for unit in LISTENERS[:50] for song in SONGS if not likes(unit, song)]
    send(journey, [(unit, song, CUTOFF + 2 * DAY) for unit, song in liked] + [(unit, song, CUTOFF + 4 * DAY) for unit, song in late])
    wait_for_rows(journey, dataset_id, 600 + len(liked) + len(late))


def send(journey: Journey, plays: Sequence[tuple[str, str, datetime]]) -> None:
    records = [
        {"entity_id": unit, "event_timestamp": rfc3339(at), "known_timestamp": rfc3339(at), "values": {"song": song}}
        for unit, song, at in plays
    ]
    for start in range(0, len(records), 500):
        journey.public.post("/v1/datasets/plays/records", {"records": records[start : start + 500]})


def wait_for_rows(journey: Journey, dataset_id: str, rows: int) -> None:
    deadline, newest = time.monotonic() + WAIT_SECONDS, None
    while time.monotonic() < deadline:
        newest = cast("JsonObject | None", journey.backend.get(f"/api/v1/datasets/{dataset_id}").get("newest_version"))
        if newest and newest["rows"] == rows:
            return
        time.sleep(0.5)
    pytest.fail(f"{rows} rows should have landed: {newest}")


def estimate(journey: Journey, path: str) -> JsonObject:
    job = journey.backend.post(path, {"metric": METRIC, "days": 2})
    done = journey.wait_for_job(str(job["job_id"]), "judging by the log")
    return journey.backend.get(f"{path}/{cast('JsonObject', done['result'])['estimate_id']}")


def strings(value: object) -> list[str]:
    return cast("list[str]", value)
