"""What experiments found, how it can be verified, and what to expect of the next one."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request

from presage.errors import InvalidInputError
from presage.experiments.results import LookPage, build_look_result, build_primary_paths, describe_path, read_results
from presage.experiments.use_cases import CertificatePorts, get_certificate_document
from presage.runtime.http import respond
from services.backend.bodies import OutlookBody, read_body
from services.backend.context import get_ports, get_user
from services.backend.experimenting import compute_outlook
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
    return respond(compute_outlook(read_body(OutlookBody)))


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
