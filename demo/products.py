"""The journey of a simulated product: what is answered decides what happens. Asked at the service, whose emulated gateway is too slow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo import simulated
from demo.clients import JsonClient, JsonObject, split
from demo.evidence import wait_until
from demo.journey import PREDICTIONS_PER_CALL, RECORDS_PER_CALL, Journey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from demo.simulated import Product, Shopper
    from demo.stack import Stack

KEY_HEADER = "x-presage-api-key-id"
"""What the gateway sets once it knows the key."""
CONCLUDED = {"concluded_ship", "concluded_rollback", "concluded_inconclusive", "paused_srm"}
CALLERS = 3
"""Calls at once of one product."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a shopper was shown and did. The variant is kept for whoever checks the counts; shoppers know nothing of it."""

    shopper: Shopper
    variant: str
    bought: bool


class ProductJourney(Journey):
    """One run of a simulated product in a workspace of its own."""

    def __init__(self, stack: Stack, product: Product) -> None:
        """Draw the shoppers; nothing is called before `run`."""
        self.product = product
        self.shoppers = simulated.draw_shoppers(product)
        super().__init__(stack, simulated.build_scenario(product, self.shoppers))
        self.exposures: list[Exposure] = []
        self.true_effect: float | None = None

    def set_up(self) -> None:
        """As any journey; from then on the service itself is called, as the gateway calls it."""
        super().set_up()
        self.public = JsonClient(self.stack.public_api_url, {KEY_HEADER: self.report.api_key_id})

    def build_model(self) -> None:
        """As any journey; then compute the truth from what the version answers, asked for by its number, outside of any experiment."""
        super().build_model()
        entries: list[JsonObject] = [{simulated.FEATURE: pages} for pages in range(1, simulated.MOST_PAGES + 1)]
        results = self.predict(entries, version=1)
        self.note_predictions(results)
        answers = {pages: str(result["prediction"]) for pages, result in enumerate(results, start=1)}
        self.true_effect = simulated.compute_true_effect(self.shoppers, self.product, answers)

    def ask_predictions(self, since: datetime, until: datetime) -> None:
        """Ask for the shoppers who come in [since, until), several calls at once, and let them act on the answers."""
        coming = [shopper for shopper in self.shoppers if since <= shopper.at < until]
        groups = [coming[start : start + PREDICTIONS_PER_CALL] for start in range(0, len(coming), PREDICTIONS_PER_CALL)]
        with ThreadPoolExecutor(CALLERS) as callers:
            for group, answers in zip(groups, callers.map(self._ask, groups), strict=True):
                for results in answers:
                    self.note_predictions(results)
                self._act(group, answers[-1])

    def _ask(self, group: Sequence[Shopper]) -> list[list[JsonObject]]:
        """Return the answers to a group, which asks again while a process of the service has not heard of the experiment yet.

        What is answered until then is in the log and in no experiment; shoppers act on the last answer.
        """
        entries: list[JsonObject] = [shopper.build_entry() for shopper in group]
        answers: list[list[JsonObject]] = []

        def is_in_experiment() -> bool:
            answers.append(self.predict(entries))
            return self.report.decision in CONCLUDED or all("experiment_id" in result for result in answers[-1])

        wait_until(is_in_experiment, "the service does not know of the experiment")
        return answers

    def _act(self, group: Sequence[Shopper], results: Sequence[JsonObject]) -> None:
        for shopper, result in zip(group, results, strict=True):
            bought = shopper.buys(str(result["prediction"]), self.product)
            self.exposures.append(Exposure(shopper, str(result["variant"]), bought))

    def send_outcomes(self, since: datetime, until: datetime) -> None:
        """Report the purchases that became known in [since, until)."""
        buyers = (exposure.shopper for exposure in self.exposures if exposure.bought)
        records = [shopper.build_purchase() for shopper in buyers if since <= shopper.purchase_known_at < until]
        for chunk in split(records, RECORDS_PER_CALL):
            self.send_records(self.scenario.outcome_dataset, chunk)
        self.report.outcomes_sent += len(records)

    def count_closed(self, as_of: datetime) -> dict[str, tuple[int, int]]:
        """Return (shoppers, buyers) by variant, of whom the window is closed at `as_of`: what a look must count."""
        found = {"control": (0, 0), "treatment": (0, 0)}
        for exposure in self.exposures:
            if exposure.shopper.at + simulated.WINDOW <= as_of and exposure.variant in found:
                shoppers, buyers = found[exposure.variant]
                found[exposure.variant] = shoppers + 1, buyers + exposure.bought
        return found


def build_journeys(stack: Stack) -> list[Journey]:
    """Return the journeys of both products."""
    return [ProductJourney(stack, simulated.MOVED), ProductJourney(stack, simulated.UNMOVED)]
