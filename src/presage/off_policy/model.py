"""What is asked of a log about a ranker that has no traffic yet, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from presage.experiments.model import Metric
from presage.predictions.exploration import Exploration

LONGEST_DAYS = 31
MOST_AMONG = 100
"""Items that a judged version explores among: a job keeps the ids of all of them for each list."""
SCHEMA = 1
Reference = Literal["logging", "baseline"]

Exclusion = Literal[
    "no_propensity",
    "fallback",
    "no_entity",
    "nothing_shown",
    "window_open",
    "before_cutoff",
    "version_gone",
    "values_from_later",
    "not_reproduced",
    "lacks_features",
    "not_scorable",
    "not_covered",
]
"""Why a logged prediction says nothing of the judged ranker; the first that holds.

- `no_propensity`: chance had no part in the answer.
- `fallback`: neither a model nor chance answered it.
- `no_entity`: no records can be its outcome.
- `nothing_shown`: the list is empty.
- `window_open`: its outcome is not complete.
- `before_cutoff`: a judged version was trained on what was known later, this prediction's outcome perhaps.
- `version_gone`: the version that answered, or its snapshot, cannot be loaded.
- `values_from_later`: the values that were used are of a time behind the one that the prediction is for.
- `not_reproduced`: the version and its snapshot do not give what was logged, so its propensities cannot be trusted.
- `lacks_features`: a judged version needs features that the values used then do not have.
- `not_scorable`: a judged version cannot answer this request.
- `not_covered`: a judged version may show an item at a place where the logging policy never would.
"""


@dataclass(frozen=True, slots=True)
class Question:
    """Which version to judge by what its lists would have earned; `exploration` is what it would leave to chance itself.

    `days` is how many UTC days of the log to read, today being the first. `baseline_version` is what to compare with, in place of
    what logged.
    """

    version: int
    metric: Metric
    days: int = 14
    alpha: float = 0.05
    baseline_version: int | None = None
    exploration: Exploration | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A mean reward, or a difference of two, with its interval; `effective_units` of the judged policy the log is worth."""

    value: float
    standard_error: float
    lower: float
    upper: float
    effective_units: float


@dataclass(frozen=True, slots=True)
class Undecided:
    """What stands where the log cannot say, and why."""

    inconclusive: str


@dataclass(frozen=True, slots=True)
class PolicyEstimates:
    """What a version's lists would have earned, by each estimator."""

    version: int
    ips: Value | Undecided
    snips: Value | Undecided
    doubly_robust: Value | Undecided


@dataclass(frozen=True, slots=True)
class Difference:
    """The judged version's mean reward less that of `to`, doubly robust."""

    to: Reference
    difference: Value | Undecided


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was read, and what of it was used. `logged_by` counts used predictions by the version whose values and order they have."""

    first_day: str
    last_day: str
    read: int
    used: int
    units: int
    excluded: Mapping[Exclusion, int]
    logged_by: Mapping[str, int]
    lacking_features: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OffPolicyEstimate:
    """The answer to a question. Rewards are hits a list, averaged over each unit's lists, then over units."""

    schema: int
    estimate_id: str
    model_id: str
    question: Question
    as_of: datetime
    evidence: Evidence
    logging: Value | Undecided
    judged: PolicyEstimates
    baseline: PolicyEstimates | None
    difference: Difference
