"""`SnapshotHistory`: one suite over memory and MariaDB."""

from dataclasses import dataclass

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.snapshot_history import MemorySnapshotHistory
from presage.adapters.sql.snapshot_history import SqlSnapshotHistory
from presage.training.model import VersionSnapshot
from presage.training.ports import SnapshotHistory
from tests.fixtures.metadata_rows import at


@dataclass
class Place:
    history: SnapshotHistory
    workspace_id: str

    def append(self, version: int, name: str, seconds: float = 0) -> VersionSnapshot:
        made = VersionSnapshot(self.workspace_id, "mdl_1", version, f"s/{name}.json", at(seconds), at(seconds + 1))
        self.history.append_snapshot(made)
        return made


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def place(request: pytest.FixtureRequest, workspace_id: str) -> Place:
    if request.param == "memory":
        return Place(MemorySnapshotHistory(), workspace_id)
    engine: Engine = request.getfixturevalue("engine")
    return Place(SqlSnapshotHistory(engine), workspace_id)


def test_a_versions_history_is_newest_first_and_its_own(place: Place) -> None:
    first, second = place.append(1, "a"), place.append(1, "b", 5)
    place.append(2, "c")

    assert list(place.history.list_snapshots(place.workspace_id, "mdl_1", 1)) == [second, first]
    assert list(place.history.list_snapshots(place.workspace_id, "mdl_1", 1, limit=1)) == [second]
    assert list(place.history.list_snapshots(f"{place.workspace_id}x", "mdl_1", 1)) == []


def test_a_snapshot_is_in_it_once(place: Place) -> None:
    first, second = place.append(1, "a"), place.append(1, "b")
    place.append(1, "a", 9)
    assert list(place.history.list_snapshots(place.workspace_id, "mdl_1", 1)) == [second, first]
