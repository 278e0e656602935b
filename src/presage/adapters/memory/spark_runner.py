"""Steps that are functions of the test, run at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from presage.errors import NotFoundError
from presage.training.ports import RunState

RunStep = Callable[[str, Mapping[str, str]], tuple[RunState, str]]


class MemorySparkRunner:
    """`SparkRunner` for tests: `run_step` is called with step and arguments, and returns the state the run ends in and why.

    A run whose function returned "running" keeps that state until it is cancelled. `started` lists what really ran.
    """

    def __init__(self, run_step: RunStep) -> None:
        self._run_step = run_step
        self._runs_by_token: dict[str, str] = {}
        self._states: dict[str, tuple[RunState, str]] = {}
        self.started: list[tuple[str, Mapping[str, str]]] = []

    def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
        """Run the step and return the run's id. Idempotency: one run a token."""
        if token not in self._runs_by_token:
            run_id = f"run-{len(self._states) + 1}"
            self._runs_by_token[token] = run_id
            self.started.append((step, dict(arguments)))
            self._states[run_id] = self._run_step(step, arguments)
        return self._runs_by_token[token]

    def get_step_state(self, run_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed run, why."""
        if run_id not in self._states:
            raise NotFoundError(f"no run {run_id!r}")
        return self._states[run_id]

    def cancel_step(self, run_id: str) -> None:
        """Stop the run; a run that has ended stays as it is."""
        state, _ = self.get_step_state(run_id)
        if state in {"pending", "running"}:
            self._states[run_id] = ("cancelled", "")
