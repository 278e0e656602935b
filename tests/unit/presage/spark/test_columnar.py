"""The columnar join without Spark: what its workers do, exchanged in a folder, against the oracle."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from presage.errors import CorruptArtifactError
from presage.spark.columnar import features, tasks
from presage.spark.columnar.exchange import write_sections
from presage.spark.columnar.features import Asked, Column, Records, compute_features
from presage.spark.columnar.job import Heavy, Hop, Section, Slice, Source
from presage.spark.columnar.segments import accumulate
from presage.spark.columnar.strings import hash_strings
from presage.training.findings import NAIVE_JOINS, Findings, merge_findings
from presage.training.recipe import InputDataset
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations
from tests.integration.spark import oracle
from tests.integration.spark.oracle import DAY, Event
from tests.integration.spark.worlds import COLUMNS, START, make_wide_view, make_world, write_lake

CASES = 40

Leaks = dict[tuple[str, str], list[tuple[int, str, Any, Any]]]


def build_hop(
    datasets: Mapping[str, InputDataset], views: Sequence[FeatureView], cutoff: int, *, buckets: int, heavy: Mapping[str, int]
) -> Hop:
    sources = tuple(
        Source(
            dataset,
            key,
            datasets[dataset].columns,
            tuple(Slice(f"file:///{part.key}", share, 2, part.rows) for part in datasets[dataset].parts for share in range(2)),
            tuple(view for view in views if (view.dataset, view.key_column) == (dataset, key)),
        )
        for dataset, key in sorted({(view.dataset, view.key_column) for view in views})
    )
    first, salted = buckets, []
    for key, salts in heavy.items():
        salted.append(Heavy(key, first, salts))
        first += salts
    return Hop("entity_id", sources, cutoff, buckets, 2, distinct=True, judged=True, heavy=tuple(salted))


def join(hop: Hop, rows: pa.Table, folder: Path) -> tuple[dict[tuple[str, int], dict[str, Any]], Findings, int]:
    """Return the joined rows, what was found, and how many record ids lay in several buckets."""
    exchanged: dict[int, list[Section]] = defaultdict(list)
    parts = [(number, piece) for number, source in enumerate(hop.sources) for piece in source.parts]
    for placed in [*(tasks.split_part(number, piece, hop) for number, piece in parts), tasks.place_rows(rows, hop)]:
        for section in write_sections(f"file://{folder}/", placed):
            exchanged[section.partition].append(section)
    hashes: dict[int, list[int]] = defaultdict(list)
    for partition in range(hop.partitions, hop.partitions + hop.hash_partitions):
        for number, hashed in tasks.find_moved(exchanged[partition]):
            hashes[number].append(hashed)
    copies = [copy for number, piece in parts for copy in tasks.list_copies(number, piece, hop=hop, moved=hashes)]
    moved = tasks.choose_buckets(copies, hop)
    buckets = [tasks.join_bucket(index, exchanged[index], hop=hop, moved=moved) for index in range(hop.partitions)]
    joined = [row for bucket in buckets if bucket.rows is not None for row in bucket.rows.to_pylist()]
    found = merge_findings(bucket.found for bucket in buckets)
    return {(row["entity_id"], row["at_us"]): row for row in joined}, found, sum(map(len, moved.values()))


def find_leaks(firsts: Mapping[str, Sequence[Event]], rows: Iterable[tuple[str, int]], views: Sequence[FeatureView], cutoff: int) -> Leaks:
    """Return (time, entity, value, naive value) of the cells that naive joins get wrong, by join and feature."""
    wrong: Leaks = defaultdict(list)
    for (entity_id, time), view in product(rows, views):
        mine = oracle.compute_view(firsts[view.dataset], view, entity_id, time)
        by_event = [replace(event, known=event.event) for event in firsts[view.dataset]]
        unaware = oracle.compute_view(by_event, view, entity_id, time)
        # known time says no longer what is usable, but still which of two records of the same moment is the newer one
        ranked = [replace(event, known=event.event, record_id=f"{event.known:020d}{event.record_id}") for event in firsts[view.dataset]]
        newest_by_event = oracle.compute_view(ranked, view, entity_id, time)
        unaware |= {name: value for name, value in newest_by_event.items() if "latest" in name}
        newest = oracle.compute_view(firsts[view.dataset], view, entity_id, cutoff)
        for name, value in newest.items():
            if "days_since" in name and isinstance(value, float):
                newest[name] = (time - (cutoff - round(value * DAY))) / DAY
        for (join, naive), (name, value) in product(zip(NAIVE_JOINS, (unaware, newest), strict=True), mine.items()):
            if naive[name] != value:
                wrong[join, name].append((time, entity_id, value, naive[name]))
    return wrong


@pytest.mark.parametrize(("seed", "buckets", "heavy"), [(0, 1, 0), (1, 3, 5), (2, 7, 0), (3, 1, 5), (5, 7, 5)])
def test_buckets_join_what_the_oracle_joins(tmp_path: Path, seed: int, buckets: int, heavy: int) -> None:
    random_ = random.Random(f"columnar {seed}")
    cutoff = START + 61 * DAY
    views = (
        make_wide_view(random_, "own", "visits", join="entity", key_column="entity_id"),
        make_wide_view(random_, "referred", "visits", join="entity", key_column="customer"),
        make_wide_view(random_, "bought", "orders", join="entity", key_column="entity_id"),
    )
    spec = ModelSpec("classification", Observations("visits"), Label("orders", 5), views)
    together: dict[str, list[Event]] = {name: [] for name in COLUMNS}
    known, expected = Counter[str](), {}
    wrong: Leaks = defaultdict(list)
    for case in range(CASES):
        world = make_world(random_, f"c{case}")
        firsts = {name: oracle.select_known(events, cutoff) for name, events in world.items()}
        for name, events in world.items():
            together[name] += events
            known[name] += len(firsts[name])
        mine = oracle.build_classification(firsts, spec, cutoff)
        expected.update(mine)
        for key, some in find_leaks(firsts, mine, views, cutoff).items():
            wrong[key] += some
    datasets = write_lake(random_, tmp_path, together, parts=4)
    rows = pa.table({"entity_id": [key for key, _ in expected], "at_us": pa.array([at for _, at in expected], pa.int64())})
    salts = {key: -(-count // heavy) for key, count in Counter(key for key, _ in expected).items() if count > heavy} if heavy else {}

    found, told, moved = join(build_hop(datasets, views, cutoff, buckets=buckets, heavy=salts), rows, tmp_path)

    assert found.keys() == expected.keys()
    cells = [(key, name) for key, row in expected.items() for name in row if name != "label" and found[key][name] != row[name]]
    assert cells == []
    assert told.usable == {
        f"{key}/{name}": known[name] for key, name in (("entity_id", "visits"), ("customer", "visits"), ("entity_id", "orders"))
    }
    assert told.leaks.keys() == wrong.keys()
    for feature, leak in told.leaks.items():
        assert leak.cells == len(wrong[feature]), feature
        ends = [(cell.at_us, cell.entity_id, cell.value, cell.naive) for cell in (leak.first, leak.last)]
        assert ends == [min(wrong[feature]), max(wrong[feature])]
    assert bool(moved) == (buckets > 1 or bool(heavy))
    assert bool(salts) == bool(heavy)


def test_a_part_of_another_size_than_its_manifest_says_is_refused(tmp_path: Path) -> None:
    datasets = write_lake(random.Random(1), tmp_path, make_world(random.Random(3), "c"), parts=1)
    (part,) = datasets["visits"].parts
    hop = build_hop(datasets, [FeatureView("own", "visits", (Feature("n", "count"),))], START, buckets=1, heavy={})
    with pytest.raises(CorruptArtifactError, match=f"{part.rows} rows, the manifest says {part.rows + 1}"):
        list(tasks.split_part(0, Slice(f"file:///{part.key}", rows=part.rows + 1), hop))


def test_what_a_string_is_hashed_to_does_not_depend_on_those_beside_it() -> None:
    strings = ["", "a", "a\x00", "12345678", "123456789", "é" * 40, *map(str, range(1_000))]
    together = hash_strings(pa.array(strings)).tolist()
    assert together == [int(hash_strings(pa.array([string]))[0]) for string in strings]
    assert together == hash_strings(pa.chunked_array([strings[:5], strings[5:]])).tolist()
    assert together[2:] == hash_strings(pa.array(strings).slice(2)).tolist()
    assert len(set(together)) == len(strings)


def test_sums_of_long_and_short_segments_have_the_bits_of_a_loop() -> None:
    lengths = (1, 64, 65, 300, 2, 1, 7)
    starts = np.cumsum((0, *lengths[:-1]))
    values = np.random.default_rng(1).standard_normal(sum(lengths)) * 10.0 ** np.random.default_rng(2).integers(-9, 9, sum(lengths))
    expected = []
    for start, length in zip(starts.tolist(), lengths, strict=True):
        total = 0.0
        for value in values[start : start + length].tolist():
            total += value
            expected.append(total)
    assert accumulate(np.add, values, starts).tolist() == expected


def test_times_too_far_apart_for_one_number_with_the_key_are_still_found() -> None:
    usable = np.array([0, 2**61, 5, 2**62])
    records = Records(np.array([0, 0, 7, 7]), usable, usable, usable, np.arange(4), {"x": Column(np.arange(4.0), np.ones(4, np.bool_))})
    at = np.array([2**61 - 1, 2**61, 4, 2**62])
    asked = Asked(np.array([0, 0, 7, 7]), at, at, np.array([0, 1, 2, 3]))
    ((found, missing),) = compute_features(records, asked, [Feature("x", "latest", "x")], 8)
    assert list(zip(found.tolist(), missing.tolist(), strict=True)) == [(0.0, False), (1.0, False), (0.0, True), (3.0, False)]


def test_windows_are_the_same_in_one_piece_and_in_many(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(3)
    usable = np.sort(generator.integers(0, 100 * DAY, 500))
    none = np.zeros(500, np.int64)
    records = Records(none, usable, usable, usable, np.arange(500), {"x": Column(generator.standard_normal(500), np.ones(500, np.bool_))})
    at = generator.integers(0, 100 * DAY, 200)
    asked = Asked(np.zeros(200, np.int64), at, at, np.argsort(at))
    wanted = [Feature(name, name, "x", 10) for name in ("count", "sum", "mean", "min", "max", "latest", "days_since_first")]
    whole = compute_features(records, asked, wanted, 1)
    monkeypatch.setattr(features, "ELEMENTS_AT_ONCE", 60)
    assert [(v.tolist(), m.tolist()) for v, m in compute_features(records, asked, wanted, 1)] == [
        (v.tolist(), m.tolist()) for v, m in whole
    ]
