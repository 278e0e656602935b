"""Summary statistics and the subsample of a version."""

import statistics
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.adapters.memory.landed_ids import MemoryLandedIds
from presage.errors import InvalidInputError, NotFoundError
from presage.features.dataset import Column, Dataset
from presage.features.landing import land_batches
from presage.features.profile import ALWAYS_PROFILED_EVERY, profile_key, profile_version
from presage.features.records import FeatureSetVersion, Record, RecordBatch, build_batch
from tests.fixtures.feature_records import NOW, make_batch, make_dataset, make_record

DATASET = make_dataset()


def land(store: MemoryFeatureSetStore, *numbers: int) -> FeatureSetVersion:
    return land_batch(store, make_batch(DATASET, *numbers))


def land_batch(store: MemoryFeatureSetStore, batch: RecordBatch) -> FeatureSetVersion:
    return land_batches(batches=[batch], store=store, ids=MemoryLandedIds(store.objects), now=NOW)[0].version


def profile(store: MemoryFeatureSetStore, version: FeatureSetVersion, rows: int) -> tuple[list[dict[str, object]], dict[str, object]]:
    profile_version(version=version, store=store, sample_rows=rows)
    found = store.find_profile(DATASET.workspace_id, DATASET.dataset_id, version.version)
    assert found is not None
    return [msgspec.json.decode(line, type=dict[str, object]) for line in found[0].splitlines()], dict(found[1])


def land_values(name: str, kind: str, values: list[float | str | bool | None]) -> dict[str, object]:
    dataset = msgspec.convert({**msgspec.to_builtins(DATASET), "columns": [{"name": name, "type": kind}]}, Dataset)
    start = datetime(2025, 1, 1, tzinfo=UTC)
    records = [Record(f"r{n}", "c", start + timedelta(minutes=n), NOW, {name: value}) for n, value in enumerate(values)]
    store = MemoryFeatureSetStore()
    version = land_batches(
        batches=[build_batch(dataset, records, received_at=NOW)], store=store, ids=MemoryLandedIds(store.objects), now=NOW
    )[0].version
    columns = profile(store, version, 1)[1]["columns"]
    assert isinstance(columns, list)
    return dict(columns[0])


@pytest.mark.parametrize("rows", [0, 1, 17, 59, 60, 61, 1_000])
def test_the_sample_has_the_exact_size(rows: int) -> None:
    store = MemoryFeatureSetStore()
    sample, summary = profile(store, land(store, *range(60)), rows)
    assert len(sample) == min(rows, 60)
    assert len({row["record_id"] for row in sample}) == len(sample)
    assert summary["sample_rows"] == len(sample)


def test_a_sampled_row_is_the_record_in_wire_form_and_event_order() -> None:
    store = MemoryFeatureSetStore()
    sample, _ = profile(store, land(store, 3, 1, 2), 3)
    assert [row["record_id"] for row in sample] == ["r000001", "r000002", "r000003"]
    assert sample[0] == {
        "record_id": "r000001",
        "entity_id": "c1",
        "event_timestamp": "2025-01-02T00:00:00Z",
        "known_timestamp": "2026-03-01T12:00:00Z",
        "values": {"amount": 1.5, "shop": "shop 1", "returned": False},
        "weight": 1.0,
    }


def test_the_same_version_gives_the_same_bytes_however_its_rows_arrived() -> None:
    one, many = MemoryFeatureSetStore(), MemoryFeatureSetStore()
    profile_version(version=land(one, *range(300)), store=one, sample_rows=50)
    versions = [land(many, number) for number in reversed(range(300))]
    profile_version(version=versions[-1], store=many, sample_rows=50)
    first, second = one.find_profile("ws_1", "ds_1", 1), many.find_profile("ws_1", "ds_1", 300)
    assert first is not None
    assert second is not None
    assert first[0] == second[0]
    assert round_off({**first[1], "version": 0}) == round_off({**second[1], "version": 0})


def round_off(value: object) -> object:
    """Sums of floats depend on the order in their last digits."""
    if isinstance(value, dict):
        return {name: round_off(member) for name, member in value.items()}
    if isinstance(value, list):
        return [round_off(member) for member in value]
    return float(f"{value:.12g}") if isinstance(value, float) else value


def test_profiling_a_version_again_writes_the_same_bytes() -> None:
    store = MemoryFeatureSetStore()
    version = land(store, *range(300))
    written = []
    for _ in range(2):
        profile_version(version=version, store=store, sample_rows=50)
        found = store.find_profile("ws_1", "ds_1", 1)
        assert found is not None
        written.append((found[0], msgspec.json.encode(found[1])))
    assert written[0] == written[1]


def test_a_record_stays_in_the_sample_until_others_push_it_out() -> None:
    store = MemoryFeatureSetStore()
    before = {row["record_id"] for row in profile(store, land(store, *range(100)), 20)[0]}
    after = {row["record_id"] for row in profile(store, land(store, *range(100, 110)), 20)[0]}
    assert len(before & after) >= 10
    assert all(str(row) >= "r000100" for row in after - before)


def test_the_sample_is_uniform() -> None:
    store = MemoryFeatureSetStore()
    sample, _ = profile(store, land(store, *range(4_000)), 1_000)
    numbers = [int(str(row["record_id"])[1:]) for row in sample]
    assert abs(statistics.mean(numbers) - 2_000) < 4 * 1_155 / 1_000**0.5


def test_rows_are_counted_once_per_record_id() -> None:
    store = MemoryFeatureSetStore()
    land(store, 1, 2, 3)
    _, summary = profile(store, land(store, 3, 4), 10)
    assert summary["rows"] == 4
    assert summary["entities"] == 4
    event, known = summary["event_timestamp"], summary["known_timestamp"]
    assert isinstance(event, dict)
    assert isinstance(known, dict)
    assert (event["min"], event["max"]) == ("2025-01-02T00:00:00Z", "2025-01-05T00:00:00Z")
    assert event["quantiles"]["0.5"] == "2025-01-03T12:00:00Z"
    assert (known["min"], known["max"]) == ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z")


def test_the_delay_from_event_to_knowledge_is_described() -> None:
    store = MemoryFeatureSetStore()
    delay = profile(store, land(store, 1, 2, 3), 10)[1]["known_after_event_seconds"]
    assert isinstance(delay, dict)
    days = (NOW - datetime(2025, 1, 3, tzinfo=UTC)).total_seconds()
    assert (delay["min"], delay["quantiles"]["0.5"], delay["max"]) == (days - 86_400, days, days + 86_400)


def test_numbers_are_summarised() -> None:
    values: list[float | str | bool | None] = [4.0, 1.0, None, 2.0, 3.0, 4.0]
    summary = land_values("x", "number", values)
    assert summary.pop("quantiles") == pytest.approx(
        {"0.01": 1.04, "0.05": 1.2, "0.25": 2.0, "0.5": 3.0, "0.75": 4.0, "0.95": 4.0, "0.99": 4.0}
    )
    assert summary.pop("std") == pytest.approx(statistics.stdev([4, 1, 2, 3, 4]))
    histogram = summary.pop("histogram")
    assert isinstance(histogram, dict)
    assert histogram["edges"] == pytest.approx([1 + 0.15 * edge for edge in range(21)])
    assert [(place, count) for place, count in enumerate(histogram["counts"]) if count] == [(0, 1), (6, 1), (13, 1), (19, 2)]
    exact = {"distinct_standard_error": 0.0, "quantiles_rank_error": 0.0}
    assert summary == {"name": "x", "type": "number", "nulls": 1, "distinct": 4, "min": 1.0, "max": 4.0, "mean": 2.8} | exact


@pytest.mark.parametrize("name", ["x", "count", "value"])
def test_texts_are_counted_the_most_frequent_first(name: str) -> None:
    summary = land_values(name, "string", ["b", "a", None, "b", "c", "a", "b"])
    assert summary == {
        "name": name,
        "type": "string",
        "nulls": 1,
        "distinct": 3,
        "distinct_standard_error": 0.0,
        "top_values_undercount": 0,
        "top_values": [{"value": "b", "count": 3}, {"value": "a", "count": 2}, {"value": "c", "count": 1}],
    }


def test_at_most_ten_values_are_listed_ties_in_their_order() -> None:
    top_values = land_values("x", "string", [f"v{number:02d}" for number in range(30)])["top_values"]
    assert top_values == [{"value": f"v{number:02d}", "count": 1} for number in range(10)]


def test_booleans_are_counted() -> None:
    assert land_values("x", "boolean", [True, False, True])["top_values"] == [{"value": True, "count": 2}, {"value": False, "count": 1}]


@pytest.mark.parametrize("kind", ["number", "string", "boolean"])
def test_a_column_of_nulls_has_no_statistics_instead_of_false_ones(kind: str) -> None:
    summary = land_values("x", kind, [None, None])
    assert (summary["nulls"], summary["distinct"]) == (2, 0)
    assert summary.get("mean") is None
    assert summary.get("top_values", []) == []


def test_one_number_has_no_standard_deviation() -> None:
    assert land_values("x", "number", [5.0])["std"] is None


def test_a_superseded_version_is_left_to_the_profile_of_the_newer_one() -> None:
    store = MemoryFeatureSetStore()
    old = land(store, 1)
    land(store, 2)
    assert not profile_version(version=old, store=store, sample_rows=5)
    assert store.find_profile("ws_1", "ds_1", 1) is None


def test_under_a_stream_without_pause_some_versions_are_profiled_all_the_same() -> None:
    store = MemoryFeatureSetStore()
    versions = [land(store, number) for number in range(2 * ALWAYS_PROFILED_EVERY + 5)]
    profiled = [version.version for version in versions if profile_version(version=version, store=store, sample_rows=5)]
    assert profiled == [20, 40, 45]


def test_a_manifest_is_profiled_by_its_key() -> None:
    store = MemoryFeatureSetStore()
    land(store, 1)
    assert profile_key("ws=ws_1/dataset=ds_1/versions/00000001.manifest.json", store=store, sample_rows=5)
    assert store.find_profile("ws_1", "ds_1", 1) is not None


def test_other_keys_are_refused() -> None:
    with pytest.raises(InvalidInputError):
        profile_key("ws=ws_1/dataset=ds_1/profiles/00000001/summary.json", store=MemoryFeatureSetStore(), sample_rows=5)
    with pytest.raises(NotFoundError):
        profile_key("ws=ws_1/dataset=ds_1/versions/00000001.manifest.json", store=MemoryFeatureSetStore(), sample_rows=5)


def test_a_column_that_older_parts_lack_is_null_in_their_rows() -> None:
    store = MemoryFeatureSetStore()
    land(store, 1)
    wider = replace(DATASET, columns=(*DATASET.columns, Column("late", "number")), schema_version=2)
    version = land_batches(
        batches=[build_batch(wider, [make_record(2)], received_at=NOW)], store=store, ids=MemoryLandedIds(store.objects), now=NOW
    )[0].version
    assert store.read_frame(version)["late"].to_list() == [None, None]
