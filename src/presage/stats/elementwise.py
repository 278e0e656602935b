"""One formula for a number and for an array of numbers: floats go through `math`, arrays through NumPy.

What decides an experiment and what certifies that decision over thousands of simulated ones is thereby the same code.
"""

from __future__ import annotations

import math
from typing import TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Real = TypeVar("Real", float, NDArray[np.float64])
"""Either a float or an array of float64, the same throughout a call; arrays broadcast."""


def sqrt(value: Real) -> Real:
    """Return the square root; `value` >= 0."""
    if isinstance(value, np.ndarray):
        return np.sqrt(value)
    return math.sqrt(value)


def log(value: Real) -> Real:
    """Return the natural logarithm; `value` > 0."""
    if isinstance(value, np.ndarray):
        return np.log(value)
    return math.log(value)


def exp(value: Real) -> Real:
    """Return e to the power of `value`."""
    if isinstance(value, np.ndarray):
        return np.exp(value)
    return math.exp(value)


def maximum(value: Real, other: float) -> Real:
    """Return the greater of both."""
    if isinstance(value, np.ndarray):
        return np.maximum(value, other)
    return max(value, other)


def minimum(value: Real, other: float) -> Real:
    """Return the lesser of both."""
    if isinstance(value, np.ndarray):
        return np.minimum(value, other)
    return min(value, other)


def holds_anywhere(condition: object) -> bool:
    """Return whether a comparison holds, or that of any element."""
    if isinstance(condition, np.ndarray):
        return bool(condition.any())
    return bool(condition)


def is_finite(value: Real) -> bool:
    """Return whether the number, or each element, is neither infinite nor nan."""
    if isinstance(value, np.ndarray):
        return bool(np.isfinite(value).all())
    return math.isfinite(value)
