"""Checks the expressions of derived features: what they name, of which type it is, and how much they may ask for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from presage.errors import InvalidInputError
from presage.features.dataset import Dataset
from presage.training.spec import DERIVED, Expression, Feature, ModelSpec, Operand

Type = Literal["number", "boolean", "category"]
MOST_DERIVED = 50
MOST_DEPTH = 8
MOST_OPERATORS = 50
MOST_OPERANDS = 8
MOST_VALUES = 1_000
MOST_BUCKETS = 1_000_000
PARAMETERS = ("values", "results", "least", "greatest", "buckets", "part")
_ANY: tuple[Type, ...] = ("number", "boolean", "category")
_NUMBER: tuple[Type, ...] = ("number",)
_BOOLEAN: tuple[Type, ...] = ("boolean",)


@dataclass(frozen=True, slots=True)
class _Signature:
    """How many operands an operator takes, of which types, and what it gives; None: what its last operand is, and those before it."""

    operands: tuple[int, int]
    takes: tuple[Type, ...]
    gives: Type | None
    parameters: tuple[str, ...] = ()


_SEVERAL = (2, MOST_OPERANDS)
_SIGNATURES: Mapping[str, _Signature] = {
    "add": _Signature(_SEVERAL, _NUMBER, "number"),
    "multiply": _Signature(_SEVERAL, _NUMBER, "number"),
    "subtract": _Signature((2, 2), _NUMBER, "number"),
    "ratio": _Signature((2, 2), _NUMBER, "number"),
    "absolute": _Signature((1, 1), _NUMBER, "number"),
    "log1p": _Signature((1, 1), _NUMBER, "number"),
    "clip": _Signature((1, 1), _NUMBER, "number", ("least", "greatest")),
    "bucketise": _Signature((1, 1), _NUMBER, "number", ("values",)),
    "hash_bucket": _Signature((1, 1), _NUMBER, "number", ("buckets",)),
    "less": _Signature((2, 2), _NUMBER, "boolean"),
    "equal": _Signature((2, 2), ("number", "boolean"), "boolean"),
    "and": _Signature(_SEVERAL, _BOOLEAN, "boolean"),
    "or": _Signature(_SEVERAL, _BOOLEAN, "boolean"),
    "not": _Signature((1, 1), _BOOLEAN, "boolean"),
    "one_of": _Signature((1, 1), ("number", "category"), "boolean", ("values",)),
    "lookup": _Signature((1, 1), ("number", "category"), "number", ("values", "results")),
    "is_missing": _Signature((1, 1), _ANY, "boolean"),
    "coalesce": _Signature(_SEVERAL, ("number", "boolean"), None),
    "if": _Signature((3, 3), ("number", "boolean"), None),
    "time_part": _Signature((0, 1), _NUMBER, "number", ("part",)),
    "seconds_since": _Signature((1, 1), _NUMBER, "number"),
}


def check_derived(spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
    """Return when each derived feature can be computed from the others.

    Raises:
        InvalidInputError: One cannot; `path` is the JSONPath of the fault in the specification.
    """
    if len(spec.derived) > MOST_DERIVED:
        raise InvalidInputError(f"there are {len(spec.derived)} derived features, expected at most {MOST_DERIVED}", path="$.derived")
    if spec.derived and any(view.name == DERIVED for view in spec.feature_views):
        place = next(index for index, view in enumerate(spec.feature_views) if view.name == DERIVED)
        raise InvalidInputError(f"the name {DERIVED!r} is that of derived features", path=f"$.feature_views[{place}].name")
    checker = _Checker(spec, datasets)
    for index, derived in enumerate(spec.derived):
        _check_size(derived.expression, f"$.derived[{index}].expression")
    for derived in spec.derived:
        checker.find_type(f"{DERIVED}__{derived.name}")


def _check_size(expression: Expression, path: str) -> None:
    """Refuse what is nested too deeply or has too many operators; done first, and level by level, so that nothing after it goes deep."""
    level, operators = [(expression, path)], 0
    for _ in range(MOST_DEPTH):
        operators += len(level)
        level = [(each, place) for one, where in level for place, each in _list_operands(one, where) if isinstance(each, Expression)]
    if level:
        raise InvalidInputError(f"expressions are nested too deeply: at most {MOST_DEPTH} levels", path=level[0][1])
    if operators > MOST_OPERATORS:
        raise InvalidInputError(f"the expression has {operators} operators, expected at most {MOST_OPERATORS}", path=path)


def _list_operands(expression: Expression, path: str) -> Iterator[tuple[str, Operand]]:
    return ((f"{path}.of[{index}]", operand) for index, operand in enumerate(expression.of))


class _Checker:
    """Finds the type of each column; that of a derived one by checking its expression, once."""

    def __init__(self, spec: ModelSpec, datasets: Mapping[str, Dataset]) -> None:
        self._types: dict[str, Type] = {}
        self._categories: dict[str, tuple[str, ...]] = {}
        for view in spec.feature_views:
            for feature in view.features:
                column = f"{view.name}__{feature.name}"
                self._types[column] = _find_feature_type(feature, datasets[view.dataset])
                self._categories[column] = feature.categories or ()
        self._derived = {
            f"{DERIVED}__{derived.name}": (derived.expression, f"$.derived[{index}].expression")
            for index, derived in enumerate(spec.derived)
        }
        self._open: list[str] = []

    def find_type(self, column: str) -> Type:
        if column not in self._types:
            expression, path = self._derived[column]
            self._open.append(column)
            self._types[column] = self._check(expression, path)
            self._open.pop()
        return self._types[column]

    def _check(self, expression: Expression, path: str) -> Type:
        signature = _SIGNATURES[expression.op]
        least, most = signature.operands
        if not least <= len(expression.of) <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise InvalidInputError(f"{expression.op!r} has {len(expression.of)} operands, expected {expected}", path=f"{path}.of")
        places = list(_list_operands(expression, path))
        types = [self._find_operand(operand, place) for place, operand in places]
        self._check_types(expression, types, path)
        _check_parameters(expression, signature, path)
        if "values" in signature.parameters:
            self._check_values(expression, types[0], path)
        return types[-1] if signature.gives is None else signature.gives

    def _find_operand(self, operand: Operand, path: str) -> Type:
        if isinstance(operand, Expression):
            return self._check(operand, path)
        if isinstance(operand, str):
            return self._find_reference(operand, path)
        if isinstance(operand, bool):
            return "boolean"
        if not math.isfinite(operand):
            raise InvalidInputError(f"{operand} is no finite number", path=path)
        return "number"

    def _find_reference(self, name: str, path: str) -> Type:
        if name in self._open:
            circle = " -> ".join([*self._open[self._open.index(name) :], name])
            raise InvalidInputError(f"derived features are made of each other: {circle}", path=path)
        if name not in self._types and name not in self._derived:
            known = ", ".join([*self._types, *(each for each in self._derived if each not in self._types)])
            raise InvalidInputError(f"there is no feature {name!r}; there are: {known[:500]}", path=path)
        return self.find_type(name)

    @staticmethod
    def _check_types(expression: Expression, types: list[Type], path: str) -> None:
        takes = _SIGNATURES[expression.op].takes
        for index, found in enumerate(types):
            expected = _BOOLEAN if expression.op == "if" and index == 0 else takes
            alike = expression.op in {"equal", "coalesce"} or (expression.op == "if" and index == 2)  # noqa: PLR2004 - the other branch
            if found not in expected:
                raise InvalidInputError(f"{expression.op!r} takes a {' or '.join(expected)}, got a {found}", path=f"{path}.of[{index}]")
            before = types[max(index - 1, 0)]
            if alike and found != before:
                raise InvalidInputError(f"{expression.op!r} takes a {before} here, got a {found}", path=f"{path}.of[{index}]")

    def _check_values(self, expression: Expression, found: Type, path: str) -> None:
        values = expression.values or ()
        if not 1 <= len(values) <= MOST_VALUES:
            raise InvalidInputError(f"there are {len(values)} values, expected 1 to {MOST_VALUES}", path=f"{path}.values")
        if len(set(values)) < len(values):
            raise InvalidInputError("a value is there twice", path=f"{path}.values")
        for index, value in enumerate(values):
            place = f"{path}.values[{index}]"
            if found == "category":
                self._check_category(expression, value, place)
            elif isinstance(value, str) or not math.isfinite(value):
                raise InvalidInputError(f"{value!r} is no number", path=place)
        if expression.op == "bucketise" and any(first >= second for first, second in pairwise(map(float, values))):
            raise InvalidInputError("the values must ascend", path=f"{path}.values")

    def _check_category(self, expression: Expression, value: float | str, path: str) -> None:
        column = str(expression.of[0])
        if value not in self._categories[column]:
            known = ", ".join(self._categories[column])
            raise InvalidInputError(f"{value!r} is no category of {column!r}; there are: {known[:500]}", path=path)


def _find_feature_type(feature: Feature, dataset: Dataset) -> Type:
    if feature.categories is not None:
        return "category"
    types = {column.name: column.type for column in dataset.columns}
    return "boolean" if feature.function == "latest" and types.get(str(feature.column)) == "boolean" else "number"


def _check_parameters(expression: Expression, signature: _Signature, path: str) -> None:
    for name in PARAMETERS:
        if getattr(expression, name) is not None and name not in signature.parameters:
            raise InvalidInputError(f"{expression.op!r} has no {name}", path=f"{path}.{name}")
    for name in signature.parameters:
        if getattr(expression, name) is None and expression.op != "clip":
            raise InvalidInputError(f"{expression.op!r} needs {name}", path=f"{path}.{name}")
    check = _CHECKS.get(expression.op)
    if check is not None:
        check(expression, path)


def _check_clip(expression: Expression, path: str) -> None:
    bounds = {name: getattr(expression, name) for name in ("least", "greatest") if getattr(expression, name) is not None}
    if not bounds:
        raise InvalidInputError("'clip' needs least, greatest, or both", path=path)
    for name, bound in bounds.items():
        if not math.isfinite(bound):
            raise InvalidInputError(f"{bound} is no finite number", path=f"{path}.{name}")
    if len(bounds) > 1 and bounds["least"] > bounds["greatest"]:
        raise InvalidInputError(f"least is {bounds['least']}, greatest only {bounds['greatest']}", path=f"{path}.least")


def _check_buckets(expression: Expression, path: str) -> None:
    if not 2 <= (expression.buckets or 0) <= MOST_BUCKETS:  # noqa: PLR2004 - one bucket tells nothing
        raise InvalidInputError(f"there are {expression.buckets} buckets, expected 2 to {MOST_BUCKETS}", path=f"{path}.buckets")


def _check_results(expression: Expression, path: str) -> None:
    results, values = expression.results or (), expression.values or ()
    if len(results) != len(values):
        raise InvalidInputError(f"there are {len(results)} results for {len(values)} values", path=f"{path}.results")
    for index, result in enumerate(results):
        if not math.isfinite(result):
            raise InvalidInputError(f"{result} is no finite number", path=f"{path}.results[{index}]")


_CHECKS: Mapping[str, Callable[[Expression, str], None]] = {
    "clip": _check_clip,
    "hash_bucket": _check_buckets,
    "lookup": _check_results,
}
