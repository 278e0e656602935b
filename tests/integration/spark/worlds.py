"""Random small worlds: few entities, coarse times (so that ties abound), late and repeated records, empty sets."""

from __future__ import annotations

import random
from datetime import timedelta

from pyspark.sql import DataFrame, SparkSession

from presage.spark.records import build_part_schema
from presage.training.recipe import EPOCH
from presage.training.spec import Feature, FeatureView, Function
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


def make_frame(spark: SparkSession, dataset: str, events: list[Event]) -> DataFrame:
    """Return the records as the parquet parts hold them."""
    rows = [(e.record_id, e.entity_id, _naive(e.event), _naive(e.known), *[e.values[name] for name in COLUMNS[dataset]]) for e in events]
    return spark.createDataFrame(rows, build_part_schema(COLUMNS[dataset]))


def _naive(microseconds: int) -> object:
    return (EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
