"""Datasets: what is in them, what is wrong with it, and how more gets in."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any, get_args
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, g, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.features import uploads, use_cases
from presage.features.dataset import Column, ColumnType, Dataset
from presage.jobs.arguments import FileFormat
from presage.listing import ListQuery
from presage.runtime.http import respond
from presage.runtime.problems import answer_error
from presage.tenancy.permissions import authorise
from services.backend.bodies import ImportBody, UploadBody
from services.backend.context import get_now, get_ports, get_user
from services.backend.importing import import_file
from services.backend.pages.charts import build_histogram, build_ranking
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import done, may, show
from services.backend.pages.warnings import list_warnings

SAMPLE_ROWS = 50
"""Of the sample, on a page."""
IMPORTS_LOOKED_AT, IMPORTS = 50, 5
"""Of the workspace's newest, to show those of one dataset."""
blueprint = Blueprint("datasets", __name__, url_prefix="/datasets")


class DatasetForm(msgspec.Struct, frozen=True):
    """A dataset to create; what is not declared of its columns comes with the first file."""

    name: str
    entity: str
    columns: str = ""


class ImportForm(msgspec.Struct, frozen=True):
    """An uploaded file to import, and which of its columns are the record's own."""

    key: Annotated[str, msgspec.Meta(min_length=1)]
    format: FileFormat
    entity_column: str
    event_timestamp_column: str
    known_timestamp_column: str | None = None


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the datasets."""
    return show("datasets/list.html", view=read_list(get_ports().listings.datasets))


@blueprint.get("/new")
def show_new(error: PresageError | None = None) -> Response:
    """Show the form of a new dataset."""
    authorise(get_user(), "data.write")
    return show("datasets/new.html", error=error)


@blueprint.post("/new")
def create() -> BaseResponse:
    """Create a dataset."""

    def act() -> BaseResponse:
        form, datasets = read_form(DatasetForm), get_ports().datasets
        columns = _read_columns(form.columns)
        made = use_cases.create_dataset(
            by=get_user(), name=form.name, entity=form.entity, columns=columns, now=get_now(), datasets=datasets
        )
        return done(
            url_for("pages.datasets.show_import", dataset_id=made.dataset_id), f"The dataset {made.name} is there. Now its records."
        )

    return answer_form(act, show_new)


@blueprint.get("/<dataset_id>")
def show_statistics(dataset_id: str) -> Response:
    """Show what is known of the newest version's columns."""
    dataset, number = _get_dataset(dataset_id), request.args.get("version", type=int)
    version = get_ports().feature_sets.find_version(dataset.workspace_id, dataset_id, number)
    profile = version and get_ports().feature_sets.find_profile(dataset.workspace_id, dataset_id, version.version)
    summary: Any = profile[1] if profile else None
    return show(
        "datasets/statistics.html",
        dataset=dataset,
        version=version,
        summary=summary,
        charts=[] if summary is None else [(column, _draw(column)) for column in summary["columns"]],
        warnings=[] if summary is None else list_warnings(summary),
    )


@blueprint.get("/<dataset_id>/sample")
def show_sample(dataset_id: str) -> Response:
    """Show the function's sample as a table."""
    dataset, workspace_id = _get_dataset(dataset_id), authorise(get_user(), "rows.read")
    version = get_ports().feature_sets.find_version(workspace_id, dataset_id)
    profile = version and get_ports().feature_sets.find_profile(workspace_id, dataset_id, version.version)
    lines = profile[0].splitlines() if profile else []
    rows = [msgspec.json.decode(line) for line in islice(lines, SAMPLE_ROWS)]
    return show("datasets/sample.html", dataset=dataset, version=version, rows=rows, count=len(lines))


@blueprint.get("/<dataset_id>/schema")
def show_schema(dataset_id: str) -> Response:
    """Show the columns, and how they came to be."""
    dataset = _get_dataset(dataset_id)
    return show("datasets/schema.html", dataset=dataset, lineage=get_ports().datasets.list_schemas(dataset.workspace_id, dataset_id))


@blueprint.get("/<dataset_id>/import")
def show_import(dataset_id: str, error: PresageError | None = None) -> Response:
    """Show the form that uploads and imports a file, and the other ways in."""
    dataset, ports = _get_dataset(dataset_id), get_ports()
    if may("data.write"):
        place = uploads.create_upload(by=get_user(), file_name="file.csv", uploads=ports.uploads)
        g.storage_origin = "{0.scheme}://{0.netloc}".format(urlsplit(place.url))
    newest = ListQuery("created_at", descending=True, limit=IMPORTS_LOOKED_AT, filters={"kind": "import_file"})
    found = ports.listings.jobs.search(dataset.workspace_id, newest).items
    return show(
        "datasets/import.html",
        dataset=dataset,
        error=error,
        formats=get_args(FileFormat),
        jobs=[job for job in found if job.arguments.get("dataset_id") == dataset_id][:IMPORTS],
    )


@blueprint.post("/<dataset_id>/uploads")
def create_upload(dataset_id: str) -> BaseResponse:
    """Return, as JSON for the page's script, where the file is to be put."""
    _get_dataset(dataset_id)
    try:
        return respond(uploads.create_upload(by=get_user(), file_name=read_form(UploadBody).file_name, uploads=get_ports().uploads))
    except PresageError as error:
        problem = answer_error(error, request_id=g.request_id)
        return Response(problem.body, problem.problem.status, content_type="application/problem+json")


@blueprint.post("/<dataset_id>/import")
def create_import(dataset_id: str) -> BaseResponse:
    """Import an uploaded file."""

    def act() -> BaseResponse:
        body = msgspec.convert(read_form(ImportForm), ImportBody, from_attributes=True)
        job = import_file(dataset_id, body)
        return done(url_for("pages.jobs.show_job", job_id=job.job_id), "The file is being imported.")

    return answer_form(act, lambda error: show_import(dataset_id, error))


def _get_dataset(dataset_id: str) -> Dataset:
    return get_ports().datasets.get_dataset(get_user().workspace_id, dataset_id)


def _read_columns(text: str) -> tuple[Column, ...]:
    """Return the lines `name type` as columns."""
    lines = [line.rpartition(" ") for line in text.splitlines() if line.strip()]
    try:
        return msgspec.convert([{"name": name.strip(), "type": kind.strip()} for name, _, kind in lines], tuple[Column, ...])
    except msgspec.ValidationError as error:
        types = ", ".join(get_args(ColumnType))
        raise InvalidInputError(f"Expected lines such as: spent number. Types are {types}", path="$.columns") from error


def _draw(column: Any) -> object:  # noqa: ANN401 - decoded JSON
    histogram = column.get("histogram")
    if histogram:
        return build_histogram(column["name"], histogram["edges"], histogram["counts"])
    top = [(str(each["value"]), each["count"]) for each in column.get("top_values", [])]
    return build_ranking(f"Frequent values of {column['name']}", top) if top else None
