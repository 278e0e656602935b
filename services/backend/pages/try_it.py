"""Trying a model: the public API asked as a product asks it, with the visitor's own key, and the same call as code."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, PresageError, UnavailableError
from presage.predictions.response import ApiAnswer
from presage.training.model import Model
from presage.training.spec import Feature, FeatureView
from services.backend.context import get_ports, get_user
from services.backend.pages.charts import Chart, build_bars
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.model_words import describe_feature
from services.backend.pages.rendering import show
from services.backend.pages.try_calls import write_calls

VALUE = "value."
MOST_BARS = 20
MOST_EXPLAINED_ITEMS = 3
BOOLEANS = {"true": True, "false": False}
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
ADVICE: Mapping[str, str] = {
    "scope_missing": "The key was not made for predictions. Make one with the scope predict under Keys and limits.",
    "key_expired": "The key has expired. Make another one, or rotate it, under Keys and limits.",
    "origin_not_allowed": "The key is for web pages of the origins that it lists. Use a secret key here.",
    "too_many_explanations": "Ask for fewer items, or do not ask for an explanation.",
    "400": "Change what is named, and ask again.",
    "401": "Check that the key is whole, and of this workspace. Keys are made under Keys and limits.",
    "403": "Check that the key is whole, of this workspace, and not revoked. Keys are made under Keys and limits.",
    "404": "A model or version made a moment ago is known within seconds: ask again. Else look whether the key is of this workspace.",
    "429": "The key's plan allows no more calls for now. Wait a moment; plans are under Keys and limits.",
}
"""What to do, by the answer's code or else its status."""
OTHERWISE = "Try again in a moment. If it stays like this, tell whoever runs this installation."
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
def show_form(model_id: str, error: PresageError | None = None, **answered: object) -> Response:
    """Show the form that the model's features make."""
    model = get_ports().models.get_model(get_user().workspace_id, model_id)
    return show(
        "try_it/form.html", model=model, error=error, inputs=list_inputs(model), **(_show_call({"model": model.name, **EXAMPLE}) | answered)
    )


@blueprint.post("/<model_id>")
def ask(model_id: str) -> BaseResponse:
    """Ask the public API, and show what it answers; a page that asks by itself gets the answer alone."""
    model = get_ports().models.get_model(get_user().workspace_id, model_id)

    def act() -> BaseResponse:
        answered = _ask(model)
        return Response(render_template("try_it/answer.html", **answered)) if _is_part() else show_form(model_id, **answered)

    if _is_part():
        return _tell_in_place(act)
    return answer_form(act, lambda error: show_form(model_id, error))


EXAMPLE: Mapping[str, object] = {"features": [{"id": "an-id"}], "explain": True}


def list_inputs(model: Model) -> Sequence[tuple[str, FeatureView, Feature, str]]:
    """Return the features that a caller may give, each with its column and words: those of the entity, not of a ranking's items."""
    return [
        (f"{view.name}__{feature.name}", view, feature, describe_feature(view, feature))
        for view in model.spec.feature_views
        if view.join == "entity"
        for feature in view.features
    ]


def _is_part() -> bool:
    return "hx-request" in request.headers


def _tell_in_place(act: Any) -> BaseResponse:  # noqa: ANN401
    try:
        return act()
    except (InvalidInputError, UnavailableError) as error:
        return Response(render_template("try_it/refused.html", error=error))


def _ask(model: Model) -> dict[str, object]:
    form = read_form(CallForm)
    if not _KEY.fullmatch(form.key):
        raise InvalidInputError("A key is one word of letters, digits and signs; paste it whole", path="$.key")
    call = build_request(model, form, request.form)
    answer = get_ports().prediction_api.predict(call, key=form.key)
    return _show_call(call) | _show_answer(answer)


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


def _show_call(call: Mapping[str, object]) -> dict[str, object]:
    return {"answer": None, "calls": write_calls(call, current_app.config["PUBLIC_API_URL"])}


def _show_answer(answer: ApiAnswer) -> dict[str, object]:
    content: Any = answer.content if isinstance(answer.content, dict) else {}
    results = content.get("results")
    result = results[0] if results else None
    fault = (result or {}).get("error") or (None if result else content)
    code = str((fault or {}).get("code", ""))
    return {
        "answer": answer,
        "result": None if fault is not None else result,
        "fault": fault,
        "advice": ADVICE.get(code) or ADVICE.get("400" if result else str(answer.status), OTHERWISE),
        "charts": [] if fault is not None else draw_explanation((result or {}).get("explanation")),
    }


def draw_explanation(explanation: Any) -> Sequence[Chart]:  # noqa: ANN401 - decoded JSON
    """Return what moved the score from what is expected of anybody: one chart or, of a ranking, one for each of the first items."""
    if not explanation:
        return []
    explained = explanation.get("items")
    if explained is None:
        return [_draw("What moved the score", explanation)]
    return [_draw(f"What moved the score of {item}", found) for item, found in list(explained.items())[:MOST_EXPLAINED_ITEMS]]


def _draw(title: str, found: Any) -> Chart:  # noqa: ANN401 - decoded JSON
    ordered = sorted(found["contributions"].items(), key=lambda pair: -abs(pair[1]))[:MOST_BARS]
    return build_bars(f"{title}, from {found['base']:.3g} that is expected of anybody", ordered, measure="contribution")
