"""A model that Spark and the trainer built is served with the features that its records give, counted anew in plain Python."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from presage.adapters.client import build_client
from presage.adapters.s3.model_files import S3ModelFiles
from presage.predictions.loading import ScorerCache
from presage.predictions.request import Query
from tests.integration.test_build_model import CLASSIFICATION, CUTOFF, Place, build, make_model
from tests.integration.test_build_model import place as place  # noqa: PLC0414 - a fixture, used by its name

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
PEOPLE = (*(f"p{number}" for number in range(0, 400, 7)), "nobody")


def read_usable(place: Place, name: str) -> list[Mapping[str, Any]]:
    """Return the records that were true and known at the cut-off."""
    store = place.ports.feature_sets
    version = store.find_version("ws_1", f"ds_{name}")
    assert version is not None
    rows = store.read_frame(version).to_dicts()
    return [row for row in rows if max(as_utc(row["event_timestamp"]), as_utc(row["known_timestamp"])) <= CUTOFF]


def as_utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC)


def expect_features(person: str, visits: list[Mapping[str, Any]], orders: list[Mapping[str, Any]]) -> dict[str, float | None]:
    minutes = [row["minutes"] for row in visits if row["entity_id"] == person]
    visited = [CUTOFF - as_utc(row["event_timestamp"]) for row in visits if row["entity_id"] == person]
    ordered = [CUTOFF - as_utc(row["event_timestamp"]) for row in orders if row["entity_id"] == person]
    day = timedelta(days=1)
    return {
        "visits__minutes": sum(minutes) / len(minutes) if minutes else None,
        "visits__recent": float(sum(age < 14 * day for age in visited)),
        "visits__last": min(visited) / day if visited else None,
        "orders__orders": float(len(ordered)),
        "orders__first": max(ordered) / day if ordered else None,
    }


def test_serving_uses_the_features_that_training_defines(place: Place, tmp_path: Path) -> None:
    built = build(place, make_model(CLASSIFICATION, "served"))
    files = S3ModelFiles(
        client=build_client("s3"),
        artifacts_bucket=place.lake.replace("lake-", "artifacts-"),
        lake_bucket=place.lake,
        folder=tmp_path,
    )
    scorer = ScorerCache(files).get_scorer(built)
    visits, orders = read_usable(place, "visits"), read_usable(place, "orders")

    scored = scorer.score([Query(person, CUTOFF) for person in PEOPLE])

    for person, found in zip(PEOPLE, scored, strict=True):
        expected = expect_features(person, visits, orders)
        assert scorer.describe(found) == {name: value if value is None else pytest.approx(value) for name, value in expected.items()}
        assert found.entity_found == (person != "nobody")
        assert 0 <= found.probabilities[0, 1] <= 1
