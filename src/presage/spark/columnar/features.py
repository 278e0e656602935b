"""Feature values of many observations at once, as arrays: what `presage.spark.point_in_time` says in SQL, with the same bits.

Records are sorted by (key, usable, record id). Then what is usable at an observation is a run of them that begins with its key,
and what lies in a window is among a run that ends there: event > t - w implies usable > t - w.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Dict, List, Sequence, Tuple

import numpy as np
import numpy.typing as npt

from presage.spark.columnar.segments import accumulate, expand_ranges
from presage.training.spec import Feature

DAY_US = 86_400_000_000
ELEMENTS_AT_ONCE = 4_000_000
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Values = Tuple[Floats, Flags]
"""Values and where there are none."""
MOMENTS = ("days_since_first", "days_since_last")


@dataclass(frozen=True)
class Column:
    """A column of records as they lie: numbers (0 where there is none; empty for strings), where there is one, whether it is everywhere.

    Of categories, the numbers are places among `names`.
    """

    values: Floats
    valid: Flags
    complete: bool = False
    names: Tuple[str, ...] = ()

    def take(self, where: Ints, feature: Feature) -> Floats:
        """Return the values of some records, as the feature has them."""
        found = self.values.take(where)
        if feature.categories is None:
            return found
        places = {name: float(place) for place, name in enumerate(feature.categories)}
        table = np.array([places.get(name, float(len(places))) for name in self.names] or [0.0])
        return table[found.astype(np.int64)]


@dataclass(frozen=True)
class Records:
    """Records in the order of (codes, usable, record id); `codes` number the join keys, times are microseconds since the epoch.

    Their columns stay as they lie, since most features read few of the records: `order` tells where each one lies.
    """

    codes: Ints
    usable: Ints
    event: Ints
    known: Ints
    order: Ints
    columns: Dict[str, Column]
    _ordered: Dict[str, Tuple[Floats, Flags]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def arrange(self, column: str) -> Tuple[Floats, Flags]:
        """Return a column's values, and where there are any, in the records' order."""
        if column not in self._ordered:
            stored = self.columns[column]
            values = stored.values.take(self.order) if len(stored.values) else stored.values
            self._ordered[column] = values, stored.valid.take(self.order)
        return self._ordered[column]


@dataclass(frozen=True)
class Asked:
    """Of which keys and moments values are asked. `since` is what `days_since_*` are told from, `order` theirs by (key, moment)."""

    codes: Ints
    at: Ints
    since: Ints
    order: Ints


class Timeline:
    """Finds how far the records of a key reach at a moment."""

    def __init__(self, records: Records, codes: int) -> None:
        """Prepare for keys numbered below `codes`."""
        usable = records.usable
        self._first = int(usable.min()) if len(usable) else 0
        self._span = (int(usable.max()) - self._first if len(usable) else 0) + 3
        self._moments = np.unique(usable) if (codes + 1) * self._span >= 2**63 else None
        if self._moments is not None:
            self._span = len(self._moments) + 2
        self._places = self._place(records.codes, usable)

    def find(self, codes: Ints, moments: Ints, order: Ints) -> Ints:
        """Return how many of all records lie before the key's first one that is usable after the moment only.

        `order` is that of (codes, moments): what is looked for in order is found several times as fast.
        """
        found = np.empty(len(codes), np.int64)
        found[order] = np.searchsorted(self._places, self._place(codes, moments)[order], side="right")
        return found

    def list_starts(self, codes: int) -> Ints:
        """Return where the records of each key begin."""
        return np.searchsorted(self._places, np.arange(codes) * self._span, side="left").astype(np.int64)

    def _place(self, codes: Ints, moments: Ints) -> Ints:
        if self._moments is None:
            return codes * self._span + np.clip(moments - self._first + 1, 0, self._span - 1)
        return codes * self._span + np.searchsorted(self._moments, moments, side="right")


def compute_features(records: Records, asked: Asked, features: Sequence[Feature], codes: int) -> List[Values]:
    """Return the values of each feature for each observation; keys are numbered below `codes`."""
    timeline = Timeline(records, codes)
    ends, starts = timeline.find(asked.codes, asked.at, asked.order), timeline.list_starts(codes)[asked.codes]
    newest = _Newest(records)
    found: Dict[Feature, Values] = {}
    runs = _Runs(records, newest, starts, ends)
    for feature in features:
        if feature.window_days is None:
            found[feature] = _compute_running(feature, runs)
    for window in sorted({feature.window_days for feature in features if feature.window_days is not None}):
        windowed = [feature for feature in features if feature.window_days == window]
        begins = np.maximum(timeline.find(asked.codes, asked.at - window * DAY_US, asked.order), starts)
        found.update(_compute_windowed(records, windowed, newest, asked=asked, runs=(begins, ends)))
    return [_finish(feature, found[feature], asked) for feature in features]


def _finish(feature: Feature, values: Values, asked: Asked) -> Values:
    found, missing = values
    if feature.function in MOMENTS:
        found = (asked.since - found.astype(np.int64)).astype(np.float64) / float(DAY_US)
    if feature.function == "count":
        missing = np.zeros(len(found), np.bool_)
    return found, missing


def _counts_for(records: Records, feature: Feature) -> Flags:
    if feature.column is None or feature.function == "latest":
        return np.ones(len(records.codes), np.bool_)
    return records.arrange(feature.column)[1]


class _Newest:
    """The place of each record in the order of (event, known, record id), found out only if it is not the order they stand in."""

    def __init__(self, records: Records) -> None:
        event, known, codes = records.event, records.known, records.codes
        later = (event[1:] > event[:-1]) | ((event[1:] == event[:-1]) & (known[1:] >= known[:-1]))
        self.in_order = bool(np.all(later | (codes[1:] != codes[:-1])))
        self.size = len(event)
        self._records = records
        self._ranks: List[Tuple[Ints, Ints]] = []

    def rank(self) -> Tuple[Ints, Ints]:
        """Return each record's rank, and the record of each rank."""
        if not self._ranks:
            by_rank: Ints = np.arange(self.size)
            if not self.in_order:
                by_rank = np.lexsort((self._records.known, self._records.event)).astype(np.int64)
            ranks = np.empty(self.size, np.int64)
            ranks[by_rank] = np.arange(self.size)
            self._ranks.append((ranks, by_rank))
        return self._ranks[0]


class _Runs:
    """The records that are usable for each observation: those from `starts` to before `ends`."""

    def __init__(self, records: Records, newest: _Newest, starts: Ints, ends: Ints) -> None:
        self.records, self.by_newest, self.starts, self.ends = records, newest, starts, ends
        self.some: Flags = ends > starts
        self.last: Ints = np.where(self.some, ends - 1, 0)

    @cached_property
    def newest(self) -> Ints:
        """Where the newest record of each run lies."""
        where = self.last
        if not self.by_newest.in_order:
            where = _pick_running(self, np.ones(self.by_newest.size, np.bool_), greatest=True)
        return self.records.order.take(where)


def _compute_running(feature: Feature, runs: _Runs) -> Values:
    records = runs.records
    if not runs.by_newest.size:
        return np.zeros(len(runs.ends)), ~runs.some
    if feature.function == "latest":
        column = records.columns[str(feature.column)]
        missing = ~runs.some if column.complete else ~(runs.some & column.valid.take(runs.newest))
        return column.take(runs.newest, feature), missing
    counted = _counts_for(records, feature)
    so_far = np.concatenate(([0], np.cumsum(counted)))
    counts = so_far[runs.ends] - so_far[runs.starts]
    if feature.function == "count":
        return counts.astype(np.float64), counts == 0
    if feature.function in MOMENTS:
        where = _pick_running(runs, counted, greatest=feature.function == "days_since_last")
        return records.event[where].astype(np.float64), counts == 0
    operation, neutral = _OPERATIONS[feature.function]
    values = np.where(counted, records.arrange(str(feature.column))[0] + 0.0, neutral)
    begins = np.flatnonzero(np.append(True, records.codes[1:] != records.codes[:-1]))
    total = accumulate(operation, values, begins)[runs.last]
    return total / np.maximum(counts, 1) if feature.function == "mean" else total, counts == 0


_OPERATIONS = {
    "sum": (np.add, 0.0),
    "mean": (np.add, 0.0),
    "min": (np.fmin, np.nan),  # Spark takes NaN for the greatest number
    "max": (np.maximum, -np.inf),
}


def _pick_running(runs: _Runs, counted: Flags, *, greatest: bool) -> Ints:
    """Return which of each run's counted records has the greatest (or least) rank; any where none is counted."""
    ranks, by_rank = runs.by_newest.rank()
    size = runs.by_newest.size
    within = ranks if greatest else size - 1 - ranks
    best = np.maximum.accumulate(np.where(counted, runs.records.codes * size + within, -1))[runs.last] % size
    chosen: Ints = by_rank[best if greatest else size - 1 - best]
    return chosen


def _compute_windowed(
    records: Records, features: Sequence[Feature], newest: _Newest, *, asked: Asked, runs: Tuple[Ints, Ints]
) -> Dict[Feature, Values]:
    """Return the values of features of one window, a limited number of records at a time."""
    begins, ends = runs
    lengths = np.maximum(ends - begins, 0)
    found = {feature: (np.zeros(len(ends)), np.ones(len(ends), np.bool_)) for feature in features}
    so_far, start = np.cumsum(lengths), 0
    while start < len(ends):
        done = int(so_far[start - 1]) if start else 0
        stop = max(start + 1, int(np.searchsorted(so_far, done + ELEMENTS_AT_ONCE, side="right")))
        some = slice(start, stop)
        places = expand_ranges(begins[some], lengths[some])
        groups = np.repeat(np.arange(stop - start), lengths[some])
        window_start = asked.at[some] - (features[0].window_days or 0) * DAY_US
        inside = records.event[places] > window_start[groups]
        for feature in features:
            kept = inside & _counts_for(records, feature)[places]
            values, missing = found[feature]
            values[some], missing[some] = _aggregate(records, feature, newest, places=places[kept], groups=groups[kept], size=stop - start)
        start = stop
    return found


def _aggregate(records: Records, feature: Feature, newest: _Newest, *, places: Ints, groups: Ints, size: int) -> Values:
    """Return the aggregate of each of `size` groups, which come in order."""
    counts = np.bincount(groups, minlength=size)
    missing = counts == 0
    if feature.function == "count":
        return counts.astype(np.float64), missing
    if feature.function in {"sum", "mean"}:
        # bincount adds one after another, in the order given
        total = np.asarray(np.bincount(groups, weights=records.arrange(str(feature.column))[0][places], minlength=size), np.float64)
        return total / np.maximum(counts, 1) if feature.function == "mean" else total, missing
    result = np.zeros(size)
    if not len(places):
        return result, missing
    begins = np.cumsum(counts)[~missing] - counts[~missing]
    if feature.function == "latest":
        ranks, by_rank = newest.rank()
        where = records.order.take(by_rank[np.maximum.reduceat(ranks[places], begins)])
        column = records.columns[str(feature.column)]
        result[~missing] = column.take(where, feature)
        missing[~missing] = ~column.valid[where]
    elif feature.function in MOMENTS:
        pick = np.minimum if feature.function == "days_since_first" else np.maximum
        result[~missing] = pick.reduceat(records.event[places], begins)
    else:
        result[~missing] = _OPERATIONS[feature.function][0].reduceat(records.arrange(str(feature.column))[0][places], begins)
    return result, missing
