"""What a scan found, as the JSON of `summary.json` (docs/openapi/backend.yaml, `Summary`) and the lines of `sample.ndjson`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isnan, sqrt

import msgspec
import numpy as np

from presage.features.dataset import Column
from presage.features.profiling.columns import BooleanColumn, NumberColumn, OrderedColumn, TextColumn
from presage.features.profiling.distinct import DistinctCount
from presage.features.profiling.state import ProfileState
from presage.features.records import ENTITY_ID, EVENT_TIMESTAMP, KNOWN_TIMESTAMP, RECORD_ID, FeatureSetVersion

PROFILE_FORMAT = 2
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP_VALUES = 10
HISTOGRAM_BINS = 20
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def build_summary(state: ProfileState, *, version: FeatureSetVersion, sample_rows: int) -> dict[str, object]:
    """Return the JSON-able summary statistics of a version's rows."""
    return {
        "format": PROFILE_FORMAT,
        "dataset_id": version.dataset.dataset_id,
        "version": version.version,
        "version_created_at": version.created_at,
        "rows": state.rows,
        "entities": state.entities.estimate(),
        "entities_standard_error": state.entities.standard_error,
        "sample_rows": sample_rows,
        "event_timestamp": _describe_instants(state.event),
        "known_timestamp": _describe_instants(state.known),
        "known_after_event_seconds": _describe_order(state.delay),
        "columns": [_summarise(state, column) for column in version.dataset.columns],
        "correlations": _list_correlations(state),
    }


def build_sample(state: ProfileState, columns: Sequence[Column]) -> tuple[bytes, int]:
    """Return the sample as NDJSON, and its rows: records in wire form with a `weight`, in the order of (event_timestamp, record_id)."""
    sampled = state.sample.choose()
    if sampled.rows is None:
        return b"", 0
    rows = zip(sampled.rows.to_pylist(), sampled.weights.tolist(), strict=True)
    encoder, lines = msgspec.json.Encoder(), bytearray()
    for row, weight in sorted(rows, key=lambda item: (item[0][EVENT_TIMESTAMP], item[0][RECORD_ID])):
        record = {
            "record_id": row[RECORD_ID],
            "entity_id": row[ENTITY_ID],
            "event_timestamp": row[EVENT_TIMESTAMP].replace(tzinfo=UTC),
            "known_timestamp": row[KNOWN_TIMESTAMP].replace(tzinfo=UTC),
            "values": {column.name: row[column.name] for column in columns},
            "weight": weight,
        }
        encoder.encode_into(record, lines, -1)
        lines += b"\n"
    return bytes(lines), int(sampled.weights.size)


def _summarise(state: ProfileState, column: Column) -> dict[str, object]:
    named: dict[str, object] = {"name": column.name, "type": column.type}
    if column.type == "number":
        return named | _summarise_numbers(state.numbers[column.name])
    if column.type == "string":
        return named | _summarise_texts(state.texts[column.name])
    return named | _summarise_booleans(state.booleans[column.name])


def _summarise_numbers(number: NumberColumn) -> dict[str, object]:
    moments = number.moments
    has_mean = number.is_summable and moments.units > 0
    return {
        "nulls": number.nulls,
        **_count(number.distinct),
        "mean": moments.mean if has_mean else None,
        "std": sqrt(moments.squares / (moments.units - 1)) if has_mean and moments.units > 1 else None,
        **_describe_order(number),
        "histogram": _build_histogram(number),
    }


def _summarise_texts(text: TextColumn) -> dict[str, object]:
    top = [{"value": value, "count": count} for value, count in text.counts.list_most_frequent(TOP_VALUES)]
    return {"nulls": text.nulls, **_count(text.counts.count_distinct()), "top_values": top, "top_values_undercount": text.counts.undercount}


def _summarise_booleans(boolean: BooleanColumn) -> dict[str, object]:
    counts = [(value, count) for value, count in ((False, boolean.false), (True, boolean.true)) if count]
    top = [{"value": value, "count": count} for value, count in sorted(counts, key=lambda item: (-item[1], item[0]))]
    return {"nulls": boolean.nulls, "distinct": len(counts), "distinct_standard_error": 0.0, "top_values": top, "top_values_undercount": 0}


def _count(distinct: DistinctCount) -> dict[str, object]:
    return {"distinct": distinct.estimate(), "distinct_standard_error": distinct.standard_error}


def _describe_order(column: OrderedColumn) -> dict[str, object]:
    found = column.quantiles.compute_quantiles(QUANTILES)
    return {
        "min": column.minimum,
        "max": column.maximum,
        "quantiles": {f"{share:g}": value for share, value in zip(QUANTILES, found, strict=True)},
        "quantiles_rank_error": _compute_rank_error(column),
    }


def _describe_instants(column: OrderedColumn) -> dict[str, object]:
    found = column.quantiles.compute_quantiles(QUANTILES)
    return {
        "min": _to_instant(column.minimum),
        "max": _to_instant(column.maximum),
        "quantiles": {f"{share:g}": _to_instant(value) for share, value in zip(QUANTILES, found, strict=True)},
        "quantiles_rank_error": _compute_rank_error(column),
    }


def _compute_rank_error(column: OrderedColumn) -> float:
    """Return by which part of the rows a quantile's rank may be wrong at most; 0.0 when quantiles are exact."""
    return column.quantiles.rank_error / column.quantiles.rows if column.quantiles.rows else 0.0


def _build_histogram(number: NumberColumn) -> dict[str, object] | None:
    """Return bins of equal width over the range; None without a range. Each count is wrong by at most twice the rank error."""
    if number.minimum is None or number.maximum is None or not number.is_summable or number.minimum == number.maximum:
        return None
    edges = np.linspace(number.minimum, number.maximum, HISTOGRAM_BINS + 1)
    return {"edges": edges.tolist(), "counts": number.quantiles.count_between(edges)}


def _list_correlations(state: ProfileState) -> list[dict[str, object]]:
    """Return Pearson's correlation of each pair of numbers and booleans, for which it is defined, over rows where both have a value."""
    found, pairs = state.relations.compute_correlations(), state.relations.count_pairs()
    return [
        {"columns": [first, second], "correlation": float(found[place, other]), "rows": int(pairs[place, other])}
        for place, first in enumerate(state.correlated)
        for other, second in enumerate(state.correlated)
        if place < other and not isnan(found[place, other])
    ]


def _to_instant(microseconds: float | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=round(microseconds))
