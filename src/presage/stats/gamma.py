"""The gamma function of a number and of an array of numbers; apart from `elementwise`, whose users then need no SciPy."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln

from presage.stats.elementwise import Real


def log_gamma(value: Real) -> Real:
    """Return the logarithm of the gamma function; `value` > 0."""
    if isinstance(value, np.ndarray):
        return np.asarray(gammaln(value), dtype=np.float64)
    return math.lgamma(value)
