"""The share of a workspace's units that meet no experiment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from presage.errors import InvalidInputError
from presage.experiments.ports import HoldoutStore
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise

LARGEST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Holdout:
    """A workspace's holdout, who set it (a user's id) and when. Experiments keep the share that they were started with."""

    workspace_id: str
    share: float
    changed_by: str
    changed_at: datetime


def set_holdout(share: float, *, by: User, now: datetime, store: HoldoutStore) -> Holdout:
    """Return the holdout, which experiments have that are started from now on.

    Raises:
        ForbiddenError: `by` lacks `experiments.run`.
        InvalidInputError: The share is no share, or leaves experiments too little.
    """
    workspace_id = authorise(by, "experiments.run")
    if not 0.0 <= share <= LARGEST_SHARE:
        raise InvalidInputError(f"share must be in [0, {LARGEST_SHARE}], got {share}", path="$.share")
    holdout = Holdout(workspace_id, share, by.user_id, now)
    store.put_holdout(holdout)
    return holdout
