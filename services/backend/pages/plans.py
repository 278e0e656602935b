"""New experiments: by a form with an outlook, or as JSON for what the form has not."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.experiments.model import Experiment, ExperimentPlan, Metric
from presage.experiments.planning import Outlook
from presage.listing import ListQuery
from presage.tenancy.permissions import authorise
from services.backend.bodies import decode_strictly
from services.backend.context import get_ports, get_user
from services.backend.experimenting import compute_outlook, create_experiment
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.plan_forms import FORM_KINDS, PlanForm, build_outlook_body, build_plan, place_fault, suggest_units
from services.backend.pages.rendering import done, show, show_json

MOST_CHOICES = 200
EXAMPLE = ExperimentPlan("checkout", "my-model", Metric("bought", "conversion", "orders"), planned_units=10_000)
blueprint = Blueprint("plans", __name__, url_prefix="/experiments/new")


class JsonForm(msgspec.Struct, frozen=True):
    """A whole plan as JSON."""

    plan: str


@blueprint.get("")
def show_new(error: PresageError | None = None, outlook: Outlook | None = None) -> Response:
    """Show the form of a new experiment."""
    workspace_id, lists, by_name = authorise(get_user(), "experiments.draft"), get_ports().listings, ListQuery("name", limit=MOST_CHOICES)
    datasets = lists.datasets.search(workspace_id, by_name).items
    return show(
        "experiments/new.html",
        error=None if error is None else place_fault(error),
        outlook=outlook,
        suggested="" if outlook is None else suggest_units(outlook),
        kinds=FORM_KINDS,
        models=[model.name for model in lists.models.search(workspace_id, by_name).items],
        datasets=[dataset.name for dataset in datasets],
        columns=sorted({column.name for dataset in datasets for column in dataset.columns}),
    )


@blueprint.post("")
def create() -> BaseResponse:
    """Make a draft of the form or, as the button says, tell what to expect of it, or go on as JSON."""

    def act() -> BaseResponse:
        form, wanted = read_form(PlanForm), request.form.get("act")
        if wanted == "json":
            return show_as_json(plan=show_json(build_plan(form, form.planned_units or EXAMPLE.planned_units)))
        outlook = compute_outlook(build_outlook_body(form)) if wanted == "outlook" or form.planned_units is None else None
        if wanted == "outlook":
            return show_new(outlook=outlook)
        return _say(create_experiment(build_plan(form, form.planned_units or suggest_units(outlook))))

    return answer_form(act, show_new)


@blueprint.get("/json")
def show_as_json(error: PresageError | None = None, plan: str = "") -> Response:
    """Show a plan as JSON to be edited."""
    authorise(get_user(), "experiments.draft")
    return show("experiments/json.html", error=error, plan=plan or request.form.get("plan") or show_json(EXAMPLE))


@blueprint.post("/json")
def create_from_json() -> BaseResponse:
    """Make a draft of a plan that is given as JSON."""

    def act() -> BaseResponse:
        return _say(create_experiment(decode_strictly(read_form(JsonForm).plan.encode(), ExperimentPlan)))

    return answer_form(act, show_as_json)


def _say(made: Experiment) -> BaseResponse:
    place = url_for("pages.experiments.show_experiment", experiment_id=made.experiment_id)
    return done(place, f"The draft {made.name} is there. Nobody is in it until it is started.")
