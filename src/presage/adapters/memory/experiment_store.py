"""Experiments and their looks in dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from presage.adapters.memory.listing import MemoryListing
from presage.errors import AlreadyExistsError, ConflictError, NotFoundError
from presage.experiments.decision import ACTIVE
from presage.experiments.model import EXPERIMENT_LIST, Experiment, Look, State


class MemoryExperimentStore:
    """`ExperimentStore` for tests."""

    def __init__(self) -> None:
        self._experiments: dict[str, Experiment] = {}
        self._looks: dict[tuple[str, str], list[Look]] = {}
        self.listing = MemoryListing(
            EXPERIMENT_LIST, lambda workspace_id: [each for each in self._experiments.values() if each.workspace_id == workspace_id]
        )

    def create_experiment(self, experiment: Experiment) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""
        for found in self._experiments.values():
            if found.workspace_id == experiment.workspace_id and found.plan.name == experiment.plan.name:
                raise AlreadyExistsError(f"An experiment named {experiment.plan.name!r} exists already")
        self._experiments[experiment.experiment_id] = experiment

    def get_experiment(self, workspace_id: str, experiment_id: str) -> Experiment:
        """Return it, or raise `NotFoundError`."""
        found = self._experiments.get(experiment_id)
        if found is None or found.workspace_id != workspace_id:
            raise NotFoundError(f"There is no experiment {experiment_id}")
        return found

    def list_experiments(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return a page in the order of `experiment_id`, starting behind `after`."""
        mine = [found for found in self._experiments.values() if found.workspace_id == workspace_id and found.experiment_id > after]
        return sorted(mine, key=lambda found: found.experiment_id)[:limit]

    def list_running(self, *, after: str = "", limit: int = 50) -> Sequence[Experiment]:
        """Return running and paused experiments of all workspaces in the order of `experiment_id`, starting behind `after`."""
        active = [found for found in self._experiments.values() if found.state in ACTIVE and found.experiment_id > after]
        return sorted(active, key=lambda found: found.experiment_id)[:limit]

    def move_state(
        self, experiment: Experiment, *, state: State, now: datetime, check: Callable[[Sequence[Experiment]], None] | None = None
    ) -> Experiment:
        """Change the state if it is still as given (sets its time) and keep what the start fixes, or raise `ConflictError`.

        `check` is called before with the workspace's running and paused experiments, and may refuse.
        """
        if check is not None:
            mine = [found for found in self._experiments.values() if found.workspace_id == experiment.workspace_id]
            check([found for found in mine if found.state in ACTIVE])
        current = self.get_experiment(experiment.workspace_id, experiment.experiment_id)
        if current.state != experiment.state:
            raise ConflictError(f"Experiment {experiment.experiment_id} is no longer {experiment.state}")
        self._require_only_active(current, state)
        started_at = current.started_at or (now if state in ACTIVE else None)
        concluded_at = None if state in ACTIVE or state == "draft" else now
        moved = replace(experiment, state=state, started_at=started_at, concluded_at=concluded_at)
        self._experiments[moved.experiment_id] = moved
        return moved

    def append_look(self, look: Look) -> None:
        """Append, or raise `AlreadyExistsError` when that number was taken."""
        looks = self._looks.setdefault((look.workspace_id, look.experiment_id), [])
        if any(found.number == look.number for found in looks):
            raise AlreadyExistsError(f"Look {look.number} of experiment {look.experiment_id} exists already")
        looks.append(look)

    def list_looks(self, workspace_id: str, experiment_id: str, *, before: int | None = None, limit: int | None = None) -> Sequence[Look]:
        """Return looks, oldest first: all, or of those numbered below `before` the newest `limit`."""
        looks = sorted(self._looks.get((workspace_id, experiment_id), []), key=lambda look: look.number)
        chosen = [look for look in looks if before is None or look.number < before]
        return chosen if limit is None else chosen[max(0, len(chosen) - limit) :]

    def _require_only_active(self, experiment: Experiment, state: State) -> None:
        if state not in ACTIVE:
            return
        for found in self._experiments.values():
            same = (found.workspace_id, found.model_id) == (experiment.workspace_id, experiment.model_id)
            if same and found.state in ACTIVE and found.experiment_id != experiment.experiment_id:
                raise ConflictError(f"Model {experiment.model_id} has another experiment running")
