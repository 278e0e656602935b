"""The share of a workspace's units that meet no experiment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from presage.errors import InvalidInputError
from presage.experiments.ports import HoldoutStore

LARGEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Holdout:
    """A workspace's holdout, who set it (a user's id) and when. Experiments keep the share that they were started with."""

    workspace_id: str
    share: float
    changed_by: str
    changed_at: datetime


def set_holdout(holdout: Holdout, *, store: HoldoutStore) -> Holdout:
    """Return the holdout, which experiments have that are started from now on.

    Raises:
        InvalidInputError: Its share is no share, or leaves experiments too little.
    """
    if not 0.0 <= holdout.share <= LARGEST_SHARE:
        raise InvalidInputError(f"share must be in [0, {LARGEST_SHARE}], got {holdout.share}", path="$.share")
    store.put_holdout(holdout)
    return holdout
