"""Two simulated products: a shop offers a voucher to whom its model answers "1", and its shoppers act on what they are shown.

In the real data nobody saw the predictions. Here they are seen: whether a shopper buys hangs on the answer, by a seeded model of
the shopper, so what the experiment finds can be compared with the truth. In `moved` the voucher makes shoppers buy who would not have;
in `unmoved` the model predicts as well, and the voucher changes nothing: who uses it would have bought anyway.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from demo.scenario import DatasetPlan, JsonObject, Scenario, Visit, rfc3339

START = datetime(2026, 3, 2, tzinfo=UTC)
ARRIVAL = timedelta(days=7)
WINDOW = timedelta(days=1)
EXPORT_DELAY = timedelta(hours=1)
LONGEST_DELAY = WINDOW - 2 * EXPORT_DELAY
"""From the visit to the purchase: all purchases are known when their window closes."""

UNITS = 50_000
MOST_PAGES = 10
KEEN_PAGES = 6
"""Who saw so many pages uses a voucher nine times in ten, others once in ten: what the model is to find."""
PAST_SHOPPERS = 1_000
ALPHA = 0.001
"""A run in a thousand may err, not one in twenty: this is a demonstration and a test."""

OFFERED = "1"
DEFAULT = "0"
FEATURE = "visits__pages"


@dataclass(frozen=True, slots=True)
class Product:
    """A shop. Without the voucher a shopper buys with probability `base_rate`; being offered it adds `lift`."""

    name: str
    base_rate: float
    lift: float
    units: int = UNITS
    seed: int = 20260302


MOVED = Product("moved", base_rate=0.05, lift=0.04)
UNMOVED = Product("unmoved", base_rate=0.05, lift=0.0, seed=20260303)


@dataclass(frozen=True, slots=True)
class Shopper:
    """Comes once, has seen `pages`; buys for `amount`, `delay` after the visit, if `draw` is below the probability."""

    unit: str
    at: datetime
    pages: int
    draw: float
    delay: timedelta
    amount: float

    @property
    def purchase_known_at(self) -> datetime:
        """When the shop knows of the purchase, if there is one."""
        return self.at + self.delay + EXPORT_DELAY

    def buys(self, prediction: str, product: Product) -> bool:
        """Return whether the shopper buys, having been shown what follows from `prediction`. Nothing else is known here."""
        return self.draw < product.base_rate + (product.lift if prediction == OFFERED else 0.0)

    def build_entry(self) -> dict[str, object]:
        """Return what is asked about the shopper."""
        return {"id": self.unit, "timestamp": rfc3339(self.at), FEATURE: self.pages}

    def build_purchase(self) -> dict[str, object]:
        """Return the purchase as a record, known an hour later."""
        return {
            "record_id": f"purchase-{self.unit}",
            "entity_id": self.unit,
            "event_timestamp": rfc3339(self.at + self.delay),
            "known_timestamp": rfc3339(self.purchase_known_at),
            "values": {"amount": self.amount},
        }


def draw_shoppers(product: Product) -> list[Shopper]:
    """Return the product's shoppers by their time, the same ones every time."""
    chance = Random(product.seed)  # noqa: S311 - a simulation
    seconds = sorted(chance.randrange(1, int(ARRIVAL.total_seconds())) for _ in range(product.units))
    return [
        Shopper(
            unit=f"{product.name}-{number}",
            at=START + timedelta(seconds=second),
            pages=chance.randint(1, MOST_PAGES),
            draw=chance.random(),
            delay=timedelta(seconds=chance.randrange(60, int(LONGEST_DELAY.total_seconds()))),
            amount=round(chance.lognormvariate(3.0, 0.8), 2),
        )
        for number, second in enumerate(seconds)
    ]


def compute_true_effect(shoppers: Sequence[Shopper], product: Product, answers: Mapping[int, str]) -> float:
    """Return how much larger the share of buyers is when all are shown the model's answer, by pages, than when none is offered."""
    gained = sum(shopper.buys(answers[shopper.pages], product) - shopper.buys(DEFAULT, product) for shopper in shoppers)
    return gained / len(shoppers)


def build_scenario(product: Product, shoppers: Sequence[Shopper]) -> Scenario:
    """Return the product's scenario, a look a day; its outcomes are not in it, as they hang on the answers."""
    days = (ARRIVAL + WINDOW).days
    return Scenario(
        name=product.name,
        source=f"simulated product {product.name!r}, {len(shoppers):,} shoppers, of whom {product.base_rate:.0%} buy"
        f" and {product.base_rate + product.lift:.0%} with a voucher",
        measures="whether more shoppers buy within a day if the model chooses who is offered a voucher; control offers it to none",
        cutoff=START,
        datasets=[*_draw_history(product), DatasetPlan("purchases", "shopper", {"amount": "number"})],
        files=[],
        model=_model(product),
        experiment=_experiment(product),
        outcome_dataset="purchases",
        visits=[Visit(shopper.unit, shopper.at) for shopper in shoppers],
        outcomes=[],
        looks=[START + timedelta(days=day) for day in range(1, days + 1)],
    )


def _draw_history(product: Product) -> Iterator[DatasetPlan]:
    """Yield the visits of past shoppers, who were all offered a voucher, and who of them used it."""
    chance = Random(product.seed + 1)  # noqa: S311 - a simulation
    visits, uses = list[JsonObject](), list[JsonObject]()
    for number in range(PAST_SHOPPERS):
        at = START - WINDOW - timedelta(minutes=chance.randrange(60, 60 * 24 * 60))
        pages = chance.randint(1, MOST_PAGES)
        visits.append(_build_record(f"visit-{number}", at, {"pages": pages}))
        if chance.random() < (0.9 if pages >= KEEN_PAGES else 0.1):
            uses.append(_build_record(f"use-{number}", at + timedelta(minutes=chance.randrange(1, 60)), {"amount": 1.0}))
    yield DatasetPlan("visits", "shopper", {"pages": "number"}, visits)
    yield DatasetPlan("voucher-uses", "shopper", {"amount": "number"}, uses)


def _build_record(name: str, at: datetime, values: Mapping[str, object]) -> JsonObject:
    unit = f"past-{name.rpartition('-')[2]}"
    return {"record_id": name, "entity_id": unit, "event_timestamp": rfc3339(at), "known_timestamp": rfc3339(at), "values": values}


def _model(product: Product) -> JsonObject:
    return {
        "name": f"uses-voucher-{product.name}",
        "default": DEFAULT,
        "spec": {
            "kind": "classification",
            "observations": {"dataset": "visits"},
            "label": {"dataset": "voucher-uses", "window_days": WINDOW.days},
            "feature_views": [
                {"name": "visits", "dataset": "visits", "features": [{"name": "pages", "function": "latest", "column": "pages"}]}
            ],
        },
    }


def _experiment(product: Product) -> JsonObject:
    hours = WINDOW.days * 24
    return {
        "name": "vouchers-pay",
        "model": f"uses-voucher-{product.name}",
        "control_policy": "default",
        "planned_units": product.units,
        "max_days": 28,
        "alpha": ALPHA,
        "primary": {"name": "bought", "kind": "conversion", "dataset": "purchases", "window_hours": hours},
        "secondary": [
            {"name": "spent", "kind": "sum", "dataset": "purchases", "value_column": "amount", "cap": 500, "window_hours": hours}
        ],
    }
