"""`RetrainingPolicyStore`: one suite over memory and MariaDB."""

from dataclasses import replace

import pytest
from sqlalchemy import Engine

from presage.adapters.memory.retraining_policy_store import MemoryRetrainingPolicyStore
from presage.adapters.sql.retraining_policy_store import SqlRetrainingPolicyStore
from presage.training.ports import RetrainingPolicyStore
from presage.training.retraining import RetrainingPolicy
from tests.fixtures.metadata_rows import at, unique


@pytest.fixture(params=["memory", pytest.param("sql", marks=pytest.mark.integration)])
def store(request: pytest.FixtureRequest) -> RetrainingPolicyStore:
    if request.param == "memory":
        return MemoryRetrainingPolicyStore()
    engine: Engine = request.getfixturevalue("engine")
    return SqlRetrainingPolicyStore(engine)


def make_policy(workspace_id: str) -> RetrainingPolicy:
    return RetrainingPolicy(workspace_id, unique("mdl"), 30, on_drift=True, changed_by="usr_1", changed_at=at(0))


def test_the_last_policy_of_a_model_is_kept(store: RetrainingPolicyStore, workspace_id: str) -> None:
    first = make_policy(workspace_id)
    second = replace(first, every_days=None, on_drift=False, changed_by="usr_2", changed_at=at(5))
    assert store.find_policy(workspace_id, first.model_id) is None

    found = []
    for policy in (first, second):
        store.put_policy(policy)
        found.append(store.find_policy(workspace_id, first.model_id))

    assert found == [first, second]
    assert store.find_policy(f"{workspace_id}x", first.model_id) is None


def test_those_that_build_something_are_listed_over_all_workspaces_in_pages(store: RetrainingPolicyStore) -> None:
    policies = sorted((make_policy(unique("ws")) for _ in range(4)), key=lambda policy: policy.model_id)
    policies[1] = replace(policies[1], every_days=None)
    policies[2] = replace(policies[2], every_days=None, on_drift=False)
    policies[3] = replace(policies[3], on_drift=False)
    for policy in policies:
        store.put_policy(policy)

    listed = store.list_policies(limit=1000)
    behind = store.list_policies(after=policies[0].model_id, limit=1000)

    assert [policy for policy in listed if policy in policies] == [policies[0], policies[1], policies[3]]
    assert [policy for policy in behind if policy in policies] == [policies[1], policies[3]]
    assert len(store.list_policies(limit=2)) == 2
