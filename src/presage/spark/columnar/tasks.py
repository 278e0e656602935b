"""What Spark's workers do: split parts and rows into buckets by join key, then join the buckets.

Everything here runs in the workers and needs numpy and pyarrow, so the driver names it only inside of what it sends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from presage.spark.columnar.derived import add_derived
from presage.spark.columnar.exchange import Placed, read_sections
from presage.spark.columnar.features import Asked, Column, Records, Values, compute_features
from presage.spark.columnar.findings import compute_moments, count_labels, find_leak
from presage.spark.columnar.job import ROWS, Hop, Section, Slice, Source, Target
from presage.spark.columnar.segments import compose, order_with_ties
from presage.spark.columnar.strings import hash_strings
from presage.spark.columnar.tables import (
    HASH,
    build_records,
    choose_first,
    has_repeated,
    keep_first,
    open_file,
    pack,
    read_records,
    read_slice,
    split,
    unpack,
)
from presage.training.findings import NAIVE_JOINS, Findings
from presage.training.spec import FeatureView

ROW_GROUP = 131_072
Ints = npt.NDArray[np.int64]
Numbered = Tuple[Any, Ints]


def split_part(number: int, piece: Slice, hop: Hop) -> Iterator[Placed]:
    """Yield a part's records by bucket (those of a heavy key for all of its salts), and their hashes by partition of hashes."""
    source = hop.sources[number]
    records = read_records(piece, source.columns)
    buckets = _find_buckets(records, source, hop)
    hashes = records[HASH].to_numpy()
    salts = {heavy.first: heavy.salts for heavy in hop.heavy}
    for bucket, rows in split(records, buckets):
        yield range(bucket, bucket + salts.get(bucket, 1)), number, rows
    told = pa.table([pa.array(hashes), pa.array(buckets)], names=[HASH, "bucket"])
    places = hop.partitions + (hashes % np.uint64(hop.hash_partitions)).astype(np.int64)
    yield from (((place,), number, rows) for place, rows in split(told, places))


def _find_buckets(records: Any, source: Source, hop: Hop) -> Ints:  # noqa: ANN401 - an Arrow table
    """Return the bucket of each record: by its key, or by its id if it has none."""
    keys = records[source.key_column]
    hashed = hash_strings(keys)
    if keys.null_count:
        hashed = np.where(pc.is_null(keys).to_numpy(), records[HASH].to_numpy(), hashed)
    buckets = (hashed % np.uint64(hop.buckets)).astype(np.int64)
    for heavy in hop.heavy:
        buckets[pc.fill_null(pc.equal(keys, heavy.key), False).to_numpy()] = heavy.first
    return buckets


def split_rows(piece: Slice, columns: Sequence[str], hop: Hop) -> Iterator[Placed]:
    """Yield the rows of a file by bucket."""
    yield from place_rows(read_slice(piece, columns), hop)


def place_rows(rows: Any, hop: Hop) -> Iterator[Placed]:  # noqa: ANN401 - an Arrow table
    """Yield rows by bucket; those of a heavy key are divided among its salts by observation time."""
    places = (hash_strings(rows[hop.key]) % np.uint64(hop.buckets)).astype(np.int64)
    salts = rows["at_us"].to_numpy().astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    for heavy in hop.heavy:
        mine = pc.equal(rows[hop.key], heavy.key).to_numpy()
        places[mine] = heavy.first + (salts[mine] % np.uint64(heavy.salts)).astype(np.int64)
    yield from (((place,), ROWS, some) for place, some in split(rows, places))


def find_moved(sections: Iterable[Section]) -> Iterator[Tuple[int, int]]:
    """Yield (source, hash) of record ids whose copies may lie in several buckets: resent with another key, or of equal hash."""
    for number, told in read_sections(sections).items():
        hashes, buckets = told[HASH].to_numpy(), told["bucket"].to_numpy()
        if not has_repeated(hashes):
            continue
        order = np.argsort(hashes)
        moved = (hashes[order][1:] == hashes[order][:-1]) & (buckets[order][1:] != buckets[order][:-1])
        yield from ((number, int(hashed)) for hashed in np.unique(hashes[order][1:][moved]))


def list_copies(number: int, piece: Slice, *, hop: Hop, moved: Mapping[int, Sequence[int]]) -> Iterator[Tuple[int, int, bytes]]:
    """Yield (source, bucket, records) of a part's records whose copies may lie in several buckets."""
    records = read_records(piece, hop.sources[number].columns)
    chosen = np.isin(records[HASH].to_numpy(), np.array(moved.get(number, ()), np.uint64))
    some = records.filter(pa.array(chosen))
    buckets = _find_buckets(some, hop.sources[number], hop) if len(some) else np.zeros(0, np.int64)
    yield from ((number, bucket, pack(rows)) for bucket, rows in split(some, buckets))


def choose_buckets(copies: Sequence[Tuple[int, int, bytes]], hop: Hop) -> Dict[int, Dict[str, int]]:
    """Return, by source, the bucket in which each record id's first copy lies."""
    chosen: Dict[int, Dict[str, int]] = {}
    for number in {number for number, _, _ in copies}:
        mine = [(bucket, unpack([body])) for source, bucket, body in copies if source == number]
        buckets = [bucket for bucket, table in mine for _ in range(len(table))]
        table = pa.concat_tables([table for _, table in mine])
        ids = table["record_id"].to_pylist()
        first = choose_first(table, list(range(len(ids))), list(hop.sources[number].columns))
        chosen[number] = {ids[place]: buckets[place] for place in first}
    return chosen


@dataclass(frozen=True)
class Bucket:
    """A bucket after its join: the rows with features (None: none), and what was found on the way."""

    rows: Any
    found: Findings


@dataclass(frozen=True)
class _Question:
    """What a bucket's rows ask: their distinct keys, their distinct (key, moment), and which of these each row asks (None: its own)."""

    keys: Any
    asked: Asked
    back: Optional[Ints]

    def answer(self, records: Records, view: FeatureView) -> List[Values]:
        """Return the view's features of each row."""
        values = compute_features(records, self.asked, view.features, len(self.keys))
        return values if self.back is None else [(found[self.back], missing[self.back]) for found, missing in values]


def join_bucket(index: int, sections: Iterable[Section], *, hop: Hop, moved: Mapping[int, Mapping[str, int]]) -> Bucket:
    """Return the rows of a bucket with the columns of the hop's views."""
    tables = read_sections(sections)
    rows = _order(tables.pop(ROWS)) if ROWS in tables else None
    question = None if rows is None else _ask(rows, hop)
    home = hop.find_home(index)
    found = Findings()
    for number, source in enumerate(hop.sources):
        records = None
        if number in tables:
            elsewhere = [record_id for record_id, bucket in moved.get(number, {}).items() if bucket != home]
            records = _keep_usable(tables.pop(number), source, hop.cutoff_us, elsewhere)
        if index == home:
            found.usable[source.name] = 0 if records is None else len(records)
        if question is not None:
            rows = _add_views(rows, question, records, source=source, hop=hop, found=found)
    return Bucket(rows, found)


def _order(rows: Any) -> Any:  # noqa: ANN401 - Arrow tables
    """Return the rows in the order of (observed at, entity, item), in which they are written."""
    names = [name for name in ("entity_id", "item") if name in rows.column_names]

    def rank(places: Ints) -> Ints:
        some = rows.select(names).take(pa.array(places))
        ranks = np.empty(len(places), np.int64)
        ranks[pc.sort_indices(some, [(name, "ascending") for name in names]).to_numpy()] = np.arange(len(places))
        return ranks

    return rows.take(pa.array(order_with_ties(rows["at_us"].to_numpy(), rank)))


def _ask(rows: Any, hop: Hop) -> _Question:  # noqa: ANN401 - an Arrow table
    keys = pc.unique(rows[hop.key])
    codes, at = pc.index_in(rows[hop.key], value_set=keys).to_numpy().astype(np.int64), rows["at_us"].to_numpy()
    if hop.distinct:
        return _Question(keys, Asked(codes, at, at, np.argsort(compose(codes, at))), None)
    _, firsts, back = np.unique(compose(codes, at), return_index=True, return_inverse=True)
    return _Question(keys, Asked(codes[firsts], at[firsts], at[firsts], np.arange(len(firsts))), back.astype(np.int64))


def _keep_usable(records: Any, source: Source, cutoff_us: int, elsewhere: Sequence[str]) -> Any:  # noqa: ANN401 - Arrow tables
    """Return the bucket's records as of the cut-off, less those whose first copy lies in another bucket."""
    if elsewhere:
        records = records.filter(pc.invert(pc.is_in(records["record_id"], value_set=pa.array(elsewhere, pa.string()))))
    first = keep_first(records, list(source.columns))
    usable = pc.less_equal(pc.max_element_wise(first["event_us"], first["known_us"]), cutoff_us)
    return first if pc.all(usable).as_py() else first.filter(usable).combine_chunks()


def _add_views(rows: Any, question: _Question, table: Any, *, source: Source, hop: Hop, found: Findings) -> Any:  # noqa: ANN401 - Arrow tables
    """Return the rows with the columns of the views on one source; note in `found` what naive joins get wrong."""
    numbered = _number(table, question.keys, source)
    records = _build(numbered, source)
    naive = _list_naive(question, records, _build(numbered, source, known_time=False), hop.cutoff_us) if hop.judged else {}
    for view in source.views:
        values = question.answer(records, view)
        others = {join: asked.answer(of, view) for join, (asked, of) in naive.items()}
        for place, feature in enumerate(view.features):
            column = f"{view.name}__{feature.name}"
            rows = rows.append_column(column, pa.array(values[place][0], mask=values[place][1]))
            for join, other in others.items():
                leak = find_leak(rows, values[place], other[place])
                if leak is not None:
                    found.leaks[join, column] = leak
    return rows


def _list_naive(question: _Question, records: Records, by_event: Records, cutoff_us: int) -> Dict[str, Tuple[_Question, Records]]:
    """Return how the joins ask that leak, and what."""
    asked = question.asked
    late = replace(question, asked=Asked(asked.codes, np.full(len(asked.at), cutoff_us), asked.since, asked.order))
    return dict(zip(NAIVE_JOINS, ((question, by_event), (late, records))))


def _number(table: Any, keys: Any, source: Source) -> Optional[Numbered]:  # noqa: ANN401 - Arrow tables
    """Return those of the records that some row asks about, and their keys' numbers, or None."""
    if table is None:
        return None
    codes = pc.index_in(table[source.key_column], value_set=keys).combine_chunks()
    if codes.null_count:
        table, codes = table.filter(pc.is_valid(codes)).combine_chunks(), codes.drop_null()
    return table, codes.to_numpy().astype(np.int64)


def _build(numbered: Optional[Numbered], source: Source, *, known_time: bool = True) -> Records:
    if numbered is None:
        none = np.zeros(0, np.int64)
        return Records(none, none, none, none, none, dict.fromkeys(source.needed, Column(np.zeros(0), np.zeros(0, np.bool_))))
    return build_records(numbered[0], numbered[1], source.needed, known_time=known_time)


def write_bucket(bucket: Bucket, index: int, target: Target) -> Tuple[str, int, Findings]:
    """Write the bucket's rows as a file, unless there are none, and return its name, its rows and what was found.

    Idempotency: the same rows give the same bytes.
    """
    name = f"part-{index:05d}.parquet"
    if bucket.rows is None:
        return name, 0, bucket.found
    ordered = (
        add_derived(bucket.rows, target.spec)
        .append_column("observed_at", bucket.rows["at_us"].cast(pa.timestamp("us")))
        .select(list(target.columns.values()))
        .rename_columns(list(target.columns))
    )
    plain = [name for name in target.columns if not pa.types.is_floating(ordered.schema.field(name).type)]
    files, path = open_file(f"{target.uri.rstrip('/')}/{name}")
    with files.open_output_stream(path) as sink:
        pq.write_table(ordered, sink, use_dictionary=plain, compression="snappy", row_group_size=ROW_GROUP)
    return name, len(ordered), _judge(ordered, bucket.found, target) if target.features else bucket.found


def _judge(rows: Any, found: Findings, target: Target) -> Findings:  # noqa: ANN401 - an Arrow table
    return replace(found, labels=count_labels(rows), moments=compute_moments(rows, target.features))
