"""What experiments found, how it can be verified, and what to expect of the next one."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from presage.errors import InvalidInputError
from presage.experiments.planning import Aim, Baseline, Traffic, plan_experiment
from presage.experiments.results import LookPage, build_look_result, build_primary_paths, describe_path, read_results
from presage.experiments.use_cases import CertificatePorts, get_certificate_document
from presage.predictions.traffic import PlanningPorts, measure
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.bodies import OutlookBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.interval_plot import PlotText, draw_interval_paths
from services.backend.paging import read_limit

PLOT_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""Whoever opens the plot as a page gets its styles, and nothing else is run or fetched."""

blueprint = Blueprint("results", __name__, url_prefix="/experiments")


@blueprint.get("/<experiment_id>/results")
def get_results(experiment_id: str) -> Response:
    """Return an experiment's state, its newest look, a page of looks, newest first, and what operators did."""
    ports, page = get_ports(), LookPage(before=read_number("after"), limit=read_limit())
    results = read_results(get_user().workspace_id, experiment_id, page=page, store=ports.experiments, events=ports.experiment_events)
    plot = f'</api/v1/experiments/{experiment_id}/results.svg>; rel="alternate"; type="image/svg+xml"'
    return respond(results, headers={"link": plot})


@blueprint.get("/<experiment_id>/results.svg")
def get_plot(experiment_id: str) -> Response:
    """Return how the primary metric's interval narrowed, as an SVG."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    experiment = ports.experiments.get_experiment(workspace_id, experiment_id)
    looks, plan = ports.experiments.list_looks(workspace_id, experiment_id), experiment.plan
    latest = build_look_result(plan, looks[-1]) if looks else None
    title = f"{plan.name}: {experiment.state.replace('_', ' ')}"
    svg = draw_interval_paths(build_primary_paths(plan, looks), PlotText(title, describe_path(plan, latest), plan.primary.name))
    return Response(svg, content_type="image/svg+xml; charset=utf-8", headers={"content-security-policy": PLOT_POLICY})


@blueprint.get("/<experiment_id>/certificate")
def get_certificate(experiment_id: str) -> Response:
    """Return the certificate that the conclusion left or, with `look`, one of the experiment up to that look."""
    ports = get_ports()
    found = CertificatePorts(ports.experiments, ports.experiment_events, ports.certificates)
    body = get_certificate_document(get_user().workspace_id, experiment_id, look=read_number("look"), ports=found)
    return Response(body, content_type="application/json")


@blueprint.post("/outlooks")
def create_outlook() -> Response:
    """Return what an experiment on a model's traffic could find, and how long that would take. Nothing is kept."""
    body, ports, workspace_id = read_body(OutlookBody), get_ports(), authorise(get_user(), "analyses.run")
    model = ports.models.find_model_by_name(workspace_id, body.model)
    if model is None:
        raise InvalidInputError(f"There is no model named {body.model[:100]!r}", path="$.model")
    aim = Aim(body.primary, body.effect, body.alpha, body.power, body.treatment_share, body.min_days, body.arms)
    given_traffic = None if body.units_a_day is None else Traffic(body.units_a_day)
    planning = PlanningPorts(ports.predictions, ports.datasets, ports.feature_sets)
    baseline, traffic = measure(model, aim, baseline=read_baseline(body), traffic=given_traffic, now=get_now(), ports=planning)
    return respond(plan_experiment(aim, baseline=baseline, traffic=traffic))


def read_baseline(body: OutlookBody) -> Baseline | None:
    """Return the baseline that was given, if any."""
    given = body.baseline
    if given is None:
        return None
    variance = given.mean * (1.0 - given.mean) if given.variance is None else given.variance
    return Baseline(given.mean, variance)


def read_number(name: str) -> int | None:
    """Return a number of the query, if it is there.

    Raises:
        InvalidInputError: It is none.
    """
    text = request.args.get(name)
    if text is None:
        return None
    try:
        return msgspec.convert(text, int, strict=False)
    except msgspec.ValidationError as error:
        raise InvalidInputError(f"{name} is the number of a look, got {text[:50]!r}", path=f"?{name}") from error
