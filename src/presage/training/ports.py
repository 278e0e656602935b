"""What training needs from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

from presage.training.model import Alias, AliasMove, Model, ModelVersion, VersionSnapshot
from presage.training.recipe import Recipe

if TYPE_CHECKING:
    from presage.training.retraining import RetrainingPolicy

Document = Literal["statistics", "leak_report"]
RunState = Literal["pending", "running", "succeeded", "failed", "cancelled"]


class ModelRegistry(Protocol):
    """Models, versions and aliases of all workspaces (MySQL)."""

    def create_model(self, model: Model) -> None:
        """Add it, or raise `AlreadyExistsError` when the workspace has one of that name."""

    def get_model(self, workspace_id: str, model_id: str) -> Model:
        """Return it, or raise `NotFoundError`."""

    def find_model_by_name(self, workspace_id: str, name: str) -> Model | None:
        """Return the model of that name, or None."""

    def list_models(self, workspace_id: str, *, after: str = "", limit: int = 50) -> Sequence[Model]:
        """Return a page in the order of `model_id`, starting behind `after`."""

    def reserve_version(self, workspace_id: str, model_id: str) -> int:
        """Return the next version number, never given out before, or raise `NotFoundError`. Unused numbers leave gaps."""


class VersionRegistry(Protocol):
    """Versions and the history of aliases (MySQL)."""

    def create_version(self, version: ModelVersion) -> None:
        """Add it, or raise `AlreadyExistsError`."""

    def list_versions(self, workspace_id: str, model_id: str, *, before: int | None = None, limit: int = 50) -> Sequence[ModelVersion]:
        """Return a page of versions, newest first, of those before the version `before`."""

    def get_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion:
        """Return it, or raise `NotFoundError`."""

    def append_alias_move(self, move: AliasMove) -> None:
        """Append to the alias's history; the newest entry serves."""

    def advance_alias(self, move: AliasMove) -> bool:
        """Append unless its version or a later one has served under the alias, in one transaction; return whether it was appended."""

    def list_alias_moves(self, workspace_id: str, model_id: str, alias: Alias) -> Sequence[AliasMove]:
        """Return the history, newest first."""


class ProductionVersions(Protocol):
    """What is in production, over all workspaces (MySQL)."""

    def list_in_production(self, *, after: str = "", limit: int = 100) -> Sequence[ModelVersion]:
        """Return a page of the versions in production whose models answer, in the order of `model_id`, starting behind `after`."""


class RetrainingPolicyStore(Protocol):
    """When models are built anew, at most one policy a model (MySQL)."""

    def find_policy(self, workspace_id: str, model_id: str) -> RetrainingPolicy | None:
        """Return the model's, or None."""

    def put_policy(self, policy: RetrainingPolicy) -> None:
        """Keep it in place of the model's last one."""

    def list_policies(self, *, after: str = "", limit: int = 100) -> Sequence[RetrainingPolicy]:
        """Return a page of those of all workspaces that ever build something, in the order of `model_id`, starting behind `after`."""


class RecipeStore(Protocol):
    """The recipes of training sets, and what was found in these, as builds left them in the lake (S3)."""

    def find_recipe(self, workspace_id: str, training_set_id: str) -> Recipe | None:
        """Return the recipe, or None. Raises `CorruptArtifactError` when it is not the one of that id."""

    def find_document(self, workspace_id: str, training_set_id: str, name: Document) -> bytes | None:
        """Return what was found in the training set as JSON, or None: it is older than that, or not built yet."""


class SnapshotHistory(Protocol):
    """The snapshots that versions got after they were built (MySQL)."""

    def append_snapshot(self, snapshot: VersionSnapshot) -> None:
        """Append to the version's history; one of the same key again changes nothing."""

    def list_snapshots(self, workspace_id: str, model_id: str, version: int, *, limit: int = 50) -> Sequence[VersionSnapshot]:
        """Return the history, newest first."""


class TrainingReportStore(Protocol):
    """What the trainer told of versions: reports, cards and plots (S3)."""

    def find_report_file(self, workspace_id: str, place: tuple[str, int], name: str) -> bytes | None:
        """Return one of the files of (model, version) by its name, or None."""


class SparkRunner(Protocol):
    """Runs a step of `emr_steps/` (EMR Serverless)."""

    def start_step(self, step: str, arguments: Mapping[str, str], *, token: str) -> str:
        """Start `emr_steps/<step>/step.py --key value …` and return the run's id. Idempotency: one run a token."""

    def get_step_state(self, run_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed run, why."""

    def cancel_step(self, run_id: str) -> None:
        """Ask the run to stop; a run that has ended stays as it is."""


class TaskRunner(Protocol):
    """Runs the trainer as a task of its own (ECS)."""

    def start_task(self, arguments: Sequence[str], *, token: str) -> str:
        """Start the trainer with these command-line arguments and return the task's id. Idempotency: one task a token."""

    def get_task_state(self, task_id: str) -> tuple[RunState, str]:
        """Return the state and, for a failed task, why."""

    def stop_task(self, task_id: str) -> None:
        """Ask the task to stop; a task that has ended stays as it is."""


class TrainingFiles(Protocol):
    """Objects that Spark, the trainer and the registry exchange (S3). Keys are relative to the lake or artifacts bucket."""

    def read_lake(self, key: str) -> bytes | None:
        """Return an object of the lake, or None."""

    def list_lake(self, prefix: str) -> Sequence[str]:
        """Return the keys below a prefix of the lake, sorted."""

    def put_lake(self, key: str, body: bytes) -> None:
        """Write an object of the lake."""

    def read_artifact(self, key: str) -> bytes | None:
        """Return an object of the artifacts bucket, or None."""

    def put_artifact(self, key: str, body: bytes) -> None:
        """Write an object of the artifacts bucket."""


class VersionReportStore(Protocol):
    """Reports on versions, as JSON (S3), those of one kind in each store. What was written stays as it is."""

    def create_report(self, workspace_id: str, place: tuple[str, int], report_id: str, body: bytes) -> None:
        """Write it under (model, version), or raise `AlreadyExistsError`."""

    def find_report(self, workspace_id: str, place: tuple[str, int], report_id: str) -> bytes | None:
        """Return its bytes, or None if there is none."""

    def list_reports(self, workspace_id: str, place: tuple[str, int], *, after: str = "", limit: int = 50) -> Sequence[str]:
        """Return a page of the ids of a version's reports, in their order, starting behind `after`."""
