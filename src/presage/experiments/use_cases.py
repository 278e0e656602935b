"""Create, start, stop and analyse experiments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import msgspec

from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError
from presage.experiments.decision import ACTIVE, CONCLUDED, ENDED, Evidence, decide
from presage.experiments.evidence import (
    Counted,
    Exposures,
    LookDetail,
    MetricEvidence,
    build_plan_mixture,
    compute_metric_evidence,
    compute_sample_ratio,
    find_discoveries,
)
from presage.experiments.model import Experiment, ExperimentPlan, Look, Metric, Source, list_sources
from presage.experiments.plan import list_metrics, validate_plan
from presage.experiments.ports import ExperimentStore, TrafficSwitch, Warehouse
from presage.features.ports import DatasetStore, FeatureSetStore
from presage.identifiers import new_identifier
from presage.progress import Progress

DETAIL_SCHEMA = 2
PAGE = 50


@dataclass(frozen=True, slots=True)
class AnalysisPorts:
    """What an analysis needs from outside."""

    store: ExperimentStore
    warehouse: Warehouse
    feature_sets: FeatureSetStore
    datasets: DatasetStore
    traffic: TrafficSwitch


def create_experiment(
    plan: ExperimentPlan, *, workspace_id: str, model_id: str, now: datetime, store: ExperimentStore, datasets: DatasetStore
) -> Experiment:
    """Return the new draft; `model_id` is the model that `plan.model` names. Its id is random and serves as its salt.

    Raises:
        InvalidInputError: The plan cannot be run; the path names the value.
        AlreadyExistsError: The workspace has an experiment of that name.
    """
    validate_plan(plan, find_dataset=lambda name: datasets.find_dataset_by_name(workspace_id, name))
    experiment_id = new_identifier("exp")
    experiment = Experiment(
        workspace_id=workspace_id,
        experiment_id=experiment_id,
        model_id=model_id,
        plan=plan,
        salt=experiment_id,
        state="draft",
        created_at=now,
        started_at=None,
        concluded_at=None,
    )
    store.create_experiment(experiment)
    return experiment


def start_experiment(*, workspace_id: str, experiment_id: str, now: datetime, store: ExperimentStore) -> Experiment:
    """Return the experiment, running. Idempotency: starting a running one changes nothing.

    Raises:
        NotFoundError: The workspace has no such experiment.
        ConflictError: It has ended, or another experiment of the same model is running or paused.
    """
    experiment = store.get_experiment(workspace_id, experiment_id)
    if experiment.state in ACTIVE:
        return experiment
    if experiment.state != "draft":
        raise ConflictError(f"experiment {experiment_id} is {experiment.state}; only a draft can be started")
    for other in _list_all(store, workspace_id):
        if other.model_id == experiment.model_id and other.state in ACTIVE:
            raise ConflictError(f"experiment {other.experiment_id} of the same model is {other.state}; stop it first")
    return store.move_state(experiment, state="running", now=now)


def stop_experiment(*, workspace_id: str, experiment_id: str, now: datetime, store: ExperimentStore) -> Experiment:
    """Return the experiment, stopped by its user; traffic stays as it was before it. Idempotency: once.

    Raises:
        NotFoundError: The workspace has no such experiment.
        ConflictError: It is concluded already.
    """
    experiment = store.get_experiment(workspace_id, experiment_id)
    if experiment.state == "stopped_by_user":
        return experiment
    if experiment.state in CONCLUDED:
        raise ConflictError(f"experiment {experiment_id} is {experiment.state} already")
    return store.move_state(experiment, state="stopped_by_user", now=now)


def analyse_experiment(
    workspace_id: str, experiment_id: str, *, as_of: datetime, now: datetime, ports: AnalysisPorts, progress: Progress
) -> Look:
    """Return a new look at the experiment as of `as_of`, its own clock, after acting on its decision.

    New outcomes are loaded, both variants counted over units whose window is closed, and the decision is kept in the look
    before anything acts on it; then traffic moves, then the state.
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
    detail, evidence = _observe(experiment, _read_details(looks), as_of=as_of, ports=ports, progress=progress)
    decision = decide(experiment.plan, evidence)
    detail = replace(detail, gates=decision.gates, reason=decision.reason)
    look = Look(workspace_id, experiment_id, len(looks) + 1, as_of, decision.state, msgspec.json.decode(msgspec.json.encode(detail)))
    progress(0.9, decision.reason)
    return _record(experiment, look, ports=ports, now=now)


def _list_all(store: ExperimentStore, workspace_id: str) -> list[Experiment]:
    found: list[Experiment] = []
    while page := store.list_experiments(workspace_id, after=found[-1].experiment_id if found else "", limit=PAGE):
        found.extend(page)
    return found


def _read_details(looks: Sequence[Look]) -> list[LookDetail]:
    return [msgspec.convert(look.detail, LookDetail) for look in looks]


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
    experiment: Experiment, history: Sequence[LookDetail], *, as_of: datetime, ports: AnalysisPorts, progress: Progress
) -> tuple[LookDetail, Evidence]:
    """Return the look's detail, still without a decision, and the evidence to decide on."""
    plan = experiment.plan
    counted = _count_metrics(experiment, as_of=as_of, ports=ports, progress=progress)
    exposures = _read_exposures(experiment, as_of=as_of, warehouse=ports.warehouse)
    mixture = build_plan_mixture(plan)
    pasts = _split_history(plan, history)
    primary, *others = (
        compute_metric_evidence(one, plan=plan, mixture=mixture, history=past) for one, past in zip(counted, pasts, strict=True)
    )
    guardrails, secondary = tuple(others[: len(plan.guardrails)]), tuple(others[len(plan.guardrails) :])
    ratio = compute_sample_ratio(counted[0], plan=plan, history=[past.sample_ratio for past in history])
    detail = LookDetail(
        schema=DETAIL_SCHEMA,
        exposures=exposures,
        mixture=mixture,
        primary=primary,
        guardrails=guardrails,
        sample_ratio=ratio,
        gates=(),
        warnings=_list_warnings(plan, exposures),
        reason="",
        secondary=secondary,
        discoveries=find_discoveries(secondary, alpha=plan.alpha),
    )
    return detail, Evidence(exposures, primary, guardrails, ratio)


def _split_history(plan: ExperimentPlan, history: Sequence[LookDetail]) -> list[list[MetricEvidence]]:
    """Return each metric's evidence at all earlier looks, in the order of `list_metrics`."""
    pasts = [[past.primary for past in history]]
    pasts += [[past.guardrails[index] for past in history] for index in range(len(plan.guardrails))]
    return pasts + [[past.secondary[index] for past in history] for index in range(len(plan.secondary))]


def _count_metrics(experiment: Experiment, *, as_of: datetime, ports: AnalysisPorts, progress: Progress) -> list[Counted]:
    """Load what is new of every metric's datasets, bring the units up to date once, then count."""
    metrics = [metric for _, metric in list_metrics(experiment.plan)]
    loads = []
    for index, metric in enumerate(metrics):
        progress(0.4 * index / len(metrics), f"loading outcomes of {metric.name}")
        loads.append([_load_outcomes(experiment, source, ports=ports) for source in list_sources(metric)])
    progress(0.4, "computing what units did")
    ports.warehouse.update_units(experiment)
    counted = []
    for index, (metric, loaded) in enumerate(zip(metrics, loads, strict=True)):
        progress(0.6 + 0.3 * index / len(metrics), f"counting {metric.name}")
        counted.append(_count_metric(experiment, metric, loaded, as_of=as_of, warehouse=ports.warehouse))
    return counted


def _count_metric(
    experiment: Experiment, metric: Metric, loaded: Sequence[tuple[int | None, int]], *, as_of: datetime, warehouse: Warehouse
) -> Counted:
    found = warehouse.get_statistics(experiment, metric, as_of=as_of)
    return Counted(
        metric=metric.name,
        dataset_version=loaded[0][0],
        loaded_parts=sum(parts for _, parts in loaded),
        sql=found.sql,
        control=found.control,
        treatment=found.treatment,
        kind=metric.kind,
        has_covariate=metric.covariate_hours > 0,
        denominator_version=loaded[1][0] if metric.denominator else None,
    )


def _load_outcomes(experiment: Experiment, source: Source, *, ports: AnalysisPorts) -> tuple[int | None, int]:
    """Return (version, parts loaded now) of the source's dataset; (None, 0) while nothing has arrived there."""
    dataset = ports.datasets.find_dataset_by_name(experiment.workspace_id, source.dataset)
    if dataset is None:
        raise ConflictError(f"metric {source.key!r} reads records of {source.dataset!r}, which no longer exists")
    version = ports.feature_sets.find_version(experiment.workspace_id, dataset.dataset_id)
    if version is None:
        return None, 0
    return version.version, ports.warehouse.load_outcomes(experiment, version, source)


def _read_exposures(experiment: Experiment, *, as_of: datetime, warehouse: Warehouse) -> Exposures:
    rows, units, crossovers = warehouse.count_assignments(experiment.workspace_id, experiment.experiment_id, as_of=as_of)
    first = warehouse.get_first_exposure(experiment.workspace_id, experiment.experiment_id)
    days = max(0, (as_of - first) // timedelta(days=1)) if first else 0
    return Exposures(rows, units, crossovers, first, days)


def _list_warnings(plan: ExperimentPlan, exposures: Exposures) -> tuple[str, ...]:
    if exposures.crossovers <= plan.gates.max_crossover_share * exposures.units:
        return ()
    return (f"{exposures.crossovers} of {exposures.units} units met both variants and are excluded",)


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
    """Move the traffic first and the state last, so that a crash between them is repaired by repeating both."""
    reason = f"experiment {experiment.experiment_id}: {look.decision}"
    if look.decision == "concluded_ship":
        ports.traffic.switch_traffic(experiment, to="model", reason=reason, now=now)
    elif look.decision == "concluded_rollback":
        ports.traffic.switch_traffic(experiment, to="default", reason=reason, now=now)
    if look.decision != experiment.state:
        ports.store.move_state(experiment, state=look.decision, now=now)
    return look
