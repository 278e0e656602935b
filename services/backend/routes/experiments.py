"""Experiments and their looks."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from presage.experiments.model import ExperimentPlan
from presage.experiments.operations import (
    Extension,
    extend_experiment,
    reweight_experiment,
    start_experiment,
    stop_experiment,
)
from presage.runtime.http import respond
from services.backend.bodies import AnalysisBody, ExtensionBody, OrderBody, StartBody, WeightsBody, read_body, read_optional_body
from services.backend.context import get_ports, get_user
from services.backend.experimenting import build_order, create_experiment, get_operator_ports, request_look
from services.backend.paging import Page, read_page
from services.backend.submitting import respond_job

blueprint = Blueprint("experiments", __name__, url_prefix="/experiments")


@blueprint.post("")
def create() -> Response:
    """Create an experiment on a model, as a draft."""
    experiment = create_experiment(read_body(ExperimentPlan))
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
    order, ports = build_order(body.reason), get_operator_ports()
    return respond(start_experiment(experiment_id, order=order, ports=ports, control_version=body.control_version))


@blueprint.post("/<experiment_id>/stop")
def stop(experiment_id: str) -> Response:
    """Stop an experiment without a conclusion."""
    order = build_order(read_optional_body(OrderBody).reason)
    return respond(stop_experiment(experiment_id, order=order, ports=get_operator_ports()))


@blueprint.post("/<experiment_id>/extensions")
def extend(experiment_id: str) -> Response:
    """Let an experiment run for longer, or for more units, before it ends without a conclusion."""
    body = read_body(ExtensionBody)
    extension, order, ports = Extension(body.days, body.units), build_order(body.reason), get_operator_ports()
    extend_experiment(experiment_id, extension=extension, order=order, ports=ports)
    return respond(ports.events.list_events(get_user().workspace_id, experiment_id)[-1], 201)


@blueprint.post("/<experiment_id>/weights")
def reweight(experiment_id: str) -> Response:
    """Divide a running experiment's units by other weights."""
    body, ports = read_body(WeightsBody), get_operator_ports()
    order = build_order(body.reason)
    return respond(reweight_experiment(experiment_id, weights=body.read_weights(), order=order, ports=ports), 201)


@blueprint.post("/<experiment_id>/analyses")
def create_analysis(experiment_id: str) -> Response:
    """Start a job that takes a look and acts on it."""
    return respond_job(request_look(experiment_id, as_of=read_body(AnalysisBody).as_of))
