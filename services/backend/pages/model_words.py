"""What a model's specification says, in words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from presage.training.spec import Feature, FeatureView, ModelSpec, derived_columns

FUNCTIONS: Mapping[str, str] = {
    "count": "how many",
    "sum": "sum of",
    "mean": "mean of",
    "min": "least",
    "max": "greatest",
    "latest": "latest",
    "days_since_first": "days since the first",
    "days_since_last": "days since the last",
}
"""The functions of features, as forms offer them."""


@dataclass(frozen=True, slots=True)
class FeatureLine:
    """A feature's column, what it is, and of which dataset (empty: of other features)."""

    column: str
    words: str
    dataset: str


def describe_features(spec: ModelSpec) -> Sequence[FeatureLine]:
    """Return the model's features in their order."""
    looked_up = [
        FeatureLine(f"{view.name}__{feature.name}", describe_feature(view, feature), view.dataset)
        for view in spec.feature_views
        for feature in view.features
    ]
    return [*looked_up, *(FeatureLine(column, "derived from the others", "") for column in derived_columns(spec))]


def describe_feature(view: FeatureView, feature: Feature) -> str:
    """Return what a feature is of its dataset's records."""
    of = f"{feature.column} of " if feature.column else ""
    words = f"{FUNCTIONS[feature.function]} {of}{view.dataset}"
    window = f", in the last {feature.window_days} days" if feature.window_days else ""
    whose = "" if view.join == "entity" else ", of the item"
    return f"{words}{window}{whose}"
