"""Imports into a dataset, each a job."""

from __future__ import annotations

from flask import Blueprint, Response

from services.backend.bodies import AmplitudeImportBody, ImportBody, WarehouseImportBody, read_body
from services.backend.importing import import_amplitude, import_file, import_warehouse
from services.backend.submitting import respond_job

blueprint = Blueprint("imports", __name__, url_prefix="/datasets/<dataset_id>")


@blueprint.post("/imports")
def create_file_import(dataset_id: str) -> Response:
    """Start a job that imports an uploaded file."""
    return respond_job(import_file(dataset_id, read_body(ImportBody)))


@blueprint.post("/amplitude-imports")
def create_amplitude_import(dataset_id: str) -> Response:
    """Start a job that imports what was uploaded to an Amplitude project."""
    return respond_job(import_amplitude(dataset_id, read_body(AmplitudeImportBody)))


@blueprint.post("/warehouse-imports")
def create_warehouse_import(dataset_id: str) -> Response:
    """Start a job that imports a table or a query of a customer's warehouse."""
    return respond_job(import_warehouse(dataset_id, read_body(WarehouseImportBody)))
