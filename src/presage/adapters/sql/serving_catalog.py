"""Reads the metadata for serving from MySQL."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import Engine, Select, and_, func, select
from sqlalchemy.orm import Session, aliased

from presage.adapters.sql.database import find_row, list_rows, table_of, unit_of_work, update_rows
from presage.adapters.sql.experiment_store import ACTIVE_STATES
from presage.adapters.sql.tables import (
    AliasMoveRow,
    ApiKeyRow,
    DatasetRow,
    ExperimentEventRow,
    ExperimentRow,
    ModelRow,
    ModelVersionRow,
    SnapshotRow,
)
from presage.experiments.events import Weights, read_weights
from presage.experiments.model import Experiment, Variant
from presage.features.dataset import Dataset
from presage.predictions.ports import Catalog, Deployment
from presage.tenancy.model import ApiKey, Caller
from presage.training.model import AliasMove, Model, ModelVersion


class SqlServingCatalog:
    """`ServingCatalog` on an engine. A catalog takes nine short queries in one transaction, whatever the size of the histories.

    One more for each experiment whose plan has arms.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find_caller(self, api_key_id: str) -> Caller | None:
        """Return whose an unrevoked key is, or None."""
        statement = select(table_of(ApiKeyRow)).where(ApiKeyRow.api_key_id == api_key_id, ApiKeyRow.revoked_at.is_(None))
        with unit_of_work(self._engine) as session:
            key = find_row(session, statement, ApiKey)
        return None if key is None else msgspec.convert(key, Caller, from_attributes=True)

    def note_use(self, api_key_id: str, *, now: datetime) -> None:
        """Note that the key was used then; a later time that was noted stays."""
        latest = func.greatest(func.coalesce(ApiKeyRow.last_used_at, now), now)
        with unit_of_work(self._engine) as session:
            update_rows(session, ApiKeyRow, ApiKeyRow.api_key_id == api_key_id, values={"last_used_at": latest})

    def list_origins(self) -> Collection[str]:
        """Return the web origins that unrevoked publishable keys may be used from, of all workspaces."""
        statement = select(ApiKeyRow.origins).where(ApiKeyRow.kind == "publishable", ApiKeyRow.revoked_at.is_(None))
        with unit_of_work(self._engine) as session:
            return {origin for origins in session.scalars(statement) for origin in origins}

    def load_catalog(self, workspace_id: str) -> Catalog:
        """Return datasets and deployments by name."""
        with unit_of_work(self._engine) as session:
            datasets = list_rows(session, select(table_of(DatasetRow)).where(DatasetRow.workspace_id == workspace_id), Dataset)
            models = list_rows(session, select(table_of(ModelRow)).where(ModelRow.workspace_id == workspace_id), Model)
            moves = {move.model_id: move for move in list_rows(session, _current_moves(workspace_id), AliasMove)}
            newest = _newest_snapshots(session, workspace_id)
            current = _versions_by_model(session, _current_versions(workspace_id), newest)
            previous = _versions_by_model(session, _previous_versions(workspace_id), newest)
            running = select(table_of(ExperimentRow)).where(
                ExperimentRow.workspace_id == workspace_id, ExperimentRow.state.in_(ACTIVE_STATES)
            )
            controls = _versions_by_model(session, _control_versions(workspace_id), newest)
            weights = _list_weights(session, workspace_id)
            experiments = {experiment.model_id: experiment for experiment in list_rows(session, running, Experiment)}
            arms = {model_id: _find_arms(session, experiment, newest) for model_id, experiment in experiments.items()}
        deployments = {
            model.name: Deployment(
                model=model,
                move=moves.get(model.model_id),
                version=current.get(model.model_id),
                previous=previous.get(model.model_id),
                experiment=experiments.get(model.model_id),
                control=controls.get(model.model_id),
                weights=weights.get(model.model_id, ()),
                arms=arms.get(model.model_id, {}),
            )
            for model in models
        }
        return Catalog(workspace_id=workspace_id, datasets={dataset.name: dataset for dataset in datasets}, deployments=deployments)

    def list_serving_workspaces(self, *, limit: int) -> Sequence[str]:
        """Return workspaces that have a model in production, those first whose models were moved there last."""
        statement = (
            select(AliasMoveRow.workspace_id)
            .where(AliasMoveRow.alias == "production")
            .group_by(AliasMoveRow.workspace_id)
            .order_by(func.max(AliasMoveRow.sequence).desc())
            .limit(limit)
        )
        with unit_of_work(self._engine) as session:
            return list(session.scalars(statement))

    def find_version(self, workspace_id: str, model_id: str, version: int) -> ModelVersion | None:
        """Return that version, serving or not, or None."""
        statement = select(table_of(ModelVersionRow)).where(
            ModelVersionRow.workspace_id == workspace_id,
            ModelVersionRow.model_id == model_id,
            ModelVersionRow.version == version,
        )
        with unit_of_work(self._engine) as session:
            found = find_row(session, statement, ModelVersion)
            return None if found is None else _renew(found, _newest_snapshots(session, workspace_id, model_id))


def _newest_snapshots(session: Session, workspace_id: str, model_id: str | None = None) -> dict[tuple[str, int], str]:
    """Return the key of the newest snapshot that each version got after it was built, by model and version."""
    mine = [SnapshotRow.workspace_id == workspace_id, *([] if model_id is None else [SnapshotRow.model_id == model_id])]
    sequences = select(func.max(SnapshotRow.sequence)).where(*mine).group_by(SnapshotRow.model_id, SnapshotRow.version)
    statement = select(SnapshotRow.model_id, SnapshotRow.version, SnapshotRow.snapshot_key).where(SnapshotRow.sequence.in_(sequences))
    return {(found_id, version): key for found_id, version, key in session.execute(statement)}


def _renew(version: ModelVersion, newest: Mapping[tuple[str, int], str]) -> ModelVersion:
    """Return the version with its newest snapshot."""
    key = newest.get((version.model_id, version.version))
    return version if key is None else replace(version, snapshot_key=key)


def _versions_by_model(session: Session, statement: Select[Any], newest: Mapping[tuple[str, int], str]) -> dict[str, ModelVersion]:
    return {version.model_id: _renew(version, newest) for version in list_rows(session, statement, ModelVersion)}


def _newest_sequences(workspace_id: str) -> Select[int]:
    """Select the newest production move of each model."""
    return (
        select(func.max(AliasMoveRow.sequence))
        .where(AliasMoveRow.workspace_id == workspace_id, AliasMoveRow.alias == "production")
        .group_by(AliasMoveRow.model_id)
    )


def _current_moves(workspace_id: str) -> Select[Any]:
    return select(table_of(AliasMoveRow)).where(AliasMoveRow.sequence.in_(_newest_sequences(workspace_id)))


def _current_versions(workspace_id: str) -> Select[Any]:
    return _join_versions(select(table_of(ModelVersionRow)), _newest_sequences(workspace_id))


def _previous_versions(workspace_id: str) -> Select[Any]:
    """Select, per model, the lower version that was in production last before the current one.

    Only lower ones: after a rollback from 3 to 2, version 3 is not a good version to fall back to.
    """
    current = aliased(AliasMoveRow)
    sequences = (
        select(func.max(AliasMoveRow.sequence))
        .join(
            current,
            and_(
                current.workspace_id == AliasMoveRow.workspace_id,
                current.model_id == AliasMoveRow.model_id,
                current.sequence.in_(_newest_sequences(workspace_id)),
            ),
        )
        .where(
            AliasMoveRow.workspace_id == workspace_id,
            AliasMoveRow.alias == "production",
            AliasMoveRow.version < current.version,
        )
        .group_by(AliasMoveRow.model_id)
    )
    return _join_versions(select(table_of(ModelVersionRow)), sequences)


def _find_arms(session: Session, experiment: Experiment, newest: Mapping[tuple[str, int], str]) -> dict[Variant, ModelVersion]:
    """Return the versions, with their newest snapshots, of those arms that have one of their own, by name."""
    names = {arm.version: arm.name for arm in experiment.plan.arms if arm.version != "production"}
    if not names:
        return {}
    statement = select(table_of(ModelVersionRow)).where(
        ModelVersionRow.workspace_id == experiment.workspace_id,
        ModelVersionRow.model_id == experiment.model_id,
        ModelVersionRow.version.in_(list(names)),
    )
    versions = list_rows(session, statement, ModelVersion)
    return {names[found.version]: _renew(found, newest) for found in versions}


def _list_weights(session: Session, workspace_id: str) -> dict[str, tuple[Weights, ...]]:
    """Return the arms' weights after each change of a running experiment's, by model."""
    statement = (
        select(ExperimentRow.model_id, ExperimentEventRow.treatment_share, ExperimentEventRow.arm_weights)
        .join(
            ExperimentEventRow,
            and_(
                ExperimentEventRow.workspace_id == ExperimentRow.workspace_id,
                ExperimentEventRow.experiment_id == ExperimentRow.experiment_id,
            ),
        )
        .where(
            ExperimentRow.workspace_id == workspace_id,
            ExperimentRow.state.in_(ACTIVE_STATES),
            ExperimentEventRow.kind == "reweighted",
        )
        .order_by(ExperimentEventRow.number)
    )
    found: dict[str, tuple[Weights, ...]] = {}
    for model_id, treatment_share, arm_weights in session.execute(statement):
        weights = read_weights(treatment_share, cast("Sequence[float] | None", arm_weights))
        if weights is not None:
            found[model_id] = (*found.get(model_id, ()), weights)
    return found


def _control_versions(workspace_id: str) -> Select[Any]:
    """Select the versions that answer the controls of running experiments."""
    return (
        select(table_of(ModelVersionRow))
        .join(
            ExperimentRow,
            and_(
                ExperimentRow.workspace_id == ModelVersionRow.workspace_id,
                ExperimentRow.model_id == ModelVersionRow.model_id,
                ExperimentRow.control_version == ModelVersionRow.version,
            ),
        )
        .where(ExperimentRow.workspace_id == workspace_id, ExperimentRow.state.in_(ACTIVE_STATES))
    )


def _join_versions(versions: Select[Any], sequences: Select[int]) -> Select[Any]:
    return versions.join(
        AliasMoveRow,
        and_(
            AliasMoveRow.workspace_id == ModelVersionRow.workspace_id,
            AliasMoveRow.model_id == ModelVersionRow.model_id,
            AliasMoveRow.version == ModelVersionRow.version,
        ),
    ).where(AliasMoveRow.sequence.in_(sequences))
