"""Callers that remember what they were answered."""

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from localstack.program import wait_until
from tests.fixtures.public_api_process import Running

CALLERS = 3
PAUSE_SECONDS = 0.02
LARGE = [{"id": "\N{GRINNING FACE}" * 250 + f"{number:06}"} for number in range(100)]
"""What makes more of a log than a message holds: it is staged in S3."""
ENTRIES = (1, 1, 12)
"""Of a caller's calls in turn: the front answers few on its loop, many on a thread."""


@dataclass
class Answers:
    """What callers were told: how often which status, who answered, and the ids that were acknowledged."""

    statuses: Counter[int | str] = field(default_factory=Counter)
    answered_by: Counter[str] = field(default_factory=Counter)
    fallback_reasons: Counter[str] = field(default_factory=Counter)
    acknowledged: set[str] = field(default_factory=set)
    slowest_seconds: float = 0.0
    shed: int = 0
    """Calls that were refused at once as `overloaded`: the machine's doing, when others want its cores; no outage's."""


class Load:
    """Callers that ask until the context ends, each about its own entities."""

    def __init__(self, service: Running, model: str) -> None:
        self._service = service
        self._model = model
        self._stopped = threading.Event()
        self._lock = threading.Lock()
        self._callers = [threading.Thread(target=self._ask_on, args=(number,)) for number in range(CALLERS)]
        self.answers = Answers()

    def __enter__(self) -> Self:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for caller in self._callers:
            caller.join()

    def count(self) -> int:
        return sum(self.answers.statuses.values())

    def wait_for(self, more: int, *, seconds: float = 60) -> None:
        """Return when so many more calls were answered."""
        goal = self.count() + more
        wait_until(lambda: self.count() >= goal, seconds=seconds, what=f"{more} more answers")

    def ask(self, entries: Sequence[Mapping[str, str]]) -> None:
        """Ask once, and note what is answered."""
        began = time.monotonic()
        try:
            status, body = self._service.call("/v1/predict", {"model": self._model, "features": entries})
        except OSError as error:
            self._note(type(error).__name__, {}, time.monotonic() - began)
        else:
            self._note(status, body, time.monotonic() - began)

    def _ask_on(self, caller: int) -> None:
        number = 0
        while not self._stopped.wait(PAUSE_SECONDS):
            number += 1
            self.ask([{"id": f"u{caller}-{number}-{entry}"} for entry in range(ENTRIES[number % len(ENTRIES)])])

    def _note(self, status: int | str, body: Mapping[str, Any], seconds: float) -> None:
        with self._lock:
            if body.get("code") == "overloaded":
                self.answers.shed += 1
                return
            self.answers.statuses[status] += 1
            self.answers.slowest_seconds = max(self.answers.slowest_seconds, seconds)
            for result in body.get("results", ()):
                self.answers.acknowledged.add(result["prediction_id"])
                self.answers.answered_by[result["answered_by"]] += 1
                self.answers.fallback_reasons[result.get("fallback_reason", "none")] += 1
