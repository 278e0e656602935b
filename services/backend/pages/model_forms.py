"""A new model: asked by a form that proposes features, or written as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError
from presage.features.dataset import Dataset
from presage.listing import ListQuery
from presage.tenancy.permissions import authorise
from presage.training.model import DefaultAnswer, Model
from presage.training.registration import create_model
from presage.training.spec import Kind, ModelSpec
from services.backend.bodies import decode_strictly
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.model_words import FUNCTIONS
from services.backend.pages.proposals import Question, list_columns, list_frequent, propose_default, propose_rows
from services.backend.pages.rendering import done, show, show_json
from services.backend.pages.spec_forms import DraftSpec, FeatureRow, ModelForm, build_spec, locate_fault, read_default

MOST_DATASETS = 200
MORE_ROWS = 4
MOST_ROWS = 100
EMPTY: Mapping[str, str] = {}
blueprint = Blueprint("new", __name__, url_prefix="/new")


class JsonForm(msgspec.Struct, frozen=True):
    """A model as JSON."""

    name: str
    default: str
    spec: str


@blueprint.get("")
def show_form(error: PresageError | None = None) -> Response:
    """Show what can be asked and, once it is chosen of which dataset, the form with proposals."""
    authorise(get_user(), "models.write")
    datasets = _list_datasets()
    question, known = _read_question(datasets), list(datasets.values())
    if question is None:
        return show("models/new.html", error=error, datasets=known, question=None)
    rows = _list_rows(question, known)
    fields = [*ModelForm.__struct_fields__, *(f"row-{number}" for number in range(len(rows)))]
    default = propose_default(question, _find_summary) if request.method == "GET" else ""
    begun = {"rows": rows, "fields": fields, "default": default}
    return show(
        "models/new.html", error=error, datasets=known, question=question, begun=begun, functions=FUNCTIONS, columns_of=list_columns
    )


@blueprint.post("")
def create() -> BaseResponse:
    """Create the model that the form says; or show the form with more rows, or what it says as JSON."""
    authorise(get_user(), "models.write")
    if "more" in request.form:
        return show_form()

    def act() -> BaseResponse:
        form, drafted = read_form(ModelForm), _draft()
        if "json" in request.form:
            return show_json_form(given={"name": form.name, "default": show_json(read_default(form)), "spec": _show_spec(drafted.spec)})
        try:
            return _make(form.name, read_default(form), drafted.spec)
        except InvalidInputError as error:
            raise locate_fault(error, drafted.rows) from error

    return answer_form(act, show_form)


@blueprint.get("/json")
def show_json_form(error: PresageError | None = None, given: Mapping[str, str] = EMPTY) -> Response:
    """Show the form that takes a specification as JSON, with what was given before."""
    authorise(get_user(), "models.write")
    return show("models/new_json.html", error=error, given=given)


@blueprint.post("/json")
def create_json() -> BaseResponse:
    """Create a model of a specification."""
    authorise(get_user(), "models.write")

    def act() -> BaseResponse:
        form = read_form(JsonForm)
        default = _decode(form.default, "default", DefaultAnswer)
        try:
            return _make(form.name, default, _decode(form.spec, "spec", ModelSpec))
        except InvalidInputError as error:
            raise _point_at_text(error) from error

    return answer_form(act, lambda error: show_json_form(error, request.form))


def _make(name: str, default: DefaultAnswer, spec: ModelSpec) -> BaseResponse:
    ports = get_ports()
    model: Model = create_model(spec, by=get_user(), name=name, default=default, now=get_now(), stores=(ports.models, ports.datasets))
    return done(url_for("pages.models.show_build", model_id=model.model_id), f"The model {model.name} is there. Now build a version of it.")


def _draft() -> DraftSpec:
    return build_spec(
        read_form(ModelForm), _read_rows(), _list_datasets(), lambda dataset, name: list_frequent(_find_summary(dataset), name)
    )


def _list_datasets() -> Mapping[str, Dataset]:
    found = get_ports().listings.datasets.search(get_user().workspace_id, ListQuery("name", limit=MOST_DATASETS)).items
    return {dataset.name: dataset for dataset in found}


def _read_question(datasets: Mapping[str, Dataset]) -> Question | None:
    """Return what was chosen to be asked, None until it is."""
    kind, label = request.values.get("kind", ""), datasets.get(request.values.get("label", ""))
    observations = datasets.get(request.values.get("observations", ""), label)
    if kind not in get_args(Kind) or label is None or observations is None:
        return None
    return Question(msgspec.convert(kind, Kind), observations, label)


def _list_rows(question: Question, datasets: Sequence[Dataset]) -> list[Mapping[str, Any]]:
    """Return the lines of the form as texts: those that were sent, or else proposals, and some that are empty."""
    empty = {"function": "", "source": "", "about": "entity", "window_days": ""}
    if request.method == "GET":
        proposed = [
            {**empty, **msgspec.structs.asdict(row), "window_days": row.window_days or ""} for row in propose_rows(question, datasets)
        ]
        return [*proposed, *([empty] * MORE_ROWS)]
    sent = [{name: request.form.get(f"{name}-{number}", default) for name, default in empty.items()} for number in range(_count_rows())]
    return [*sent, *([empty] * (MORE_ROWS if "more" in request.form else 0))]


def _read_rows() -> Sequence[FeatureRow]:
    rows = []
    for number in range(_count_rows()):
        names = ("function", "source", "about", "window_days")
        given = {name: text for name in names if (text := request.form.get(f"{name}-{number}", "").strip())}
        if "function" not in given:
            continue
        try:
            rows.append(msgspec.convert({"number": number, **given}, FeatureRow, strict=False))
        except msgspec.ValidationError as error:
            message = "Choose what it is of" if "source" not in given else "The days are a number from 1"
            raise InvalidInputError(message, path=f"$.row-{number}") from error
    return rows


def _count_rows() -> int:
    return min(request.form.get("rows", 0, type=int), MOST_ROWS)


def _find_summary(dataset: Dataset) -> Mapping[str, Any] | None:
    store = get_ports().feature_sets
    version = store.find_version(dataset.workspace_id, dataset.dataset_id)
    profile = version and store.find_profile(dataset.workspace_id, dataset.dataset_id, version.version)
    return profile[1] if profile else None


def _show_spec(spec: ModelSpec) -> str:
    """Return the specification as JSON without what is as it would be anyway."""
    return show_json(_strip(msgspec.to_builtins(spec)))


def _strip(value: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {name: _strip(each) for name, each in value.items() if each is not None}
    return [_strip(each) for each in value] if isinstance(value, list | tuple) else value


def _decode(text: str, field: str, expected: Any) -> Any:  # noqa: ANN401 - any type that msgspec knows
    try:
        return decode_strictly(text.encode(), expected)
    except InvalidInputError as error:
        place = (error.path or "$").removeprefix("$").removeprefix(".")
        raise InvalidInputError(f"{place}: {error}" if place else str(error), path=f"$.{field}") from error


def _point_at_text(error: InvalidInputError) -> InvalidInputError:
    """Return an error of the specification as one of the text that it is in, with the place before it."""
    path = error.path or ""
    if not path.startswith("$.spec."):
        return error
    return InvalidInputError(f"{path.removeprefix('$.spec.')}: {error}", path="$.spec", code=error.code)
