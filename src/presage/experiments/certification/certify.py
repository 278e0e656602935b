"""Certifies what the product concludes with: every kind of metric, and the sample-ratio test, by seeded simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

import numpy as np

from presage.experiments.certification.mismatch import certify_sample_ratio
from presage.experiments.certification.scenarios import ALPHA, POWER, SCENARIOS, Planned, plan
from presage.experiments.certification.simulation import Outcomes, simulate
from presage.experiments.certification.verdict import Finding, Promise, join, judge
from presage.experiments.model import list_arms
from presage.progress import Progress

RUNS = 2_000
SEED = 20_260_101
BATCH = 50
"""Runs that are simulated at once: some 50 MB."""
MISMATCH_RUNS_PER_RUN = 5
"""The sample-ratio test is cheap to simulate, and its bound is low."""


@dataclass(frozen=True)
class Task:
    """One batch of runs of a scenario, or (`scenario` None) all runs of the sample-ratio test."""

    scenario: int | None
    with_effect: bool
    batch: int
    runs: int
    seed: int


Done = Outcomes | Finding
RunTasks = Callable[[Callable[[Task], Done], Sequence[Task]], Iterable[Done]]
"""Runs tasks and gives their results in order: `map`, or an executor's."""


def list_tasks(*, runs: int, seed: int) -> list[Task]:
    """Return the tasks of a certification, the sample-ratio test's first.

    Raises:
        ValueError: `runs` is not positive.
    """
    if runs <= 0:
        raise ValueError(f"runs must be positive, got {runs}")
    tasks = [Task(None, False, 0, runs * MISMATCH_RUNS_PER_RUN, seed)]
    for scenario in range(len(SCENARIOS)):
        for with_effect in (False, True):
            tasks += [
                Task(scenario, with_effect, batch, min(BATCH, runs - start), seed) for batch, start in enumerate(range(0, runs, BATCH))
            ]
    return tasks


def run_task(task: Task) -> Done:
    """Return the task's results. The same task always gives the same, in whichever process."""
    if task.scenario is None:
        return certify_sample_ratio(runs=task.runs, generator=np.random.default_rng([task.seed, 0]))
    planned = _plan(task.scenario, task.seed)
    trial = planned.with_effect if task.with_effect else planned.without_effect
    generator = np.random.default_rng([task.seed, 1 + task.scenario, 1 + task.with_effect, task.batch])
    return simulate(trial, runs=task.runs, generator=generator)


def certify(*, runs: int, seed: int, run_tasks: RunTasks, progress: Progress) -> Iterator[Finding]:
    """Yield each scenario's finding as soon as it is there.

    Raises:
        ValueError: `runs` is not positive.
    """
    tasks = list_tasks(runs=runs, seed=seed)
    results = _follow(run_tasks(run_task, tasks), tasks, progress=progress)
    yield from (found for found in islice(results, 1) if isinstance(found, Finding))
    batches = -(-runs // BATCH)
    for index, scenario in enumerate(SCENARIOS):
        without_effect, with_effect = (_join(islice(results, batches)) for _ in range(2))
        planned = _plan(index, seed)
        arms = [arm.name for arm in list_arms(planned.with_effect.plan)]
        promise = Promise(ALPHA, POWER, planned.expected_days, arms)
        yield judge(scenario.name, without_effect=without_effect, with_effect=with_effect, promise=promise)


def _follow(results: Iterable[Done], tasks: Sequence[Task], *, progress: Progress) -> Iterator[Done]:
    """Yield the results, telling how far they are."""
    for done, (task, result) in enumerate(zip(tasks, results, strict=True), start=1):
        name = "sample ratio" if task.scenario is None else SCENARIOS[task.scenario].name
        progress(
            done / len(tasks), f"{name}, {'with' if task.with_effect else 'without'} an effect: {task.batch * BATCH + task.runs:,} runs"
        )
        yield result


def _join(results: Iterable[Done]) -> Outcomes:
    return join([result for result in results if isinstance(result, Outcomes)])


@lru_cache(maxsize=len(SCENARIOS))
def _plan(scenario: int, seed: int) -> Planned:
    return plan(SCENARIOS[scenario], generator=np.random.default_rng([seed, 1 + scenario, 0]))
