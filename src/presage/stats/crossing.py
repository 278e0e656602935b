"""How likely a score that is looked at again and again crosses its boundary, and when: by recursive numerical integration.

At look k the score is S_k = z_k sqrt(t_k), a Brownian motion seen at the information times t_k, with a drift when there is an effect.
The densities are integrated without drift once; any drift only weighs them anew, by the likelihood ratio exp(drift s - drift² t / 2).

References:
    Armitage, McPherson & Rowe, "Repeated Significance Tests on Accumulating Data" (JRSS A 132, 1969).
    Jennison & Turnbull, "Group Sequential Methods with Applications to Clinical Trials" (2000), chapter 19.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr

from presage.stats.elementwise import Array

NODES = 300
"""Points of Gauss-Legendre quadrature between the boundaries at each look; with up to some 400 looks errors stay below 1e-6."""


@dataclass(frozen=True, slots=True)
class ScorePath:
    """Where the score may be while it has not crossed, without drift.

    Shape: `times` and `boundaries` (looks,), of |S|; `nodes` and `masses` (looks, NODES): the density times the quadrature's weight.
    """

    times: Array
    boundaries: Array
    nodes: Array
    masses: Array


@dataclass(frozen=True, slots=True)
class Crossings:
    """The probabilities of crossing first at each look. Shape: `upper` and `lower` (looks,)."""

    upper: Array
    lower: Array


def build_score_path(times: Array, quantiles: Array) -> ScorePath:
    """Return the path of a score whose |z| stops it above `quantiles`, seen at `times`.

    Shape: both (looks,); `times` are positive and rise, `quantiles` are positive.

    Raises:
        ValueError: Shapes differ, or either is not as said.
    """
    if times.shape != quantiles.shape or times.ndim != 1 or not times.size:
        raise ValueError(f"need one quantile for each of at least one look, got {quantiles.shape} for {times.shape}")
    if not (np.diff(times, prepend=0.0) > 0.0).all() or not (quantiles > 0.0).all():
        raise ValueError("information times must rise from above 0, and quantiles be above 0")
    points, weights = _list_points()
    boundaries = quantiles * np.sqrt(times)
    nodes, masses = boundaries[:, None] * points, np.empty((times.size, NODES))
    for look, step in enumerate(np.diff(times, prepend=0.0)):
        before, mass = (nodes[look - 1], masses[look - 1]) if look else (np.zeros(1), np.ones(1))
        density = np.exp(-((nodes[look][:, None] - before) ** 2) / (2.0 * step)) @ mass / np.sqrt(2.0 * np.pi * step)
        masses[look] = density * weights * boundaries[look]
    return ScorePath(times, boundaries, nodes, masses)


def compute_crossings(path: ScorePath, *, drift: float) -> Crossings:
    """Return how likely the score first crosses at each look when it drifts by `drift` per unit of information."""
    weights = np.exp(drift * path.nodes[:-1] - drift**2 * path.times[:-1, None] / 2.0)
    masses = path.masses[:-1] * weights
    steps = np.diff(path.times)[:, None]
    moved, errors = path.nodes[:-1] + drift * steps, np.sqrt(steps)
    limits = path.boundaries[1:, None]
    upper = (masses * ndtr((moved - limits) / errors)).sum(axis=1)
    lower = (masses * ndtr((-limits - moved) / errors)).sum(axis=1)
    first, error = drift * path.times[0], np.sqrt(path.times[0])
    return Crossings(
        np.concatenate([[ndtr((first - path.boundaries[0]) / error)], upper]),
        np.concatenate([[ndtr((-path.boundaries[0] - first) / error)], lower]),
    )


@lru_cache(maxsize=1)
def _list_points() -> tuple[Array, Array]:
    """Return the quadrature's points and weights on [-1, 1]: finding them costs more than a path."""
    points, weights = np.polynomial.legendre.leggauss(NODES)
    return points, weights
