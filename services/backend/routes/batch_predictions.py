"""Predictions for many entities at once."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.batch_predictions.reading import get_batch_prediction, get_row
from presage.errors import InvalidInputError
from presage.features.uploads import require_upload
from presage.jobs.arguments import PredictBatch
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from presage.training.registration import choose_version
from services.backend.bodies import BatchPredictionBody, read_optional_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.submitting import submit

blueprint = Blueprint("batch_predictions", __name__, url_prefix="/models/<model_id>/batch-predictions")


@blueprint.post("")
def create(model_id: str) -> Response:
    """Start a job that scores a dataset's entities, an uploaded file's, or all that the version's snapshot knows."""
    body, ports, workspace_id = read_optional_body(BatchPredictionBody), get_ports(), get_user().workspace_id
    model = ports.models.get_model(workspace_id, model_id)
    choose_version(model, body.version, body.alias, versions=ports.versions)
    if body.as_of is not None and body.as_of > get_now():
        raise InvalidInputError("The time must not be in the future", path="$.as_of")
    if body.key is not None:
        require_upload(workspace_id=workspace_id, key=body.key, uploads=ports.uploads)
    source = (body.key, body.format, body.entity_column)
    return submit(PredictBatch(model_id, body.version, body.alias, _find_dataset(body), *source, body.as_of))


@blueprint.get("/<job_id>")
def get(model_id: str, job_id: str) -> Response:
    """Return what a job predicted, once it has ended, with links to the files."""
    workspace_id = authorise(get_user(), "rows.read")
    return respond(get_batch_prediction(model_id, job_id, workspace_id=workspace_id, results=get_ports().batch_results))


@blueprint.get("/<job_id>/predictions/<prediction_id>")
def get_prediction(model_id: str, job_id: str, prediction_id: str) -> Response:
    """Return one prediction of a job."""
    workspace_id = authorise(get_user(), "rows.read")
    return respond(get_row(model_id, job_id, prediction_id, workspace_id=workspace_id, results=get_ports().batch_results))


def _find_dataset(body: BatchPredictionBody) -> str | None:
    if body.dataset is None:
        return None
    if body.key is not None:
        raise InvalidInputError("Name a dataset or an uploaded file, not both", path="$.dataset")
    found = get_ports().datasets.find_dataset_by_name(get_user().workspace_id, body.dataset)
    if found is None:
        raise InvalidInputError(f"There is no dataset {body.dataset[:256]!r}", path="$.dataset")
    return found.dataset_id
