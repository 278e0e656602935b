"""Imports into a dataset, as routes and pages ask for them."""

from __future__ import annotations

import msgspec

from presage.features import uploads
from presage.features.schema.overrides import check_overrides
from presage.jobs.arguments import ImportFile
from presage.jobs.model import Job
from presage.jobs.use_cases import request_job
from services.backend.bodies import ImportBody
from services.backend.context import get_now, get_ports, get_user


def import_file(dataset_id: str, body: ImportBody) -> Job:
    """Submit a job that imports an uploaded file, and return it."""
    ports = get_ports()
    dataset = ports.datasets.get_dataset(get_user().workspace_id, dataset_id)
    uploads.require_upload(workspace_id=dataset.workspace_id, key=body.key, uploads=ports.uploads)
    check_overrides(body.columns, dataset)
    return request_job(ImportFile(dataset_id, **msgspec.to_builtins(body)), by=get_user(), now=get_now(), ports=ports.jobs)
