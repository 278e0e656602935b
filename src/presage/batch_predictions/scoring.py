"""Scores entities as the public API does: by its own code, from the same files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from hashlib import file_digest
from itertools import islice
from pathlib import Path

from presage.batch_predictions.order import (
    ARTIFACT_FILE,
    MODEL_FILE,
    SNAPSHOT_FILE,
    Order,
    build_namespace,
    compute_prediction_id,
)
from presage.errors import CorruptArtifactError
from presage.predictions.answers import answer_by_model
from presage.predictions.loading import ScorerCache
from presage.predictions.request import Query
from presage.predictions.scorer import Scorer
from presage.training.model import ModelVersion
from presage.training.recipe import from_microseconds

ROWS_AT_ONCE = 1_000
Row = tuple[str, str, bool, str | float, float] | tuple[str, str, bool, tuple[str, ...], tuple[float, ...]]
"""Prediction id, entity id, whether the snapshot knows the entity; then class, or value, and score; or shown items and their scores."""


class _BroughtFiles:
    """`ModelFiles` on the folder into which Spark brought the files."""

    def __init__(self, folder: Path, values_file: str) -> None:
        self._folder, self._values_file = folder, values_file

    def read_artifact_manifest(self, _key: str) -> bytes:
        """Return `model.json`."""
        return (self._folder / ARTIFACT_FILE).read_bytes()

    def read_lake_manifest(self, _key: str) -> bytes:
        """Return `snapshot.json`."""
        return (self._folder / SNAPSHOT_FILE).read_bytes()

    def fetch_artifact(self, _key: str, *, sha256: str) -> str:
        """Return the model's path, if its bytes are right."""
        return self._check(MODEL_FILE, sha256)

    def fetch_lake(self, _key: str, *, sha256: str) -> str:
        """Return the path of the feature values, if their bytes are right."""
        return self._check(self._values_file, sha256)

    def _check(self, name: str, sha256: str) -> str:
        path = self._folder / name
        with path.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
        if found != sha256:
            raise CorruptArtifactError(f"{name}: sha256 {found}, expected {sha256}")
        return str(path)


@cache
def open_scorer(order: Order, folder: Path) -> Scorer:
    """Return the order's version on the order's snapshot, loaded once a process.

    Raises:
        CorruptArtifactError: A file is not the one that the order names, or cannot be understood.
    """
    version = ModelVersion(
        workspace_id=order.workspace_id,
        model_id=order.model_id,
        version=order.version,
        training_set_id=order.training_set_id,
        artifact_key=ARTIFACT_FILE,
        snapshot_key=order.snapshot_key,
        metrics={},
        created_at=from_microseconds(0),
    )
    scorer = ScorerCache(_BroughtFiles(folder, order.snapshot_file_key.rpartition("/")[2])).get_scorer(version)
    found = (scorer.artifact.model_sha256, scorer.snapshot.manifest.file_sha256)
    if found != (order.model_sha256, order.snapshot_sha256):
        raise CorruptArtifactError(f"Version {order.version} of {order.model_id} is not the one that was ordered: its files are {found}")
    return scorer


def score(order: Order, scorer: Scorer, entity_ids: Iterable[str]) -> Iterator[Row]:
    """Yield one row an entity, in their order.

    Raises:
        CorruptArtifactError: The version cannot score.
    """
    namespace, as_of = build_namespace(order.job_id), from_microseconds(order.as_of_us)
    score_some = _SCORERS[order.kind]
    rest = iter(entity_ids)
    while some := list(islice(rest, ROWS_AT_ONCE)):
        for entity_id, (found, answer, numbers) in zip(some, score_some(scorer, some, as_of), strict=True):
            yield compute_prediction_id(namespace, entity_id), entity_id, found, answer, numbers  # type: ignore[misc] # of one kind


_Answer = tuple[bool, str | float, float] | tuple[bool, tuple[str, ...], tuple[float, ...]]


def _answer_at_once(scorer: Scorer, entity_ids: list[str], as_of: datetime) -> Iterator[_Answer]:
    probabilities, _, found = scorer.score_rows(entity_ids, [], as_of)
    chosen = scorer.choose(probabilities)
    return zip(found.tolist(), chosen.predictions, chosen.scores, strict=True)


def _rank(scorer: Scorer, entity_ids: list[str], as_of: datetime) -> Iterator[_Answer]:
    for entity_id in entity_ids:  # one by one: a ranking is many rows
        (answer,) = answer_by_model(scorer, [Query(entity_id, as_of)], answered_by="model")
        yield bool(answer.entity_found), answer.prediction, answer.score  # type: ignore[misc] # a ranking's are tuples


_SCORERS: Mapping[str, Callable[[Scorer, list[str], datetime], Iterator[_Answer]]] = {
    "classification": _answer_at_once,
    "regression": _answer_at_once,
    "ranking": _rank,
}
