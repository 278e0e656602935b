"""What the operators of derived features do to one row's values: the same bits on every machine.

Nothing but additions, multiplications, divisions and comparisons of float64, in a fixed order; the logarithm is made of them too, as
libraries round it differently. What is missing is NaN, of one kind.
Reachable from Spark steps: standard library only, importable on Python 3.9 (docs/adr/0005, docs/adr/0043).
"""

from __future__ import annotations

from math import frexp, nan
from sys import float_info
from typing import Callable, Mapping, Optional

Scalar = Callable[..., float]
GREATEST = float_info.max
_LN2_HIGH = float.fromhex("0x1.62e42feep-1")
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_HALF_ROOT = 0.5**0.5
_SERIES = tuple(1.0 / odd for odd in range(25, 1, -2))


def read_stored(value: Optional[float]) -> float:
    """Return a stored value, with one NaN for all that is missing."""
    return value if value is not None and -GREATEST <= value <= GREATEST else nan


def finish(value: float) -> float:
    """Return what a calculation gave, with one NaN for all that is not finite."""
    return value if -GREATEST <= value <= GREATEST else nan


def _add(*values: float) -> float:
    total = values[0]
    for value in values[1:]:
        total += value
    return finish(total)


def _multiply(*values: float) -> float:
    product = values[0]
    for value in values[1:]:
        product *= value
    return finish(product)


def _subtract(first: float, second: float) -> float:
    return finish(first - second)


def _divide(first: float, second: float) -> float:
    return finish(first / second) if second != 0 else nan


def _less(first: float, second: float) -> float:
    return nan if _any_missing(first, second) else float(first < second)


def _equal(first: float, second: float) -> float:
    return nan if _any_missing(first, second) else float(first == second)


def _and(*values: float) -> float:
    return nan if _any_missing(*values) else float(all(values))


def _or(*values: float) -> float:
    return nan if _any_missing(*values) else float(any(values))


def _negate(value: float) -> float:
    return 1.0 - value


def _any_missing(*values: float) -> bool:
    return any(value != value for value in values)  # noqa: PLR0124 - NaN is not itself


def _coalesce(*values: float) -> float:
    return next((value for value in values if value == value), nan)  # noqa: PLR0124 - NaN is not itself


def _choose(condition: float, first: float, second: float) -> float:
    if condition == 0:
        return second
    return first if condition == condition else nan  # noqa: PLR0124 - NaN is not itself


def compute_log1p(value: float) -> float:
    """Return ln(1 + value) within two units in the last place, NaN from -1 down: the same bits on every machine.

    1 + x is 2^k m with m in [√½, √2), and ln m = 2 artanh s = 2 (s + s³/3 + s⁵/5 + …) with s = (m - 1) / (m + 1); what is lost in
    1 + x is added to the first order. ln 2 is in two parts, of which k times the high one is exact.

    References: Abramowitz, Stegun (1964), 4.1.27 (the series).
    """
    if not value > -1.0:
        return nan
    whole = 1.0 + value
    if whole == 1.0:
        return value
    lost = (1.0 - (whole - value) if value >= 1.0 else value - (whole - 1.0)) / whole
    mantissa, power = frexp(whole)
    if mantissa < _HALF_ROOT:
        mantissa, power = mantissa * 2.0, power - 1
    fraction = mantissa - 1.0
    ratio = fraction / (2.0 + fraction)
    square = ratio * ratio
    series = 0.0
    for coefficient in _SERIES:
        series = series * square + coefficient
    of_mantissa = 2.0 * ratio + 2.0 * ratio * (square * series)
    return power * _LN2_HIGH + (of_mantissa + (power * _LN2_LOW + lost))


STRICT: Mapping[str, Scalar] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "ratio": _divide,
    "absolute": abs,
    "log1p": compute_log1p,
    "less": _less,
    "equal": _equal,
    "and": _and,
    "or": _or,
    "not": _negate,
}
"""By operator: missing in, missing out."""
LENIENT: Mapping[str, Scalar] = {"coalesce": _coalesce, "if": _choose}
