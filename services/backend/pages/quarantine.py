"""Loads that did not land because their columns are not their dataset's: what was found, and what is to become of them."""

from __future__ import annotations

from typing import get_args

from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.features.dataset import ColumnType, Dataset
from presage.features.quarantine import Decision, QuarantinedLoad, decide, get_load
from presage.features.schema.model import ColumnOverride
from presage.tenancy.permissions import Permission, authorise
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form
from services.backend.pages.rendering import done, show
from services.backend.releasing import is_import_over, release_load

LOADS = 50
ANSWERS = (("", "leave as it is"), ("ignore", "leave the column out"), ("absent", "it is not in this load"))
blueprint = Blueprint("quarantine", __name__, url_prefix="/datasets/<dataset_id>/quarantine")


@blueprint.get("")
def list_page(dataset_id: str) -> Response:
    """Show a page of the dataset's loads in quarantine."""
    dataset = _get_dataset(dataset_id, "rows.read")
    found = get_ports().quarantine.list_loads(dataset.workspace_id, dataset_id, after=request.args.get("after", ""), limit=LOADS + 1)
    following = found[LOADS - 1].load_id if len(found) > LOADS else None
    return show("datasets/quarantine.html", dataset=dataset, loads=found[:LOADS], following=following)


@blueprint.get("/<load_id>")
def show_load(dataset_id: str, load_id: str, error: PresageError | None = None) -> Response:
    """Show a load with the comparison of its columns, and the form that answers it."""
    dataset, load = _get_dataset(dataset_id, "rows.read"), _get_load(dataset_id, load_id, "rows.read")
    answers = [*ANSWERS, *((kind, f"read it as {kind}") for kind in get_args(ColumnType))]
    return show("datasets/load.html", dataset=dataset, load=load, answers=answers, error=error)


@blueprint.post("/<load_id>/release")
def release(dataset_id: str, load_id: str) -> BaseResponse:
    """Import the load by the answers that were given."""
    load = _get_load(dataset_id, load_id, "data.write")

    def act() -> BaseResponse:
        columns = {change.column: _read_answer(change.column) for change in load.breaking if request.form.get(f"answer-{change.column}")}
        job = release_load(load, columns, user=get_user(), ports=get_ports(), now=get_now())
        return done(url_for("pages.jobs.show_job", job_id=job.job_id), "The load is being imported.")

    return answer_form(act, lambda error: show_load(dataset_id, load_id, error))


@blueprint.post("/<load_id>/discard")
def discard(dataset_id: str, load_id: str) -> BaseResponse:
    """Give the load up."""
    load, ports = _get_load(dataset_id, load_id, "data.write"), get_ports()
    decision = Decision("discarded", get_user().user_id, get_now())
    decide(load, decision, by=get_user(), store=ports.quarantine, is_job_over=is_import_over(load, ports))
    return done(url_for("pages.quarantine.list_page", dataset_id=dataset_id), "The load is discarded; what was found in it is kept.")


def _read_answer(column: str) -> ColumnOverride:
    answer = request.form[f"answer-{column}"]
    if answer in {"ignore", "absent"}:
        return ColumnOverride(ignore=answer == "ignore", absent=answer == "absent")
    for kind in get_args(ColumnType):
        if answer == kind:
            return ColumnOverride(type=kind)
    raise InvalidInputError(f"{answer[:50]!r} is no answer", path=f"$.{column}")


def _get_dataset(dataset_id: str, permission: Permission) -> Dataset:
    return get_ports().datasets.get_dataset(authorise(get_user(), permission), dataset_id)


def _get_load(dataset_id: str, load_id: str, permission: Permission) -> QuarantinedLoad:
    return get_load(get_ports().quarantine, authorise(get_user(), permission), dataset_id, load_id)
