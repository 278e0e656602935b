"""Makes a logged prediction again from what was stored, by the code that serves, and says where the answers differ.

Everything an answer depends on is kept and never changes: the request and the time in the log's entry, the version's files and the
snapshot that the entry's basis names, the experiment's salt and weights. Files are read as they are now, whatever their checksums say,
so that one that was tampered with shows, and what it would answer (docs/adr/0048).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256 as hash_sha256
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from presage.errors import ChecksumError, CorruptArtifactError, MissingArtifactError, NotFoundError
from presage.experiments.assignment import build_allocation
from presage.experiments.events import list_weights
from presage.experiments.model import Experiment, Variant
from presage.experiments.ports import ExperimentEvents, ExperimentStore
from presage.predictions.answers import Answer, answer_by_baseline, answer_by_default, answer_by_model
from presage.predictions.attempt import Answered, Attempt
from presage.predictions.basis import Basis, Source, StoredArtifact
from presage.predictions.entry_values import EntryError, locate
from presage.predictions.loading import ScorerCache, decode_artifact, read_file
from presage.predictions.policy import assign, draw_answer, look_features_up
from presage.predictions.ports import ModelFiles, PredictionLogEntry
from presage.predictions.request import PredictRequest, Query, parse_entry
from presage.predictions.response import AnsweredBy, Explained, FallbackReason, NoExplanation
from presage.predictions.scorer import Scorer
from presage.training.derived import number_categories
from presage.training.model import Model, ModelVersion
from presage.training.ports import ModelRegistry, VersionRegistry
from presage.training.spec import item_columns, view_columns

Outcome = Literal["same", "different", "impossible"]
Reason = Literal["logged_without_basis", "not_found", "file_missing", "not_answerable"]


class Difference(msgspec.Struct, frozen=True):
    """A place in the logged prediction, as JSONPath, and what is there; a side that has nothing there is left out.

    `$.files` is no part of the log: the SHA-256 of a file's bytes, as its manifest has it and as they are now.
    """

    path: str
    logged: Any = UNSET
    replayed: Any = UNSET


class Replay(msgspec.Struct, frozen=True):
    """A prediction made again. `impossible` has a `reason` and its `detail`; so has `different`, where no answer came of it.

    `result` and `features` are as the log has them; the explanation is there whether or not it was asked for then.
    """

    prediction_id: str
    outcome: Outcome
    differences: Sequence[Difference] = ()
    reason: Reason | None = None
    detail: str | None = None
    result: Mapping[str, object] | None = None
    features: Mapping[str, object] | None = None
    explanation: Explained | UnsetType = UNSET
    explanation_unavailable: NoExplanation | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class ReplayPorts:
    """Where what answers depend on is kept."""

    models: ModelRegistry
    versions: VersionRegistry
    experiments: ExperimentStore
    events: ExperimentEvents
    files: ModelFiles
    scorers: ScorerCache


class _Request(msgspec.Struct):
    """A call for one entry, as it is logged."""

    model: str
    features: Annotated[list[Any], msgspec.Meta(min_length=1, max_length=1)]
    version: int | None = None
    explain: bool = False


class _Result(msgspec.Struct):
    """What of a logged result is no calculation: what the service met, and by which weights it assigned."""

    answered_by: AnsweredBy
    fallback_reason: FallbackReason | None = None
    snapshot_stale: Literal[True] | UnsetType = UNSET
    allocation_version: Annotated[int, msgspec.Meta(ge=1)] = 1


@dataclass(frozen=True, slots=True)
class _Materials:
    """What an answer is made from, as it is stored now."""

    model: Model
    scorer: Scorer | None
    baseline: StoredArtifact | None
    experiment: Experiment | None
    salted: Experiment | None


def replay_prediction(entry: PredictionLogEntry, ports: ReplayPorts) -> Replay:
    """Return the prediction made again, and where it is not what was logged.

    Idempotency: nothing is written, neither to the log nor as an exposure.

    Raises:
        UnavailableError: What it is made from could not be read now.
    """
    if entry.basis is None:
        detail = "It was logged by a release that did not write down what answers are made from"
        return Replay(entry.prediction_id, "impossible", reason="logged_without_basis", detail=detail)
    files: list[Difference] = []
    try:
        again, answer = _Replayer(entry, entry.basis, ports, files).make_again()
    except (CorruptArtifactError, NotFoundError, EntryError, msgspec.ValidationError) as error:
        if isinstance(error, ChecksumError):
            files.append(_name_file(error.key, error.expected, error.found))
        outcome: Outcome = "different" if files else "impossible"
        return Replay(entry.prediction_id, outcome, files, reason=_name_reason(error), detail=str(error))
    noted = {difference.path for difference in files}
    differences = [*files, *(each for each in _compare(_to_json(entry), _to_json(again), "$") if each.path not in noted)]
    found = answer.explanation
    return Replay(
        entry.prediction_id,
        "different" if differences else "same",
        differences,
        result=again.result,
        features=again.features,
        explanation=UNSET if isinstance(found, str) else found,
        explanation_unavailable=found if isinstance(found, str) else UNSET,
    )


class _Replayer:
    """Makes one prediction again; `files` takes what differs in them on the way."""

    def __init__(self, entry: PredictionLogEntry, basis: Basis, ports: ReplayPorts, files: list[Difference]) -> None:
        self._entry, self._basis, self._ports, self._files = entry, basis, ports, files
        self._request = msgspec.convert(entry.request, _Request)
        self._result = msgspec.convert(entry.result, _Result)

    def make_again(self) -> tuple[PredictionLogEntry, Answer]:
        entry, basis, logged = self._entry, self._basis, self._result
        materials = self._gather()
        query = self._read_query(materials.model)
        variant = self._assign(materials.experiment)
        attempt = Attempt(0, self._request.features[0], query, entry.prediction_id, variant)
        answer = self._answer(attempt, materials)
        answered = Answered(
            attempt,
            answer,
            materials.experiment,
            logged.fallback_reason,
            logged.allocation_version,
            answerer=basis.answerer,
            drawn_in=None if materials.salted is None else materials.salted.experiment_id,
        )
        request = PredictRequest(self._request.model, self._request.features, self._request.version, explain=self._request.explain)
        result = msgspec.to_builtins(answered.build_result(explain=request.explain))
        return answered.build_log_entry(result, request, materials.model, now=entry.created_at), answer

    def _gather(self) -> _Materials:
        entry, basis, ports = self._entry, self._basis, self._ports
        model = ports.models.get_model(entry.workspace_id, entry.model_id)
        scorer = baseline = None
        if basis.values is not None:
            scorer = self._load(basis.values)
        if basis.baseline_sha256 is not None and entry.model_version is not None:
            baseline = self._read_artifact(self._get_version(entry.model_version), "$.basis.baseline_sha256", basis.baseline_sha256)
        return _Materials(model, scorer, baseline, self._find_experiment(entry.experiment_id), self._find_experiment(basis.drawn_in))

    def _load(self, source: Source) -> Scorer:
        version = replace(self._get_version(source.version), snapshot_key=source.snapshot_key)
        stored = self._read_artifact(version, "$.basis.values.artifact_sha256", source.artifact_sha256)
        model_sha256 = self._hash_model(stored)
        try:
            return self._ports.scorers.load_as_stored(version, stored, model_sha256)
        except CorruptArtifactError:  # else the scorer tells which snapshot it reads
            manifest = read_file(self._ports.files.read_lake_manifest, version.snapshot_key)
            self._note("$.basis.values.snapshot_sha256", source.snapshot_sha256, _hash(manifest))
            raise

    def _read_artifact(self, version: ModelVersion, path: str, logged: str) -> StoredArtifact:
        body = read_file(self._ports.files.read_artifact_manifest, version.artifact_key)
        self._note(path, logged, _hash(body))
        return decode_artifact(body, version)

    def _hash_model(self, stored: StoredArtifact) -> str:
        """Return the SHA-256 of the model as it is now, having noted whether its manifest has it."""
        key, expected = stored.artifact.model_key, stored.artifact.model_sha256
        found = _hash(read_file(self._ports.files.read_artifact_manifest, key))
        if found != expected:
            self._files.append(_name_file(key, expected, found))
        return found

    def _note(self, path: str, logged: str, found: str) -> None:
        if found != logged:
            self._files.append(Difference(path, logged, found))

    def _get_version(self, version: int) -> ModelVersion:
        return self._ports.versions.get_version(self._entry.workspace_id, self._entry.model_id, version)

    def _find_experiment(self, experiment_id: str | None) -> Experiment | None:
        return None if experiment_id is None else self._ports.experiments.get_experiment(self._entry.workspace_id, experiment_id)

    def _read_query(self, model: Model) -> Query:
        entry, spec = self._entry, model.spec
        query = parse_entry(
            self._request.features[0],
            path="$.request.features[0]",
            columns=frozenset(view_columns(spec)),
            item_columns=frozenset(item_columns(spec)) if spec.kind == "ranking" else None,
            now=entry.created_at,
            categories=number_categories(spec),
        )
        return msgspec.structs.replace(query, seed=entry.prediction_id, explain=True)

    def _assign(self, experiment: Experiment | None) -> Variant | None:
        """Return the variant that the unit meets by the weights of then; None outside the experiment."""
        if experiment is None:
            return None
        weights = list_weights(experiment.plan, self._ports.events.list_events(experiment.workspace_id, experiment.experiment_id))
        allocation = build_allocation(experiment, weights[: self._result.allocation_version])
        return assign(allocation, self._entry.entity_id).variant

    def _answer(self, attempt: Attempt, materials: _Materials) -> Answer:
        """Return what the one that answered then answers now."""
        query, scorer, logged = attempt.query, materials.scorer, self._result
        if logged.answered_by in {"model", "previous_version"}:
            if scorer is None:
                raise CorruptArtifactError("The entry does not say what answered")
            (answer,) = answer_by_model(scorer, [query], answered_by=logged.answered_by)
            return msgspec.structs.replace(answer, snapshot_stale=logged.snapshot_stale)
        if materials.baseline is not None:
            answer = answer_by_baseline(materials.baseline, query, scorer)
        elif self._basis.answerer == "random":
            answer = draw_answer(attempt, materials.model, materials.salted, scorer)
        else:
            answer = answer_by_default(materials.model, query, scorer)
        in_place_of_model = self._basis.answerer in {"model", "previous_version"}
        return answer if in_place_of_model else look_features_up(answer, attempt, scorer)


def _name_reason(error: Exception) -> Reason:
    if isinstance(error, MissingArtifactError):
        return "file_missing"
    return "not_found" if isinstance(error, NotFoundError) else "not_answerable"


def _name_file(key: str, expected: str, found: str) -> Difference:
    return Difference(locate("$.files", key), expected, found)


def _hash(body: bytes) -> str:
    return hash_sha256(body).hexdigest()


def _to_json(entry: PredictionLogEntry) -> object:
    return msgspec.json.decode(msgspec.json.encode(entry))


def _compare(logged: Any, replayed: Any, path: str) -> Iterator[Difference]:  # noqa: ANN401 - JSON
    """Yield where two JSON values differ; numbers by their shortest texts, which are theirs to the bit."""
    if isinstance(logged, dict) and isinstance(replayed, dict):
        for name in [*logged, *(name for name in replayed if name not in logged)]:
            yield from _compare(logged.get(name, UNSET), replayed.get(name, UNSET), locate(path, name))
    elif isinstance(logged, list) and isinstance(replayed, list) and len(logged) == len(replayed):
        for place, (one, other) in enumerate(zip(logged, replayed, strict=True)):
            yield from _compare(one, other, f"{path}[{place}]")
    elif logged is UNSET or replayed is UNSET or msgspec.json.encode(logged) != msgspec.json.encode(replayed):
        yield Difference(path, logged, replayed)
