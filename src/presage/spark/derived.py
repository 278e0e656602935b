"""Derived features of rows in Spark: its Python workers run the evaluator that answers online."""

from __future__ import annotations

from typing import List, Optional

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - Spark's own idiom
from pyspark.sql.types import ArrayType, DoubleType

from presage.training.derived import Program
from presage.training.spec import ModelSpec, derived_columns


class _Derive:
    """What a worker does to one row: it builds the program once, of the specification that it is sent."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._program: Optional[Program] = None

    def __call__(self, at_us: int, values: List[Optional[float]]) -> List[Optional[float]]:
        if self._program is None:
            self._program = Program(self._spec)
        derived = self._program.run([(value,) for value in values], (at_us,))
        return [None if value != value else value for (value,) in derived]  # noqa: PLR0124 - NaN is not itself


def add_derived(joined: DataFrame, spec: ModelSpec) -> DataFrame:
    """Return the rows, which have an `at_us` and the columns of the views, with the derived ones; what is missing is null."""
    if not spec.derived:
        return joined
    needed = F.array(*[F.col(name) for name in Program(spec).needed]).cast(ArrayType(DoubleType()))
    computed = joined.withColumn("derived", F.udf(_Derive(spec), ArrayType(DoubleType()))("at_us", needed))
    columns = [F.col("derived")[place].alias(name) for place, name in enumerate(derived_columns(spec))]
    return computed.select(*joined.columns, *columns)
