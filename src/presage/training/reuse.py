"""Whether a snapshot may be made from an earlier one, and what is new since.

Reachable from Spark steps: importable on Python 3.9 (docs/adr/0005).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Dict, Optional

from presage.errors import CorruptArtifactError
from presage.training.recipe import InputDataset, Recipe

PREVIOUS_FILE = "previous.json"


@dataclass(frozen=True)
class PreviousSnapshot:
    """Where an earlier snapshot's files lie (a prefix of the lake), and the recipe that they were made by."""

    prefix: str
    recipe_key: str


def encode_previous(previous: PreviousSnapshot) -> bytes:
    """Return the content of `previous.json`."""
    return json.dumps({"prefix": previous.prefix, "recipe_key": previous.recipe_key}, sort_keys=True).encode()


def decode_previous(body: bytes) -> PreviousSnapshot:
    """Return what `encode_previous` wrote.

    Raises:
        CorruptArtifactError: The bytes are something else.
    """
    try:
        return PreviousSnapshot(**json.loads(body))
    except (TypeError, ValueError) as error:
        raise CorruptArtifactError(f"not a previous snapshot: {error!r}") from error


def find_obstacle(old: Recipe, new: Recipe) -> Optional[str]:
    """Return why a snapshot by `new` cannot start from one by `old`, or None if it can.

    It can if both are made by the same rules, and the old inputs are there unchanged, with more beside them.
    """
    if old.code_version != new.code_version:
        return f"code version {old.code_version}, now {new.code_version}"
    if (old.spec.feature_views, old.spec.candidates) != (new.spec.feature_views, new.spec.candidates):
        return "other feature views or candidates"
    if old.cutoff_us > new.cutoff_us:
        return "the earlier snapshot is of a later time"
    for name, dataset in new.datasets.items():
        before = old.datasets.get(name)
        if before is None or (before.dataset_id, before.columns) != (dataset.dataset_id, dataset.columns):
            return f"dataset {name} is another, or has other columns"
        if not {(part.key, part.sha256) for part in before.parts} <= {(part.key, part.sha256) for part in dataset.parts}:
            return f"dataset {name} lacks parts that it had"
    return None


def list_fresh(old: Recipe, new: Recipe) -> Dict[str, InputDataset]:
    """Return the datasets with only those parts that the old recipe did not have: by name, whenever their records happened."""
    fresh = {}
    for name, dataset in new.datasets.items():
        known = {part.key for part in old.datasets[name].parts}
        fresh[name] = replace(dataset, parts=tuple(part for part in dataset.parts if part.key not in known))
    return fresh
