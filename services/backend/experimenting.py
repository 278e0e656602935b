"""Experiments, as routes and pages make, plan and order them."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from presage.errors import InvalidInputError, NotFoundError
from presage.experiments import use_cases
from presage.experiments.model import Experiment, ExperimentPlan
from presage.experiments.operations import OperatorPorts, Order
from presage.experiments.planning import Aim, Baseline, Outlook, Traffic, plan_experiment
from presage.jobs.arguments import AnalyseExperiment
from presage.jobs.model import Job
from presage.jobs.use_cases import request_job
from presage.predictions.traffic import PlanningPorts, measure
from presage.tenancy.permissions import authorise
from presage.training.model import Model
from presage.training.served import AliasHistory
from services.backend.bodies import OutlookBody
from services.backend.context import get_now, get_ports, get_user


def create_experiment(plan: ExperimentPlan) -> Experiment:
    """Return the new draft, on the model that the plan names."""
    ports, model = get_ports(), _find_model(plan.model)
    subject = use_cases.Subject(
        model.model_id,
        ranks=model.spec.kind == "ranking",
        measures=model.spec.kind == "regression",
        versions=_list_registered(model, plan),
    )
    return use_cases.create_experiment(plan, by=get_user(), model=subject, now=get_now(), store=ports.experiments, datasets=ports.datasets)


def compute_outlook(body: OutlookBody) -> Outlook:
    """Return what an experiment on a model's traffic could find, and how long that would take. Nothing is kept."""
    authorise(get_user(), "analyses.run")
    ports, model = get_ports(), _find_model(body.model)
    aim = Aim(body.primary, body.effect, body.alpha, body.power, body.treatment_share, body.min_days, body.arms)
    given_traffic = None if body.units_a_day is None else Traffic(body.units_a_day)
    planning = PlanningPorts(ports.predictions, ports.datasets, ports.feature_sets)
    baseline, traffic = measure(model, aim, baseline=_read_baseline(body), traffic=given_traffic, now=get_now(), ports=planning)
    return plan_experiment(aim, baseline=baseline, traffic=traffic)


def request_look(experiment_id: str, *, as_of: datetime | None) -> Job:
    """Return the job that takes a look and acts on it."""
    ports, now = get_ports(), get_now()
    ports.experiments.get_experiment(get_user().workspace_id, experiment_id)
    if as_of is not None and as_of > now:
        raise InvalidInputError("as_of must not be in the future", path="$.as_of")
    return request_job(AnalyseExperiment(experiment_id, as_of), by=get_user(), now=now, ports=ports.jobs)


def build_order(reason: str) -> Order:
    """Return an order of the caller's."""
    return Order(get_user(), reason, get_now())


def get_operator_ports() -> OperatorPorts:
    """Return what orders are carried out on."""
    ports = get_ports()
    return OperatorPorts(ports.experiments, ports.experiment_events, AliasHistory(ports.versions), ports.holdouts)


def _find_model(name: str) -> Model:
    model = get_ports().models.find_model_by_name(get_user().workspace_id, name)
    if model is None:
        raise InvalidInputError(f"There is no model named {name[:100]!r}", path="$.model")
    return model


def _list_registered(model: Model, plan: ExperimentPlan) -> frozenset[int]:
    """Return those of the arms' versions that the model has."""
    versions, wanted = get_ports().versions, {arm.version for arm in plan.arms if arm.version != "production"}
    found = set()
    for version in wanted:
        with suppress(NotFoundError):
            found.add(versions.get_version(model.workspace_id, model.model_id, version).version)
    return frozenset(found)


def _read_baseline(body: OutlookBody) -> Baseline | None:
    """Return the baseline that was given, if any."""
    given = body.baseline
    if given is None:
        return None
    variance = given.mean * (1.0 - given.mean) if given.variance is None else given.variance
    return Baseline(given.mean, variance)
