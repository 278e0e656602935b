"""What a certification found, with its Monte-Carlo error, and whether it is within what is promised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal

from presage.experiments.certification.drawing import HOURS_A_DAY
from presage.experiments.certification.simulation import Outcomes
from presage.experiments.model import Variant

ERRORS = 3.0
"""Monte-Carlo standard errors that a share may be beyond its bound: a right one is then out of it once in 740 runs."""
WRONG = frozenset({"concluded_ship", "concluded_rollback"})


@dataclass(frozen=True)
class Share:
    """A share of runs beside its bound: at most it, or at least it, but for `ERRORS` times the error that it has at its bound."""

    name: str
    count: int
    runs: int
    bound: float
    side: Literal["at most", "at least"]

    @property
    def value(self) -> float:
        """The share found, in [0, 1]."""
        return self.count / self.runs

    @property
    def error(self) -> float:
        """The standard error of a share of so many runs that is at its bound."""
        return sqrt(self.bound * (1.0 - self.bound) / self.runs)

    @property
    def holds(self) -> bool:
        """Whether the share is within its bound."""
        beyond = self.value - self.bound if self.side == "at most" else self.bound - self.value
        return beyond <= ERRORS * self.error


@dataclass(frozen=True)
class Finding:
    """One scenario's shares, and its mean days until it was concluded (None where it never was) beside those planned."""

    scenario: str
    shares: tuple[Share, ...]
    days: float | None
    planned_days: float | None

    @property
    def holds(self) -> bool:
        """Whether all shares are within their bounds."""
        return all(share.holds for share in self.shares)


def join(batches: Sequence[Outcomes]) -> Outcomes:
    """Return the outcomes of all batches."""
    return Outcomes(
        tuple(decision for batch in batches for decision in batch.decisions),
        tuple(look for batch in batches for look in batch.looks),
        tuple(covered for batch in batches for covered in batch.covered),
        tuple(arm for batch in batches for arm in batch.shipped),
    )


@dataclass(frozen=True)
class Promise:
    """What a scenario is held to; with an effect, it is the first arm's."""

    alpha: float
    power: float
    planned_days: float
    arms: Sequence[Variant]


def judge(scenario: str, *, without_effect: Outcomes, with_effect: Outcomes, promise: Promise) -> Finding:
    """Return the scenario's finding: errors of the first kind, coverage of both, power and, of several arms, how often a wrong one ships.

    Coverage is that of all arms' intervals at once, and nothing is wrong only if no arm is.
    """
    wrong = sum(decision in WRONG for decision in without_effect.decisions)
    alpha, best = promise.alpha, promise.arms[0]
    shipped = [arm == best for arm in with_effect.shipped]
    others = sum(arm not in {None, best} for arm in with_effect.shipped)
    runs = len(without_effect.decisions)
    days = [(look + 1) / HOURS_A_DAY for look in with_effect.looks]
    return Finding(
        scenario,
        (
            Share("wrong", wrong, runs, alpha, "at most"),
            Share("coverage A/A", sum(without_effect.covered), runs, 1.0 - alpha, "at least"),
            Share("coverage A/B", sum(with_effect.covered), len(shipped), 1.0 - alpha, "at least"),
            Share("power", sum(shipped), len(shipped), promise.power, "at least"),
            *([Share("another arm", others, len(shipped), alpha, "at most")] if len(promise.arms) > 1 else []),
        ),
        sum(days) / len(days),
        promise.planned_days,
    )
