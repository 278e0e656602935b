"""Which versions are, or have been, in production: of a model, for whoever compares them, and of all, for whoever looks after them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from presage.training.model import ModelVersion
from presage.training.ports import ProductionVersions, VersionRegistry

PAGE = 100


class AliasHistory:
    """What the production alias's moves say."""

    def __init__(self, versions: VersionRegistry) -> None:
        """Read from `versions`."""
        self._versions = versions

    def list_served(self, workspace_id: str, model_id: str) -> Sequence[int]:
        """Return the versions of the production alias's history, the one that serves now first."""
        return [move.version for move in self._versions.list_alias_moves(workspace_id, model_id, "production")]


def iterate_in_production(versions: ProductionVersions) -> Iterator[ModelVersion]:
    """Yield the version in production of each model of any workspace, read page by page.

    Raises:
        UnavailableError: The database did not answer.
    """
    after = ""
    while page := versions.list_in_production(after=after, limit=PAGE):
        yield from page
        after = page[-1].model_id
