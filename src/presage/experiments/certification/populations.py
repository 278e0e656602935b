"""The populations that certification draws units from: one for each kind of metric, with the truth that an experiment should find."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from presage.stats.cuped import adjust_by_covariate
from presage.stats.effect import Comparison, build_comparison
from presage.stats.elementwise import Array, Real
from presage.stats.inconclusive import Inconclusive
from presage.stats.moments import Moments, PairMoments, summarise_mean
from presage.stats.proportion import summarise_proportion
from presage.stats.ratio import summarise_ratio

Pair = PairMoments[Array]


class Population(Protocol):
    """A kind of metric with its distribution."""

    @property
    def mean(self) -> float:
        """The metric's expectation in control."""

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return (value, its companion: denominator or covariate) of each unit; a unit's mean is (1 + its lift) x control's."""

    def compare(self, control: PairMoments[Real], treatment: PairMoments[Real]) -> Comparison[Real] | Inconclusive:
        """Return both variants' samples, as the product summarises this kind of metric."""


class _Mean:
    """What metrics of one value per unit have in common."""

    def compare(self, control: PairMoments[Real], treatment: PairMoments[Real]) -> Comparison[Real] | Inconclusive:
        return build_comparison(summarise_mean(control.first), summarise_mean(treatment.first))


@dataclass(frozen=True)
class Conversion:
    """A binary metric. It is drawn as counts (`draw_counts`), as low rates need very many units."""

    rate: float

    @property
    def mean(self) -> float:
        """The rate."""
        return self.rate

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return 0 or 1 of each unit."""
        values = (generator.random(lifts.shape) < self.rate * (1.0 + lifts)).astype(np.float64)
        return values, values

    def draw_counts(self, generator: np.random.Generator, units: NDArray[np.int64], *, lift: float) -> Pair:
        """Return the moments of so many units."""
        conversions = generator.binomial(units, self.rate * (1.0 + lift)).astype(np.float64)
        total = units.astype(np.float64)
        share = conversions / np.maximum(total, 1.0)
        moments = Moments(total, share, conversions * (1.0 - share))
        return PairMoments(moments, moments, moments.squares)

    def compare(self, control: PairMoments[Real], treatment: PairMoments[Real]) -> Comparison[Real] | Inconclusive:
        """Return samples of proportions."""
        arms = (control.first, treatment.first)
        one, other = (summarise_proportion(arm.units, arm.units * arm.mean) for arm in arms)
        return build_comparison(one, other)


@dataclass(frozen=True)
class Duration(_Mean):
    """A value that every unit has, of moderate skew: gamma distributed."""

    shape: float
    scale: float

    @property
    def mean(self) -> float:
        """Shape x scale."""
        return self.shape * self.scale

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return gamma draws; the lift scales them."""
        values = generator.standard_gamma(self.shape, lifts.shape) * self.scale * (1.0 + lifts)
        return values, values


@dataclass(frozen=True)
class Count(_Mean):
    """How often a unit did something: overdispersed, negative binomial."""

    rate: float
    dispersion: float

    @property
    def mean(self) -> float:
        """The rate."""
        return self.rate

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return counts; the lift raises the rate."""
        rates = self.rate * (1.0 + lifts)
        values = generator.negative_binomial(self.dispersion, self.dispersion / (self.dispersion + rates)).astype(np.float64)
        return values, values


@dataclass(frozen=True)
class Revenue(_Mean):
    """Few units pay, and of these few pay most: log-normal amounts, winsorised at a cap fixed before the start (a quantile of payments)."""

    payers: float
    spread: float
    cap_quantile: float

    @property
    def cap(self) -> float:
        """The amount beyond which payments count as the cap."""
        return exp(self.spread * float(ndtri(self.cap_quantile)))

    @property
    def mean(self) -> float:
        """Share of payers x the log-normal's limited expectation at the cap."""
        quantile = log(self.cap) / self.spread
        below = exp(self.spread**2 / 2.0) * float(ndtr(quantile - self.spread))
        return self.payers * (below + self.cap * float(ndtr(-quantile)))

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return what each unit paid; the lift makes more units pay."""
        pays = generator.random(lifts.shape) < self.payers * (1.0 + lifts)
        values = np.zeros(lifts.shape)
        amounts = np.exp(self.spread * generator.standard_normal(int(pays.sum())))
        values[pays] = np.minimum(amounts, self.cap)
        return values, values


@dataclass(frozen=True)
class ClickRate:
    """Clicks per session where users are randomised: sessions of one user resemble each other."""

    rate: float
    sessions: float
    concentration: float

    @property
    def mean(self) -> float:
        """The rate: it does not depend on how many sessions a user has."""
        return self.rate

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return (clicks, sessions); the lift raises each user's rate."""
        sessions = 1 + generator.poisson(self.sessions - 1.0, lifts.shape)
        shapes = (self.rate * self.concentration, (1.0 - self.rate) * self.concentration)
        rates = np.minimum(1.0, generator.beta(*shapes, lifts.shape) * (1.0 + lifts))
        return generator.binomial(sessions, rates).astype(np.float64), sessions.astype(np.float64)

    def compare(self, control: PairMoments[Real], treatment: PairMoments[Real]) -> Comparison[Real] | Inconclusive:
        """Return samples of ratios."""
        return build_comparison(summarise_ratio(control), summarise_ratio(treatment))


@dataclass(frozen=True)
class Habit:
    """A value that was as large before exposure: a skewed covariate of the given correlation, for CUPED."""

    level: float
    correlation: float

    @property
    def mean(self) -> float:
        """The level."""
        return self.level

    def draw(self, generator: np.random.Generator, lifts: Array) -> tuple[Array, Array]:
        """Return (value, the same before exposure); the lift shifts the value."""
        before = generator.standard_exponential(lifts.shape)
        noise = generator.standard_normal(lifts.shape) * (1.0 / self.correlation**2 - 1.0) ** 0.5
        return self.level * (1.0 + lifts) + (before - 1.0) + noise, before

    def compare(self, control: PairMoments[Real], treatment: PairMoments[Real]) -> Comparison[Real] | Inconclusive:
        """Return samples adjusted by the covariate."""
        adjusted = adjust_by_covariate(control, treatment)
        return adjusted if isinstance(adjusted, Inconclusive) else build_comparison(*adjusted)
