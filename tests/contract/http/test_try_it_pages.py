"""Trying a model: the form of its features, what is asked, what is shown of the answer, and that the key is told to nobody."""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, cast

import pytest
from werkzeug.test import TestResponse

from presage.adapters.http.prediction_api import HttpPredictionApi
from presage.adapters.memory.prediction_api import MemoryPredictionApi
from presage.training.model import Model
from presage.training.spec import Feature, FeatureView, Label, ModelSpec, Observations
from services.backend.app import build_app
from services.backend.pages.tried import ADVICE
from tests.fixtures.furnished import ANSWER, API_KEY, OPERATOR, Furnished
from tests.fixtures.live_apis import API_KEY as LIVE_KEY
from tests.fixtures.live_apis import serve_apis
from tests.fixtures.metadata_rows import NOW
from tests.fixtures.pages.request import post, read
from tests.fixtures.serving import CLASSIFICATION

FEATURES = (Feature("spent", "sum", "spent"), Feature("shop", "latest", "shop", categories=("north", "south")), Feature("n", "count"))
SPEC = ModelSpec("classification", Observations("orders"), Label("orders", 30), (FeatureView("orders", "orders", FEATURES),))
EXPLAINED: dict[str, Any] = {
    **ANSWER,
    "snapshot_age_seconds": 5400.0,
    "score": 0.75,
    "entity_found": False,
    "fallback_reason": "version_unavailable",
    "explanation": {"base": 0.5, "contributions": {"orders__n": 0.05, "orders__spent": -0.2}, "margin": {}},
}


@pytest.fixture
def place() -> Furnished:
    place = Furnished()
    place.ports.models.create_model(Model(place.workspace_id, "mdl_tried", "tried", SPEC, "0", NOW))
    get_api(place).results["tried"] = EXPLAINED
    return place


def get_api(place: Furnished) -> MemoryPredictionApi:
    return cast("MemoryPredictionApi", place.ports.prediction_api)


def ask(place: Furnished, form: Mapping[str, str]) -> TestResponse:
    return post(place.client, "/try-it/mdl_tried", place.tokens["viewer"], {"key": API_KEY, **form})


def test_the_form_has_the_model_s_features(place: Furnished) -> None:
    text = read(place.client, "/try-it/mdl_tried", place.tokens["viewer"])
    for name in ("value.orders__spent", "value.orders__shop", "value.orders__n"):
        assert f'name="{name}"' in text
    assert '<option value="south">' in text
    assert 'type="password"' in text
    assert "It is not stored, not shown again and not logged." in text
    assert 'name="candidates"' not in text
    ranking = place.ports.models.find_model_by_name(place.workspace_id, "shops")
    assert ranking is not None
    listed = read(place.client, f"/try-it/{ranking.model_id}", place.tokens["viewer"])
    assert ('name="candidates"' in listed, "value.orders__" in listed) == (True, False)


def test_what_is_asked_is_what_the_form_says(place: Furnished) -> None:
    form = {
        "id": "c1", "timestamp": "2026-01-31T12:00:00Z", "version": "2", "explain": "true",
        "value.orders__spent": "12.5", "value.orders__shop": "south", "value.orders__n": "true", "candidates": "a",
    }  # fmt: skip
    assert ask(place, form).status_code == 200
    entry = {"id": "c1", "timestamp": "2026-01-31T12:00:00Z", "orders__spent": 12.5, "orders__shop": "south", "orders__n": True}
    assert get_api(place).asked == [{"model": "tried", "features": [entry], "version": 2, "explain": True}]


def test_the_answer_is_shown_with_what_it_hangs_on(place: Furnished) -> None:
    text = " ".join(ask(place, {"id": "c1", "explain": "true"}).text.split())
    assert "<h2>1</h2>" in text
    assert "model, version 2" in text
    assert "version unavailable" in text
    assert "nothing is known of this id yet" in text
    assert 'href="/predictions/p1"' in text
    assert "What moved the score" in text
    chart = json.loads(text.partition('type="application/vnd.vega-lite+json"')[2].partition(">")[2].partition("</script>")[0])
    found = [(each["feature"], each["contribution"], each["side"]) for each in chart["data"]["values"]]
    assert found == [("orders__spent", -0.2, "down"), ("orders__n", 0.05, "up")]


def test_a_page_that_asks_by_itself_gets_the_answer_alone(place: Furnished) -> None:
    headers = {"authorization": f"Bearer {place.tokens['viewer']}", "sec-fetch-site": "same-origin", "hx-request": "true"}
    answer = place.client.post("/try-it/mdl_tried", data={"key": API_KEY, "id": "c1"}, headers=headers)
    assert ("<h2>1</h2>" in answer.text, "<html" in answer.text) == (True, False)
    refused = place.client.post("/try-it/mdl_tried", data={"key": API_KEY, "value.orders__n": "many"}, headers=headers)
    assert (refused.status_code, "is no number" in refused.text, "<html" in refused.text) == (200, True, False)


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({}, "id"),
        ({"id": "c1", "key": ""}, "key"),
        ({"id": "c1", "key": "two words"}, "key"),
        ({"value.orders__spent": "much"}, "value.orders__spent"),
        ({"id": "c1", "version": "first"}, "version"),
    ],
)
def test_a_form_that_asks_nothing_is_refused_at_its_field(place: Furnished, form: dict[str, str], field: str) -> None:
    answer = ask(place, form)
    assert (answer.status_code, f'id="e-{field}"' in answer.text) == (400, True)
    assert get_api(place).asked == []


def test_a_refusal_comes_with_what_to_do(place: Furnished) -> None:
    text = ask(place, {"id": "c1", "key": "sk_unknown"}).text
    assert ("The key is unknown" in text, ADVICE["403"] in text) == (True, True)
    get_api(place).results["tried"] = {
        "error": {"code": "future_timestamp", "detail": "It is in the future", "path": "$.features[0].timestamp"}
    }
    text = ask(place, {"id": "c1"}).text
    assert ("$.features[0].timestamp" in text, ADVICE["400"] in text) == (True, True)
    del get_api(place).results["tried"]
    assert ADVICE["404"] in ask(place, {"id": "c1"}).text


def test_an_outage_is_told_beside_the_form(place: Furnished) -> None:
    get_api(place).is_down = True
    answer = ask(place, {"id": "c1"})
    assert (answer.status_code, "gave no whole answer" in answer.text, 'value="c1"' in answer.text) == (503, True, True)


@pytest.mark.parametrize("form", [{"id": "c1"}, {}, {"id": "c1", "version": "first"}])
def test_the_key_is_told_to_nobody(place: Furnished, caplog: pytest.LogCaptureFixture, form: dict[str, str]) -> None:
    caplog.set_level(logging.DEBUG)
    answer = ask(place, form)
    assert API_KEY not in answer.text
    assert API_KEY not in str(answer.headers)
    assert API_KEY not in "".join(str(vars(record)) for record in caplog.records)
    assert API_KEY not in str(get_api(place).asked)


def test_the_real_api_is_asked_and_the_call_as_code_asks_it_too(
    tmp_path: Path, place: Furnished, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place.ports.models.create_model(Model(place.workspace_id, "mdl_live", "buys-again", CLASSIFICATION, "0", NOW))
    with serve_apis(tmp_path) as live:
        ports = replace(place.ports, prediction_api=HttpPredictionApi(live.public_url))
        client = build_app(ports, operator_token=OPERATOR, public_api_url=live.public_url).test_client()
        form = {"key": LIVE_KEY, "id": "c1", "explain": "true", "include_features": "true"}
        text = post(client, "/try-it/mdl_live", place.tokens["viewer"], form).text
        assert "model, version 1" in text
        assert "What moved the score" in text
        assert "&#34;orders__spent&#34;: 30" in text
        python = text.partition('<pre id="call-2" tabindex="0">')[2].partition("</pre>")[0]
        monkeypatch.setenv("PRESAGE_KEY", LIVE_KEY)
        exec(unescape(python), {})  # noqa: S102 - the page's own code
    assert "answered_by='model'" in capsys.readouterr().out
