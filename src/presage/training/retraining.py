"""When a model is built anew by itself. What is built serves only if it is shown to be better (docs/adr/0042)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from presage.errors import InvalidInputError
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise
from presage.training.model import ModelVersion
from presage.training.ports import RetrainingPolicyStore

LONGEST_DAYS = 365
PAUSE = timedelta(days=7)
"""Drift builds nothing sooner than that after the last build: the data of a few days seldom say anything else."""


@dataclass(frozen=True, slots=True)
class RetrainingPolicy:
    """Build the model anew `every_days` after its last build (never, if None), and when what it is asked about has drifted."""

    workspace_id: str
    model_id: str
    every_days: int | None
    on_drift: bool
    changed_by: str
    changed_at: datetime


def set_policy(policy: RetrainingPolicy, *, by: User, store: RetrainingPolicyStore) -> RetrainingPolicy:
    """Keep the policy in place of the model's last one, and return it.

    Raises:
        ForbiddenError: `by` lacks `models.write`.
        InvalidInputError: The days are not from 1 to 365.
    """
    authorise(by, "models.write")
    if policy.every_days is not None and not 1 <= policy.every_days <= LONGEST_DAYS:
        raise InvalidInputError(f"must be from 1 to {LONGEST_DAYS}, or null, got {policy.every_days}", path="$.every_days")
    store.put_policy(policy)
    return policy


def find_reason(policy: RetrainingPolicy, *, newest: ModelVersion, drifted: Sequence[str], now: datetime) -> str | None:
    """Return why the model is to be built anew now, or None; `newest` is its last build, whether it serves or not."""
    age = now - newest.created_at
    if policy.every_days is not None and age >= timedelta(days=policy.every_days):
        return f"version {newest.version} is {age.days} days old"
    if policy.on_drift and drifted and age >= PAUSE:
        others = f" and {len(drifted) - 1} more" if len(drifted) > 1 else ""
        return f"{drifted[0]}{others} drifted"
    return None
