"""Draws simulated experiments hour by hour, and merges the hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import log
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from presage.experiments.certification.populations import Conversion, Pair, Population
from presage.experiments.model import ExperimentPlan
from presage.stats.elementwise import Array
from presage.stats.moments import Moments, PairMoments, merge_pair_moments

HOURS_A_DAY = 24
DAYS = 14
LOOKS = DAYS * HOURS_A_DAY

Scale = Literal["difference", "log_ratio"]


@dataclass(frozen=True)
class Trial:
    """A population under a lift (0 for A/A), decided on a scale by a plan. `units_a_look` of both arms together arrive each hour."""

    population: Population
    scale: Scale
    lift: float
    plan: ExperimentPlan
    units_a_look: int

    @property
    def truth(self) -> float:
        """The effect, on the scale that is decided on."""
        return log(1.0 + self.lift) if self.scale == "log_ratio" else self.population.mean * self.lift


@dataclass(frozen=True)
class History:
    """All that was seen. Shape: each array (runs, looks), all of it up to and including the look."""

    control: Pair
    treatment: Pair
    valued: tuple[Array, Array]
    """Units with a value other than 0 in control and treatment: for a binary metric, its conversions."""


def draw_history(trial: Trial, *, runs: int, generator: np.random.Generator, looks: int = LOOKS) -> History:
    """Return the hours drawn and merged, one after the other."""
    control, treatment, valued = _draw_hours(trial, shape=(runs, looks), generator=generator)
    return History(_accumulate(control), _accumulate(treatment), (valued[0].cumsum(axis=1), valued[1].cumsum(axis=1)))


def _draw_hours(trial: Trial, *, shape: tuple[int, int], generator: np.random.Generator) -> tuple[Pair, Pair, tuple[Array, Array]]:
    population, share = trial.population, trial.plan.treatment_share
    if isinstance(population, Conversion):
        treated = generator.binomial(trial.units_a_look, share, shape)
        control = population.draw_counts(generator, trial.units_a_look - treated, lift=0.0)
        treatment = population.draw_counts(generator, treated, lift=trial.lift)
        return control, treatment, (control.first.units * control.first.mean, treatment.first.units * treatment.first.mean)
    chosen = generator.random((*shape, trial.units_a_look)) < share
    values, companions = population.draw(generator, chosen, lift=trial.lift)
    valued = values != 0.0
    counts = ((valued & ~chosen).sum(axis=-1).astype(np.float64), (valued & chosen).sum(axis=-1).astype(np.float64))
    return _reduce(values, companions, ~chosen), _reduce(values, companions, chosen), counts


def _reduce(first: Array, second: Array, chosen: NDArray[np.bool_]) -> Pair:
    """Return the moments of the chosen units of each hour, in two passes."""
    units = chosen.sum(axis=-1).astype(np.float64)
    parts = [_center(values, chosen, units) for values in (first, second)]
    (one, one_mean), (other, other_mean) = parts
    squares, other_squares, products = ((left * right).sum(axis=-1) for left, right in ((one, one), (other, other), (one, other)))
    return PairMoments(Moments(units, one_mean, squares), Moments(units, other_mean, other_squares), products)


def _center(values: Array, chosen: NDArray[np.bool_], units: Array) -> tuple[Array, Array]:
    mean = (values * chosen).sum(axis=-1) / np.maximum(units, 1.0)
    return (values - mean[..., None]) * chosen, mean


def select(moments: Pair, choose: Callable[[Array], Array]) -> Pair:
    """Return the moments of chosen elements; `choose` indexes each array alike."""
    first, second = (Moments(choose(one.units), choose(one.mean), choose(one.squares)) for one in (moments.first, moments.second))
    return PairMoments(first, second, choose(moments.products))


def _accumulate(hours: Pair) -> Pair:
    """Return what was known after each hour: the hours merged in turn, as the product merges what an hour adds."""
    known, totals = select(hours, lambda values: values[:, 0]), select(hours, np.copy)
    for look in range(1, hours.products.shape[1]):
        known = merge_pair_moments(known, select(hours, lambda values, at=look: values[:, at]))  # type: ignore[misc]  # a default is bound
        for total, values in zip(_list_arrays(totals), _list_arrays(known), strict=True):
            total[:, look] = values
    return totals


def _list_arrays(moments: Pair) -> list[Array]:
    first, second = moments.first, moments.second
    return [first.units, first.mean, first.squares, second.units, second.mean, second.squares, moments.products]
