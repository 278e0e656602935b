"""Runs Spark steps and tasks to their end, so that a retry after a crash finds them again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from presage.errors import InvalidInputError, NotFoundError, UnavailableError
from presage.progress import Progress
from presage.training.ports import RunState, SparkRunner, TaskRunner

Pause = Callable[[float], None]
Verify = Callable[[], bool]
Measure = Callable[[], float]
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
PAUSE_GROWTH = 1.5
LATEST_SHARE = 0.9
RUN = "run"
"""Where a checkpoint names the run that was started last."""


class Checkpoint:
    """What earlier tries of the job left, and where this one leaves what it knows.

    `started` tells jobs apart that build the same thing, `tries` how often runs were lost: both go into the tokens, so that a
    retry of the same job finds its run, while another job, or a try after a failed run, starts a new one.
    """

    def __init__(self, kept: Mapping[str, object], progress: Progress, *, now: datetime) -> None:
        """Start from what was `kept`."""
        self._values: dict[str, object] = {"started": now.isoformat(), "tries": 0, **kept}
        self._progress = progress

    def get(self, name: str) -> object:
        """Return a value, or None."""
        return self._values.get(name)

    def put(self, fraction: float, message: str, values: Mapping[str, object]) -> None:
        """Keep values for a retry, and report."""
        self._values.update(values)
        self._progress(fraction, message, dict(self._values))

    def report(self, fraction: float, message: str) -> None:
        """Report without keeping anything; may raise `JobCancelledError`."""
        self._progress(fraction, message)

    def build_token(self, name: str) -> str:
        """Return the idempotency token of a run: the same for every retry of this try."""
        return sha256(f"{name}/{self._values['started']}/{self._values['tries']}".encode()).hexdigest()

    def count_failure(self, fraction: float, message: str) -> None:
        """Let the next try start new runs."""
        self.put(fraction, message, {"tries": int(str(self._values["tries"])) + 1})


def stop_last_run(state: Checkpoint, *, spark: SparkRunner, tasks: TaskRunner) -> None:
    """Stop the run that this try or an earlier one started last; one that has ended, or that the runner has forgotten, stays as it is.

    Raises:
        UnavailableError: The runner did not answer.
    """
    run = state.get(RUN)
    if not isinstance(run, Mapping):
        return
    run_id, is_spark = str(run["id"]), run["runner"] == "spark"
    try:
        found, _ = spark.get_step_state(run_id) if is_spark else tasks.get_task_state(run_id)
    except NotFoundError:
        return
    if found in {"pending", "running"}:
        (spark.cancel_step if is_spark else tasks.stop_task)(run_id)


@dataclass(frozen=True)
class Words:
    """What a task says of itself in files: why it refused, if it did, and how far it has come, if it tells."""

    explain: Callable[[], str | None]
    describe: Callable[[], str | None]


@dataclass(frozen=True)
class _Run:
    """A run under way, whatever executes it."""

    name: str
    share: tuple[float, float]
    get_state: Callable[[], tuple[RunState, str]]
    words: Words
    measure: Measure | None = None


SILENT = Words(lambda: None, lambda: None)


class Steps:
    """The runs of one build; `name` is unique to what is built."""

    def __init__(self, spark: SparkRunner, tasks: TaskRunner, *, state: Checkpoint, pause: Pause, name: str) -> None:
        """Start runs on these runners."""
        self._spark = spark
        self._tasks = tasks
        self._state = state
        self._pause = pause
        self._name = name

    def run_spark(
        self, step: str, arguments: Mapping[str, str], *, share: tuple[float, float], verify: Verify, measure: Measure | None = None
    ) -> None:
        """Run a Spark step unless its output is there already, and verify the output. `share` is its part of the progress.

        `measure` tells how much of it is done, in [0, 1]; without it, the progress is a guess.

        Raises:
            UnavailableError: The run failed, or left no output; a retry starts it anew.
        """
        if verify():
            return
        self._state.report(share[0], f"{step}: starting")
        run_id = self._spark.start_step(step, arguments, token=self._state.build_token(f"{self._name}/{step}"))
        self._state.put(share[0], f"{step}: started", {RUN: {"runner": "spark", "id": run_id}})
        self._finish(_Run(step, share, lambda: self._spark.get_step_state(run_id), SILENT, measure), verify)

    def run_task(
        self,
        task: str,
        arguments: Sequence[str],
        *,
        share: tuple[float, float],
        verify: Verify,
        words: Words,
    ) -> None:
        """Run a task unless its output is there already, and verify the output.

        Raises:
            InvalidInputError: The task refused its data.
            UnavailableError: The task failed, or left no output; a retry starts it anew.
        """
        if verify():
            return
        self._state.report(share[0], f"{task}: starting")
        task_id = self._tasks.start_task(arguments, token=self._state.build_token(f"{self._name}/{task}"))
        self._state.put(share[0], f"{task}: started", {RUN: {"runner": "tasks", "id": task_id}})
        self._finish(_Run(task, share, lambda: self._tasks.get_task_state(task_id), words), verify)

    def _finish(self, run: _Run, verify: Verify) -> None:
        state, reason = self._wait(run)
        if state == "succeeded" and verify():
            return
        refusal = run.words.explain() if state == "failed" else None
        if refusal is not None:
            raise InvalidInputError(refusal)
        message = f"{run.name} {state}" + (f": {reason}" if reason else "" if state != "succeeded" else " without leaving its output")
        self._state.count_failure(run.share[0], message)
        raise UnavailableError(message)

    def _wait(self, run: _Run) -> tuple[RunState, str]:
        """Return the state that the run ended in; a run that the runner has forgotten failed."""
        pause, fraction = FIRST_PAUSE_SECONDS, run.share[0]
        while True:
            try:
                state, reason = run.get_state()
            except NotFoundError as error:
                return "failed", str(error)
            if state not in {"pending", "running"}:
                return state, reason
            if run.measure is not None:
                fraction = run.share[0] + (run.share[1] - run.share[0]) * run.measure()
            else:
                fraction += (run.share[0] + LATEST_SHARE * (run.share[1] - run.share[0]) - fraction) / 10
            self._state.report(fraction, f"{run.name}: {run.words.describe() or state}")
            self._pause(pause)
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE_SECONDS)
