"""Real logs of two policies with propensities: the Open Bandit sample, fashion recommendations of November 2019.

References: Saito, Aihara, Matsutani & Narita, "Open Bandit Dataset and Pipeline" (NeurIPS 2021), arXiv 2008.07146.
"""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from localstack.places import Places
from presage.stats.effect import estimate_difference
from presage.stats.elementwise import Array
from presage.stats.inconclusive import Inconclusive
from presage.stats.off_policy import LoggedActions, PolicyValue, estimate_doubly_robust, estimate_ips, estimate_snips
from presage.stats.power import Design, plan_units
from presage.stats.sequential import build_mixture, compute_e_value, compute_interval
from presage.stats.welch import compute_fixed_horizon
from tests.unit.presage.stats.samples import compare_shares, conclusive

pytestmark = pytest.mark.integration

WHEEL = "obp==0.4.1"
CAMPAIGNS = ("all", "men", "women")
POSITIONS = 3
ALPHA = 0.05
PRIOR_UNITS = 50.0
"""Units at the overall rate that an item's click rate is smoothed by."""


@dataclass(frozen=True)
class Log:
    """What one policy showed in one campaign. Shape: each (units,)."""

    items: NDArray[np.int64]
    positions: NDArray[np.int64]
    clicks: Array
    propensities: Array

    def count_shares(self, items: int) -> Array:
        """Return how often each item was shown at each position. Shape: (positions, items)."""
        counts = np.zeros((POSITIONS, items))
        np.add.at(counts, (self.positions, self.items), 1.0)
        shares: Array = counts / counts.sum(axis=1, keepdims=True)
        return shares


@pytest.fixture(scope="module")
def sample() -> Path:
    """The folder of the sample's CSV files; of the package nothing is run."""
    folder = Places().cache / "open-bandit"
    if not (folder / "obp" / "dataset" / "obd").exists():
        uv = shutil.which("uv") or str(Places().cache / "uv-venv" / "bin" / "uv")
        command = [uv, "pip", "install", "-q", "--no-deps", "--python", sys.executable, "--target", str(folder), WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return folder / "obp" / "dataset" / "obd"


def read_log(sample: Path, policy: str, campaign: str) -> Log:
    with (sample / policy / campaign / f"{campaign}.csv").open() as file:
        rows = [
            (int(row["item_id"]), int(row["position"]) - 1, float(row["click"]), float(row["propensity_score"]))
            for row in csv.DictReader(file)
        ]
    items, positions, clicks, propensities = (np.array(column) for column in zip(*rows, strict=True))
    return Log(items, positions, clicks, propensities)


def estimate_all(log: Log, *, propensities: Array, judged: Array) -> dict[str, PolicyValue | Inconclusive]:
    """Return all estimates of a policy that shows items as `judged` says. Shape of it: (positions, items).

    The model is an item's smoothed click rate in the half of the log that the unit is not in.
    """
    logged = LoggedActions(log.clicks, propensities, judged[log.positions, log.items])
    halves = np.arange(log.clicks.size) % 2
    rates = np.stack([_compute_rates(log, halves != half, items=judged.shape[1]) for half in (0, 1)])
    predicted, expected = rates[halves, log.items], (judged[log.positions] * rates[halves]).sum(axis=1)
    return {
        "ips": estimate_ips(logged, alpha=ALPHA),
        "snips": estimate_snips(logged, alpha=ALPHA),
        "doubly robust": estimate_doubly_robust(logged, predicted=predicted, expected=expected, alpha=ALPHA),
    }


def _compute_rates(log: Log, chosen: NDArray[np.bool_], *, items: int) -> Array:
    clicks = np.bincount(log.items[chosen], log.clicks[chosen], items)
    shown = np.bincount(log.items[chosen], minlength=items)
    rates: Array = (clicks + PRIOR_UNITS * log.clicks[chosen].mean()) / (shown + PRIOR_UNITS)
    return rates


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_each_policys_value_is_covered_from_the_others_log(campaign: str, sample: Path) -> None:
    """Thompson sampling's probabilities changed all week; what it did on average is its share of each item and position."""
    random, thompson = read_log(sample, "random", campaign), read_log(sample, "bts", campaign)
    items = round(1.0 / random.propensities[0])
    shares, uniform = thompson.count_shares(items), np.full((POSITIONS, items), 1.0 / items)
    of_thompson = estimate_all(random, propensities=random.propensities, judged=shares)
    of_random = estimate_all(thompson, propensities=shares[thompson.positions, thompson.items], judged=uniform)
    for found, own in ((of_thompson, thompson), (of_random, random)):
        for name, value in found.items():
            interval = conclusive(value).interval
            assert interval.lower <= own.clicks.mean() <= interval.upper, (name, interval)


@pytest.mark.parametrize(("campaign", "effective"), [("all", 340.4), ("men", 655.7), ("women", 2.1)])
def test_probabilities_of_each_moment_cover_too_or_say_that_they_cannot(campaign: str, effective: float, sample: Path) -> None:
    """In the women's campaign one item was shown at a probability of 0.000001: that log is worth two units of the random policy."""
    random, thompson = read_log(sample, "random", campaign), read_log(sample, "bts", campaign)
    items = round(1.0 / random.propensities[0])
    found = estimate_all(thompson, propensities=thompson.propensities, judged=np.full((POSITIONS, items), 1.0 / items))
    for name, value in found.items():
        if isinstance(value, Inconclusive):
            assert value == Inconclusive(f"the log is worth {effective} units of the judged policy, 100 are needed")
        else:
            assert value.effective_units == pytest.approx(effective, abs=0.05)
            assert value.interval.lower <= random.clicks.mean() <= value.interval.upper, (name, value)


def test_the_a_b_test_of_both_policies_is_not_concluded(sample: Path) -> None:
    """130 clicks of 30,000 against 157: more, and not enough to say so."""
    units, clicks = {}, {}
    for policy in ("random", "bts"):
        logs = [read_log(sample, policy, campaign) for campaign in CAMPAIGNS]
        units[policy], clicks[policy] = float(sum(log.clicks.size for log in logs)), float(sum(log.clicks.sum() for log in logs))
    assert (units, clicks) == ({"random": 30_000, "bts": 30_000}, {"random": 130, "bts": 157})
    samples = compare_shares((units["random"], clicks["random"]), (units["bts"], clicks["bts"]))
    difference, mixture = estimate_difference(samples), build_mixture(alpha=ALPHA, planned_units=60_000)
    interval = compute_interval(difference, mixture, units=60_000.0)
    assert difference.value == pytest.approx(0.0009)
    assert (interval.lower, interval.upper) == pytest.approx((-0.00081, 0.00261), abs=5e-5)
    assert compute_e_value(difference, mixture, units=60_000.0) < 2.0
    assert conclusive(compute_fixed_horizon(difference, samples, alpha=ALPHA)).p_value == pytest.approx(0.11, abs=0.005)
    design = Design(ALPHA, 0.5, samples.control.variance, samples.treatment.variance)
    assert conclusive(plan_units(design, effect=difference.value, power=0.8)) > 4 * 60_000
