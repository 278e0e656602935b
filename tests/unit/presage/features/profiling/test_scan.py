"""A scan of parts against all rows in one frame: duplicates, pieces, parts of earlier columns, damage."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from presage.adapters.memory.feature_set_store import MemoryFeatureSetStore
from presage.errors import CorruptArtifactError
from presage.features.dataset import Column, Dataset
from presage.features.profiling.quantiles import PIECE_ROWS
from presage.features.profiling.scan import LANES, scan_version, split_evenly
from presage.features.profiling.state import ProfileState
from presage.features.profiling.summary import build_sample, build_summary
from presage.features.records import FeatureSetVersion, Part, Record
from tests.fixtures.feature_records import NOW

COLUMNS = (Column("amount", "number"), Column("shop", "string"), Column("returned", "boolean"))
DATASET = Dataset("ws_1", "ds_1", "purchases", "customer", COLUMNS, NOW)
START = datetime(2025, 1, 1, tzinfo=UTC)


def put(store: MemoryFeatureSetStore, parts: Sequence[Sequence[Record]]) -> FeatureSetVersion:
    written = [store.put_part(DATASET, f"b{number}", "2025-01", records) for number, records in enumerate(parts)]
    version = FeatureSetVersion(DATASET, 1, tuple(written), NOW)
    store.create_version(version)
    return version


def put_frame(store: MemoryFeatureSetStore, frame: pl.DataFrame, key: str) -> Part:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    store.objects[key] = buffer.getvalue()
    return Part(key, sha256(buffer.getvalue()).hexdigest(), frame.height, len(buffer.getvalue()))


def build_frame(start: int, rows: int, *, shops: int = 5) -> pl.DataFrame:
    numbers = np.arange(start, start + rows)
    return pl.DataFrame(
        {
            "record_id": [f"r{number}" for number in numbers],
            "entity_id": [f"c{number % 1000}" for number in numbers],
            "event_timestamp": pl.Series(numbers * 1_000_000, dtype=pl.Datetime("us")),
            "known_timestamp": pl.Series(numbers * 1_000_000 + 5_000_000, dtype=pl.Datetime("us")),
            "amount": pl.Series([None if number % 7 == 0 else float(number % 1_001) for number in numbers], dtype=pl.Float64),
            "shop": [f"shop {number % shops}" for number in numbers],
            "returned": [bool(number % 3 == 0) for number in numbers],
        }
    )


RECORDS = st.builds(
    lambda number, minute, amount, shop: Record(
        f"r{number}", f"c{number % 3}", START, START + timedelta(minutes=minute), {"amount": amount, "shop": shop, "returned": None}
    ),
    st.integers(0, 8),
    st.integers(0, 3),
    st.one_of(st.none(), st.integers(-5, 5).map(float)),
    st.sampled_from(["a", "b"]),
)


@given(st.lists(st.lists(RECORDS, min_size=1, max_size=8), min_size=1, max_size=6))
def test_of_rows_with_one_id_the_earliest_known_counts_as_for_all_readers(parts: list[list[Record]]) -> None:
    store = MemoryFeatureSetStore()
    version = put(store, parts)
    frame = store.read_frame(version)
    state = scan_version(version, store=store, sample_rows=100)
    assert state.rows == frame.height
    assert state.numbers["amount"].nulls == frame["amount"].null_count()
    assert state.numbers["amount"].quantiles.compute_quantiles([0.5]) == [frame["amount"].quantile(0.5, "linear")]
    assert dict(state.texts["shop"].counts.list_most_frequent(9)) == dict(frame["shop"].value_counts().iter_rows())
    kept = {(row["record_id"], row["known_timestamp"], row["amount"], row["shop"]) for row in state.sample.choose().rows.to_pylist()}
    assert kept == set(frame.select("record_id", "known_timestamp", "amount", "shop").iter_rows())


@pytest.mark.parametrize("shops", [3, 50_000])
def test_large_parts_are_summarised_as_the_whole_frame(shops: int) -> None:
    store = MemoryFeatureSetStore()
    frames = [
        build_frame(0, 3 * PIECE_ROWS + 5, shops=shops),
        build_frame(3 * PIECE_ROWS + 5, 1_000, shops=shops),
        build_frame(500_000, 40_000),
    ]
    parts = tuple(put_frame(store, frame, f"p{number}") for number, frame in enumerate(frames))
    version = FeatureSetVersion(DATASET, 1, parts, NOW)
    state = scan_version(version, store=store, sample_rows=300)
    whole = pl.concat(frames)
    assert state.rows == whole.height
    assert state.entities.estimate() == 1_000
    amount = state.numbers["amount"]
    assert (amount.nulls, amount.distinct.estimate()) == (whole["amount"].null_count(), whole["amount"].drop_nulls().n_unique())
    assert amount.moments.mean == pytest.approx(whole["amount"].mean())
    assert state.booleans["returned"].true == whole["returned"].sum()
    correlation = whole.select(pl.corr("amount", pl.col("returned").cast(float))).item()
    assert state.relations.compute_correlations()[0, 1] == pytest.approx(correlation, abs=1e-9)
    distinct = state.texts["shop"].counts.count_distinct()
    assert abs(distinct.estimate() / whole["shop"].n_unique() - 1) <= 4 * distinct.standard_error
    assert build_sample(state, COLUMNS)[0].count(b"\n") == 300


def test_merged_states_of_partitions_tell_what_the_whole_does() -> None:
    store = MemoryFeatureSetStore()
    frames = [build_frame(0, 50_000), build_frame(50_000, 70_000)]
    parts = [put_frame(store, frame, f"p{number}") for number, frame in enumerate(frames)]
    first, second, whole = (
        scan_version(FeatureSetVersion(DATASET, 1, chosen, NOW), store=store, sample_rows=100)
        for chosen in ((parts[0],), (parts[1],), tuple(parts))
    )
    first.merge(second)
    version = FeatureSetVersion(DATASET, 1, tuple(parts), NOW)
    assert build_sample(first, COLUMNS) == build_sample(whole, COLUMNS)
    merged, direct = (build_summary(state, version=version, sample_rows=100) for state in (first, whole))
    for name in ("rows", "entities"):
        assert merged[name] == direct[name]
    of_merged, of_direct = first.numbers["amount"], whole.numbers["amount"]
    assert (of_merged.minimum, of_merged.maximum, of_merged.nulls) == (of_direct.minimum, of_direct.maximum, of_direct.nulls)
    assert of_merged.moments.squares == pytest.approx(of_direct.moments.squares, rel=1e-12)
    assert first.texts["shop"].counts.list_most_frequent(9) == whole.texts["shop"].counts.list_most_frequent(9)


def test_parts_are_shared_out_evenly_in_their_order() -> None:
    parts = [Part(f"p{number}", "", rows, 0) for number, rows in enumerate([10, 1, 1, 1, 7, 20])]
    runs = split_evenly(parts, 2)
    assert [part for run in runs for part in run] == parts
    assert [sum(part.rows for part in run) for run in runs] == [20, 20]
    assert split_evenly([], LANES) == [[], []]


def test_a_part_of_other_types_or_other_bytes_is_refused() -> None:
    store = MemoryFeatureSetStore()
    part = put_frame(store, build_frame(0, 10).with_columns(pl.col("amount").cast(pl.String)), "p0")
    with pytest.raises(CorruptArtifactError, match="amount"):
        scan_version(FeatureSetVersion(DATASET, 1, (part,), NOW), store=store, sample_rows=5)
    store.objects["p0"] = b"PAR1 damaged"
    with pytest.raises(CorruptArtifactError):
        scan_version(FeatureSetVersion(DATASET, 1, (part,), NOW), store=store, sample_rows=5)


def test_a_manifest_that_counts_fewer_rows_than_there_are_is_corrupt() -> None:
    store = MemoryFeatureSetStore()
    part = put_frame(store, build_frame(0, 10), "p0")
    with pytest.raises(CorruptArtifactError, match="more rows"):
        scan_version(FeatureSetVersion(DATASET, 1, (Part(part.key, part.sha256, 9, part.size_bytes),), NOW), store=store, sample_rows=5)


def test_an_empty_state_is_changed_by_nothing_but_rows() -> None:
    state = ProfileState(COLUMNS, sample_rows=5)
    state.merge(ProfileState(COLUMNS, sample_rows=5))
    assert build_sample(state, COLUMNS) == (b"", 0)
    assert build_summary(state, version=FeatureSetVersion(DATASET, 1, (), NOW), sample_rows=0)["rows"] == 0
