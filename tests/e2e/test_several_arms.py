"""An experiment of two arms, told by segments, through the services: what is answered, counted, concluded, certified and shipped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from demo import simulated
from demo.clients import JsonObject
from demo.evidence import wait_until
from demo.products import Exposure, ProductJourney
from demo.scenario import DatasetPlan, Scenario, rfc3339
from demo.simulated import DEFAULT, START, WINDOW, Product, Shopper
from demo.stack import Stack
from tests.e2e.test_simulated_products import ask_again, download_certificate, read_alias_moves, verify

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]  # the first test runs the product

PRODUCT = Product("arms", base_rate=0.1, lift=0.4, units=1_500, seed=20260304)
ARMS = [{"name": "now", "weight": 0.3}, {"name": "next", "weight": 0.4, "version": 2}]
VARIANTS = ("control", "now", "next")
BERN, CHUR, GENF = "Bern", "Chur", "Genf"
Group = tuple[str, str | None]


def find_city(shopper: Shopper) -> str | None:
    """Return where the shopper lives; of every fourth nothing is known."""
    number = int(shopper.unit.rpartition("-")[2])
    return (None, BERN, BERN, CHUR)[number % 4]


def describe_shoppers(shoppers: Sequence[Shopper]) -> list[JsonObject]:
    """Return what is known of shoppers before they come, and that all of them move after it."""
    return [
        {
            "record_id": f"{shopper.unit}-{city}",
            "entity_id": shopper.unit,
            "event_timestamp": rfc3339(at),
            "known_timestamp": rfc3339(at),
            "values": {"city": city},
        }
        for shopper in shoppers
        for at, city in ((START - WINDOW, find_city(shopper)), (shopper.at + WINDOW, GENF))
        if city is not None
    ]


def build_scenario(shoppers: Sequence[Shopper]) -> Scenario:
    """Return the product's scenario with two arms and a look."""
    found = simulated.build_scenario(PRODUCT, shoppers)
    plan = {
        "alpha": 0.05,
        "arms": ARMS,
        "gates": {"min_units_per_variant": 100, "min_conversions_per_variant": 5},
        "segments": [{"name": "city", "dataset": "profiles", "column": "city", "most_values": 1}],
    }
    profiles = DatasetPlan("profiles", "shopper", {"city": "string"}, describe_shoppers(shoppers))
    return replace(found, datasets=[*found.datasets, profiles], experiment={**found.experiment, **plan}, looks=found.looks[-1:])


class ArmsJourney(ProductJourney):
    """A product whose voucher is worth something only where the second version offers it: shoppers of its arm alone act on it."""

    def __init__(self, stack: Stack) -> None:
        super().__init__(stack, PRODUCT)
        self.scenario = build_scenario(self.shoppers)
        self.answers: Counter[tuple[str, str, object]] = Counter()

    def build_model(self) -> None:
        """As any product; then build the candidate, which gets no traffic but the experiment's."""
        super().build_model()
        body = {"cutoff": rfc3339(self.scenario.cutoff), "alias": "staging"}
        job = self.backend.post(f"/api/v1/models/{self.report.model_id}/builds", body)
        self.wait_for_job(str(job["job_id"]), "building the candidate")

    def _act(self, group: Sequence[Shopper], results: Sequence[JsonObject]) -> None:
        for shopper, result in zip(group, results, strict=True):
            variant = str(result["variant"])
            shown = str(result["prediction"]) if variant == "next" else DEFAULT
            self.exposures.append(Exposure(shopper, variant, shopper.buys(shown, self.product)))
            self.answers[variant, str(result["answered_by"]), result.get("model_version")] += 1

    def count_groups(self) -> dict[Group, dict[str, tuple[int, int]]]:
        """Return (shoppers, buyers) by group and variant: what the look must count."""
        found: dict[Group, dict[str, tuple[int, int]]] = {}
        for exposure in self.exposures:
            city = find_city(exposure.shopper)
            group = ("none", None) if city is None else ("value", city) if city == BERN else ("other", None)
            variants = found.setdefault(group, dict.fromkeys(VARIANTS, (0, 0)))
            shoppers, buyers = variants[exposure.variant]
            variants[exposure.variant] = shoppers + 1, buyers + exposure.bought
        return found

    def read_results(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.backend.get(f"/api/v1/experiments/{self.report.experiment_id}/results"))


@pytest.fixture(scope="module")
def arms(stack: Stack) -> ArmsJourney:
    """The product, run once; tests look at what it left."""
    journey = ArmsJourney(stack)
    journey.run()
    return journey


def read_counts(found: dict[str, Any]) -> tuple[int, int]:
    return found["units"], found["conversions"]


def test_each_arm_is_answered_by_its_version_and_control_by_its_policy(arms: ArmsJourney) -> None:
    seen = Counter(exposure.variant for exposure in arms.exposures)

    assert set(arms.answers) == {("control", "default", None), ("now", "model", 1), ("next", "model", 2)}
    assert arms.report.assignments == seen
    assert {variant: seen[variant] / PRODUCT.units for variant in VARIANTS} == pytest.approx(
        {"control": 0.3, "now": 0.3, "next": 0.4}, abs=0.06
    )


def test_results_tell_each_arm_exactly_as_its_shoppers_did(arms: ArmsJourney) -> None:
    latest = arms.read_results()["latest"]
    totals = {
        variant: tuple(map(sum, zip(*(found[variant] for found in arms.count_groups().values()), strict=True))) for variant in VARIANTS
    }

    assert [(found["arm"], found["metric"]) for found in latest["metrics"]] == [
        (arm, of) for arm in VARIANTS[1:] for of in ("bought", "spent")
    ]
    assert list(latest["sample_ratio"]["units"]) == [totals[variant][0] for variant in VARIANTS]
    for found in latest["metrics"]:
        assert (read_counts(found["control"]), read_counts(found["treatment"])) == (totals["control"], totals[found["arm"]])
        assert (found["adjusted_p_value"] is not None) == (found["role"] == "primary")


def test_segments_tell_each_arm_by_what_was_known_before_the_first_exposure(arms: ArmsJourney) -> None:
    (segment,) = arms.read_results()["segments"]

    found = {
        (group["kind"], group["value"]): {
            "control": read_counts(group["control"]),
            **{arm["arm"]: read_counts(arm["treatment"]) for arm in group["arms"]},
        }
        for group in segment["groups"]
    }
    assert segment["segment"] == "city"
    assert found == arms.count_groups()
    assert set(found) == {("value", BERN), ("other", None), ("none", None)}
    of_bern = segment["groups"][0]["arms"][1]
    assert of_bern["interval"]["lower"] < of_bern["effect"]["value"] < of_bern["interval"]["upper"]


def test_the_arm_that_moves_shoppers_is_shipped_and_serves_from_then_on(arms: ArmsJourney) -> None:
    results = arms.read_results()
    assert (results["state"], results["latest"]["shipped"]) == ("concluded_ship", "next"), arms.report.last_look

    wait_until(lambda: ask_again(arms, "control")[0][1]["variant"] == "none", "the experiment still assigns")
    newest, *_ = read_alias_moves(arms)

    assert (newest["traffic"], newest["version"]) == ("model", 2)
    assert newest["reason"] == f"experiment {arms.report.experiment_id}: concluded_ship"
    assert {(result["answered_by"], result["model_version"]) for _, result in ask_again(arms, "control")} == {("model", 2)}


def test_the_certificate_of_arms_and_segments_is_verified(arms: ArmsJourney, tmp_path: Path) -> None:
    path = download_certificate(arms, tmp_path)

    verified = verify(path)

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert verified.stdout.startswith(f"verified: {arms.report.experiment_id}, 1 looks, concluded_ship")
