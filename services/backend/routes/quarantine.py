"""Loads that did not land because their columns are not their dataset's: look at them, let them land, or give them up."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.features.quarantine import Decision, QuarantinedLoad, decide, get_load
from presage.runtime.http import respond
from presage.tenancy.permissions import Permission, authorise
from services.backend.bodies import ReleaseBody, read_optional_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.paging import Page, read_page
from services.backend.releasing import is_import_over, release_load
from services.backend.submitting import respond_job

blueprint = Blueprint("quarantine", __name__, url_prefix="/datasets/<dataset_id>/quarantine")


@blueprint.get("")
def list_page(dataset_id: str) -> Response:
    """Return a page of a dataset's loads in quarantine, decided ones among them."""
    dataset = get_ports().datasets.get_dataset(authorise(get_user(), "rows.read"), dataset_id)
    store = get_ports().quarantine
    items, following = read_page(
        lambda after, limit: store.list_loads(dataset.workspace_id, dataset_id, after=after, limit=limit),
        identify=lambda load: load.load_id,
    )
    return respond(Page(items, following))


@blueprint.get("/<load_id>")
def get(dataset_id: str, load_id: str) -> Response:
    """Return a load with the comparison of its columns, and what was decided."""
    return respond(_get_load(dataset_id, load_id, "rows.read"))


@blueprint.post("/<load_id>/release")
def release(dataset_id: str, load_id: str) -> Response:
    """Start a job that imports the load by what is declared now; every breaking change needs an answer."""
    body, load = read_optional_body(ReleaseBody), _get_load(dataset_id, load_id, "data.write")
    job = release_load(load, body.columns, user=get_user(), ports=get_ports(), now=get_now())
    return respond_job(job)


@blueprint.post("/<load_id>/discard")
def discard(dataset_id: str, load_id: str) -> Response:
    """Delete the file, if it has one, and keep what was found in it."""
    load = _get_load(dataset_id, load_id, "data.write")
    decision = Decision("discarded", get_user().user_id, get_now())
    return respond(decide(load, decision, by=get_user(), store=get_ports().quarantine, is_job_over=is_import_over(load, get_ports())))


def _get_load(dataset_id: str, load_id: str, permission: Permission) -> QuarantinedLoad:
    return get_load(get_ports().quarantine, authorise(get_user(), permission), dataset_id, load_id)
