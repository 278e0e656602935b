"""What can be fitted: a small declared space, each point of which is a pipeline that can be compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from presage.training.spec import Kind
from services.trainer.ranker import LambdaMart

Name = Literal["gradient_boosting", "histogram_boosting", "linear", "lambdamart"]
Settings = Mapping[str, float]
Draw = tuple[float, float, Literal["integer", "number", "logarithm"]]

SPACE: Mapping[Name, Mapping[str, Draw]] = {
    "gradient_boosting": {
        "n_estimators": (50, 300, "logarithm"),
        "max_depth": (2, 5, "integer"),
        "learning_rate": (0.02, 0.2, "logarithm"),
        "min_samples_leaf": (1, 50, "logarithm"),
    },
    "histogram_boosting": {
        "max_iter": (50, 300, "logarithm"),
        "max_leaf_nodes": (4, 31, "logarithm"),
        "learning_rate": (0.02, 0.2, "logarithm"),
        "min_samples_leaf": (5, 100, "logarithm"),
        "l2_regularization": (0.01, 10, "logarithm"),
    },
    "linear": {"strength": (0.001, 100, "logarithm")},
    "lambdamart": {
        "num_iterations": (50, 300, "logarithm"),
        "num_leaves": (4, 31, "logarithm"),
        "learning_rate": (0.02, 0.2, "logarithm"),
        "min_data_in_leaf": (5, 100, "logarithm"),
    },
}
WHOLE = frozenset({"n_estimators", "max_depth", "min_samples_leaf", "max_iter", "max_leaf_nodes", "num_iterations", "num_leaves"}) | {
    "min_data_in_leaf"
}
DEFAULTS: Mapping[Name, Settings] = {
    "gradient_boosting": {"n_estimators": 100, "max_depth": 3},
    "histogram_boosting": {"max_iter": 100, "max_leaf_nodes": 8},
    "linear": {"strength": 1.0},
    "lambdamart": {"num_iterations": 100, "num_leaves": 8},
}
FIRST: Mapping[Kind, Sequence[Name]] = {
    "classification": ("gradient_boosting",),
    "regression": ("gradient_boosting",),
    "ranking": ("gradient_boosting", "lambdamart"),
}
"""What is tried without being asked to search."""

SEARCHED: Mapping[Kind, Sequence[Name]] = {
    "classification": ("gradient_boosting", "histogram_boosting", "linear"),
    "regression": ("gradient_boosting", "histogram_boosting", "linear"),
    "ranking": ("gradient_boosting", "histogram_boosting", "lambdamart"),
}


@dataclass(frozen=True)
class Trial:
    """A point of the space. Its number alone, with the seed, says where it is."""

    number: int
    algorithm: Name
    settings: Settings


def choose_trial(number: int, kind: Kind, *, seed: int) -> Trial:
    """Return the trial of that number: the defaults of every algorithm first, those tried unasked before all, then random draws."""
    names = (*FIRST[kind], *(name for name in SEARCHED[kind] if name not in FIRST[kind]))
    if number < len(names):
        return Trial(number, names[number], DEFAULTS[names[number]])
    random = np.random.default_rng([seed, number])
    name = names[int(random.integers(len(names)))]
    return Trial(number, name, {setting: _draw(random, setting, draw) for setting, draw in SPACE[name].items()})


def _draw(random: np.random.Generator, setting: str, draw: Draw) -> float:
    low, high, scale = draw
    value = float(np.exp(random.uniform(np.log(low), np.log(high))) if scale == "logarithm" else random.uniform(low, high + 0.999))
    return float(int(value)) if setting in WHOLE else value


def build_estimator(trial: Trial, kind: Kind, *, seed: int) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """Return an unfitted estimator; for a ranking, one that tells what is taken from what is not."""
    settings = {name: int(value) if name in WHOLE else value for name, value in trial.settings.items()}
    if trial.algorithm == "lambdamart":
        return LambdaMart(settings, seed=seed)
    return _BUILDS[trial.algorithm](settings, seed, kind == "regression")


def _build_boosting(settings: Settings, seed: int, regresses: bool) -> Any:  # noqa: ANN401, FBT001
    kind = GradientBoostingRegressor if regresses else GradientBoostingClassifier
    return kind(subsample=0.8, random_state=seed, **settings)


def _build_histogram(settings: Settings, seed: int, regresses: bool) -> Any:  # noqa: ANN401, FBT001
    kind = HistGradientBoostingRegressor if regresses else HistGradientBoostingClassifier
    return kind(early_stopping=False, random_state=seed, **settings)


def _build_linear(settings: Settings, seed: int, regresses: bool) -> Any:  # noqa: ANN401, FBT001
    strength = settings["strength"]
    final = Ridge(alpha=strength) if regresses else LogisticRegression(C=1 / strength, max_iter=1000, random_state=seed)
    return make_pipeline(SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler(), final)


_BUILDS: Mapping[str, Callable[[Settings, int, bool], Any]] = {
    "gradient_boosting": _build_boosting,
    "histogram_boosting": _build_histogram,
    "linear": _build_linear,
}
