"""Experiments and their looks."""

from __future__ import annotations

from contextlib import suppress

import msgspec
from flask import Blueprint, Response

from presage.errors import InvalidInputError, NotFoundError
from presage.experiments import use_cases
from presage.experiments.model import ExperimentPlan
from presage.experiments.operations import (
    Extension,
    OperatorPorts,
    Order,
    extend_experiment,
    reweight_experiment,
    start_experiment,
    stop_experiment,
)
from presage.jobs.arguments import AnalyseExperiment
from presage.runtime.http import respond
from presage.training.model import Model
from presage.training.served import AliasHistory
from services.backend.bodies import AnalysisBody, ExtensionBody, OrderBody, StartBody, WeightsBody, read_body, read_optional_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_page
from services.backend.submitting import submit

blueprint = Blueprint("experiments", __name__, url_prefix="/experiments")


@blueprint.post("")
def create() -> Response:
    """Create an experiment on a model, as a draft."""
    plan, ports, workspace_id = read_body(ExperimentPlan), get_ports(), get_user().workspace_id
    model = ports.models.find_model_by_name(workspace_id, plan.model)
    if model is None:
        raise InvalidInputError(f"There is no model named {plan.model[:100]!r}", path="$.model")
    experiment = use_cases.create_experiment(
        plan,
        by=get_user(),
        model=use_cases.Subject(
            model.model_id,
            ranks=model.spec.kind == "ranking",
            measures=model.spec.kind == "regression",
            versions=list_registered(model, plan),
        ),
        now=get_now(),
        store=ports.experiments,
        datasets=ports.datasets,
    )
    return respond(experiment, 201, {"location": f"/api/v1/experiments/{experiment.experiment_id}"})


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the workspace's experiments."""
    experiments, workspace_id = get_ports().experiments, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: experiments.list_experiments(workspace_id, after=after, limit=limit),
        identify=lambda experiment: experiment.experiment_id,
    )
    return respond(Page(items, following))


@blueprint.get("/<experiment_id>")
def get(experiment_id: str) -> Response:
    """Return an experiment with all its looks, oldest first."""
    store, workspace_id = get_ports().experiments, get_user().workspace_id
    experiment = store.get_experiment(workspace_id, experiment_id)
    return respond({**msgspec.to_builtins(experiment), "looks": store.list_looks(workspace_id, experiment_id)})


@blueprint.post("/<experiment_id>/start")
def start(experiment_id: str) -> Response:
    """Start an experiment: from now on predictions are assigned to its variants."""
    body = read_optional_body(StartBody)
    order, ports = read_order(body.reason), get_operator_ports()
    return respond(start_experiment(experiment_id, order=order, ports=ports, control_version=body.control_version))


@blueprint.post("/<experiment_id>/stop")
def stop(experiment_id: str) -> Response:
    """Stop an experiment without a conclusion."""
    order = read_order(read_optional_body(OrderBody).reason)
    return respond(stop_experiment(experiment_id, order=order, ports=get_operator_ports()))


@blueprint.post("/<experiment_id>/extensions")
def extend(experiment_id: str) -> Response:
    """Let an experiment run for longer, or for more units, before it ends without a conclusion."""
    body = read_body(ExtensionBody)
    extension, order, ports = Extension(body.days, body.units), read_order(body.reason), get_operator_ports()
    extend_experiment(experiment_id, extension=extension, order=order, ports=ports)
    return respond(ports.events.list_events(get_user().workspace_id, experiment_id)[-1], 201)


@blueprint.post("/<experiment_id>/weights")
def reweight(experiment_id: str) -> Response:
    """Divide a running experiment's units by other weights."""
    body, ports = read_body(WeightsBody), get_operator_ports()
    order = read_order(body.reason)
    return respond(reweight_experiment(experiment_id, weights=body.read_weights(), order=order, ports=ports), 201)


@blueprint.post("/<experiment_id>/analyses")
def create_analysis(experiment_id: str) -> Response:
    """Start a job that takes a look and acts on it."""
    body = read_body(AnalysisBody)
    get_ports().experiments.get_experiment(get_user().workspace_id, experiment_id)
    if body.as_of is not None and body.as_of > get_now():
        raise InvalidInputError("as_of must not be in the future", path="$.as_of")
    return submit(AnalyseExperiment(experiment_id, body.as_of))


def list_registered(model: Model, plan: ExperimentPlan) -> frozenset[int]:
    """Return those of the arms' versions that the model has."""
    versions, wanted = get_ports().versions, {arm.version for arm in plan.arms if arm.version != "production"}
    found = set()
    for version in wanted:
        with suppress(NotFoundError):
            found.add(versions.get_version(model.workspace_id, model.model_id, version).version)
    return frozenset(found)


def read_order(reason: str) -> Order:
    """Return an order of the caller's."""
    return Order(get_user(), reason, get_now())


def get_operator_ports() -> OperatorPorts:
    """Return what orders are carried out on."""
    ports = get_ports()
    return OperatorPorts(ports.experiments, ports.experiment_events, AliasHistory(ports.versions), ports.holdouts)
