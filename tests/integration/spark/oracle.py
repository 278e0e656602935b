"""The training set, computed naively: for every row, over all records, in plain Python. Nothing of the library is used but its data."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b, sha256

from presage.training.spec import Candidates, Feature, FeatureView, ModelSpec

DAY = 86_400_000_000
Value = float | str | bool | None
Row = dict[str, object]


@dataclass(frozen=True)
class Event:
    """A record; times in microseconds since the epoch."""

    record_id: str
    entity_id: str
    event: int
    known: int
    values: Mapping[str, Value]

    @property
    def usable(self) -> int:
        return max(self.event, self.known)

    def get(self, column: str) -> Value:
        return self.entity_id if column == "entity_id" else self.values[column]


def _nulls_first(value: Value) -> tuple[int, Value]:
    return (0, 0) if value is None else (1, value)


def select_known(events: Iterable[Event], cutoff: int) -> list[Event]:
    """Return the earliest known of each record id, if it is usable at the cut-off."""
    best: dict[str, Event] = {}
    for event in events:
        rank = (event.known, event.event, event.entity_id, [_nulls_first(value) for value in event.values.values()])
        other = best.get(event.record_id)
        if other is None or rank < (other.known, other.event, other.entity_id, [_nulls_first(v) for v in other.values.values()]):
            best[event.record_id] = event
    return [event for event in best.values() if event.usable <= cutoff]


def observe(events: Sequence[Event], spacing_days: int) -> list[tuple[str, int]]:
    """Return (entity, time) of every observation."""
    kept: dict[str, list[int]] = {}
    for entity_id, time in sorted({(event.entity_id, event.event) for event in events}):
        mine = kept.setdefault(entity_id, [])
        if not mine or time - mine[-1] >= spacing_days * DAY:
            mine.append(time)
    return [(entity_id, time) for entity_id, times in kept.items() for time in times]


def to_number(value: float | str, categories: Sequence[str] | None) -> float:
    if categories is None:
        return float(value)
    return float(categories.index(str(value)) if value in categories else len(categories))


def compute_feature(events: Sequence[Event], feature: Feature, time: int) -> float | None:
    """Return one feature of one join key's events at one time."""
    start = time - feature.window_days * DAY if feature.window_days else -(10**20)
    seen = [event for event in events if event.event <= time and event.known <= time and event.event > start]
    seen.sort(key=lambda event: (event.usable, event.record_id))
    if feature.function == "latest":
        if not seen:
            return None
        value = max(seen, key=lambda event: (event.event, event.known, event.record_id)).get(feature.column or "")
        return None if value is None else to_number(value, feature.categories)
    if feature.column is not None:
        seen = [event for event in seen if event.get(feature.column) is not None]
    if feature.function == "count":
        return float(len(seen))
    if not seen:
        return None
    if feature.function in {"days_since_first", "days_since_last"}:
        pick = min if feature.function == "days_since_first" else max
        return (time - pick(event.event for event in seen)) / DAY
    numbers = [float(event.get(feature.column or "") or 0) for event in seen]
    total = 0.0
    for number in numbers:
        total += number
    return {"sum": total, "mean": total / len(numbers), "min": min(numbers), "max": max(numbers)}[feature.function]


def compute_view(events: Sequence[Event], view: FeatureView, key: str, time: int) -> Row:
    mine = [event for event in events if event.get(view.key_column) == key]
    return {f"{view.name}__{feature.name}": compute_feature(mine, feature, time) for feature in view.features}


def find_outcomes(events: Sequence[Event], spec: ModelSpec, entity_id: str, time: int) -> list[Event]:
    end = time + spec.label.window_days * DAY
    return [event for event in events if event.entity_id == entity_id and time < event.event <= end]


def split_of(entity_id: str, time: int, boundary: int, window_days: int) -> str:
    is_test = int(sha256(b"split\x00" + entity_id.encode()).hexdigest()[:8], 16) < 2**30
    if not is_test and time + window_days * DAY <= boundary:
        return "train"
    return "test" if is_test and time > boundary else "unused"


def find_boundary(closed: Sequence[tuple[str, int]], window_days: int) -> int:
    """Return the last microsecond of the first day that serves the smaller of 7 parts for training and 3 for testing best."""
    times = [time for _, time in closed]
    best, boundary = -1.0, DAY - 1
    for day in range(min(times, default=0) // DAY, max(times, default=-1) // DAY + 1):
        end = (day + 1) * DAY - 1
        train = sum(time + window_days * DAY <= end for time in times)
        smaller = min(train / 7, sum(time > end for time in times) / 3)
        if smaller > best:
            best, boundary = smaller, end
    return boundary


def list_closed(data: Mapping[str, Sequence[Event]], spec: ModelSpec, cutoff: int) -> list[tuple[str, int]]:
    observed = observe(data[spec.observations.dataset], spec.observations.spacing_days)
    return [(entity_id, time) for entity_id, time in observed if time + spec.label.window_days * DAY <= cutoff]


def list_pool(events: Sequence[Event], candidates: Candidates, time: int) -> dict[str, int]:
    """Return the pool at a time: item -> how often it was seen."""
    counts: dict[str, int] = {}
    for event in events:
        item = event.get(candidates.item_column)
        if isinstance(item, str) and event.event <= time and event.known <= time:
            counts[item] = counts.get(item, 0) + 1
    best = sorted(counts, key=lambda item: (-counts[item], item))[: candidates.limit]
    return {item: counts[item] for item in best}


def build_classification(data: Mapping[str, Sequence[Event]], spec: ModelSpec, cutoff: int) -> dict[tuple[str, int], Row]:
    """Return label and features by (entity, time). `data` holds select_known's records by dataset."""
    rows = {}
    for entity_id, time in list_closed(data, spec, cutoff):
        row: Row = {"label": int(bool(find_outcomes(data[spec.label.dataset], spec, entity_id, time)))}
        for view in spec.feature_views:
            row.update(compute_view(data[view.dataset], view, entity_id, time))
        rows[entity_id, time] = row
    return rows


def build_ranking(data: Mapping[str, Sequence[Event]], spec: ModelSpec, cutoff: int) -> dict[tuple[str, int, str], Row]:
    """Return split, label, popularity and features by (entity, time, item)."""
    assert spec.candidates is not None
    closed = list_closed(data, spec, cutoff)
    boundary = find_boundary(closed, spec.label.window_days)
    rows: dict[tuple[str, int, str], Row] = {}
    for entity_id, time in closed:
        taken = {event.get(spec.label.item_column or "") for event in find_outcomes(data[spec.label.dataset], spec, entity_id, time)}
        pool = list_pool(data[spec.candidates.dataset], spec.candidates, time)
        split = split_of(entity_id, time, boundary, spec.label.window_days)
        if not taken & set(pool):
            continue
        for item in _choose(pool, taken, split, f"{entity_id}\x00{time}", spec.candidates.negatives_per_positive):
            row: Row = {"split": split, "label": int(item in taken), "popularity": float(pool[item])}
            for view in spec.feature_views:
                row.update(compute_view(data[view.dataset], view, entity_id if view.join == "entity" else item, time))
            rows[entity_id, time, item] = row
    return rows


def _choose(pool: Mapping[str, int], taken: set[Value], split: str, seed: str, ratio: int) -> list[str]:
    if split == "test":
        return list(pool)
    order = sorted(pool, key=lambda item: blake2b(f"{seed}\x00{item}".encode(), digest_size=8).digest())
    positives = [item for item in order if item in taken][:10]
    return positives + [item for item in order if item not in taken][: ratio * len(positives)]
