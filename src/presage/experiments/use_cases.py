"""Create and analyse experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError, NotFoundError
from presage.experiments.certificate import build_action, build_certificate, encode_certificate, read_detail
from presage.experiments.decision import CONCLUDED, ENDED
from presage.experiments.events import list_weights
from presage.experiments.evidence import LookDetail
from presage.experiments.model import Experiment, ExperimentPlan, Look, Source, list_sources
from presage.experiments.observation import Observation, build_counted, build_exposures, conclude, observe
from presage.experiments.plan import list_metrics, validate_plan
from presage.experiments.ports import CertificateStore, ExperimentEvents, ExperimentStore, TrafficSwitch, Warehouse, WarehouseLedger
from presage.experiments.segments import CountedSegment, build_segment_source
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.identifiers import new_identifier
from presage.progress import Progress
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

UPDATES = 3


@dataclass(frozen=True, slots=True)
class AnalysisPorts:
    """What an analysis needs from outside."""

    store: ExperimentStore
    events: ExperimentEvents
    warehouse: Warehouse
    ledger: WarehouseLedger
    feature_sets: FeatureSetStore
    datasets: DatasetStore
    traffic: TrafficSwitch
    certificates: CertificateStore


@dataclass(frozen=True, slots=True)
class Subject:
    """The model that an experiment is about, whether it answers ranked items, or numbers, and its registered versions that arms may be."""

    model_id: str
    ranks: bool = False
    measures: bool = False
    versions: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class CertificatePorts:
    """What a certificate is read, or built, from."""

    store: ExperimentStore
    events: ExperimentEvents
    certificates: CertificateStore


def create_experiment(
    plan: ExperimentPlan, *, by: User, model: Subject, now: datetime, store: ExperimentStore, datasets: DatasetStore
) -> Experiment:
    """Return the new draft; `model` is what `plan.model` names. Its id is random and serves as its salt.

    Raises:
        ForbiddenError: `by` lacks `experiments.draft`.
        InvalidInputError: The plan cannot be run; the path names the value.
        AlreadyExistsError: The workspace has an experiment of that name.
    """
    workspace_id = authorise(by, "experiments.draft")
    if plan.control_policy == "popularity" and not model.ranks:
        message = f"only rankings have a popularity list, and model {plan.model!r} is none; its version's baseline is one class for all"
        raise InvalidInputError(message, path="$.control_policy")
    if plan.control_policy == "random" and model.measures:
        raise InvalidInputError(f"model {plan.model!r} answers numbers, of which none can be drawn at random", path="$.control_policy")
    validate_plan(plan, find_dataset=lambda name: datasets.find_dataset_by_name(workspace_id, name))
    _require_versions(plan, model)
    experiment_id = new_identifier("exp")
    experiment = Experiment(
        workspace_id=workspace_id,
        experiment_id=experiment_id,
        model_id=model.model_id,
        plan=plan,
        salt=experiment_id,
        state="draft",
        created_at=now,
        started_at=None,
        concluded_at=None,
    )
    store.create_experiment(experiment)
    return experiment


def analyse_experiment(
    workspace_id: str, experiment_id: str, *, as_of: datetime, now: datetime, ports: AnalysisPorts, progress: Progress
) -> Look:
    """Return a new look at the experiment as of `as_of`, its own clock, after acting on its decision.

    New outcomes are loaded, all variants counted over units whose window is closed, and the decision is kept in the look
    before anything acts on it; then traffic moves, then the certificate is written, then the state changes.
    Idempotency: a concluded experiment answers its last look; an analysis that crashed after its look is finished by the next one.

    Raises:
        NotFoundError: The workspace has no such experiment.
        ConflictError: It is a draft, or was stopped without a look.
        InvalidInputError: `as_of` has no offset, is in the future or before the last look's.
    """
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    looks = ports.store.list_looks(workspace_id, experiment_id)
    if experiment.state in ENDED or (looks and looks[-1].decision in CONCLUDED):
        return _finish(experiment, looks, ports=ports, now=now)
    _require_analysable(experiment, looks, as_of=as_of, now=now)
    events = ports.events.list_events(workspace_id, experiment_id)
    history = [read_detail(look) for look in looks]
    version = len(list_weights(experiment.plan, events))
    observation = _observe(experiment, history, version, as_of=as_of, ports=ports, progress=progress)
    detail, state = conclude(experiment, observation, history=history, events=events)
    look = Look(workspace_id, experiment_id, len(looks) + 1, as_of, state, msgspec.json.decode(msgspec.json.encode(detail)))
    progress(0.95, detail.reason)
    return _record(experiment, look, ports=ports, now=now)


def get_certificate_document(workspace_id: str, experiment_id: str, *, look: int | None, ports: CertificatePorts) -> bytes:
    """Return the certificate that the conclusion left or, up to a `look` or before there is a conclusion, one of the looks so far.

    Raises:
        NotFoundError: The workspace has no such experiment, it has no such look, or the certificate is gone.
    """
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    if look is None and experiment.state in CONCLUDED:
        body = ports.certificates.find_certificate(workspace_id, experiment_id)
        if body is None:
            raise NotFoundError(f"the certificate of experiment {experiment_id} is gone")
        return body
    looks = ports.store.list_looks(workspace_id, experiment_id)
    if look is not None and not 1 <= look <= len(looks):
        raise NotFoundError(f"experiment {experiment_id} has no look {look}; it has {len(looks)}")
    events = ports.events.list_events(workspace_id, experiment_id)
    return encode_certificate(build_certificate(experiment, events=events, looks=looks[:look]))


def _require_versions(plan: ExperimentPlan, model: Subject) -> None:
    for place, arm in enumerate(plan.arms):
        if arm.version != "production" and arm.version not in model.versions:
            raise InvalidInputError(f"model {plan.model!r} has no version {arm.version}", path=f"$.arms[{place}].version")


def _require_analysable(experiment: Experiment, looks: Sequence[Look], *, as_of: datetime, now: datetime) -> None:
    if experiment.state == "draft":
        raise ConflictError(f"experiment {experiment.experiment_id} is a draft; start it first")
    if as_of.utcoffset() is None:
        raise InvalidInputError(f"as_of needs an offset from UTC, got {as_of.isoformat()}", path="$.as_of")
    if as_of > now:
        raise InvalidInputError(f"as_of must not be in the future, got {as_of.isoformat()} at {now.isoformat()}", path="$.as_of")
    if looks and as_of < looks[-1].as_of:
        raise InvalidInputError(f"as_of must not be before the last look's, {looks[-1].as_of.isoformat()}", path="$.as_of")


def _observe(
    experiment: Experiment, history: Sequence[LookDetail], version: int, *, as_of: datetime, ports: AnalysisPorts, progress: Progress
) -> Observation:
    """Load what is new of every metric's datasets, bring the units up to date, then count those that the allocation's version met."""
    metrics = [metric for _, metric in list_metrics(experiment.plan)]
    loads = []
    for index, metric in enumerate(metrics):
        progress(0.4 * index / len(metrics), f"loading outcomes of {metric.name}")
        loads.append([_load_outcomes(experiment, source, ports=ports) for source in list_sources(metric)])
    of_segments = [_load_outcomes(experiment, build_segment_source(segment), ports=ports) for segment in experiment.plan.segments]
    progress(0.4, "computing what units did")
    loaded_until, is_settled = _update_units(experiment, as_of=as_of, ports=ports)
    counted = []
    for index, (metric, loaded) in enumerate(zip(metrics, loads, strict=True)):
        progress(0.6 + 0.3 * index / len(metrics), f"counting {metric.name}")
        found = ports.warehouse.get_statistics(experiment, metric, as_of=as_of, allocation_version=version)
        denominator = loaded[1][0] if metric.denominator else None
        parts = sum(fresh for _, fresh in loaded)
        counted.append(build_counted(metric, found, dataset_version=loaded[0][0], loaded_parts=parts, denominator_version=denominator))
    count_exposures = ports.warehouse.get_exposures if is_settled else ports.ledger.count_exposures
    exposures = build_exposures(count_exposures(experiment, as_of=as_of, loaded_until=loaded_until), as_of=as_of)
    observation = observe(experiment, counted, exposures, history=history, loaded_until=loaded_until, ledger=ports.ledger)
    segments = []
    for segment, (dataset_version, parts) in zip(experiment.plan.segments, of_segments, strict=True):
        groups = ports.ledger.count_segment(experiment, segment, as_of=as_of, loaded_until=loaded_until, allocation_version=version)
        segments.append(CountedSegment(segment.name, groups, dataset_version, parts))
    return replace(observation, segments=segments)


def _update_units(experiment: Experiment, *, as_of: datetime, ports: AnalysisPorts) -> tuple[datetime, bool]:
    """Bring the units up to date, and return until when everything that was loaded is in them, and nothing that was loaded later.

    That is so when nothing was left to do after the clock was read, which the second value says. Under a stream that never pauses it
    may not come to that: then a look counts exposures of the last seconds in or not, whose windows are open for an hour at least.
    """
    ports.warehouse.update_units(experiment, as_of=as_of)
    loaded_until = ports.ledger.get_clock()
    for _ in range(UPDATES):
        if not ports.warehouse.update_units(experiment, as_of=as_of):
            return loaded_until, True
        loaded_until = ports.ledger.get_clock()
    return loaded_until, False


def _load_outcomes(experiment: Experiment, source: Source, *, ports: AnalysisPorts) -> tuple[int | None, int]:
    """Return (version, parts loaded now) of the source's dataset; (None, 0) while nothing has arrived there."""
    dataset = ports.datasets.find_dataset_by_name(experiment.workspace_id, source.dataset)
    if dataset is None:
        raise ConflictError(f"{source.key!r} reads records of {source.dataset!r}, which no longer exists")
    version = ports.feature_sets.find_version(experiment.workspace_id, dataset.dataset_id)
    if version is None:
        return None, 0
    return version.version, ports.warehouse.load_outcomes(experiment, version, source)


def _record(experiment: Experiment, look: Look, *, ports: AnalysisPorts, now: datetime) -> Look:
    """Append the look and act on it; when another analysis took its number, act on the newest look instead."""
    try:
        ports.store.append_look(look)
    except AlreadyExistsError:
        experiment = ports.store.get_experiment(experiment.workspace_id, experiment.experiment_id)
        return _finish(experiment, ports.store.list_looks(experiment.workspace_id, experiment.experiment_id), ports=ports, now=now)
    return _act(experiment, look, ports=ports, now=now)


def _finish(experiment: Experiment, looks: Sequence[Look], *, ports: AnalysisPorts, now: datetime) -> Look:
    """Return the last look, after carrying out what a crash may have left undone."""
    if not looks:
        raise ConflictError(f"experiment {experiment.experiment_id} is {experiment.state} without a look")
    return looks[-1] if experiment.state in ENDED else _act(experiment, looks[-1], ports=ports, now=now)


def _act(experiment: Experiment, look: Look, *, ports: AnalysisPorts, now: datetime) -> Look:
    """Move the traffic first and the state last, so that a crash between them is repaired by repeating all."""
    action = build_action(experiment, look.decision, read_detail(look).shipped)
    if action is not None:
        ports.traffic.switch_traffic(experiment, to=action.traffic, version=action.version, reason=action.reason, now=now)
    if look.decision in CONCLUDED:
        _certify(experiment, ports=ports)
    if look.decision != experiment.state:
        ports.store.move_state(experiment, state=look.decision, now=now)
    return look


def _certify(experiment: Experiment, *, ports: AnalysisPorts) -> None:
    """Write the certificate, unless an analysis that crashed later did: of the same looks it is the same."""
    key = (experiment.workspace_id, experiment.experiment_id)
    certificate = build_certificate(experiment, events=ports.events.list_events(*key), looks=ports.store.list_looks(*key))
    try:
        ports.certificates.create_certificate(*key, encode_certificate(certificate))
    except AlreadyExistsError:
        return
