"""Data from customers' own systems: an Amplitude project, a warehouse; each a form that starts a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import get_args

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.features.sources.amplitude import AmplitudeEntity, AmplitudeRegion
from presage.features.sources.credentials import keep_credential
from presage.features.sources.warehouse import WarehouseKind, WarehouseRows
from presage.jobs.model import Job
from presage.tenancy.permissions import authorise
from services.backend.bodies import AmplitudeImportBody, WarehouseImportBody
from services.backend.context import get_ports, get_user
from services.backend.importing import import_amplitude, import_warehouse
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.rendering import done, show

blueprint = Blueprint("sources", __name__, url_prefix="/datasets/<dataset_id>/sources")


class AmplitudeForm(msgspec.Struct, frozen=True):
    """What to import of a project. Keys that are given are kept under the credential's name; without, those that are kept are used."""

    credential: str
    start_on: str
    region: AmplitudeRegion
    entity: AmplitudeEntity
    api_key: str | None = None
    secret_key: str | None = None
    event_types: str = ""
    columns: str = ""


class WarehouseForm(msgspec.Struct, frozen=True):
    """What to import of a warehouse. A login that is given is kept under the credential's name; without, the one that is kept is used."""

    credential: str
    kind: WarehouseKind
    table: str
    key_column: str
    entity_column: str
    event_timestamp_column: str
    cursor_column: str
    rows: WarehouseRows
    known_timestamp_column: str | None = None
    columns: str = ""
    host: str | None = None
    port: str | None = None
    database: str | None = None
    username: str | None = None
    password: str | None = None


@blueprint.get("/amplitude")
def show_amplitude(dataset_id: str, error: PresageError | None = None) -> Response:
    """Show the form of an Amplitude project."""
    choices = {"regions": get_args(AmplitudeRegion), "entities": get_args(AmplitudeEntity)}
    return _show("amplitude", dataset_id, error, choices)


@blueprint.post("/amplitude")
def create_amplitude(dataset_id: str) -> BaseResponse:
    """Import from an Amplitude project."""

    def act() -> Job:
        form = read_form(AmplitudeForm)
        body = AmplitudeImportBody(
            credential=form.credential,
            start=_read_day(form.start_on),
            region=form.region,
            entity=form.entity,
            event_types=tuple(form.event_types.split()),
            columns=_read_pairs(form.columns),
        )
        _keep(form.credential, {"api_key": form.api_key, "secret_key": form.secret_key})
        return import_amplitude(dataset_id, body)

    return _answer(dataset_id, act, lambda error: show_amplitude(dataset_id, error))


@blueprint.get("/warehouse")
def show_warehouse(dataset_id: str, error: PresageError | None = None) -> Response:
    """Show the form of a warehouse."""
    choices = {"kinds": get_args(WarehouseKind)}
    return _show("warehouse", dataset_id, error, choices)


@blueprint.post("/warehouse")
def create_warehouse(dataset_id: str) -> BaseResponse:
    """Import from a warehouse."""

    def act() -> Job:
        form = read_form(WarehouseForm)
        login = {name: getattr(form, name) for name in ("host", "port", "database", "username", "password")}
        wanted = {name: getattr(form, name) for name in WarehouseImportBody.__struct_fields__ if hasattr(form, name) and name != "columns"}
        _keep(form.credential, login)
        return import_warehouse(dataset_id, WarehouseImportBody(**wanted, columns=dict(_read_pairs(form.columns))))

    return _answer(dataset_id, act, lambda error: show_warehouse(dataset_id, error))


def _show(kind: str, dataset_id: str, error: PresageError | None, choices: Mapping[str, Sequence[str]]) -> Response:
    dataset = get_ports().datasets.get_dataset(authorise(get_user(), "data.write"), dataset_id)
    return show(f"datasets/{kind}.html", dataset=dataset, error=error, choices=choices)


def _answer(dataset_id: str, act: Callable[[], Job], show_again: Callable[[PresageError], BaseResponse]) -> BaseResponse:
    get_ports().datasets.get_dataset(authorise(get_user(), "data.write"), dataset_id)
    return answer_form(lambda: done(url_for("pages.jobs.show_job", job_id=act().job_id), "The import has begun."), show_again)


def _keep(name: str, content: Mapping[str, str | None]) -> None:
    """Keep a credential if any of it is given."""
    given = {key: value for key, value in content.items() if value is not None}
    if given:
        keep_credential(name, given, by=get_user(), store=get_ports().credentials)


def _read_day(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError as error:
        raise InvalidInputError(f"Expected a day such as 2026-01-31, got {text[:50]!r}", path="$.start_on") from error


def _read_pairs(text: str) -> dict[str, str]:
    """Return the lines `column = source` as a mapping."""
    pairs = [line.partition("=") for line in text.splitlines() if line.strip()]
    if any(not (equal and name.strip() and source.strip()) for name, equal, source in pairs):
        raise InvalidInputError("Expected lines such as: amount = total", path="$.columns")
    return {name.strip(): source.strip() for name, _, source in pairs}
