"""Tasks that are functions of the test, run at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from presage.errors import NotFoundError
from presage.training.ports import RunState

RunTask = Callable[[Sequence[str]], tuple[RunState, str]]


class MemoryTaskRunner:
    """`TaskRunner` for tests: `run_task` is called with the arguments, and returns the state the task ends in and why.

    A task whose function returned "running" keeps that state until it is stopped. `started` lists what really ran.
    """

    def __init__(self, run_task: RunTask) -> None:
        self._run_task = run_task
        self._tasks_by_token: dict[str, str] = {}
        self._states: dict[str, tuple[RunState, str]] = {}
        self.started: list[Sequence[str]] = []

    def start_task(self, arguments: Sequence[str], *, token: str) -> str:
        """Run the task and return its id. Idempotency: one task a token."""
        if token not in self._tasks_by_token:
            task_id = f"task-{len(self._states) + 1}"
            self._tasks_by_token[token] = task_id
            self.started.append(tuple(arguments))
            self._states[task_id] = self._run_task(arguments)
        return self._tasks_by_token[token]

    def get_task_state(self, task_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed task, why."""
        if task_id not in self._states:
            raise NotFoundError(f"no task {task_id!r}")
        return self._states[task_id]

    def stop_task(self, task_id: str) -> None:
        """Stop the task; a task that has ended stays as it is."""
        state, _ = self.get_task_state(task_id)
        if state in {"pending", "running"}:
            self._states[task_id] = ("cancelled", "")
