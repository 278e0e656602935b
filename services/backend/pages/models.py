"""Models: what they predict, how good their versions are, and which of them serve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, get_args

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.listing import ListQuery
from presage.training import registration
from presage.training.card import describe_label
from presage.training.model import Alias, AliasMove, Model, ModelVersion, Promotion
from presage.training.retraining import RetrainingPolicy, set_policy
from presage.training.spec import list_datasets
from services.backend.context import get_now, get_ports, get_user
from services.backend.model_jobs import list_jobs_of, refresh_snapshot_of
from services.backend.pages import batches, drift, model_forms, model_versions
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.model_words import describe_features
from services.backend.pages.rendering import done, show
from services.backend.paging import read_page, read_version

ALIASES: Sequence[Alias] = get_args(Alias)
ALIAS = "<any(staging, production):alias>"
MOST_DATASETS = 200
blueprint = Blueprint("models", __name__, url_prefix="/models")
for module in (model_forms, model_versions, drift, batches):
    blueprint.register_blueprint(module.blueprint)


class AliasForm(msgspec.Struct, frozen=True):
    """A version to let serve, where and why."""

    version: int
    alias: Alias
    reason: Annotated[str, msgspec.Meta(max_length=500)]


class BuildForm(msgspec.Struct, frozen=True):
    """A version to build; `cutoff` is a time in UTC without saying so, as browsers send it."""

    alias: Alias
    promote: Promotion
    cutoff: str | None = None


class RetrainingForm(msgspec.Struct, frozen=True):
    """When to build the model anew."""

    every_days: int | None = None
    on_drift: bool = False


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the models."""
    return show("models/list.html", view=read_list(get_ports().listings.models))


@blueprint.get("/<model_id>")
def show_model(model_id: str, error: PresageError | None = None) -> Response:
    """Show what a model predicts, what serves, and its versions."""
    model = _get_model(model_id)
    versions, following = _read_versions(model)
    return show(
        "models/overview.html",
        model=model,
        error=error,
        sentence=describe_label(model.spec),
        features=describe_features(model.spec),
        datasets=_find_datasets(model),
        aliases=_list_moves(model),
        versions=versions,
        next=following,
    )


@blueprint.post("/<model_id>/aliases")
def move_alias(model_id: str) -> BaseResponse:
    """Let a version serve under an alias."""

    def act() -> BaseResponse:
        form, model = read_form(AliasForm), _get_model(model_id)
        order = registration.Order(get_user(), form.reason, get_now())
        registration.move_alias(form.version, model=model, alias=form.alias, order=order, versions=get_ports().versions)
        return done(url_for("pages.models.show_model", model_id=model_id), f"Version {form.version} serves in {form.alias}.")

    return answer_form(act, lambda error: show_model(model_id, error))


@blueprint.post(f"/<model_id>/aliases/{ALIAS}/rollback")
def roll_back(model_id: str, alias: Alias) -> BaseResponse:
    """Let the version before serve again."""

    def act() -> BaseResponse:
        model, versions = _get_model(model_id), get_ports().versions
        move = registration.roll_back_alias(model=model, alias=alias, by=get_user(), now=get_now(), versions=versions)
        return done(url_for("pages.models.show_model", model_id=model_id), f"Version {move.version} serves in {alias} again.")

    return answer_form(act, lambda error: show_model(model_id, error))


@blueprint.get("/<model_id>/build")
def show_build(model_id: str, error: PresageError | None = None) -> Response:
    """Show the form of a build, what was built of late, and when the model builds itself."""
    model, ports = _get_model(model_id), get_ports()
    return show(
        "models/build.html",
        model=model,
        error=error,
        builds=list_jobs_of(model_id, "build_model"),
        refreshes=list_jobs_of(model_id, "refresh_snapshot"),
        policy=ports.policies.find_policy(model.workspace_id, model_id),
        serves=ports.versions.list_alias_moves(model.workspace_id, model_id, "production"),
    )


@blueprint.post("/<model_id>/build")
def create_build(model_id: str) -> BaseResponse:
    """Start a job that builds a version."""

    def act() -> BaseResponse:
        form, ports = read_form(BuildForm), get_ports()
        wish = registration.BuildWish(_read_cutoff(form.cutoff), form.alias, form.promote)
        registration.request_build(_get_model(model_id), wish, by=get_user(), now=get_now(), models=ports.models, jobs=ports.jobs)
        return done(url_for("pages.models.show_build", model_id=model_id), "The version is being built.")

    return answer_form(act, lambda error: show_build(model_id, error))


@blueprint.post("/<model_id>/snapshot")
def refresh_snapshot(model_id: str) -> BaseResponse:
    """Start a job that gives the version in production feature values of now."""

    def act() -> BaseResponse:
        refresh_snapshot_of(model_id)
        return done(url_for("pages.models.show_build", model_id=model_id), "The feature values are being computed anew.")

    return answer_form(act, lambda error: show_build(model_id, error))


@blueprint.post("/<model_id>/retraining")
def set_retraining(model_id: str) -> BaseResponse:
    """Say when the model is to be built anew."""

    def act() -> BaseResponse:
        form, user, model = read_form(RetrainingForm), get_user(), _get_model(model_id)
        policy = RetrainingPolicy(model.workspace_id, model_id, form.every_days, form.on_drift, user.user_id, get_now())
        set_policy(policy, by=user, store=get_ports().policies)
        return done(url_for("pages.models.show_build", model_id=model_id), "The next night goes by it.")

    return answer_form(act, lambda error: show_build(model_id, error))


def _get_model(model_id: str) -> Model:
    return get_ports().models.get_model(get_user().workspace_id, model_id)


def _read_versions(model: Model) -> tuple[Sequence[ModelVersion], str | None]:
    return read_page(
        lambda after, limit: get_ports().versions.list_versions(
            model.workspace_id, model.model_id, before=read_version(after), limit=limit
        ),
        identify=lambda version: str(version.version),
    )


def _list_moves(model: Model) -> Mapping[Alias, Sequence[AliasMove]]:
    versions = get_ports().versions
    return {alias: versions.list_alias_moves(model.workspace_id, model.model_id, alias) for alias in reversed(ALIASES)}


def _find_datasets(model: Model) -> Mapping[str, str | None]:
    """Return the datasets that the model needs, by name, with their ids, as far as they are among the first that there are."""
    known = get_ports().listings.datasets.search(model.workspace_id, ListQuery("name", limit=MOST_DATASETS)).items
    ids = {dataset.name: dataset.dataset_id for dataset in known}
    return {name: ids.get(name) for name in list_datasets(model.spec)}


def _read_cutoff(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"The cut-off is a time such as 2026-01-31T12:00, got {text[:50]!r}", path="$.cutoff") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
