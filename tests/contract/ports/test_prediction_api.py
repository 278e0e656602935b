"""`PredictionApi`: one suite over memory and HTTP, there in front of the real application."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic, sleep
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from presage.adapters.http.prediction_api import HttpPredictionApi
from presage.adapters.memory.prediction_api import MemoryPredictionApi
from presage.errors import UnavailableError
from presage.predictions.ports import PredictionApi
from tests.fixtures.live_apis import API_KEY, serve, serve_apis

MODEL = "buys-again"
NOBODY = "http://127.0.0.1:1"


@dataclass(frozen=True)
class Place:
    """An API that answers, and one that does not."""

    api: PredictionApi
    broken: PredictionApi


@pytest.fixture(params=["memory", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "memory":
        api = MemoryPredictionApi({API_KEY}, {MODEL: {"prediction": "1", "prediction_id": "p", "answered_by": "model"}})
        yield Place(api, replace(api, is_down=True))
        return
    with serve_apis(tmp_path) as live:
        yield Place(HttpPredictionApi(live.public_url), HttpPredictionApi(NOBODY))


def test_each_entry_has_a_result(place: Place) -> None:
    answer = place.api.predict({"model": MODEL, "features": [{"id": "c1"}, {"id": "c2"}]}, key=API_KEY)

    assert isinstance(answer.content, dict)
    assert answer.status == 200
    assert [set(result) >= {"prediction", "prediction_id", "answered_by"} for result in answer.content["results"]] == [True, True]


@pytest.mark.parametrize(("model", "key", "status", "code"), [(MODEL, "another", 403, "forbidden"), ("nothing", API_KEY, 404, "not_found")])
def test_a_refusal_is_an_answer(place: Place, model: str, key: str, status: int, code: str) -> None:
    answer = place.api.predict({"model": model, "features": [{"id": "c1"}]}, key=key)

    assert isinstance(answer.content, dict)
    assert (answer.status, answer.content["code"]) == (status, code)


def test_no_answer_is_an_outage_that_does_not_tell_the_key(place: Place) -> None:
    with pytest.raises(UnavailableError) as raised:
        place.broken.predict({"model": MODEL, "features": [{"id": "c1"}]}, key=API_KEY)

    assert API_KEY not in str(raised.value)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


def test_a_redirect_is_not_followed() -> None:
    met: list[str] = []

    def redirect(environment: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        met.append(environment["PATH_INFO"])
        start("307 Temporary Redirect", [("location", "/elsewhere")])
        return [b"<p>elsewhere"]

    with serve(redirect) as url:
        answer = HttpPredictionApi(f"{url}/").predict({}, key=API_KEY)

    assert (answer.status, answer.content) == (307, None)
    assert met == ["/v1/predict"]


def test_a_slow_answer_is_not_waited_for() -> None:
    def linger(_: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        sleep(1)
        start("200 OK", [])
        return [b"{}"]

    begun = monotonic()
    with serve(linger) as url:
        with pytest.raises(UnavailableError):
            HttpPredictionApi(url, seconds=0.2).predict({}, key=API_KEY)
        assert monotonic() - begun < 1


@pytest.mark.parametrize("key", ["a\nb: c", "schlüssel-Ⅻ"])
def test_a_key_that_is_no_header_is_not_told(key: str) -> None:
    with pytest.raises(UnavailableError) as raised:
        HttpPredictionApi(NOBODY).predict({}, key=key)

    assert key not in str(raised.value)
