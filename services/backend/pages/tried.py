"""What the public API answered to somebody who tries a model, and what to do about a refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from presage.predictions.api_answer import ApiAnswer
from services.backend.pages.charts import Chart, draw_explanation
from services.backend.pages.try_calls import CallExample

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


@dataclass(frozen=True, slots=True)
class Told:
    """The call as code and, once it was asked, its answer: the only entry's result, or its fault with what to do."""

    calls: Sequence[CallExample]
    answer: ApiAnswer | None = None
    result: Mapping[str, Any] | None = None
    fault: Mapping[str, Any] = field(default_factory=dict)
    advice: str = ""
    charts: Sequence[Chart] = ()


def read_answer(answer: ApiAnswer, calls: Sequence[CallExample]) -> Told:
    """Return what was answered to a call of one entry."""
    content: Any = answer.content if isinstance(answer.content, dict) else {}
    result = next(iter(content.get("results") or ()), None)
    if result is not None and "prediction" in result:
        return Told(calls, answer, result, charts=draw_explanation(result.get("explanation")))
    fault, status = (content, str(answer.status)) if result is None else (result.get("error") or {}, "400")
    return Told(calls, answer, fault=fault, advice=ADVICE.get(str(fault.get("code"))) or ADVICE.get(status, OTHERWISE))
