"""Calls as code: what a shell, Python and JavaScript read of them is the call, whatever it holds."""

import ast
import json
import shlex

import pytest

from services.backend.pages.try_calls import write_calls

URL = "https://api.example"
REQUESTS: list[dict[str, object]] = [
    {"model": "again", "features": [{"id": "c1"}]},
    {
        "model": "next",
        "features": [{"id": 'it\'s "q" $HOME `x`\n</script>', "candidates": ["a", "ü"], "n": 1.5, "b": True}],
        "version": 2,
        "explain": True,
    },
]


@pytest.mark.parametrize("request_", REQUESTS)
def test_each_language_says_the_same_call(request_: dict[str, object]) -> None:
    curl, python, javascript = (call.text for call in write_calls(request_, URL))

    words = shlex.split(curl.replace("\\\n", " "))
    assert words[:4] == ["curl", "-X", "POST", f"{URL}/v1/predict"]
    assert "x-api-key: $PRESAGE_KEY" in words
    assert json.loads(words[-1]) == request_

    (call,) = (
        each for each in ast.walk(ast.parse(python)) if isinstance(each, ast.Call) and ast.unparse(each.func) == "client.public.predict"
    )
    assert {each.arg: ast.literal_eval(each.value) for each in call.keywords} == request_

    body = javascript.partition("JSON.stringify(")[2].rpartition("),\n});")[0]
    assert json.loads(body) == request_
    assert f'fetch("{URL}/v1/predict"' in javascript


def test_no_call_has_a_key() -> None:
    for call in write_calls(REQUESTS[0], URL):
        assert "PRESAGE_KEY" in call.text
