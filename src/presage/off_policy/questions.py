"""What may be asked: all that needs no model."""

from __future__ import annotations

from presage.errors import InvalidInputError, NotFoundError
from presage.experiments.plan import FindDataset, validate_metric
from presage.off_policy.model import LONGEST_DAYS, MOST_AMONG, Question
from presage.predictions.exploration import Exploration
from presage.training.model import Model
from presage.training.ports import VersionRegistry


def require_question(question: Question, *, model: Model, versions: VersionRegistry, find_dataset: FindDataset) -> None:
    """Return when the question can be asked.

    Raises:
        InvalidInputError: The path names what keeps it from being asked.
        NotFoundError: The model has no such version.
    """
    checks = {
        "$": (model.spec.kind == "ranking", f"only rankings are judged by their lists; {model.name!r} is a {model.spec.kind}"),
        "$.metric.kind": (question.metric.kind == "hit", f"a list is judged by its hits, got {question.metric.kind!r}"),
        "$.days": (1 <= question.days <= LONGEST_DAYS, f"must be from 1 to {LONGEST_DAYS}, got {question.days}"),
        "$.alpha": (0.0 < question.alpha <= 0.5, f"must be in (0, 0.5], got {question.alpha}"),  # noqa: PLR2004 - as of a plan
        "$.exploration.among": (_is_bounded(question.exploration), f"must be given, and at most {MOST_AMONG}"),
        "$.baseline_version": (question.baseline_version != question.version, "is the judged version itself"),
    }
    for path, (holds, message) in checks.items():
        if not holds:
            raise InvalidInputError(message, path=path)
    validate_metric(question.metric, path="metric", find_dataset=find_dataset)
    versions.get_version(model.workspace_id, model.model_id, question.version)
    if question.baseline_version is not None:
        try:
            versions.get_version(model.workspace_id, model.model_id, question.baseline_version)
        except NotFoundError as error:
            raise InvalidInputError(str(error), path="$.baseline_version") from error


def _is_bounded(exploration: Exploration | None) -> bool:
    return exploration is None or (exploration.among is not None and exploration.among <= MOST_AMONG)
