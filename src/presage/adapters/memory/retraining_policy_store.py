"""Retraining policies in a dictionary."""

from __future__ import annotations

from collections.abc import Sequence

from presage.training.retraining import RetrainingPolicy


class MemoryRetrainingPolicyStore:
    """`RetrainingPolicyStore` for tests."""

    def __init__(self) -> None:
        self._policies: dict[tuple[str, str], RetrainingPolicy] = {}

    def find_policy(self, workspace_id: str, model_id: str) -> RetrainingPolicy | None:
        """Return the model's, or None."""
        return self._policies.get((workspace_id, model_id))

    def put_policy(self, policy: RetrainingPolicy) -> None:
        """Keep it in place of the model's last one."""
        self._policies[policy.workspace_id, policy.model_id] = policy

    def list_policies(self, *, after: str = "", limit: int = 100) -> Sequence[RetrainingPolicy]:
        """Return a page of those of all workspaces that ever build something, in the order of `model_id`, starting behind `after`."""
        building = [one for one in self._policies.values() if one.every_days is not None or one.on_drift]
        return sorted((one for one in building if one.model_id > after), key=lambda one: one.model_id)[:limit]
