"""Models, their versions, builds and aliases."""

from __future__ import annotations

from datetime import datetime

import msgspec
from flask import Blueprint, Response, request

from presage.errors import InvalidInputError
from presage.runtime.http import respond
from presage.training import registration
from presage.training.lineage import list_moves_until
from presage.training.model import Alias, Model
from services.backend.bodies import AliasBody, BuildBody, ModelBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.model_jobs import refresh_snapshot_of
from services.backend.paging import Page, read_page, read_version
from services.backend.submitting import respond_job
from services.backend.views import AliasView

blueprint = Blueprint("models", __name__, url_prefix="/models")
ALIAS = "<any(staging, production):alias>"


@blueprint.post("")
def create() -> Response:
    """Create a model."""
    body, ports = read_body(ModelBody), get_ports()
    model = registration.create_model(
        body.spec,
        by=get_user(),
        name=body.name,
        default=body.default,
        now=get_now(),
        stores=(ports.models, ports.datasets),
    )
    return respond(model, 201, {"location": f"/api/v1/models/{model.model_id}"})


@blueprint.get("")
def list_page() -> Response:
    """Return a page of the workspace's models."""
    models, workspace_id = get_ports().models, get_user().workspace_id
    items, following = read_page(
        lambda after, limit: models.list_models(workspace_id, after=after, limit=limit), identify=lambda model: model.model_id
    )
    return respond(Page(items, following))


@blueprint.get("/<model_id>")
def get(model_id: str) -> Response:
    """Return a model."""
    return respond(_get_model(model_id))


@blueprint.post("/<model_id>/builds")
def create_build(model_id: str) -> Response:
    """Start a job that builds a version and puts it under an alias."""
    body, ports = read_body(BuildBody), get_ports()
    wish = registration.BuildWish(body.cutoff, body.alias, body.promote)
    job = registration.request_build(_get_model(model_id), wish, by=get_user(), now=get_now(), models=ports.models, jobs=ports.jobs)
    return respond_job(job)


@blueprint.post("/<model_id>/snapshots")
def create_snapshot(model_id: str) -> Response:
    """Start a job that gives the version in production feature values of now."""
    return respond_job(refresh_snapshot_of(model_id))


@blueprint.get("/<model_id>/versions")
def list_versions(model_id: str) -> Response:
    """Return a page of a model's versions, newest first."""
    model, versions = _get_model(model_id), get_ports().versions
    items, following = read_page(
        lambda after, limit: versions.list_versions(model.workspace_id, model_id, before=read_version(after), limit=limit),
        identify=lambda version: str(version.version),
    )
    return respond(Page(items, following))


@blueprint.get(f"/<model_id>/aliases/{ALIAS}")
def get_alias(model_id: str, alias: Alias) -> Response:
    """Return what serves under an alias, with its history; or, with `?at=`, what did at that moment and before."""
    model, moment = _get_model(model_id), _read_moment()
    moves = get_ports().versions.list_alias_moves(model.workspace_id, model_id, alias)
    history = moves if moment is None else list_moves_until(moves, moment)
    return respond(AliasView(alias, history[0] if history else None, history))


@blueprint.put(f"/<model_id>/aliases/{ALIAS}")
def move_alias(model_id: str, alias: Alias) -> Response:
    """Let a version serve under an alias."""
    body, model = read_body(AliasBody), _get_model(model_id)
    order = registration.Order(get_user(), body.reason, get_now())
    return respond(registration.move_alias(body.version, model=model, alias=alias, order=order, versions=get_ports().versions))


@blueprint.post(f"/<model_id>/aliases/{ALIAS}/rollback")
def roll_back_alias(model_id: str, alias: Alias) -> Response:
    """Let the version before serve again, at once."""
    model, versions = _get_model(model_id), get_ports().versions
    return respond(registration.roll_back_alias(model=model, alias=alias, by=get_user(), now=get_now(), versions=versions))


def _get_model(model_id: str) -> Model:
    return get_ports().models.get_model(get_user().workspace_id, model_id)


def _read_moment() -> datetime | None:
    text = request.args.get("at")
    if text is None:
        return None
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInputError(f"at is a moment such as 2026-01-31T12:00:00Z, got {text[:50]!r}", path="?at")
    return moment
