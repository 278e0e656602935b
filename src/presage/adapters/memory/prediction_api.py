"""A public API that knows keys and models by heart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from presage.errors import UnavailableError
from presage.predictions.api_answer import ApiAnswer


@dataclass
class MemoryPredictionApi:
    """`PredictionApi` for tests: `results` has what each model answers to every entry; `asked` keeps the requests, never a key."""

    keys: set[str] = field(default_factory=set)
    results: dict[str, Mapping[str, object]] = field(default_factory=dict)
    is_down: bool = False
    asked: list[Mapping[str, object]] = field(default_factory=list)

    def predict(self, request: Mapping[str, object], *, key: str) -> ApiAnswer:
        """Return the answer to one call, or raise `UnavailableError`."""
        if self.is_down:
            raise UnavailableError("The public API gave no whole answer")
        if key not in self.keys:
            return ApiAnswer(403, {"code": "forbidden", "detail": "The key is unknown"})
        self.asked.append(request)
        result, entries = self.results.get(str(request["model"])), request["features"]
        if result is None:
            return ApiAnswer(404, {"code": "not_found", "detail": f"There is no model named {request['model']!r}"})
        return ApiAnswer(200, {"results": [result for _ in entries]} if isinstance(entries, list) else None)
