"""CDNOW: will this customer buy again within 90 days?

69,659 purchases of the 23,570 customers who first bought in the first quarter of 1997, until 30 June 1998, as shipped in
the package `lifetimes` (Fader and Hardie, "Forecasting repeat sales at CDNOW", 2001).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import distribution
from itertools import groupby
from pathlib import Path

from demo.scenario import DatasetPlan, FilePlan, Outcome, Scenario, Visit, rfc3339

CUTOFF = datetime(1998, 1, 1, tzinfo=UTC)
END = datetime(1998, 7, 1, tzinfo=UTC)
WINDOW = timedelta(days=90)
EXPORT_DELAY = timedelta(days=1)
"""The shop's nightly export: a purchase is known one day after it happened."""


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the file: a customer's purchase of a day, `spent` in US dollars."""

    customer: str
    at: datetime
    discs: int
    spent: float


def read_purchases(file_name: str = "CDNOW_master.txt") -> list[Purchase]:
    """Return all purchases in time order (times are days: midnight UTC)."""
    path = distribution("lifetimes").locate_file(f"lifetimes/datasets/{file_name}")  # the package itself need not be imported
    text = Path(str(path)).read_text()
    rows = [line.split()[-4:] for line in text.splitlines()[1:] if line.strip()]
    purchases = [
        Purchase(customer, datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC), int(discs), float(spent))
        for customer, day, discs, spent in rows
    ]
    return sorted(purchases, key=lambda purchase: (purchase.at, purchase.customer))


def build_scenario(file_name: str = "CDNOW_master.txt") -> Scenario:
    """Return the scenario; `CDNOW_sample.txt` is its tenth."""
    purchases = read_purchases(file_name)
    history = [purchase for purchase in purchases if purchase.at + EXPORT_DELAY <= CUTOFF]
    visits = list(_first_visits(purchases))
    return Scenario(
        name="cdnow",
        source=f"CDNOW, {len(purchases):,} purchases of {len({purchase.customer for purchase in purchases}):,} customers, 1997 to 1998",
        measures="whether the answer shown (buys again within 90 days: 1 or 0) is what the customer then did; control shows the default, 0",
        cutoff=CUTOFF,
        datasets=[
            DatasetPlan("orders", "customer", {"spent": "number"}, list(_orders(history))),
            DatasetPlan("baskets", "customer", {"discs": "number"}),
            DatasetPlan("returns", "customer", {"bought_again": "string"}),
        ],
        files=[_baskets_file(history)],
        model=_model(),
        experiment=_experiment(len(visits)),
        outcome_dataset="returns",
        visits=visits,
        outcomes=sorted(_outcomes(purchases, visits), key=lambda outcome: outcome.at),
        looks=[datetime(1998, 4, 8, tzinfo=UTC) + timedelta(days=14) * number for number in range(6)] + [END],
    )


def _orders(history: list[Purchase]) -> Iterator[dict[str, object]]:
    for number, purchase in enumerate(history):
        yield {
            "record_id": f"order-{number}",
            "entity_id": purchase.customer,
            "event_timestamp": rfc3339(purchase.at),
            "known_timestamp": rfc3339(purchase.at + EXPORT_DELAY),
            "values": {"spent": purchase.spent},
        }


def _baskets_file(history: list[Purchase]) -> FilePlan:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["record_id", "customer", "bought_on", "exported_on", "discs"])
    for number, purchase in enumerate(history):
        writer.writerow([f"basket-{number}", purchase.customer, rfc3339(purchase.at), rfc3339(purchase.at + EXPORT_DELAY), purchase.discs])
    return FilePlan("baskets", "baskets.csv", text.getvalue().encode(), "customer", "bought_on", "exported_on", len(history))


def _first_visits(purchases: list[Purchase]) -> Iterator[Visit]:
    """Yield each customer's first purchase after the cut-off whose 90 days the data covers."""
    seen = set[str]()
    for purchase in purchases:
        if CUTOFF <= purchase.at <= END - WINDOW - timedelta(days=1) and purchase.customer not in seen:
            seen.add(purchase.customer)
            yield Visit(purchase.customer, purchase.at)


def _outcomes(purchases: list[Purchase], visits: list[Visit]) -> Iterator[Outcome]:
    days = {
        customer: [purchase.at for purchase in group]
        for customer, group in groupby(
            sorted(purchases, key=lambda purchase: (purchase.customer, purchase.at)), key=lambda purchase: purchase.customer
        )
    }
    for visit in visits:
        again = next((day for day in days[visit.unit] if visit.at < day <= visit.at + WINDOW), None)
        at = again or visit.at + WINDOW
        yield Outcome(
            at,
            {
                "record_id": f"return-{visit.unit}",
                "entity_id": visit.unit,
                "event_timestamp": rfc3339(at),
                "values": {"bought_again": "1" if again else "0"},
            },
        )


def _model() -> dict[str, object]:
    return {
        "name": "buys-again",
        "default": "0",
        "spec": {
            "kind": "classification",
            "observations": {"dataset": "orders"},
            "label": {"dataset": "orders", "window_days": WINDOW.days},
            "feature_views": [
                {
                    "name": "orders",
                    "dataset": "orders",
                    "features": [
                        {"name": "count", "function": "count"},
                        {"name": "spent", "function": "sum", "column": "spent"},
                        {"name": "mean_spent", "function": "mean", "column": "spent"},
                        {"name": "age_days", "function": "days_since_first"},
                        {"name": "recency_days", "function": "days_since_last"},
                    ],
                },
                {
                    "name": "baskets",
                    "dataset": "baskets",
                    "features": [
                        {"name": "discs", "function": "sum", "column": "discs"},
                        {"name": "largest", "function": "max", "column": "discs"},
                    ],
                },
            ],
        },
    }


def _experiment(visits: int) -> dict[str, object]:
    return {
        "name": "buys-again-pays",
        "model": "buys-again",
        "control_policy": "default",
        "planned_units": visits,
        "max_days": 365,
        "primary": {
            "name": "answer_was_right",
            "kind": "hit",
            "dataset": "returns",
            "item_column": "bought_again",
            "window_hours": WINDOW.days * 24,
        },
        "gates": {} if visits >= SMALL else {"min_units_per_variant": visits // 4},
    }


SMALL = 2000
"""Below this many customers (the sample file) the demo lowers the gate on units per variant, and says so."""
