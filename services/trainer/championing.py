"""Compares a new version with the one that serves, on entities that neither has seen.

Which entities are in the test split is a hash of their ids (`presage.spark.observations`), the same for every training set. The models
that were judged were fitted without them, so both are kept beside what is registered, and both answer the new test split.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

import msgspec
import numpy as np

from presage.errors import CorruptArtifactError
from presage.predictions.loaded_model import LoadedModel
from presage.training.compiled import FloatArray, decode_compiled, encode_compiled
from presage.training.evaluation import LEVEL
from presage.training.ports import TrainingFiles
from services.trainer.fitting import Fitted
from services.trainer.judging import compare_answers
from services.trainer.training_data import TrainingData

FORMAT = 1
MANIFEST, BODY = "judged.json", "judged.msgpack"


@dataclass(frozen=True, slots=True)
class JudgedModel:
    """`judged.json`: the compiled model that the metrics are of, which saw no entity of the test split. It serves nobody."""

    format: int
    columns: tuple[str, ...]
    classes: tuple[str, ...]
    model_sha256: str


def keep_judged(files: TrainingFiles, prefix: str, data: TrainingData, fitted: Fitted) -> None:
    """Write judged.msgpack and judged.json below the artifact prefix."""
    body = encode_compiled(fitted.compile(data.train.features))
    classes = tuple(data.classes[place] for place in fitted.known)
    files.put_artifact(prefix + BODY, body)
    files.put_artifact(prefix + MANIFEST, msgspec.json.encode(JudgedModel(FORMAT, data.columns, classes, sha256(body).hexdigest())))


def judge_champion(files: TrainingFiles, data: TrainingData, *, prefix: str, champion: str, seed: int) -> dict[str, Any]:
    """Return by how much the judged model below `prefix` is better than the one below `champion`: the primary metric with its interval.

    Both answer in their compiled form, so that equal models are equal to the bit. `better` is true only when the whole interval of
    the gain is above 0. A champion that cannot be compared with is not beaten, and `reason` says why.

    Raises:
        CorruptArtifactError: The files of one are not what they should be.
    """
    answers = [_answer(files, place, data) for place in (prefix, champion)]
    refused = next((answer for answer in answers if isinstance(answer, str)), None)
    if refused is not None:
        return {"better": False, "reason": refused}
    ours, theirs = (answer for answer in answers if not isinstance(answer, str))
    comparisons = compare_answers(data.recipe.spec, data.test, ours, theirs, seed=seed)
    primary = next(iter(comparisons))
    found = comparisons[primary]
    return {
        "better": found.gain.lower > 0,
        "primary": primary,
        "model": asdict(found.model),
        "champion": asdict(found.baseline),
        "gain": asdict(found.gain),
        "confidence_level": LEVEL,
    }


def _answer(files: TrainingFiles, prefix: str, data: TrainingData) -> FloatArray | str:
    """Return what the judged model below `prefix` answers to the test split, or why it cannot."""
    manifest, body = files.read_artifact(prefix + MANIFEST), files.read_artifact(prefix + BODY)
    if manifest is None or body is None:
        return "the version in service was built before judged models were kept"
    kept = msgspec.json.decode(manifest, type=JudgedModel)
    if sha256(body).hexdigest() != kept.model_sha256:
        raise CorruptArtifactError(f"{prefix}{BODY} does not have the checksum that {prefix}{MANIFEST} names")
    if kept.columns != data.columns or not set(kept.classes) <= set(data.classes):
        return "the version in service knows other features or classes"
    return _spread(LoadedModel(decode_compiled(body)).run(data.test.features), kept.classes, data.classes)


def _spread(answers: FloatArray, known: tuple[str, ...], classes: tuple[str, ...]) -> FloatArray:
    """Return the probabilities by the training set's classes; values stay as they are."""
    if not classes:
        return answers
    spread = np.zeros((len(answers), len(classes)))
    spread[:, [classes.index(name) for name in known]] = answers
    return spread
