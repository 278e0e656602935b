"""Trying a model: the public API asked as a product asks it, with the visitor's own key, and the same call as code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError, UnavailableError
from presage.training.model import Model
from presage.training.spec import Feature, FeatureView
from services.backend.context import get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.model_words import describe_feature
from services.backend.pages.rendering import show
from services.backend.pages.tried import Told, read_answer
from services.backend.pages.try_calls import CallExample, write_calls

VALUE = "value."
BOOLEANS = {"true": True, "false": False}
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
EXAMPLE: Mapping[str, object] = {"features": [{"id": "an-id"}], "explain": True}
blueprint = Blueprint("try_it", __name__, url_prefix="/try-it")


class CallForm(msgspec.Struct, frozen=True):
    """What is asked, but for the raw values; `key` goes to the public API and nowhere else."""

    key: str
    id: str | None = None
    timestamp: str | None = None
    candidates: str | None = None
    exclude: str | None = None
    version: int | None = None
    explain: bool = False
    include_features: bool = False


@blueprint.get("")
def list_page() -> Response:
    """Show the models that can be tried."""
    return show("try_it/list.html", view=read_list(get_ports().listings.models))


@blueprint.get("/<model_id>")
def show_form(model_id: str, error: PresageError | None = None, told: Told | None = None) -> Response:
    """Show the form that the model's features make."""
    model = get_ports().models.get_model(get_user().workspace_id, model_id)
    told = told or Told(_write({"model": model.name, **EXAMPLE}))
    return show("try_it/form.html", model=model, error=error, inputs=list_inputs(model), told=told)


@blueprint.post("/<model_id>")
def ask(model_id: str) -> BaseResponse:
    """Ask the public API, and show what it answers; a page that asks by itself gets the answer alone."""
    model = get_ports().models.get_model(get_user().workspace_id, model_id)
    if "hx-request" in request.headers:
        return _answer_in_place(model)
    return answer_form(lambda: show_form(model_id, told=_ask(model)), lambda error: show_form(model_id, error))


def list_inputs(model: Model) -> Sequence[tuple[str, FeatureView, Feature, str]]:
    """Return the features that a caller may give, each with its column and words: those of the entity, not of a ranking's items."""
    return [
        (f"{view.name}__{feature.name}", view, feature, describe_feature(view, feature))
        for view in model.spec.feature_views
        if view.join == "entity"
        for feature in view.features
    ]


def _answer_in_place(model: Model) -> Response:
    try:
        return Response(render_template("try_it/answer.html", told=_ask(model)))
    except (InvalidInputError, UnavailableError) as error:
        return Response(render_template("try_it/refused.html", error=error))


def _ask(model: Model) -> Told:
    form = read_form(CallForm)
    if not _KEY.fullmatch(form.key):
        raise InvalidInputError("A key is one word of letters, digits and signs; paste it whole", path="$.key")
    call = build_request(model, form, request.form)
    return read_answer(get_ports().prediction_api.predict(call, key=form.key), _write(call))


def build_request(model: Model, form: CallForm, given: Mapping[str, str]) -> dict[str, object]:
    """Return the body of the call that the form says; `given` has the raw values, as `value.<column>`.

    Raises:
        InvalidInputError: A value is no number where one is needed, or nothing is asked.
    """
    entry: dict[str, object] = {} if form.id is None else {"id": form.id}
    if form.timestamp is not None:
        entry["timestamp"] = form.timestamp
    for column, _, feature, _ in list_inputs(model):
        text = given.get(f"{VALUE}{column}", "").strip()
        if text:
            entry[column] = _read_value(text, column, feature)
    for name in ("candidates", "exclude"):
        items = re.split(r"[\n,]", getattr(form, name) or "")
        if any(map(str.strip, items)) and model.spec.kind == "ranking":
            entry[name] = [item.strip() for item in items if item.strip()]
    if not entry:
        raise InvalidInputError("Say whom it is about, or give at least one value", path="$.id")
    call: dict[str, object] = {"model": model.name, "features": [entry]}
    if form.version is not None:
        call["version"] = form.version
    return call | {name: True for name in ("explain", "include_features") if getattr(form, name)}


def _read_value(text: str, column: str, feature: Feature) -> object:
    if text in BOOLEANS:
        return BOOLEANS[text]
    if feature.categories is not None:
        return text
    try:
        return msgspec.json.decode(text.encode(), type=int | float)
    except msgspec.DecodeError as error:
        raise InvalidInputError(f"{text[:50]!r} is no number", path=f"$.{VALUE}{column}") from error


def _write(call: Mapping[str, object]) -> Sequence[CallExample]:
    return write_calls(call, current_app.config["PUBLIC_API_URL"])
