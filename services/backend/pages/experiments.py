"""Experiments: what they found so far, what happens next, and what an operator may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec
from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.experiments.model import ExperimentPlan, State, list_arms
from presage.experiments.operations import Extension, extend_experiment, reweight_experiment, start_experiment, stop_experiment
from presage.experiments.use_cases import CertificatePorts, get_certificate_document
from services.backend.context import get_ports, get_user
from services.backend.experimenting import build_order, get_operator_ports, request_look
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import done, show
from services.backend.pages.trials import read_trial

CHOICES = {"state": get_args(State)}
blueprint = Blueprint("experiments", __name__, url_prefix="/experiments")


class StartForm(msgspec.Struct, frozen=True):
    """Why an experiment is started, and which version answers its control, if the policy is the version before."""

    start_reason: str = ""
    control_version: int | None = None


class StopForm(msgspec.Struct, frozen=True):
    """Why an experiment is stopped."""

    stop_reason: str = ""


class ExtensionForm(msgspec.Struct, frozen=True):
    """What is added to an experiment's limits, and why."""

    extend_reason: str
    days: int = 0
    units: int = 0


class WeightsForm(msgspec.Struct, frozen=True):
    """Why an experiment's weights are changed; beside it there is a field for each arm."""

    weights_reason: str


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the experiments."""
    holdout = get_ports().holdouts.find_holdout(get_user().workspace_id)
    return show("experiments/list.html", view=read_list(get_ports().listings.experiments, choices=CHOICES), holdout=holdout)


@blueprint.get("/<experiment_id>")
def show_experiment(experiment_id: str, error: PresageError | None = None) -> Response:
    """Show an experiment."""
    return show("experiments/experiment.html", trial=read_trial(experiment_id, before=_read_number("after")), error=error)


@blueprint.get("/<experiment_id>/results")
def show_results(experiment_id: str) -> Response:
    """Return the part of an experiment's page that changes, or nothing if it did not; another state is another page."""
    store, workspace_id = get_ports().experiments, get_user().workspace_id
    experiment = store.get_experiment(workspace_id, experiment_id)
    if request.args.get("state", experiment.state) != experiment.state:
        return Response(status=204, headers={"hx-refresh": "true"})
    newest = store.list_looks(workspace_id, experiment_id, limit=1)
    if _read_number("seen") == (newest[0].number if newest else 0):
        return Response(status=204)
    return Response(render_template("experiments/results.html", trial=read_trial(experiment_id)))


@blueprint.get("/<experiment_id>/certificate")
def download_certificate(experiment_id: str) -> Response:
    """Answer the certificate as a file: that of the conclusion or, with `look`, one of the experiment up to that look."""
    ports = get_ports()
    found = CertificatePorts(ports.experiments, ports.experiment_events, ports.certificates)
    body = get_certificate_document(get_user().workspace_id, experiment_id, look=_read_number("look"), ports=found)
    name = f"attachment; filename=certificate-{experiment_id}.json"
    return Response(body, content_type="application/json", headers={"content-disposition": name})


@blueprint.post("/<experiment_id>/start")
def start(experiment_id: str) -> BaseResponse:
    """Start an experiment."""

    def act() -> BaseResponse:
        form, ports = read_form(StartForm), get_operator_ports()
        start_experiment(experiment_id, order=build_order(form.start_reason), ports=ports, control_version=form.control_version)
        return _say(experiment_id, "It is started: within seconds predictions are divided between its variants.")

    return answer_form(act, lambda error: show_experiment(experiment_id, error))


@blueprint.post("/<experiment_id>/stop")
def stop(experiment_id: str) -> BaseResponse:
    """Stop an experiment without a conclusion."""

    def act() -> BaseResponse:
        stop_experiment(experiment_id, order=build_order(read_form(StopForm).stop_reason), ports=get_operator_ports())
        return _say(experiment_id, "It is stopped. Traffic is what it was before it.")

    return answer_form(act, lambda error: show_experiment(experiment_id, error))


@blueprint.post("/<experiment_id>/extend")
def extend(experiment_id: str) -> BaseResponse:
    """Let an experiment run for longer, or for more units."""

    def act() -> BaseResponse:
        form = read_form(ExtensionForm)
        extension, order = Extension(form.days, form.units), build_order(form.extend_reason)
        extend_experiment(experiment_id, extension=extension, order=order, ports=get_operator_ports())
        return _say(experiment_id, "It is extended; the next look reckons with it.")

    return answer_form(act, lambda error: show_experiment(experiment_id, error))


@blueprint.post("/<experiment_id>/weights")
def reweight(experiment_id: str) -> BaseResponse:
    """Divide a running experiment's units by other weights."""

    def act() -> BaseResponse:
        order = build_order(read_form(WeightsForm).weights_reason)
        weights = _read_weights(get_ports().experiments.get_experiment(get_user().workspace_id, experiment_id).plan)
        made = reweight_experiment(experiment_id, weights=weights, order=order, ports=get_operator_ports())
        return _say(experiment_id, f"From now on units are divided anew; {made.moved_share:.1%} of them change their variant.")

    return answer_form(act, lambda error: show_experiment(experiment_id, error))


@blueprint.post("/<experiment_id>/look")
def look(experiment_id: str) -> BaseResponse:
    """Take a look now."""
    job = request_look(experiment_id, as_of=None)
    return done(url_for("pages.jobs.show_job", job_id=job.job_id), "A look is being taken; it acts on what it finds.")


def _say(experiment_id: str, said: str) -> BaseResponse:
    return done(url_for("pages.experiments.show_experiment", experiment_id=experiment_id), said)


def _read_number(name: str) -> int | None:
    return request.args.get(name, type=int)


def _read_weights(plan: ExperimentPlan) -> Mapping[str, float]:
    weights: dict[str, float] = {}
    for arm in list_arms(plan):
        field = f"weight_{arm.name}"
        try:
            weights[arm.name] = float(request.form.get(field, ""))
        except ValueError as error:
            raise InvalidInputError("a share is a number such as 0.5", path=f"$.{field}") from error
    return weights
