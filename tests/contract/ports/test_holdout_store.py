"""`HoldoutStore`: one suite over memory and MariaDB."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.holdout_store import MemoryHoldoutStore
from presage.adapters.sql.holdout_store import SqlHoldoutStore
from presage.experiments.holdout import Holdout
from presage.experiments.ports import HoldoutStore
from tests.fixtures.metadata_rows import at


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> HoldoutStore:
    if request.param == "memory":
        return MemoryHoldoutStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlHoldoutStore(engine)


def test_the_last_holdout_of_a_workspace_is_kept(store: HoldoutStore, workspace_id: str) -> None:
    first = Holdout(workspace_id, 0.05, "usr_ann", at(1))
    second = replace(first, share=0.0, changed_by="usr_bob", changed_at=at(2))
    assert store.find_holdout(workspace_id) is None

    found = []
    for holdout in (first, second):
        store.put_holdout(holdout)
        found.append(store.find_holdout(workspace_id))

    assert found == [first, second]
    assert store.find_holdout(f"{workspace_id}x") is None
