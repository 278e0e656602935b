"""Moves traffic in whatever holds the alias's history."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from presage.errors import ConflictError
from presage.experiments.model import Experiment, Traffic
from presage.training.ports import VersionRegistry


class MemoryTrafficSwitch:
    """`TrafficSwitch` for tests, on the registry that holds the production alias."""

    def __init__(self, versions: VersionRegistry) -> None:
        self._versions = versions

    def switch_traffic(self, experiment: Experiment, *, to: Traffic, version: int | None, reason: str, now: datetime) -> None:
        """Append the move to the alias's history; without a `version` it stays.

        Idempotency: once per `reason`, which names the experiment.

        Raises:
            ConflictError: Nothing serves in production yet.
        """
        moves = self._versions.list_alias_moves(experiment.workspace_id, experiment.model_id, "production")
        if not moves:
            raise ConflictError(f"Model {experiment.model_id} has no version in production whose traffic could be moved")
        if all(move.reason != reason for move in moves):
            self._versions.append_alias_move(
                replace(moves[0], version=version or moves[0].version, traffic=to, reason=reason, moved_at=now)
            )
