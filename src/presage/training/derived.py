"""What derived features are worth: one evaluator, in plain Python, for Spark's workers, the public API and batch predictions.

Bit for bit the same wherever it runs, as its operators are (`presage.training.operators`). Columns are lists, for one row as for a million.
Reachable from Spark steps: standard library only, importable on Python 3.9 (docs/adr/0005, docs/adr/0043).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from math import floor, nan
from struct import Struct
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple, Union
from zlib import crc32

from presage.errors import CorruptArtifactError
from presage.training.operators import GREATEST, LENIENT, STRICT, Scalar, finish, read_stored
from presage.training.spec import DERIVED, Expression, ModelSpec, Operand, TimePart, list_references, view_columns

Column = List[float]
Values = Tuple[Union[float, str], ...]

SECONDS_PER_DAY = 86_400
MICROSECONDS = 1_000_000
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
EPOCH_WEEKDAY = date(1970, 1, 1).weekday()
FARTHEST_SECONDS = 1e12
"""Beyond any year that a calendar knows."""
_FLOAT = Struct("<d")


class Frame:
    """Columns by name, and each row's moment of asking in microseconds since the epoch."""

    def __init__(self, columns: Dict[str, Column], at_us: Sequence[int]) -> None:
        """Take both; all are of one length."""
        self.columns, self.at_us = columns, at_us


Node = Callable[[Frame], Column]


class Program:
    """The derived features of a model, ready to be computed. `needed` are the columns of views that they are made of, in order."""

    def __init__(self, spec: ModelSpec) -> None:
        """Build it of a specification that was validated.

        Raises:
            CorruptArtifactError: It was not: expressions name each other in a circle, or what is not there.
        """
        expressions = {f"{DERIVED}__{derived.name}": derived.expression for derived in spec.derived}
        named = {name for expression in expressions.values() for name in list_references(expression)}
        self.needed = tuple(name for name in view_columns(spec) if name in named)
        if not named <= {*self.needed, *expressions}:
            raise CorruptArtifactError(f"Derived features name columns that are not there: {sorted(named - {*self.needed, *expressions})}")
        categories = list_categories(spec)
        self._names = tuple(expressions)
        self._nodes = tuple((name, _build(expressions[name], categories)) for name in order_columns(expressions))

    def run(self, columns: Sequence[Sequence[Optional[float]]], at_us: Sequence[int]) -> List[Column]:
        """Return the derived columns, in the specification's order, of the `needed` ones; what is missing is NaN.

        Shape: each column, and `at_us`, has an item a row.
        """
        frame = Frame({name: list(map(read_stored, column)) for name, column in zip(self.needed, columns)}, at_us)
        for name, node in self._nodes:
            frame.columns[name] = node(frame)
        return [frame.columns[name] for name in self._names]


def list_categories(spec: ModelSpec) -> Dict[str, Tuple[str, ...]]:
    """Return the categories of the columns that have any."""
    features = (feature for view in spec.feature_views for feature in view.features)
    return {name: feature.categories for name, feature in zip(view_columns(spec), features) if feature.categories is not None}


def number_categories(spec: ModelSpec) -> Dict[str, Dict[str, float]]:
    """Return the number of each category of the columns that have any."""
    return {column: {name: float(place) for place, name in enumerate(names)} for column, names in list_categories(spec).items()}


def order_columns(expressions: Mapping[str, Expression]) -> List[str]:
    """Return the derived columns so that each comes after those that it is made of.

    Raises:
        CorruptArtifactError: There is a circle.
    """
    waits = {name: {other for other in list_references(expression) if other in expressions} for name, expression in expressions.items()}
    order: List[str] = []
    while waits:
        ready = [name for name, others in waits.items() if not others]
        if not ready:
            raise CorruptArtifactError(f"Derived features are made of each other: {sorted(waits)}")
        order += ready
        waits = {name: others.difference(ready) for name, others in waits.items() if others}
    return order


def _build(operand: Operand, categories: Mapping[str, Tuple[str, ...]]) -> Node:
    if isinstance(operand, str):
        name = operand
        return lambda frame: frame.columns[name]
    if not isinstance(operand, Expression):
        constant = read_stored(float(operand))
        return lambda frame: [constant] * len(frame.at_us)
    nodes = [_build(each, categories) for each in operand.of]
    if operand.op in _TIMED:
        return _TIMED[operand.op](operand, nodes)
    if operand.op == "is_missing":
        (node,) = nodes
        return lambda frame: [1.0 if value != value else 0.0 for value in node(frame)]  # noqa: PLR0124 - NaN is not itself
    if operand.op in LENIENT:
        return _apply(LENIENT[operand.op], nodes)
    first = operand.of[0]
    names = categories.get(first) if isinstance(first, str) else None
    function = STRICT[operand.op] if operand.op in STRICT else _WITH_PARAMETERS[operand.op](operand, names)
    return _apply(function, nodes)


def _apply(function: Scalar, nodes: Sequence[Node]) -> Node:
    """Return what applies a function to each row's operands."""
    if len(nodes) == 1:
        (only,) = nodes
        return lambda frame: list(map(function, only(frame)))
    return lambda frame: list(map(function, *[node(frame) for node in nodes]))


def _clip(expression: Expression, _names: Optional[Tuple[str, ...]]) -> Scalar:
    least = -GREATEST if expression.least is None else expression.least
    greatest = GREATEST if expression.greatest is None else expression.greatest

    def clip(value: float) -> float:
        if value < least:
            return least
        return min(value, greatest)

    return clip


def _bucketise(expression: Expression, _names: Optional[Tuple[str, ...]]) -> Scalar:
    edges = [float(edge) for edge in expression.values or ()]
    return lambda value: float(bisect_right(edges, value)) if value == value else nan  # noqa: PLR0124 - NaN is not itself


def _hash_bucket(expression: Expression, _names: Optional[Tuple[str, ...]]) -> Scalar:
    buckets = expression.buckets or 1
    # + 0.0: both zeros are one number
    return lambda value: float(crc32(_FLOAT.pack(value + 0.0)) % buckets) if value == value else nan  # noqa: PLR0124


def _one_of(expression: Expression, names: Optional[Tuple[str, ...]]) -> Scalar:
    chosen = frozenset(_encode(expression.values or (), names))
    return lambda value: float(value in chosen) if value == value else nan  # noqa: PLR0124 - NaN is not itself


def _look_up(expression: Expression, names: Optional[Tuple[str, ...]]) -> Scalar:
    results = map(read_stored, map(float, expression.results or ()))
    table = dict(zip(_encode(expression.values or (), names), results))
    return lambda value: table.get(value, nan)


def _encode(values: Values, names: Optional[Tuple[str, ...]]) -> List[float]:
    """Return the numbers that stand for categories, or the numbers themselves."""
    return [float(names.index(value) if names is not None and isinstance(value, str) else value) for value in values]


def _take_time_part(expression: Expression, nodes: Sequence[Node]) -> Node:
    take = _PARTS[expression.part or "hour"]
    if not nodes:
        return lambda frame: [take(at_us // MICROSECONDS) for at_us in frame.at_us]
    (node,) = nodes

    def take_of(seconds: float) -> float:
        return take(floor(seconds)) if -FARTHEST_SECONDS < seconds < FARTHEST_SECONDS else nan

    return lambda frame: list(map(take_of, node(frame)))


def _take_date(take: Callable[[date], int]) -> Callable[[int], float]:
    def take_of(seconds: int) -> float:
        day = EPOCH_ORDINAL + seconds // SECONDS_PER_DAY
        return float(take(date.fromordinal(day))) if 1 <= day <= date.max.toordinal() else nan

    return take_of


def _count_seconds(_expression: Expression, nodes: Sequence[Node]) -> Node:
    (node,) = nodes
    return lambda frame: [finish(at_us / 1e6 - since) for at_us, since in zip(frame.at_us, node(frame))]


_PARTS: Mapping[TimePart, Callable[[int], float]] = {
    "hour": lambda seconds: float(seconds // 3_600 % 24),
    "weekday": lambda seconds: float((seconds // SECONDS_PER_DAY + EPOCH_WEEKDAY) % 7),
    "day": _take_date(lambda day: day.day),
    "month": _take_date(lambda day: day.month),
}
_TIMED: Mapping[str, Callable[[Expression, Sequence[Node]], Node]] = {"time_part": _take_time_part, "seconds_since": _count_seconds}
_WITH_PARAMETERS: Mapping[str, Callable[[Expression, Any], Scalar]] = {
    "clip": _clip,
    "bucketise": _bucketise,
    "hash_bucket": _hash_bucket,
    "one_of": _one_of,
    "lookup": _look_up,
}
