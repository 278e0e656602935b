"""Derived features of Arrow rows: the evaluator that answers online, a piece of the rows at a time."""

from __future__ import annotations

from typing import Any, List

import numpy as np
import pyarrow as pa

from presage.training.derived import Program
from presage.training.spec import ModelSpec, derived_columns

ROWS_AT_ONCE = 10_000
"""As lists of Python's numbers take five times the memory of arrays."""


def add_derived(rows: Any, spec: ModelSpec) -> Any:  # noqa: ANN401 - Arrow tables
    """Return the rows, which have an `at_us` and the columns of the views, with the derived ones; what is missing is null."""
    if not spec.derived:
        return rows
    program, names = Program(spec), derived_columns(spec)
    found: List[List[Any]] = [[] for _ in names]
    for start in range(0, len(rows) or 1, ROWS_AT_ONCE):
        piece = rows.slice(start, ROWS_AT_ONCE)
        columns = [piece[name].to_numpy().tolist() for name in program.needed]  # nulls become NaN
        for pieces, column in zip(found, program.run(columns, piece["at_us"].to_numpy().tolist())):
            pieces.append(np.array(column))
    for name, pieces in zip(names, found):
        values = np.concatenate(pieces)
        rows = rows.append_column(name, pa.array(values, mask=np.isnan(values)))
    return rows
