"""What an operator may do to an experiment: start, extend, reweight and stop it. Each order is kept before it takes effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from presage.errors import AlreadyExistsError, ConflictError, InvalidInputError
from presage.experiments.assignment import build_allocation, compute_moved_share, find_segment, share_units
from presage.experiments.decision import ACTIVE, CONCLUDED
from presage.experiments.events import EventKind, ExperimentEvent, Weights, compute_limits, list_weights
from presage.experiments.model import Experiment, ExperimentPlan, list_arms
from presage.experiments.plan import LONGEST_DAYS, leaves_control
from presage.experiments.ports import ExperimentEvents, ExperimentStore, HoldoutStore, ServedVersions
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

PAGE = 50
MAX_EXTRA_UNITS = 10**9
LONGEST_REASON = 500
REPEATED: frozenset[EventKind] = frozenset({"extended", "reweighted"})


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants something done, when and why."""

    by: User
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class OperatorPorts:
    """What an order is carried out on."""

    store: ExperimentStore
    events: ExperimentEvents
    served: ServedVersions
    holdouts: HoldoutStore


@dataclass(frozen=True, slots=True)
class Extension:
    """What to add to an experiment's limits."""

    days: int = 0
    units: int = 0


def start_experiment(experiment_id: str, *, order: Order, ports: OperatorPorts, control_version: int | None = None) -> Experiment:
    """Return the experiment, running. Idempotency: starting a running one changes nothing.

    `control_version` is for the policy `previous_version`, and by default the lower version that served before.

    Raises:
        ForbiddenError: Whoever orders it lacks `experiments.run`.
        NotFoundError: The workspace has no such experiment.
        ConflictError: It has ended, another experiment of the same model is running or paused, its segment overlaps that of one that
            is, or there is no earlier version.
        InvalidInputError: The reason is too long, or the version never served, serves now, or is not asked for by the policy.
    """
    workspace_id = authorise(order.by, "experiments.run")
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    if experiment.state in ACTIVE:
        return experiment
    if experiment.state != "draft":
        raise ConflictError(f"experiment {experiment_id} is {experiment.state}; only a draft can be started")

    def check(active: Sequence[Experiment]) -> None:
        _require_free(experiment, active)

    check([found for found in _list_all(ports.store, workspace_id) if found.state in ACTIVE])
    holdout = ports.holdouts.find_holdout(workspace_id)
    fixed = replace(
        experiment,
        control_version=_choose_control(experiment, control_version, ports=ports),
        holdout_share=holdout.share if holdout else 0.0,
    )
    _note(experiment, "started", order=order, ports=ports)
    return ports.store.move_state(fixed, state="running", now=order.now, check=check)


def extend_experiment(experiment_id: str, *, extension: Extension, order: Order, ports: OperatorPorts) -> Experiment:
    """Return the experiment, whose next look reckons with more days, units, or both, before it ends without a conclusion.

    Only where it ends changes. The confidence sequence stays tuned to the units planned before the start: it is valid at any
    number of units, and tuning it anew by what was seen would not be.

    Raises:
        ForbiddenError: Whoever orders it lacks `experiments.run`.
        NotFoundError: The workspace has no such experiment.
        ConflictError: It is a draft, has ended, or was extended by somebody else at the same time.
        InvalidInputError: Nothing is added, too much, or the reason is missing or too long.
    """
    workspace_id = authorise(order.by, "experiments.run")
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    if experiment.state not in ACTIVE:
        raise ConflictError(f"experiment {experiment_id} is {experiment.state}; only a running one can be extended")
    if not order.reason.strip():
        raise InvalidInputError("an extension needs a reason", path="$.reason")
    events = ports.events.list_events(workspace_id, experiment_id)
    _require_extension(extension, longest=LONGEST_DAYS - compute_limits(experiment.plan, events).max_days)
    _note(experiment, "extended", order=order, ports=ports, extra_days=extension.days, extra_units=extension.units)
    return experiment


@dataclass(frozen=True, slots=True)
class Reweighting:
    """A change of weights: its event, the version of the allocation that it makes, and the share of units that change their variant.

    Those of them that were met before are in two variants, and in no analysis.
    """

    event: ExperimentEvent
    allocation_version: int
    moved_share: float


def reweight_experiment(experiment_id: str, *, weights: Mapping[str, float], order: Order, ports: OperatorPorts) -> Reweighting:
    """Return the change: from now on units are divided by other weights, and counted apart from those that were divided before.

    `weights` has one for each arm.

    Raises:
        ForbiddenError: Whoever orders it lacks `experiments.run`.
        NotFoundError: The workspace has no such experiment.
        ConflictError: It is not running, or was changed by somebody else at the same time.
        InvalidInputError: The weights are not above 0 with a sum below 1, not of the plan's arms, or those that hold; or the reason is
            missing or too long.
    """
    workspace_id = authorise(order.by, "experiments.run")
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    if experiment.state != "running":
        raise ConflictError(f"experiment {experiment_id} is {experiment.state}; only a running one's weights can be changed")
    if not order.reason.strip():
        raise InvalidInputError("a change of weights needs a reason", path="$.reason")
    known = list_weights(experiment.plan, ports.events.list_events(workspace_id, experiment_id))
    wanted = _require_weights(experiment.plan, weights, known[-1])
    before, after = (build_allocation(experiment, versions) for versions in (known, [*known, wanted]))
    details = {"arm_weights": wanted} if experiment.plan.arms else {"treatment_share": wanted[0]}
    event = _note(experiment, "reweighted", order=order, ports=ports, **details)
    return Reweighting(event, after.version, compute_moved_share(before, after))


def _require_weights(plan: ExperimentPlan, weights: Mapping[str, float], current: Weights) -> Weights:
    names, path = [arm.name for arm in list_arms(plan)], "$.weights" if plan.arms else "$.treatment_share"
    if set(names) != set(weights):
        raise InvalidInputError(f"weights are of the arms {names}, got {sorted(weights)}", path=path)
    wanted = tuple(weights[name] for name in names)
    if not (min(wanted) > 0.0 and leaves_control(plan, wanted)) or wanted == current:
        held, got = (", ".join(f"{weight:g}" for weight in found) for found in (current, wanted))
        raise InvalidInputError(f"{path[2:]} must be above 0, leave control a part, and differ from {held}; got {got}", path=path)
    return wanted


def stop_experiment(experiment_id: str, *, order: Order, ports: OperatorPorts) -> Experiment:
    """Return the experiment, stopped by its user; traffic stays as it was before it. Idempotency: once.

    Raises:
        ForbiddenError: Whoever orders it lacks `experiments.run`.
        NotFoundError: The workspace has no such experiment.
        ConflictError: It is concluded already.
        InvalidInputError: The reason is too long.
    """
    workspace_id = authorise(order.by, "experiments.run")
    experiment = ports.store.get_experiment(workspace_id, experiment_id)
    if experiment.state == "stopped_by_user":
        return experiment
    if experiment.state in CONCLUDED:
        raise ConflictError(f"experiment {experiment_id} is {experiment.state} already")
    _note(experiment, "stopped", order=order, ports=ports)
    return ports.store.move_state(experiment, state="stopped_by_user", now=order.now)


def _require_free(experiment: Experiment, active: Sequence[Experiment]) -> None:
    """Return when the experiment's model and segment are free."""
    mine, part = find_segment(experiment), experiment.plan.segment
    for other in active:
        if other.model_id == experiment.model_id:
            raise ConflictError(f"experiment {other.experiment_id} of the same model is {other.state}; stop it first")
        theirs, taken = find_segment(other), other.plan.segment
        if mine and theirs and part and taken and share_units(mine, theirs):
            raise ConflictError(
                f"[{part.start:g}, {part.end:g}) of layer {part.layer!r} overlaps [{taken.start:g}, {taken.end:g}) of experiment "
                f"{other.experiment_id}, which is {other.state}"
            )


def _choose_control(experiment: Experiment, wanted: int | None, *, ports: OperatorPorts) -> int | None:
    """Return the version that answers the control, None under other policies than `previous_version`."""
    policy = experiment.plan.control_policy
    if policy != "previous_version":
        if wanted is not None:
            raise InvalidInputError(f"the control policy is {policy!r}; only 'previous_version' has a version", path="$.control_version")
        return None
    served = ports.served.list_served(experiment.workspace_id, experiment.model_id)
    if all(arm.version != "production" for arm in experiment.plan.arms) and experiment.plan.arms:
        return _choose_beside(experiment.plan, wanted, served)
    chosen = find_previous(served) if wanted is None else _require_served(wanted, served)
    return _require_apart(experiment.plan, chosen)


def find_previous(served: Sequence[int]) -> int:
    """Return the lower version that served last before the one that serves now; `served` begins with the latter.

    Raises:
        ConflictError: There is none.
    """
    for version in served[1:]:
        if version < served[0]:
            return version
    current = f"before version {served[0]}" if served else "yet"
    raise ConflictError(f"no version was in production {current}, which the control policy 'previous_version' could answer with")


def _require_served(wanted: int, served: Sequence[int]) -> int:
    if wanted not in served:
        known = ", ".join(str(version) for version in sorted(set(served))) or "none"
        raise InvalidInputError(f"version {wanted} was never in production; these were: {known}", path="$.control_version")
    if wanted == served[0]:
        raise InvalidInputError(
            f"version {wanted} serves now, so the treatment gets it; the control needs another", path="$.control_version"
        )
    return wanted


def _choose_beside(plan: ExperimentPlan, wanted: int | None, served: Sequence[int]) -> int:
    """Return the control's version where every arm has one of its own: by default the one that serves now."""
    if not served:
        raise ConflictError("no version was in production yet, which the control policy 'previous_version' could answer with")
    if wanted is not None and wanted not in served:
        _require_served(wanted, served)
    return _require_apart(plan, served[0] if wanted is None else wanted)


def _require_apart(plan: ExperimentPlan, version: int) -> int:
    """Return the control's version, which no arm may be."""
    for arm in plan.arms:
        if arm.version == version:
            raise InvalidInputError(f"version {version} answers arm {arm.name}; the control needs another", path="$.control_version")
    return version


def _require_extension(extension: Extension, *, longest: int) -> None:
    if extension.days == 0 and extension.units == 0:
        raise InvalidInputError("an extension adds days, units, or both", path="$")
    if not 0 <= extension.days <= longest:
        raise InvalidInputError(f"days must be in [0, {longest}], got {extension.days}", path="$.days")
    if not 0 <= extension.units <= MAX_EXTRA_UNITS:
        raise InvalidInputError(f"units must be in [0, {MAX_EXTRA_UNITS}], got {extension.units}", path="$.units")


def _note(experiment: Experiment, kind: EventKind, *, order: Order, ports: OperatorPorts, **details: object) -> ExperimentEvent:
    """Return the event, appended with its details. One that a crash left without effect is not appended twice."""
    if len(order.reason) > LONGEST_REASON:
        raise InvalidInputError(f"a reason has at most {LONGEST_REASON} characters, got {len(order.reason)}", path="$.reason")
    events = ports.events.list_events(experiment.workspace_id, experiment.experiment_id)
    if kind not in REPEATED:
        for event in events:
            if event.kind == kind:
                return event
    place, by = (experiment.workspace_id, experiment.experiment_id), order.by.user_id
    event = ExperimentEvent(*place, number=len(events) + 1, kind=kind, at=order.now, by=by, reason=order.reason)
    event = replace(event, **details)  # type: ignore[arg-type] # the orders above name fields
    try:
        ports.events.append_event(event)
    except AlreadyExistsError as error:
        raise ConflictError(f"experiment {experiment.experiment_id} was changed at the same time; look at it and try again") from error
    return event


def _list_all(store: ExperimentStore, workspace_id: str) -> list[Experiment]:
    found: list[Experiment] = []
    while page := store.list_experiments(workspace_id, after=found[-1].experiment_id if found else "", limit=PAGE):
        found.extend(page)
    return found
