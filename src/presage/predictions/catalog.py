"""The metadata that serving needs, cached for seconds and served stale while the database is down."""

from __future__ import annotations

from collections.abc import Callable

from presage.errors import ForbiddenError, NotFoundError, UnauthenticatedError
from presage.features.dataset import Dataset
from presage.predictions.freshness import FreshCache
from presage.predictions.ports import Catalog, Deployment, ServingCatalog
from presage.tenancy.model import Caller
from presage.training.model import ModelVersion

MAX_KEYS = 100_000


class CatalogCache:
    """Who calls, and what of theirs exists. A change in the database is seen within `ttl_seconds`."""

    def __init__(self, source: ServingCatalog, *, ttl_seconds: float, prepare: Callable[[Catalog], None] | None = None) -> None:
        """Read from `source`. `prepare` gets each new catalog before it serves, while others still use the last one."""
        self._source = source
        self._prepare = prepare
        self._reached = False
        self._callers: FreshCache[str, Caller | None] = FreshCache(source.find_caller, ttl_seconds=ttl_seconds, capacity=MAX_KEYS)
        self._catalogs: FreshCache[str, Catalog] = FreshCache(self._load_catalog, ttl_seconds=ttl_seconds)
        self._versions: FreshCache[tuple[str, str, int], ModelVersion | None] = FreshCache(self._find_version, ttl_seconds=ttl_seconds)

    def get_caller(self, api_key_id: str | None) -> Caller:
        """Return whose the gateway's key is.

        Raises:
            UnauthenticatedError: No key was given.
            ForbiddenError: The key is unknown or revoked.
        """
        if not api_key_id:
            raise UnauthenticatedError("Call through the API gateway with an API key in `x-api-key`")
        caller = self._callers.get(api_key_id)
        if caller is None:
            raise ForbiddenError("The API key is unknown or revoked")
        return caller

    def get_dataset(self, workspace_id: str, name: str) -> Dataset:
        """Return the dataset of that name, or raise `NotFoundError`."""
        dataset = self._catalogs.get(workspace_id).datasets.get(name)
        if dataset is None:
            raise NotFoundError(f"There is no dataset {name[:256]!r}")
        return dataset

    def get_deployment(self, workspace_id: str, name: str) -> Deployment:
        """Return what serves for the model of that name, or raise `NotFoundError`."""
        deployment = self._catalogs.get(workspace_id).deployments.get(name)
        if deployment is None:
            raise NotFoundError(f"There is no model {name[:256]!r}")
        return deployment

    def get_version(self, deployment: Deployment, version: int) -> ModelVersion:
        """Return a version of the deployment's model, serving or not, or raise `NotFoundError`."""
        for candidate in (deployment.version, deployment.previous):
            if candidate is not None and candidate.version == version:
                return candidate
        found = self._versions.get((deployment.model.workspace_id, deployment.model.model_id, version))
        if found is None:
            raise NotFoundError(f"Model {deployment.model.name!r} has no version {version}")
        return found

    def check(self) -> None:
        """Return if the database has answered this process at least once, or raise `UnavailableError`.

        Not whether it answers now: what is cached still serves, and tasks that all leave at once serve nobody.
        """
        if not self._reached:
            self._source.find_caller("")
            self._reached = True

    def _load_catalog(self, workspace_id: str) -> Catalog:
        catalog = self._source.load_catalog(workspace_id)
        if self._prepare is not None:
            self._prepare(catalog)
        return catalog

    def _find_version(self, key: tuple[str, str, int]) -> ModelVersion | None:
        return self._source.find_version(*key)
