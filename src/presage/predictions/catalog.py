"""The metadata that serving needs, cached for seconds and served stale while the database is down."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from presage.errors import ForbiddenError, NotFoundError, UnauthenticatedError, UnavailableError
from presage.features.dataset import Dataset
from presage.predictions.freshness import FreshCache
from presage.predictions.ports import Catalog, Deployment, ServingCatalog
from presage.tenancy.model import Caller
from presage.training.model import ModelVersion

MAX_KEYS = 100_000
USE_NOTED_EVERY = timedelta(minutes=1)
_ALL = "all"
_LOG = logging.getLogger(__name__)


class CatalogCache:
    """Who calls, and what of theirs exists. A change in the database is seen within `ttl_seconds`; what is new, when it is asked for.

    What is not there is looked for in the database again: for each key, workspace and version ten times in a row, then once a second.
    """

    def __init__(
        self,
        source: ServingCatalog,
        *,
        ttl_seconds: float,
        prepare: Callable[[Catalog], Catalog] | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Read from `source`. `prepare` turns each new catalog into the one that serves. `now` tells when keys are used."""
        self._source = source
        self._now = now
        self._prepare = prepare
        self._callers: FreshCache[str, Caller] = FreshCache(self._load_caller, ttl_seconds=ttl_seconds, capacity=MAX_KEYS, clock=clock)
        self._origins: FreshCache[str, frozenset[str]] = FreshCache(self._load_origins, ttl_seconds=ttl_seconds, clock=clock)
        self._catalogs: FreshCache[str, Catalog] = FreshCache(self._load_catalog, ttl_seconds=ttl_seconds, clock=clock)
        self._versions: FreshCache[tuple[str, str, int], ModelVersion] = FreshCache(
            self._load_version, ttl_seconds=ttl_seconds, clock=clock
        )

    def get_caller(self, api_key_id: str | None) -> Caller:
        """Return whose the gateway's key is.

        Raises:
            UnauthenticatedError: No key was given.
            ForbiddenError: The key is unknown or revoked.
        """
        if not api_key_id:
            raise UnauthenticatedError("Call through the API gateway with an API key in `x-api-key`")
        return self._callers.get(api_key_id)

    def is_origin(self, origin: str) -> bool:
        """Return whether any publishable key may be used from web pages of that origin."""
        return origin in self._origins.get(_ALL) or origin in self._origins.renew(_ALL)

    def get_dataset(self, workspace_id: str, name: str) -> Dataset:
        """Return the dataset of that name, or raise `NotFoundError`."""
        dataset = self._catalogs.get(workspace_id).datasets.get(name) or self._catalogs.renew(workspace_id).datasets.get(name)
        if dataset is None:
            raise NotFoundError(f"There is no dataset {name[:256]!r}")
        return dataset

    def get_deployment(self, workspace_id: str, name: str) -> Deployment:
        """Return what serves for the model of that name, or raise `NotFoundError`."""
        deployment = self._catalogs.get(workspace_id).deployments.get(name) or self._catalogs.renew(workspace_id).deployments.get(name)
        if deployment is None:
            raise NotFoundError(f"There is no model {name[:256]!r}")
        return deployment

    def get_version(self, deployment: Deployment, version: int) -> ModelVersion:
        """Return a version of the deployment's model, serving or not, or raise `NotFoundError`."""
        for candidate in (deployment.version, deployment.previous, *deployment.compared):
            if candidate is not None and candidate.version == version:
                return candidate
        return self._versions.get((deployment.model.workspace_id, deployment.model.model_id, version))

    def list_serving(self, workspace_id: str) -> list[ModelVersion]:
        """Return the versions that serve for the workspace's models, and those that answer in its experiments."""
        deployments = self._catalogs.get(workspace_id).deployments.values()
        versions = [version for deployment in deployments for version in (deployment.version, *deployment.compared)]
        return [version for version in versions if version is not None]

    def _load_origins(self, _all: str) -> frozenset[str]:
        return frozenset(self._source.list_origins())

    def _load_caller(self, api_key_id: str) -> Caller:
        caller = self._source.find_caller(api_key_id)
        if caller is None:
            raise ForbiddenError("The API key is unknown or revoked")
        self._note_use(caller)
        return caller

    def _note_use(self, caller: Caller) -> None:
        """Note that the key is used: it is loaded only when a call asks for it. Answers do not depend on it."""
        now = self._now()
        is_expired = caller.expires_at is not None and caller.expires_at <= now
        if is_expired or (caller.last_used_at is not None and now - caller.last_used_at < USE_NOTED_EVERY):
            return
        try:
            self._source.note_use(caller.api_key_id, now=now)
        except UnavailableError:
            _LOG.warning("that key %s is used could not be noted", caller.api_key_id)

    def _load_catalog(self, workspace_id: str) -> Catalog:
        catalog = self._source.load_catalog(workspace_id)
        return catalog if self._prepare is None else self._prepare(catalog)

    def _load_version(self, key: tuple[str, str, int]) -> ModelVersion:
        found = self._source.find_version(*key)
        if found is None:
            raise NotFoundError(f"The model has no version {key[2]}")
        return found
