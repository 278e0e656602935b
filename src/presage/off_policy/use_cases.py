"""Judges a version by a model's prediction log, before it has any traffic, and keeps what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec

from presage.errors import AlreadyExistsError, InvalidInputError, NotFoundError
from presage.experiments.plan import FindDataset, validate_metric
from presage.off_policy.estimation import estimate
from presage.off_policy.model import LONGEST_DAYS, SCHEMA, Evidence, Exclusion, OffPolicyEstimate, Question
from presage.off_policy.ports import EstimateStore, OffPolicyPorts
from presage.off_policy.replay import Excluded, Judged, Replayed, Replayer
from presage.off_policy.rewards import read_rewards
from presage.predictions.ports import PredictionLogEntry
from presage.predictions.traffic import read_day
from presage.progress import Progress
from presage.training.model import Model
from presage.training.ports import VersionRegistry

MOST_PREDICTIONS = 50_000
"""What a job reads. Of each used list it keeps ids, propensities and chances, about 2 kB with ten places; a job stays below 200 MB."""
REPORT_EVERY = 100


@dataclass
class _Log:
    """What was read so far."""

    days: list[date] = field(default_factory=list)
    read: int = 0
    lists: list[Replayed] = field(default_factory=list)
    excluded: Counter[Exclusion] = field(default_factory=Counter)
    lacking: set[str] = field(default_factory=set)

    def add(self, found: Replayed | Excluded) -> None:
        self.read += 1
        if isinstance(found, Replayed):
            self.lists.append(found)
        else:
            self.excluded[found.reason] += 1
            self.lacking.update(found.lacking)


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


def estimate_off_policy(
    question: Question, *, model: Model, estimate_id: str, now: datetime, ports: OffPolicyPorts, progress: Progress
) -> OffPolicyEstimate:
    """Return what the model's log says of a version as of `now`, after keeping it.

    Idempotency: the same question as of the same time reads the same days; what was kept first stays.

    Raises:
        InvalidInputError: The log has more predictions than are read, or none has the features that a judged version needs.
        NotFoundError: A judged version is not there.
        CorruptArtifactError: A judged version cannot be loaded.
        UnavailableError: A store did not answer.
        JobCancelledError: As raised by `progress`.
    """
    days = [now.astimezone(UTC).date() - timedelta(days=back) for back in range(question.days)]
    total = _count(model, days, ports)
    log = _Log(days)
    replayer = Replayer(
        model, _load(question, model, ports), closed_before=now - timedelta(hours=question.metric.window_hours), ports=ports
    )
    for entry in _read(model, days, ports=ports, now=now):
        log.add(replayer.replay(entry))
        if log.read % REPORT_EVERY == 0:
            progress(0.8 * min(log.read / max(total, 1), 1.0), f"{log.read} of {total} predictions replayed")
    _require_features(log)
    progress(0.8, "reading outcomes")
    rewards = read_rewards(model.workspace_id, question.metric, log.lists, ports=ports)
    progress(0.9, "estimating")
    found = estimate(question, log.lists, rewards)
    answer = OffPolicyEstimate(
        schema=SCHEMA,
        estimate_id=estimate_id,
        model_id=model.model_id,
        question=question,
        as_of=now,
        evidence=_describe(log),
        logging=found.logging,
        judged=found.judged,
        baseline=found.baseline,
        difference=found.difference,
    )
    _keep(answer, model, ports.estimates)
    return answer


def get_estimate(workspace_id: str, place: tuple[str, int], estimate_id: str, *, estimates: EstimateStore) -> bytes:
    """Return an estimate of (model, version) as JSON, or raise `NotFoundError`."""
    body = estimates.find_estimate(workspace_id, place, estimate_id)
    if body is None:
        raise NotFoundError(f"Version {place[1]} has no estimate {estimate_id[:64]!r}")
    return body


def _count(model: Model, days: Sequence[date], ports: OffPolicyPorts) -> int:
    total = 0
    for day in days:
        total += ports.log.count_by_model_day(model.workspace_id, model.model_id, day.isoformat())
        if total > MOST_PREDICTIONS:
            message = f"There are more than {MOST_PREDICTIONS} predictions since {day.isoformat()}: ask for fewer days"
            raise InvalidInputError(message, path="$.days")
    return total


def _load(question: Question, model: Model, ports: OffPolicyPorts) -> list[Judged]:
    """Return the versions to judge; the baseline leaves nothing to chance."""
    asked = [(question.version, question.exploration)]
    if question.baseline_version is not None:
        asked.append((question.baseline_version, None))
    versions = [(ports.versions.get_version(model.workspace_id, model.model_id, number), by) for number, by in asked]
    return [Judged(ports.scorers.get_scorer(version), by) for version, by in versions]


def _read(model: Model, days: Sequence[date], *, ports: OffPolicyPorts, now: datetime) -> Iterator[PredictionLogEntry]:
    """Yield what was predicted up to `now`: a retry reads no more."""
    for day in days:
        yield from (entry for entry in read_day(model.workspace_id, model.model_id, day, ports.log) if entry.created_at <= now)


def _require_features(log: _Log) -> None:
    if log.lacking and not log.lists:
        names = ", ".join(sorted(log.lacking))
        raise InvalidInputError(f"No logged prediction used the features {names}, which a judged version needs", path="$.version")


def _describe(log: _Log) -> Evidence:
    return Evidence(
        first_day=min(log.days).isoformat(),
        last_day=max(log.days).isoformat(),
        read=log.read,
        used=len(log.lists),
        units=len({one.unit_id for one in log.lists}),
        excluded=dict(sorted(log.excluded.items())),
        logged_by={str(version): count for version, count in sorted(Counter(one.logged_by for one in log.lists).items())},
        lacking_features=tuple(sorted(log.lacking)),
    )


def _keep(answer: OffPolicyEstimate, model: Model, estimates: EstimateStore) -> None:
    place = (model.model_id, answer.question.version)
    try:
        estimates.create_estimate(model.workspace_id, place, answer.estimate_id, msgspec.json.encode(answer))
    except AlreadyExistsError:  # an attempt before this one got as far
        return
