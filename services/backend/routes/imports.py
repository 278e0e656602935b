"""Imports into a dataset, each a job."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from presage.features.sources.amplitude import AmplitudeRequest, check_amplitude_request, floor_hour
from presage.features.sources.credentials import check_name
from presage.features.sources.warehouse import WarehouseRequest, check_warehouse_request
from presage.jobs.arguments import ImportAmplitude, ImportWarehouse
from services.backend.bodies import AmplitudeImportBody, ImportBody, WarehouseImportBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.importing import import_file
from services.backend.submitting import respond_job, submit

blueprint = Blueprint("imports", __name__, url_prefix="/datasets/<dataset_id>")


@blueprint.post("/imports")
def create_file_import(dataset_id: str) -> Response:
    """Start a job that imports an uploaded file."""
    return respond_job(import_file(dataset_id, read_body(ImportBody)))


@blueprint.post("/amplitude-imports")
def create_amplitude_import(dataset_id: str) -> Response:
    """Start a job that imports what was uploaded to an Amplitude project."""
    body, now = read_body(AmplitudeImportBody), get_now()
    dataset = get_ports().datasets.get_dataset(get_user().workspace_id, dataset_id)
    check_name(body.credential)
    request = AmplitudeRequest(body.start, body.until or floor_hour(now), body.entity, body.event_types, body.columns)
    check_amplitude_request(request, dataset, now=now)
    return submit(ImportAmplitude(dataset_id, **msgspec.structs.asdict(body)))


@blueprint.post("/warehouse-imports")
def create_warehouse_import(dataset_id: str) -> Response:
    """Start a job that imports a table or a query of a customer's warehouse."""
    body = read_body(WarehouseImportBody)
    get_ports().datasets.get_dataset(get_user().workspace_id, dataset_id)
    check_name(body.credential)
    check_warehouse_request(msgspec.convert(body, WarehouseRequest, from_attributes=True))
    return submit(ImportWarehouse(dataset_id, **msgspec.structs.asdict(body)))
