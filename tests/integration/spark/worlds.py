"""Random small worlds: few entities, coarse times (so that ties abound), late and repeated records, empty sets."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from presage.spark.records import build_part_schema
from presage.training.recipe import EPOCH, InputDataset, InputPart
from presage.training.spec import Feature, FeatureView, Function, Join
from tests.integration.spark.oracle import DAY, Event, Value

COLUMNS = {
    "visits": {"amount": "number", "active": "boolean", "customer": "string"},
    "orders": {"item": "string", "price": "number"},
}
HOUR = DAY // 24
START = 9_000 * DAY
DELAYS = (0, 0, 0, HOUR, DAY, 3 * DAY, 40 * DAY)
FUNCTIONS: tuple[Function, ...] = ("count", "sum", "mean", "min", "max", "latest", "days_since_first", "days_since_last")


def make_events(random_: random.Random, case: str, dataset: str, size: int) -> list[Event]:
    """Return records of one case, with every id and key prefixed by it."""
    events: list[Event] = []
    for number in range(size):
        event = START + random_.randrange(60) * DAY + random_.choice((0, 0, HOUR))
        known = event + random_.choice(DELAYS)
        values = make_values(random_, case, dataset)
        events.append(Event(f"{case}-{dataset}-{number}", f"{case}-e{random_.randrange(4)}", event, known, values))
    for again in random_.sample(events, k=size // 5):
        later = again.known + random_.choice((0, 0, HOUR, 5 * DAY))
        repeated = again.values if random_.random() < 0.5 else make_values(random_, case, dataset)
        events.append(Event(again.record_id, again.entity_id, again.event, later, repeated))
    random_.shuffle(events)
    return events


def make_values(random_: random.Random, case: str, dataset: str) -> dict[str, Value]:
    def maybe(value: Value) -> Value:
        return None if random_.random() < 0.2 else value

    number = round(random_.uniform(-5, 5), random_.choice((0, 3)))
    if dataset == "visits":
        customer = maybe(f"{case}-e{random_.randrange(4)}")
        return {"amount": maybe(number), "active": maybe(random_.random() < 0.5), "customer": customer}
    return {"item": maybe(f"i{random_.randrange(8)}"), "price": maybe(number)}


def make_view(random_: random.Random, name: str, dataset: str, *, join: str, key_column: str) -> FeatureView:
    """Return a view with every function once, some of them with windows."""
    numbers = {"visits": ("amount", "active"), "orders": ("price",)}[dataset]
    features = []
    for function in FUNCTIONS:
        whole = function in {"count", "days_since_first", "days_since_last"} and random_.random() < 0.6
        window = random_.choice((None, 1, 2, 10, 45))
        features.append(Feature(function, function, None if whole else random_.choice(numbers), window))
    chosen = random_.sample(features, k=random_.randint(1, len(features)))
    return FeatureView(name, dataset, tuple(chosen), "item" if join == "item" else "entity", key_column)


def make_world(random_: random.Random, case: str) -> dict[str, list[Event]]:
    """Return the records of both datasets of one case: empty, small, or with most records on one entity."""
    events = {name: make_events(random_, case, name, random_.choice((0, 1, 5, 12, 25))) for name in COLUMNS}
    if random_.random() < 0.1:  # skew: one entity has far more than the others
        heavy = make_events(random_, f"{case}-heavy", "visits", 80)
        events["visits"] += [replace(event, entity_id=f"{case}-e0") for event in heavy]
    if random_.random() < 0.3:  # sent again as another entity's, sometimes by now as nobody's
        for name, mine in events.items():
            for again in random_.sample(mine, k=len(mine) // 6):
                values = dict(again.values) | ({"customer": None} if name == "visits" else {"item": None})
                later = again.known + random_.choice((-DAY, 0, HOUR))
                mine.append(Event(again.record_id, f"{case}-e{random_.randrange(4)}", again.event, max(again.event, later), values))
    return events


def make_wide_view(random_: random.Random, name: str, dataset: str, *, join: Join, key_column: str) -> FeatureView:
    """Return a view with every function both over everything and over a window."""
    numbers = {"visits": ("amount", "active"), "orders": ("price",)}[dataset]
    features = []
    for window in (None, random_.choice((1, 2, 10, 45))):
        for function in FUNCTIONS:
            whole = function in {"count", "days_since_first", "days_since_last"} and random_.random() < 0.5
            column = None if whole else random_.choice(numbers)
            features.append(Feature(f"{function}_{window}", function, column, window))
        if dataset == "orders":
            features.append(Feature(f"latest_item_{window}", "latest", "item", window, categories=("i1", "i5", "i0")))
    return FeatureView(name, dataset, tuple(features), join, key_column)


def write_lake(random_: random.Random, folder: Path, events: Mapping[str, Sequence[Event]], *, parts: int) -> dict[str, InputDataset]:
    """Write the records as parquet parts of random sizes, copies of a record often apart, and return what a recipe says of them."""
    datasets = {}
    for name, mine in events.items():
        order = list(mine)
        random_.shuffle(order)
        cuts = [0, *sorted(random_.randrange(len(order) + 1) for _ in range(parts - 1)), len(order)]
        written = []
        for number, (begin, end) in enumerate(pairwise(cuts)):
            path = folder / f"{name}-{number}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(make_table(name, order[begin:end]), path, row_group_size=50)
            written.append(InputPart(str(path).lstrip("/"), "0" * 64, end - begin))
        datasets[name] = InputDataset(f"ds_{name}", 1, COLUMNS[name], tuple(written))
    return datasets


def make_table(dataset: str, events: Sequence[Event]) -> pa.Table:
    """Return the records as the parquet parts hold them."""
    moments = {
        "event_timestamp": pa.array([e.event for e in events], pa.timestamp("us")),
        "known_timestamp": pa.array([e.known for e in events], pa.timestamp("us")),
    }
    types = {"number": pa.float64(), "boolean": pa.bool_(), "string": pa.string()}
    values = {name: pa.array([e.values[name] for e in events], types[kind]) for name, kind in COLUMNS[dataset].items()}
    ids = {
        "record_id": pa.array([e.record_id for e in events], pa.string()),
        "entity_id": pa.array([e.entity_id for e in events], pa.string()),
    }
    return pa.table(ids | moments | values)


def make_frame(spark: SparkSession, dataset: str, events: list[Event]) -> DataFrame:
    """Return the records as the parquet parts hold them."""
    rows = [(e.record_id, e.entity_id, _naive(e.event), _naive(e.known), *[e.values[name] for name in COLUMNS[dataset]]) for e in events]
    return spark.createDataFrame(rows, build_part_schema(COLUMNS[dataset]))


def _naive(microseconds: int) -> object:
    return (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
