"""Running results within segments of an array, each step in the order of the elements, so that sums have the bits of a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

LONG = 64
"""Segments up to this length advance together, one element a round; longer ones each by themselves."""


def accumulate(operation: np.ufunc, values: npt.NDArray[Any], starts: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Return `operation` accumulated from each segment's first element on.

    Shape: `starts` are the segments' first positions, ascending, the first one 0; no segment is empty.
    """
    result = values.copy()
    lengths = np.diff(np.append(starts, len(values)))
    for start, length in zip(starts[lengths > LONG].tolist(), lengths[lengths > LONG].tolist()):
        operation.accumulate(values[start : start + length], out=result[start : start + length])
    begins, rest = starts[lengths <= LONG], lengths[lengths <= LONG]
    for step in range(1, int(rest.max(initial=0))):
        begins, rest = begins[rest > step], rest[rest > step]
        result[begins + step] = operation(result[begins + step - 1], result[begins + step])
    return result


def expand_ranges(starts: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the positions of all ranges, one after another."""
    ends = np.cumsum(lengths)
    return np.arange(int(ends[-1]) if len(ends) else 0) + np.repeat(starts - ends + lengths, lengths)


def order_with_ties(primary: npt.NDArray[np.int64], rank: Any) -> npt.NDArray[np.int64]:  # noqa: ANN401 - a function of positions
    """Return the order by `primary`; only for those that it leaves tied, `rank(positions)` is asked for their ranks, all different."""
    order: npt.NDArray[np.int64] = np.argsort(primary)
    ordered = primary[order]
    same = ordered[1:] == ordered[:-1]
    if same.any():
        tied = np.flatnonzero(np.append(same, False) | np.append(False, same))
        among = order[tied]
        order[tied] = among[np.lexsort((rank(among), primary[among]))]
    return order


def compose(codes: npt.NDArray[np.int64], moments: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return one number for each (code, moment) that orders as the pair does; neither is negative but moments may be."""
    if not len(codes):
        return codes
    first, greatest = int(moments.min()), int(codes.max())
    span = int(moments.max()) - first + 1
    if (greatest + 1) * span < 2**63:
        return codes * span + (moments - first)
    ranks = np.unique(moments, return_inverse=True)[1].astype(np.int64)
    return codes * len(moments) + ranks
