"""Looks for the algorithm and settings that do best on entities of the train split that were left out.

Which trial is where is decided by its number and the seed, so the choice is determined by how many trials were made. A budget of
seconds is the one thing that may end a search earlier on another day: how many were made is written down with the choice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from presage.errors import InvalidInputError
from presage.training.spec import ModelSpec
from services.trainer.algorithms import FIRST, Trial, choose_trial
from services.trainer.fitting import Plan, fit
from services.trainer.judging import measure_primary
from services.trainer.training_data import Rows, TrainingData, select_rows

VALIDATION_SHARE = 0.25
Clock = Callable[[], float]
Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Tried:
    """A trial and its primary metric on the entities that were left out; greater is better, whatever the metric."""

    trial: Trial
    merit: float


@dataclass(frozen=True)
class Choice:
    """What a search found. `ended_by` says what ended it: nothing to choose from, the number of trials, or the seconds."""

    trial: Trial
    tried: tuple[Tried, ...]
    ended_by: str

    def describe(self) -> dict[str, Any]:
        """Return it as JSON-able values, the best first."""
        board = sorted(self.tried, key=lambda tried: (-tried.merit, tried.trial.number))
        return {
            "algorithm": self.trial.algorithm,
            "settings": dict(self.trial.settings),
            "trials": len(self.tried),
            "ended_by": self.ended_by,
            "board": [asdict(tried.trial) | {"merit": tried.merit} for tried in board],
        }


def search(data: TrainingData, *, seed: int, clock: Clock, report: Report) -> Choice:
    """Return the best of the trials that the specification asks for, or of the few that are made unasked.

    `clock` counts seconds. At least one trial is finished, and none is begun when the budget is spent.
    """
    spec, options = data.recipe.spec, data.recipe.spec.training
    wanted = len(FIRST[spec.kind]) if options is None else max(options.trials, len(FIRST[spec.kind]))
    if wanted == 1:
        return Choice(choose_trial(0, spec.kind, seed=seed), (), "nothing to choose from")
    seconds = float("inf") if options is None or not options.seconds else float(options.seconds)
    inside, outside = _split(data.train, seed)
    tried: list[Tried] = []
    started = clock()
    while len(tried) < wanted and (not tried or clock() - started < seconds):
        trial = choose_trial(len(tried), spec.kind, seed=seed)
        tried.append(Tried(trial, _try(trial, data, inside, outside, seed=seed)))
        best = max(tried, key=lambda each: each.merit)
        report(len(tried) / wanted, f"trial {len(tried)} of {wanted}: best so far {best.trial.algorithm}, {best.merit:.5g}")
    best = max(tried, key=lambda each: (each.merit, -each.trial.number))
    return Choice(best.trial, tuple(tried), "trials" if len(tried) == wanted else "seconds")


def _split(rows: Rows, seed: int) -> tuple[Rows, Rows]:
    """Return the rows to fit trials on and those to judge them by: whole entities, so that none is in both."""
    count = int(rows.entities.max()) + 1
    left_out = np.random.default_rng([seed, 1]).permutation(count) < VALIDATION_SHARE * count
    chosen: npt.NDArray[np.bool_] = left_out[rows.entities]
    return select_rows(rows, ~chosen), select_rows(rows, chosen)


def _try(trial: Trial, data: TrainingData, inside: Rows, outside: Rows, *, seed: int) -> float:
    if len(np.unique(inside.labels)) < 2 or not len(outside.labels):  # noqa: PLR2004 - two classes
        raise InvalidInputError("too few entities to choose a model by: bring a longer history, or do not search")
    spec: ModelSpec = data.recipe.spec
    plan = Plan(_without_calibration(spec), trial, data.columns, len(data.classes), seed)
    return measure_primary(spec, outside, fit(inside, plan).predict(outside.features))


def _without_calibration(spec: ModelSpec) -> ModelSpec:
    """Return the specification whose trials are not calibrated, which costs three more fits, unless their weights demand it."""
    if spec.training is None or spec.training.balance:
        return spec
    return replace(spec, training=replace(spec.training, calibrate=False))
