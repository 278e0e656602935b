"""Loads what is in service before a process gets traffic: its readiness.

A process is ready once it has read the metadata and loaded the models in service with their snapshots. What keeps it from that is
bounded: a version that is broken is left to the fallback ladder at once, and a store that does not answer is waited for
`LONGEST_SECONDS` from the first answer of the database on. Only the database itself is waited for without end, as without it no
caller is known.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from presage.errors import PresageError, UnavailableError
from presage.predictions.catalog import CatalogCache
from presage.predictions.freshness import start_thread
from presage.predictions.loading import ScorerCache
from presage.predictions.ports import ServingCatalog
from presage.training.model import ModelVersion

MOST_WORKSPACES = 100
"""Those whose models were put into production last; the others' are loaded by their first request."""
LONGEST_SECONDS = 60.0
PAUSE_SECONDS = 0.5

_LOG = logging.getLogger(__name__)
ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class WarmingPorts:
    """Where to learn what is in service, and what to load it into."""

    source: ServingCatalog
    catalog: CatalogCache
    scorers: ScorerCache


class Warming:
    """Loads in the background, once; `check` says whether the process may get traffic.

    Ready once is ready for good: what is cached still serves when a store is down, and processes that all leave at once serve nobody.
    """

    def __init__(
        self,
        ports: WarmingPorts,
        *,
        longest_seconds: float = LONGEST_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Load through `ports` when started."""
        self._ports = ports
        self._longest_seconds = longest_seconds
        self._clock = clock
        self._pause = pause
        self._deadline = math.inf
        self._done = False

    def start(self, start: Callable[[Callable[[], None]], None] = start_thread) -> None:
        """Load from now on."""
        start(self._run)

    def check(self) -> None:
        """Return if the process may get traffic, or raise `UnavailableError`."""
        if not self._done and self._clock() < self._deadline:
            raise UnavailableError("The metadata is not read yet, or the models in service are still being loaded")

    def _run(self) -> None:
        workspaces = self._wait_for_database()
        self._deadline = self._clock() + self._longest_seconds
        self._load_all(workspaces)
        self._done = True

    def _wait_for_database(self) -> Sequence[str]:
        while True:
            try:
                return self._ports.source.list_serving_workspaces(limit=MOST_WORKSPACES)
            except UnavailableError as error:
                _LOG.warning("the metadata cannot be read yet: %s", error)
            self._pause(PAUSE_SECONDS)

    def _load_all(self, workspaces: Sequence[str]) -> None:
        first: ModelVersion | None = None
        for workspace_id in workspaces:
            for version in self._list_versions(workspace_id):
                if not self._load(version):
                    continue
                first = first or version
                if not self._ports.scorers.holds(first):
                    _LOG.info("the memory for models is full; the rest is loaded when it is asked for")
                    return

    def _list_versions(self, workspace_id: str) -> list[ModelVersion]:
        return self._insist(lambda: self._ports.catalog.list_serving(workspace_id)) or []

    def _load(self, version: ModelVersion) -> bool:
        return self._insist(lambda: self._ports.scorers.get_scorer(version)) is not None

    def _insist(self, load: Callable[[], ValueT]) -> ValueT | None:
        while True:
            try:
                return load()
            except UnavailableError as error:
                _LOG.warning("a store does not answer: %s", error)
                if self._clock() >= self._deadline:
                    return None
                self._pause(PAUSE_SECONDS)
            except PresageError as error:
                _LOG.warning("left to the fallback ladder: %s", error)
                return None
