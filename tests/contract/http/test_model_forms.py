"""A model is made by a form, or as JSON; what is wrong is said at its field."""

import json
import re
from typing import Any

import pytest

from tests.fixtures.furnished import SPEC, Furnished
from tests.fixtures.pages.fields import read_fields
from tests.fixtures.pages.models import FORM
from tests.fixtures.pages.request import post, read

PROPOSED = re.compile(r'<option value="([^"]+)" selected>')


@pytest.fixture
def place() -> Furnished:
    return Furnished()


def find(place: Furnished, name: str) -> Any:  # noqa: ANN401 - a model, as tests look into it
    return place.ports.models.find_model_by_name(place.workspace_id, name)


def test_the_form_proposes_what_the_datasets_have(place: Furnished) -> None:
    token = place.tokens["developer"]
    first = read(place.client, "/models/new", token)
    assert ("1. The question" in first, "3. What it may know" in first) == (True, False)
    text = read(place.client, "/models/new?kind=classification&label=orders&observations=orders", token)
    assert {"count", "orders/", "sum", "orders/spent", "days_since_last"} <= set(PROPOSED.findall(text))


def test_what_is_proposed_makes_a_model_and_offers_to_build_it(place: Furnished) -> None:
    token = place.tokens["developer"]
    for kind, more in (("classification", {}), ("regression", {"aggregate": "sum", "value_column": "spent"})):
        fields = read_fields(read(place.client, f"/models/new?kind={kind}&label=orders&observations=orders", token))
        answer = post(place.client, "/models/new", token, fields | {"name": kind} | more)
        made = find(place, kind)
        assert answer.location == f"/models/{made.model_id}/build"
        assert len(made.spec.feature_views[0].features) >= 5
        assert "Now build a version" in read(place.client, f"/models/{made.model_id}/build", token)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "Not a name"}, "name"),
        ({"name": ""}, "name"),
        ({"window_days": "0"}, "window_days"),
        ({"window_days": "many"}, "window_days"),
        ({"default": "2"}, "default"),
        ({"class_column": "spent"}, "class_column"),
        ({"absent_class": "none"}, None),
        ({"source-0": "orders/shop"}, "row-0"),
        ({"source-0": ""}, "row-0"),
        ({"window_days-0": "-3"}, "row-0"),
        ({"source-0": "gone/spent"}, "row-0"),
        ({"function-0": ""}, "row-0"),
        ({"kind": "regression", "aggregate": "sum"}, "value_column"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(place: Furnished, change: dict[str, str], field: str | None) -> None:
    answer = post(place.client, "/models/new", place.tokens["developer"], FORM | change)
    if field is None:
        assert answer.status_code == 303
        return
    assert answer.status_code == 400
    assert f'id="e-{field}"' in answer.text
    assert find(place, FORM["name"]) is None
    assert 'value="orders/spent"' in answer.text  # nothing is lost


@pytest.mark.parametrize("change", [{"label": "gone"}, {"kind": "guess"}, {"observations": "gone"}])
def test_a_question_that_cannot_be_asked_is_refused(place: Furnished, change: dict[str, str]) -> None:
    answer = post(place.client, "/models/new", place.tokens["developer"], FORM | change)
    assert answer.status_code == 400
    assert "There is no dataset" in answer.text or 'role="alert"' in answer.text


def test_a_ranking_is_made_of_the_items_that_a_column_names(place: Furnished) -> None:
    form = FORM | {
        "kind": "ranking",
        "item_column": "shop",
        "default": "a, b\nc",
        "list_length": "5",
        "candidates": "50",
        "about-0": "item",
    }
    assert post(place.client, "/models/new", place.tokens["developer"], form).status_code == 303
    made = find(place, FORM["name"])
    assert made.default == ("a", "b", "c")
    (view,) = made.spec.feature_views
    assert (view.join, view.key_column, made.spec.candidates.limit) == ("item", "shop", 50)
    refused = post(place.client, "/models/new", place.tokens["developer"], form | {"name": "other", "candidates": "2"})
    assert (refused.status_code, 'id="e-candidates"' in refused.text) == (400, True)


def test_lines_are_added_without_losing_any(place: Furnished) -> None:
    answer = post(place.client, "/models/new", place.tokens["developer"], FORM | {"more": "1", "name": "kept"})
    assert answer.status_code == 200
    assert 'name="rows" value="5"' in answer.text
    assert 'value="kept"' in answer.text
    assert "orders/spent" in PROPOSED.findall(answer.text)


def test_the_form_goes_on_as_json_that_makes_the_same_model(place: Furnished) -> None:
    token = place.tokens["developer"]
    answer = post(place.client, "/models/new", token, FORM | {"json": "1"})
    fields = read_fields(answer.text)
    assert find(place, FORM["name"]) is None
    assert post(place.client, "/models/new/json", token, fields | {"name": "by-json"}).status_code == 303
    assert post(place.client, "/models/new", token, FORM).status_code == 303
    assert find(place, "by-json").spec == find(place, FORM["name"]).spec


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"spec": "{"}, "spec", "not valid JSON"),
        ({"spec": json.dumps(SPEC | {"sort": 1})}, "spec", "sort: There is no such field"),
        ({"spec": json.dumps(SPEC | {"label": {"dataset": "gone", "window_days": 3}})}, "spec", "label.dataset: there is no dataset"),
        ({"default": "{}"}, "default", "Expected"),
        ({"default": '"7"'}, "default", "one of its classes"),
        ({"name": "A"}, "name", "lower-case"),
        ({"spec": ""}, "spec", "spec is missing"),
    ],
)
def test_json_is_held_to_the_form_of_specifications(place: Furnished, change: dict[str, str], field: str, said: str) -> None:
    form = {"name": "as-json", "default": '"0"', "spec": json.dumps(SPEC)} | change
    answer = post(place.client, "/models/new/json", place.tokens["developer"], form)
    assert answer.status_code == 400
    told = re.search(rf'id="e-{field}">(.*?)</p>', answer.text)
    assert told is not None
    assert said in told[1]
    assert find(place, "as-json") is None


def test_a_name_is_taken_once(place: Furnished) -> None:
    answer = post(place.client, "/models/new", place.tokens["developer"], FORM | {"name": "again"})
    assert (answer.status_code, 'role="alert"' in answer.text) == (409, True)
