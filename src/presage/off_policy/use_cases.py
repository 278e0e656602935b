"""Judges a version by a model's prediction log, before it has any traffic, and keeps what was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import msgspec

from presage.errors import AlreadyExistsError, InvalidInputError
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.off_policy.estimation import estimate
from presage.off_policy.model import SCHEMA, Evidence, Exclusion, OffPolicyEstimate, Question
from presage.off_policy.replay import Excluded, Judged, Replayed, Replayer
from presage.off_policy.rewards import read_rewards
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import PredictionLog, PredictionLogEntry
from presage.predictions.traffic import read_day
from presage.progress import Progress
from presage.training.model import Model
from presage.training.ports import SnapshotHistory, VersionRegistry, VersionReportStore

MOST_PREDICTIONS = 50_000
"""What a job reads. Of each used list it keeps ids, propensities and chances: 0.4 kB with 3 places, about 1 kB with 10, and 0.8 kB more
for a judged version that explores among 100. So a job holds at most 100 MB of them, beside the records and the models."""
REPORT_EVERY = 100


@dataclass(frozen=True, slots=True)
class OffPolicyPorts:
    """What an estimate is made from, and where it is kept."""

    log: PredictionLog
    versions: VersionRegistry
    snapshots: SnapshotHistory
    scorers: ScorerCache
    datasets: DatasetStore
    feature_sets: FeatureSetStore
    estimates: VersionReportStore


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
    closed_before = now - timedelta(hours=question.metric.window_hours)
    stores = (ports.versions, ports.snapshots)
    replayer = Replayer(model, _load(question, model, ports), closed_before=closed_before, stores=stores, scorers=ports.scorers)
    for entry in _read(model, days, ports=ports, now=now):
        log.add(replayer.replay(entry))
        if log.read % REPORT_EVERY == 0:
            progress(0.8 * min(log.read / max(total, 1), 1.0), f"{log.read} of {total} predictions replayed")
    _require_features(log)
    progress(0.8, "reading outcomes")
    rewards = read_rewards(model.workspace_id, question.metric, log.lists, datasets=ports.datasets, feature_sets=ports.feature_sets)
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


def _keep(answer: OffPolicyEstimate, model: Model, estimates: VersionReportStore) -> None:
    place = (model.model_id, answer.question.version)
    try:
        estimates.create_report(model.workspace_id, place, answer.estimate_id, msgspec.json.encode(answer))
    except AlreadyExistsError:  # an attempt before this one got as far
        return
