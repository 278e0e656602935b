"""Datasets, their versions, samples and summaries, and uploads of files."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response

from presage.errors import NotFoundError
from presage.features import uploads, use_cases
from presage.features.dataset import Dataset
from presage.features.records import FeatureSetVersion
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.bodies import DatasetBody, UploadBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_page

blueprint = Blueprint("datasets", __name__, url_prefix="/datasets")


@blueprint.post("")
def create() -> Response:
    """Create a dataset."""
    body, datasets = read_body(DatasetBody), get_ports().datasets
    dataset = use_cases.create_dataset(
        by=get_user(), name=body.name, entity=body.entity, columns=body.columns, now=get_now(), datasets=datasets
    )
    return respond(dataset, 201, {"location": f"/api/v1/datasets/{dataset.dataset_id}"})


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the workspace's datasets."""
    datasets, workspace_id = get_ports().datasets, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: datasets.list_datasets(workspace_id, after=after, limit=limit), identify=lambda dataset: dataset.dataset_id
    )
    return respond(Page(items, following))


@blueprint.get("/<dataset_id>")
def get(dataset_id: str) -> Response:
    """Return a dataset with its newest version."""
    dataset = _get_dataset(dataset_id)
    version = get_ports().feature_sets.find_version(dataset.workspace_id, dataset_id)
    newest = None if version is None else _view_version(version)
    return respond({**msgspec.to_builtins(dataset), "newest_version": newest})


@blueprint.get("/<dataset_id>/schemas")
def list_schemas(dataset_id: str) -> Response:
    """Return all schemas that a dataset had, the oldest first."""
    dataset = _get_dataset(dataset_id)
    return respond({"items": get_ports().datasets.list_schemas(dataset.workspace_id, dataset_id)})


@blueprint.get("/<dataset_id>/versions/<int:version>/sample")
def get_sample(dataset_id: str, version: int) -> Response:
    """Return the subsample of a version, one record a line."""
    authorise(get_user(), "rows.read")
    sample, _ = _get_profile(dataset_id, version)
    return Response(sample, content_type="application/x-ndjson")


@blueprint.get("/<dataset_id>/versions/<int:version>/summary")
def get_summary(dataset_id: str, version: int) -> Response:
    """Return the summary statistics of a version."""
    _, summary = _get_profile(dataset_id, version)
    return respond(summary)


@blueprint.post("/<dataset_id>/uploads")
def create_upload(dataset_id: str) -> Response:
    """Return a URL to PUT a file to, and the key to import it by."""
    body = read_body(UploadBody)
    _get_dataset(dataset_id)
    upload = uploads.create_upload(by=get_user(), file_name=body.file_name, uploads=get_ports().uploads)
    return respond(upload, 201)


def _get_dataset(dataset_id: str) -> Dataset:
    return get_ports().datasets.get_dataset(get_user().workspace_id, dataset_id)


def _get_profile(dataset_id: str, version: int) -> tuple[bytes, object]:
    dataset = _get_dataset(dataset_id)
    profile = get_ports().feature_sets.find_profile(dataset.workspace_id, dataset_id, version)
    if profile is None:
        raise NotFoundError(f"Dataset {dataset.name!r} has no profile of version {version}, or not yet")
    return profile


def _view_version(version: FeatureSetVersion) -> dict[str, object]:
    """Return what the API tells of a version; `rows` counts what arrived, the summary what is distinct."""
    dataset = version.dataset
    path = f"/api/v1/datasets/{dataset.dataset_id}/versions/{version.version}"
    profile = get_ports().feature_sets.find_profile(dataset.workspace_id, dataset.dataset_id, version.version)
    return {
        "version": version.version,
        "rows": sum(part.rows for part in version.parts),
        "size_bytes": sum(part.size_bytes for part in version.parts),
        "created_at": version.created_at,
        "schema_version": dataset.schema_version,
        "columns_added": version.columns_added,
        "profiled": profile is not None,
        "sample": f"{path}/sample" if profile else None,
        "summary": f"{path}/summary" if profile else None,
    }
