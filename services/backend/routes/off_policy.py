"""What a version would earn, told from the log before it gets traffic."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.jobs.arguments import EstimateOffPolicy
from presage.off_policy.model import Question
from presage.off_policy.questions import require_question
from services.backend.bodies import OffPolicyBody, read_body
from services.backend.context import get_ports, get_user
from services.backend.submitting import submit
from services.backend.version_reports import get_place, respond_page, respond_report

blueprint = Blueprint("off_policy", __name__, url_prefix="/models/<model_id>/versions/<int:version>/off-policy-estimates")


@blueprint.post("")
def create(model_id: str, version: int) -> Response:
    """Start a job that judges the version by what was logged."""
    body, ports, workspace_id = read_body(OffPolicyBody), get_ports(), get_user().workspace_id
    model = ports.models.get_model(workspace_id, model_id)
    question = Question(version, body.metric, body.days, body.alpha, body.baseline_version, body.exploration)
    require_question(
        question, model=model, versions=ports.versions, find_dataset=lambda name: ports.datasets.find_dataset_by_name(workspace_id, name)
    )
    return submit(build_arguments(model_id, question))


@blueprint.get("")
def list_page(model_id: str, version: int) -> Response:
    """Return a page of the ids of the version's estimates."""
    return respond_page(get_ports().estimates, get_place(model_id, version), kind="estimate")


@blueprint.get("/<estimate_id>")
def get(model_id: str, version: int, estimate_id: str) -> Response:
    """Return an estimate."""
    return respond_report(get_ports().estimates, get_place(model_id, version), estimate_id, kind="estimate")


def build_arguments(model_id: str, question: Question) -> EstimateOffPolicy:
    """Return the question as a job's arguments."""
    metric, exploration = question.metric, question.exploration
    return EstimateOffPolicy(
        model_id=model_id,
        version=question.version,
        metric=metric.name,
        dataset=metric.dataset,
        item_column=metric.item_column or "",
        window_hours=metric.window_hours,
        days=question.days,
        alpha=question.alpha,
        baseline_version=question.baseline_version,
        epsilon=None if exploration is None else exploration.epsilon,
        among=None if exploration is None else exploration.among,
    )
