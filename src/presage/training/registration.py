"""Register models, and move the aliases between their versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from presage.errors import ConflictError, InvalidInputError
from presage.features.ports import DatasetStore
from presage.identifiers import new_identifier
from presage.jobs.arguments import BuildModel
from presage.jobs.model import Job
from presage.jobs.use_cases import JobPorts, request_job
from presage.tenancy.model import User
from presage.tenancy.permissions import authorise
from presage.training.model import Alias, AliasMove, DefaultAnswer, Model, ModelVersion, Promotion
from presage.training.ports import ModelRegistry, VersionRegistry
from presage.training.spec import ModelSpec
from presage.training.validation import LONGEST_CLASS, validate_spec

CLASSES = ("0", "1")
LONGEST_ITEM = 256
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")


def create_model(
    spec: ModelSpec, *, by: User, name: str, default: DefaultAnswer, now: datetime, stores: tuple[ModelRegistry, DatasetStore]
) -> Model:
    """Add a model to the workspace of `by` and return it.

    Raises:
        ForbiddenError: `by` lacks `models.write`.
        InvalidInputError: The name, the default or the specification is not possible; `path` says where.
        AlreadyExistsError: The workspace has a model of that name.
    """
    workspace_id, (models, datasets) = authorise(by, "models.write"), stores
    if not _NAME.fullmatch(name):
        raise InvalidInputError(f"{name[:100]!r}: expected lower-case letters, digits, _ and -, 1 to 63, a letter first", path="$.name")
    _check_spec(spec, workspace_id, datasets)
    _check_default(spec, default)
    model = Model(workspace_id, new_identifier("mdl"), name, spec, default, now)
    models.create_model(model)
    return model


def choose_version(model: Model, version: int | None, alias: Alias, *, versions: VersionRegistry) -> ModelVersion:
    """Return the version of that number, or the one that serves under the alias.

    Raises:
        NotFoundError: There is no such version.
        InvalidInputError: Under the alias nothing serves, or what is answered is not the model's.
    """
    if version is None:
        moves = versions.list_alias_moves(model.workspace_id, model.model_id, alias)
        if not moves or moves[0].traffic != "model":
            raise InvalidInputError(f"No version of {model.name!r} answers as {alias}: name one by `version`", path="$.alias")
        version = moves[0].version
    return versions.get_version(model.workspace_id, model.model_id, version)


@dataclass(frozen=True, slots=True)
class BuildWish:
    """A version to build, from what was known at `cutoff` (now, if it is None), and the alias that it is to serve under."""

    cutoff: datetime | None
    alias: Alias
    promote: Promotion


def request_build(model: Model, wish: BuildWish, *, by: User, now: datetime, models: ModelRegistry, jobs: JobPorts) -> Job:
    """Reserve a version of the model and return the job that builds it.

    Raises:
        ForbiddenError: `by` lacks `models.write`.
        InvalidInputError: The cut-off is to come.
    """
    workspace_id = authorise(by, "models.write")
    if wish.cutoff is not None and wish.cutoff > now:
        raise InvalidInputError("The cut-off must not be in the future", path="$.cutoff")
    version = models.reserve_version(workspace_id, model.model_id)
    arguments = BuildModel(model.model_id, version, wish.cutoff or now, wish.alias, wish.promote)
    return request_job(arguments, by=by, now=now, ports=jobs)


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants an alias moved, when and why."""

    by: User
    reason: str
    now: datetime


def move_alias(version: int, *, model: Model, alias: Alias, order: Order, versions: VersionRegistry) -> AliasMove:
    """Let `version` serve under the alias, from the model, and return the move.

    Raises:
        ForbiddenError: Whoever orders it lacks `models.write`.
        NotFoundError: The model has no such version.
    """
    authorise(order.by, "models.write")
    versions.get_version(model.workspace_id, model.model_id, version)
    move = AliasMove(model.workspace_id, model.model_id, alias, version, "model", order.reason, order.now)
    versions.append_alias_move(move)
    return move


def roll_back_alias(*, model: Model, alias: Alias, by: User, now: datetime, versions: VersionRegistry) -> AliasMove:
    """Let the lower version that served last before the current one serve again, and return the move.

    Raises:
        ForbiddenError: `by` lacks `models.write`.
        ConflictError: No lower version has served under the alias.
    """
    authorise(by, "models.write")
    moves = versions.list_alias_moves(model.workspace_id, model.model_id, alias)
    previous = next((move.version for move in moves if move.version < moves[0].version), None)
    if previous is None:
        raise ConflictError(f"No lower version of {model.name!r} has served as {alias} before")
    order = Order(by, f"rolled back from {moves[0].version}", now)
    return move_alias(previous, model=model, alias=alias, order=order, versions=versions)


def _check_spec(spec: ModelSpec, workspace_id: str, datasets: DatasetStore) -> None:
    names = {spec.observations.dataset, spec.label.dataset, *(view.dataset for view in spec.feature_views)}
    names |= {spec.candidates.dataset} if spec.candidates else set()
    found = {name: dataset for name in names if (dataset := datasets.find_dataset_by_name(workspace_id, name)) is not None}
    try:
        validate_spec(spec, found)
    except InvalidInputError as error:
        raise InvalidInputError(str(error), path=f"$.spec{(error.path or '$')[1:]}") from error


def _check_default(spec: ModelSpec, default: DefaultAnswer) -> None:
    _DEFAULTS[spec.kind](spec, default)


def _check_default_value(_spec: ModelSpec, default: DefaultAnswer) -> None:
    if not isinstance(default, int | float) or not isfinite(default):
        raise InvalidInputError("The default of a regression is a number", path="$.default")


def _check_default_class(spec: ModelSpec, default: DefaultAnswer) -> None:
    if spec.label.class_column is None and default not in CLASSES:
        raise InvalidInputError(f"The default of a classification is one of its classes, {' or '.join(CLASSES)}", path="$.default")
    if not isinstance(default, str) or not 1 <= len(default) <= LONGEST_CLASS:
        raise InvalidInputError(f"The default of a classification is a class, of 1 to {LONGEST_CLASS} characters", path="$.default")


def _check_default_items(spec: ModelSpec, default: DefaultAnswer) -> None:
    items = default if isinstance(default, tuple) else ()
    if not 1 <= len(items) <= spec.list_length or len(set(items)) < len(items):
        raise InvalidInputError(f"The default of a ranking is a list of 1 to {spec.list_length} different items", path="$.default")
    if not all(1 <= len(item) <= LONGEST_ITEM for item in items):
        raise InvalidInputError(f"An item's id has 1 to {LONGEST_ITEM} characters", path="$.default")


_DEFAULTS = {"regression": _check_default_value, "classification": _check_default_class, "ranking": _check_default_items}
