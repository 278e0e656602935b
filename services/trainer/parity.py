"""Proves that a compiled model answers as the pipeline it was made from, where the two could differ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from presage.errors import CorruptArtifactError
from presage.predictions.loaded_model import LoadedModel
from presage.training.artifact import Parity
from presage.training.compiled import CompiledModel, FloatArray, Forest, decode_compiled

TOLERANCE = 1e-6
MOST_PROBES = 4_000
"""Of each kind, drawn by a fixed seed."""

SMALLEST = 1e-35
"""LightGBM takes numbers nearer to 0 than this for 0."""

GREATEST = 3.4e38
"""Serving meets no value beyond, and scikit-learn takes none."""

_SEED = 20_260_301


def prove_parity(body: bytes, predict: Callable[[FloatArray], FloatArray], rows: FloatArray) -> Parity:
    """Return the largest difference between the model in these bytes and `predict` on held-out rows and on probes made of them.

    Probes put null, values beside thresholds, values that 32 bits cannot hold and unknown categories into the rows. Differences are
    of probabilities, or of values relative to the greater of 1 and themselves. One-row runs are compared too, on a part of the rows.

    Raises:
        CorruptArtifactError: It is over `TOLERANCE`: the version would answer something else than what was measured.
    """
    compiled = decode_compiled(body)
    model = LoadedModel(compiled)
    probes = np.concatenate([rows, build_probes(compiled, rows)])
    expected = predict(probes).reshape(len(probes), -1)
    answered = model.run(probes)
    singles = np.unique(np.linspace(0, len(probes) - 1, MOST_PROBES).astype(np.int64))
    alone = np.concatenate([model.run(probes[row : row + 1]) for row in singles])
    difference = max(_compare(answered, expected), _compare(alone, expected[singles]))
    if not difference <= TOLERANCE:
        raise CorruptArtifactError(
            f"the compiled model differs from the pipeline by {difference:.3g}, over {TOLERANCE}, on {len(rows)} held-out rows and "
            f"{len(probes) - len(rows)} probes"
        )
    return Parity(largest_difference=difference, tolerance=TOLERANCE, rows=len(rows), probes=len(probes) - len(rows))


def _compare(answered: FloatArray, expected: FloatArray) -> float:
    if answered.shape != expected.shape:
        raise CorruptArtifactError(f"the compiled model gives {answered.shape}, the pipeline {expected.shape}")
    return float((np.abs(answered - expected) / np.maximum(1.0, np.abs(expected))).max())


def build_probes(compiled: CompiledModel, rows: FloatArray) -> FloatArray:
    """Return rows with one value replaced each, and one row of nulls."""
    random = np.random.default_rng(_SEED)
    columns, values = _list_values(compiled, rows)
    kept = random.permutation(len(values))[: 3 * MOST_PROBES]
    probes = rows[random.integers(len(rows), size=len(kept))].copy()
    probes[np.arange(len(kept)), columns[kept]] = values[kept]
    nulled = rows[random.integers(len(rows), size=min(MOST_PROBES, 4 * len(rows)))].copy()
    nulled[random.random(nulled.shape) < 1 / 3] = np.nan
    nulls = np.full((1, rows.shape[1]), np.nan)
    found = np.concatenate([probes, nulled, nulls])
    return np.where(np.abs(found) < SMALLEST, 0.0, found)


def _list_values(compiled: CompiledModel, rows: FloatArray) -> tuple[np.ndarray, FloatArray]:
    """Return columns and values worth asking about."""
    found: list[tuple[int, FloatArray]] = []
    body = compiled.body
    if isinstance(body, Forest):
        for column in range(compiled.columns):
            limits = np.unique(body.thresholds[(body.inputs == column) & (np.abs(body.thresholds) < GREATEST)])
            found.append((column, np.concatenate([limits, np.nextafter(limits, np.inf), np.nextafter(limits, -np.inf)])))
    for encoding in compiled.encodings:
        known = encoding.categories
        strange = np.concatenate([known, known + 0.5, np.nextafter(known, np.inf), [-1.0, -0.5, 1e6]])
        found.append((encoding.column, strange))
    for column in range(compiled.columns):
        seen = rows[~np.isnan(rows[:, column]), column][:200]
        found += [(column, np.array([np.nan, 0.0])), (column, np.nextafter(seen.astype(np.float32).astype(np.float64), np.inf))]
    columns = np.concatenate([np.full(len(values), column) for column, values in found])
    return columns, np.concatenate([values for _, values in found])
