"""With EMR on EC2 switched on the policies still fit the calls, and the stacks still meet what holds without it."""

import copy
import dataclasses
import json
from importlib import resources
from typing import Any

import msgspec
import pytest

from services.worker.settings import ClusterSpark, ServerlessSpark
from tests.contract.wiring.clusters import CONTEXT, OTHER_ROLES_OF_CLUSTERS, REASONS_OF_CLUSTERS, list_calls
from tests.contract.wiring.deployables import read_given, read_needed
from tests.contract.wiring.recorded_calls import list_needs, read_record
from tests.contract.wiring.rights import ROLES, Rights
from tests.contract.wiring.test_iam import compare, list_actions
from tests.fixtures.synthesis import Synthesis, read_synthesis

STAGES = ("staging", "production")
COMPONENTS = ("spark", "worker")


def find_problems(component: str, synthesis: Synthesis) -> list[str]:
    calls = list_calls(component, read_record()[component])
    return compare(component, synthesis, calls=calls, reasons=REASONS_OF_CLUSTERS)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_call_is_allowed_and_every_right_is_needed(component: str, stage: str) -> None:
    assert find_problems(component, read_synthesis(stage, CONTEXT)) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_removing_any_action_is_noticed(component: str) -> None:
    synthesis = read_synthesis("staging", CONTEXT)
    statements = Rights(synthesis).find_policy(component)["Statement"]
    for index, action in [(index, action) for index, each in enumerate(statements) for action in list_actions(each)]:
        mutant = dataclasses.replace(synthesis, templates=copy.deepcopy(synthesis.templates))
        statement = Rights(mutant).find_policy(component)["Statement"][index]
        statement["Action"] = [each for each in list_actions(statement) if each != action]
        assert find_problems(component, mutant), action


@pytest.mark.parametrize("action", ["elasticmapreduce:ModifyCluster", "emr-serverless:StartJobRun", "s3:GetObject"])
def test_adding_an_action_is_noticed(action: str) -> None:
    synthesis = read_synthesis("staging", CONTEXT)
    mutant = dataclasses.replace(synthesis, templates=copy.deepcopy(synthesis.templates))
    Rights(mutant).find_policy("worker")["Statement"].append({"Effect": "Allow", "Action": action, "Resource": "*"})
    assert any("not needed" in problem for problem in find_problems("worker", mutant))


def test_needs_are_actions_that_iam_knows() -> None:
    known = json.loads(resources.files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())["elasticmapreduce"]["Actions"]
    rights = Rights(read_synthesis("staging", CONTEXT))
    needs = {need.action for call in list_calls("worker", []) for need in list_needs(call, rights)}
    assert {action for action in needs if action.startswith("elastic") and action.partition(":")[2].lower() not in known} == set()


def test_clusters_are_started_followed_and_ended_by_the_stage_they_are_tagged_with() -> None:
    conditions = {
        action.partition(":")[2]: each.get("Condition", {}).get("StringEquals")
        for each in read_statements("worker")
        for action in list_actions(each)
        if action.startswith("elasticmapreduce:")
    }
    own, new = {"elasticmapreduce:ResourceTag/stage": "staging"}, {"elasticmapreduce:RequestTag/stage": "staging"}
    assert conditions == {
        "ListClusters": None,
        "RunJobFlow": new,
        "AddTags": new,
        **dict.fromkeys(("DescribeCluster", "ListSteps", "TerminateJobFlows"), own),
    }


def read_statements(component: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = Rights(read_synthesis("staging", CONTEXT)).find_policy(component)["Statement"]
    return statements


def test_every_role_is_a_components_or_has_its_reason() -> None:
    rights = Rights(read_synthesis("staging", CONTEXT))
    ours = {rights.find_role(component) for component in ROLES}
    others = {f"{stack}/{name[:-8]}" for stack, names in rights.list_roles().items() for name in names if (stack, name) not in ours}
    assert others == OTHER_ROLES_OF_CLUSTERS.keys()


@pytest.mark.parametrize("stage", STAGES)
def test_the_stack_gives_exactly_what_the_settings_read(stage: str) -> None:
    assert read_given(read_synthesis(stage, CONTEXT))["services/worker"].names == read_needed("services/worker")


@pytest.mark.parametrize(("context", "expected"), [((CONTEXT,), ClusterSpark), ((), ServerlessSpark)])
def test_the_service_understands_what_it_is_told_of_spark(context: tuple[str, ...], expected: type) -> None:
    target = read_target("staging", *context)

    assert isinstance(target, expected)
    if isinstance(target, ClusterSpark):
        assert (target.core_nodes, target.task_nodes, len(target.subnets)) == (2, 6, 3)
        assert target.tags["stage"] == "staging"


def read_target(stage: str, *context: str) -> ServerlessSpark | ClusterSpark:
    synthesis = read_synthesis(stage, *context)
    (value,) = (
        option["Value"]
        for environment in synthesis.resources("AWS::ElasticBeanstalk::Environment").values()
        for option in environment["Properties"]["OptionSettings"]
        if option["OptionName"] == "PRESAGE_SPARK_TARGET"
    )
    found: ServerlessSpark | ClusterSpark = msgspec.convert(
        json.loads(Rights(synthesis).resolve("Worker", value)), ServerlessSpark | ClusterSpark
    )
    return found
