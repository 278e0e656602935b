"""From versions and predictions back to the data that they were made from."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.context import get_ports, get_user
from services.backend.tracing import trace_entry, trace_number
from services.backend.views import TrainingSetView

blueprint = Blueprint("lineage", __name__)


@blueprint.get("/models/<model_id>/versions/<int:version>/lineage")
def trace_model_version(model_id: str, version: int) -> Response:
    """Return what a version was made from, down to the parts of the datasets."""
    return respond(trace_number(get_user().workspace_id, model_id, version))


@blueprint.get("/models/<model_id>/versions/<int:version>/training-set")
def describe_training_set(model_id: str, version: int) -> Response:
    """Return the statistics of a version's training set, and the cells that naive joins would have got wrong."""
    workspace_id, ports = authorise(get_user(), "rows.read"), get_ports()
    training_set_id = ports.versions.get_version(workspace_id, model_id, version).training_set_id
    documents = (ports.recipes.find_document(workspace_id, training_set_id, name) for name in ("statistics", "leak_report"))
    statistics, leaks = (None if document is None else msgspec.Raw(document) for document in documents)
    return respond(TrainingSetView(training_set_id, statistics, leaks))


@blueprint.get("/predictions/<prediction_id>/lineage")
def trace_prediction(prediction_id: str) -> Response:
    """Return what served when a prediction was made, and what the version that answered was made from."""
    entry = get_ports().predictions.get_prediction(authorise(get_user(), "rows.read"), prediction_id)
    return respond(trace_entry(entry))
