"""Quarantined loads in memory."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import replace

from presage.errors import ConflictError, NotFoundError
from presage.features.quarantine import Decision, QuarantinedLoad


class MemoryQuarantineStore:
    """`QuarantineStore` on a dictionary; files are copied and deleted in `objects`."""

    def __init__(self, objects: MutableMapping[str, bytes]) -> None:
        """Keep the files in `objects`."""
        self._objects = objects
        self._loads: dict[tuple[str, str, str], QuarantinedLoad] = {}

    def hold_load(self, load: QuarantinedLoad, *, source_key: str) -> None:
        """Copy the file, if there is one, then keep the load; one that is held stays as it is."""
        if _key_of(load) in self._loads:
            return
        if load.key:
            if source_key not in self._objects:
                raise NotFoundError(f"there is no object {source_key!r}")
            self._objects[load.key] = self._objects[source_key]
        self._loads[_key_of(load)] = load

    def find_load(self, workspace_id: str, dataset_id: str, load_id: str) -> QuarantinedLoad | None:
        """Return it with its decisions, or None."""
        return self._loads.get((workspace_id, dataset_id, load_id))

    def list_loads(self, workspace_id: str, dataset_id: str, *, after: str = "", limit: int = 50) -> Sequence[QuarantinedLoad]:
        """Return a page in the order of `load_id`, starting behind `after`."""
        mine = [load for key, load in sorted(self._loads.items()) if key[:2] == (workspace_id, dataset_id) and key[2] > after]
        return mine[:limit]

    def add_decision(self, load: QuarantinedLoad, decision: Decision) -> None:
        """Keep it behind the load's decisions, or raise `ConflictError`."""
        known = self._loads[_key_of(load)]
        if len(known.decisions) != len(load.decisions):
            raise ConflictError(f"somebody else decided of the load {load.load_id} meanwhile")
        self._loads[_key_of(load)] = replace(known, decisions=(*known.decisions, decision))

    def delete_file(self, load: QuarantinedLoad) -> None:
        """Delete the load's file, if it has one."""
        self._objects.pop(load.key, None)


def _key_of(load: QuarantinedLoad) -> tuple[str, str, str]:
    return load.workspace_id, load.dataset_id, load.load_id
