"""Jobs on a model's versions, as routes and pages ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from presage.errors import InvalidInputError
from presage.features.uploads import require_upload
from presage.jobs.arguments import CheckDrift, PredictBatch, RefreshSnapshot
from presage.jobs.model import Job, JobKind
from presage.jobs.use_cases import Arguments, request_job
from presage.listing import ListQuery
from presage.training.registration import choose_version
from services.backend.bodies import BatchPredictionBody
from services.backend.context import get_now, get_ports, get_user

MOST_JOBS = 5
LOOKED_THROUGH = 100
"""The newest jobs of a kind, of which a model's are told."""


def list_jobs_of(model_id: str, kind: JobKind, *, version: int | None = None) -> Sequence[Job]:
    """Return the newest jobs of a kind on a model or, of those that name one, on its version."""
    newest = ListQuery("created_at", descending=True, limit=LOOKED_THROUGH, filters={"kind": kind})
    found = get_ports().listings.jobs.search(get_user().workspace_id, newest).items
    mine = [job for job in found if job.arguments.get("model_id") == model_id]
    return [job for job in mine if version is None or job.arguments.get("version") == version][:MOST_JOBS]


def check_drift_of(model_id: str, version: int, day: date | None) -> Job:
    """Submit a job that checks a version's day, yesterday unless another is named, and return it."""
    found, now = get_ports().versions.get_version(get_user().workspace_id, model_id, version), get_now()
    day = day or (now - timedelta(days=1)).date()
    if day > now.date():
        raise InvalidInputError(f"{day.isoformat()} is to come (UTC)", path="$.day")
    return _request(CheckDrift(found.model_id, found.version, day.isoformat()))


def refresh_snapshot_of(model_id: str) -> Job:
    """Submit a job that gives the version in production feature values of now, and return it."""
    ports = get_ports()
    choose_version(ports.models.get_model(get_user().workspace_id, model_id), None, "production", versions=ports.versions)
    return _request(RefreshSnapshot(model_id))


def predict_batch_of(model_id: str, body: BatchPredictionBody) -> Job:
    """Submit a job that scores a dataset's entities, an uploaded file's, or all that the version's snapshot knows, and return it."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    model = ports.models.get_model(workspace_id, model_id)
    choose_version(model, body.version, body.alias, versions=ports.versions)
    if body.as_of is not None and body.as_of > get_now():
        raise InvalidInputError("The time must not be in the future", path="$.as_of")
    if body.key is not None:
        require_upload(workspace_id=workspace_id, key=body.key, uploads=ports.uploads)
    source = (body.key, body.format, body.entity_column)
    return _request(PredictBatch(model_id, body.version, body.alias, _find_dataset(body), *source, body.as_of))


def _find_dataset(body: BatchPredictionBody) -> str | None:
    if body.dataset is None:
        return None
    if body.key is not None:
        raise InvalidInputError("Name a dataset or an uploaded file, not both", path="$.dataset")
    found = get_ports().datasets.find_dataset_by_name(get_user().workspace_id, body.dataset)
    if found is None:
        raise InvalidInputError(f"There is no dataset {body.dataset[:256]!r}", path="$.dataset")
    return found.dataset_id


def _request(arguments: Arguments) -> Job:
    return request_job(arguments, by=get_user(), now=get_now(), ports=get_ports().jobs)
