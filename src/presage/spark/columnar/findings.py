"""What is found in a bucket's rows: moments of the features, and cells that naive joins get wrong."""

from __future__ import annotations

from typing import Any, Dict, Optional, Tuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from presage.spark.columnar.features import Values
from presage.training.findings import NUMBER, Cell, Leak, Moments


def count_labels(rows: Any) -> Dict[Tuple[str, str], int]:  # noqa: ANN401 - an Arrow table
    """Return how many rows each split has of each label."""
    is_number = pa.types.is_floating(rows.schema.field("label").type)
    counted = rows.group_by(["split"] if is_number else ["split", "label"], use_threads=False).aggregate([([], "count_all")])
    return {(row["split"], str(row.get("label", NUMBER))): row["count_all"] for row in counted.to_pylist()}


def compute_moments(rows: Any, names: Tuple[str, ...]) -> Dict[Tuple[str, str], Moments]:  # noqa: ANN401 - an Arrow table
    """Return the moments of the named features in each split."""
    splits = rows["split"].combine_chunks().dictionary_encode()
    codes = splits.indices.to_numpy()
    found = {}
    for place, split in enumerate(splits.dictionary.to_pylist()):
        chosen = codes == place
        whole = bool(chosen.all())
        for name in names:
            values = rows[name].to_numpy()  # nulls become NaN
            found[split, name] = _compute(values if whole else values[chosen])
    return found


def _compute(values: npt.NDArray[np.float64]) -> Moments:
    there = values[~np.isnan(values)]
    if not len(there):
        return Moments(0, len(values))
    mean = float(there.mean())
    deviations = there - mean
    return Moments(len(there), len(values) - len(there), mean, float(deviations @ deviations), float(there.min()), float(there.max()))


def find_leak(rows: Any, values: Values, naive: Values) -> Optional[Leak]:  # noqa: ANN401 - an Arrow table
    """Return the cells in which a naive join has another value, if there are any."""
    (mine, mine_missing), (theirs, theirs_missing) = values, naive
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    wrong = np.flatnonzero((mine_missing != theirs_missing) | (~mine_missing & ~same))
    if not len(wrong):
        return None
    at = rows["at_us"].to_numpy()[wrong]
    ends = np.concatenate((wrong[at == at.min()], wrong[at == at.max()]))
    names = rows.select([name for name in ("entity_id", "item") if name in rows.column_names]).take(pa.array(ends)).to_pylist()
    cells = [
        Cell(
            at_us=int(rows["at_us"][place].as_py()),
            entity_id=name["entity_id"],
            item=name.get("item", ""),
            value=None if mine_missing[place] else float(mine[place]),
            naive=None if theirs_missing[place] else float(theirs[place]),
        )
        for place, name in zip(ends.tolist(), names)
    ]
    ordered = sorted(cells, key=lambda cell: (cell.at_us, cell.entity_id, cell.item))
    return Leak(len(wrong), ordered[0], ordered[-1])
