"""Imports into a dataset, as routes and pages ask for them."""

from __future__ import annotations

import msgspec

from presage.features import uploads
from presage.features.schema.overrides import check_overrides
from presage.features.sources.amplitude import AmplitudeRequest, check_amplitude_request, floor_hour
from presage.features.sources.credentials import check_name
from presage.features.sources.warehouse import WarehouseRequest, check_warehouse_request
from presage.jobs.arguments import ImportAmplitude, ImportFile, ImportWarehouse
from presage.jobs.model import Job
from presage.jobs.use_cases import request_job
from services.backend.bodies import AmplitudeImportBody, ImportBody, WarehouseImportBody
from services.backend.context import get_now, get_ports, get_user


def import_file(dataset_id: str, body: ImportBody) -> Job:
    """Submit a job that imports an uploaded file, and return it."""
    ports = get_ports()
    dataset = ports.datasets.get_dataset(get_user().workspace_id, dataset_id)
    uploads.require_upload(workspace_id=dataset.workspace_id, key=body.key, uploads=ports.uploads)
    check_overrides(body.columns, dataset)
    return request_job(ImportFile(dataset_id, **msgspec.to_builtins(body)), by=get_user(), now=get_now(), ports=ports.jobs)


def import_amplitude(dataset_id: str, body: AmplitudeImportBody) -> Job:
    """Submit a job that imports what was uploaded to an Amplitude project, and return it."""
    ports, now = get_ports(), get_now()
    dataset = ports.datasets.get_dataset(get_user().workspace_id, dataset_id)
    check_name(body.credential)
    request = AmplitudeRequest(body.start, body.until or floor_hour(now), body.entity, body.event_types, body.columns)
    check_amplitude_request(request, dataset, now=now)
    return request_job(ImportAmplitude(dataset_id, **msgspec.structs.asdict(body)), by=get_user(), now=now, ports=ports.jobs)


def import_warehouse(dataset_id: str, body: WarehouseImportBody) -> Job:
    """Submit a job that imports a table or a query of a customer's warehouse, and return it."""
    ports = get_ports()
    ports.datasets.get_dataset(get_user().workspace_id, dataset_id)
    check_name(body.credential)
    check_warehouse_request(msgspec.convert(body, WarehouseRequest, from_attributes=True))
    return request_job(ImportWarehouse(dataset_id, **msgspec.structs.asdict(body)), by=get_user(), now=get_now(), ports=ports.jobs)
