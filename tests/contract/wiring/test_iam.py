"""The policies allow what the components call, and nothing that no recorded call and no written reason needs (docs/adr/0009)."""

import copy
import dataclasses
import json
import re
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

import pytest

from localstack.calls import Call
from tests.contract.wiring.reasons import MANAGED_POLICIES, OTHER_ROLES, REASONS, Reason
from tests.contract.wiring.recorded_calls import list_needs, read_record
from tests.contract.wiring.rights import ROLES, Right, Rights
from tests.fixtures.synthesis import STAGES, Synthesis, read_synthesis

COMPONENTS = sorted(ROLES)
MUTATED_STAGE = "staging"


def find_problems(component: str, synthesis: Synthesis) -> list[str]:
    """What is wrong between the component's rights, its calls and the reasons."""
    return compare(component, synthesis, calls=read_record()[component], reasons=REASONS)


def compare(component: str, synthesis: Synthesis, *, calls: Iterable[Call], reasons: Iterable[Reason]) -> list[str]:
    rights = Rights(synthesis)
    given = rights.read(component)
    needed = {need for call in calls for need in list_needs(call, rights)}
    excused = {reason.right for reason in reasons if component in reason.components}
    covering = [[right for right in given if right.covers(need)] for need in needed]
    used = {rights_of_one[0] for rights_of_one in covering if len(rights_of_one) == 1}
    return [
        *(f"not allowed: {need}" for need in sorted(needed) if not any(right.covers(need) for right in given)),
        *(f"not needed, or not by itself: {right}" for right in sorted(given - used - excused)),
        *(f"reason without its right, or needed by a call: {right}" for right in sorted(excused - (given - used))),
    ]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("component", COMPONENTS)
def test_every_recorded_call_is_allowed_and_every_right_is_needed(component: str, stage: str) -> None:
    assert find_problems(component, read_synthesis(stage)) == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_removing_any_action_is_noticed(component: str) -> None:
    synthesis = read_synthesis(MUTATED_STAGE)
    statements = Rights(synthesis).find_policy(component)["Statement"]
    removals = [(index, action) for index, each in enumerate(statements) for action in list_actions(each)]
    unnoticed = [removal for removal in removals if not find_problems(component, without_action(synthesis, component, *removal))]
    assert removals
    assert unnoticed == []


@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:GetObject", "s3:*", "dynamodb:Scan", "iam:PassRole", "*"])
@pytest.mark.parametrize("component", COMPONENTS)
def test_adding_an_action_is_noticed(component: str, action: str) -> None:
    synthesis = changed(read_synthesis(MUTATED_STAGE))
    Rights(synthesis).find_policy(component)["Statement"].append({"Effect": "Allow", "Action": action, "Resource": "arn:aws:x:::unused"})
    assert any("not needed" in problem for problem in find_problems(component, synthesis))


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_right_that_only_widens_others_is_noticed(component: str) -> None:
    for right in Rights(read_synthesis(MUTATED_STAGE)).read(component):
        synthesis = changed(read_synthesis(MUTATED_STAGE))
        statement = {"Effect": "Allow", "Action": right.action, "Resource": "*"}
        Rights(synthesis).find_policy(component)["Statement"].append(statement)
        assert right.resource == "*" or find_problems(component, synthesis), right


@pytest.mark.parametrize("component", COMPONENTS)
def test_objects_are_reached_below_a_named_folder_of_the_workspaces(component: str) -> None:
    rights = Rights(read_synthesis(MUTATED_STAGE)).read(component)
    objects = {right.resource for right in rights if right.action.startswith("s3:") and right.action != "s3:ListBucket"}
    assert [each for each in objects if not re.match(r"\{\w+\}/ws=\*/[a-z_]+(=\*)?/|\{assets\}/\*\.", each)] == []


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_role_is_passed_to_one_service_only(component: str) -> None:
    statements = Rights(read_synthesis(MUTATED_STAGE)).find_policy(component)["Statement"]
    passing = [each for each in statements if "iam:PassRole" in list_actions(each)]
    assert all("iam:PassedToService" in str(each.get("Condition")) for each in passing)


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_action_of_a_component_holds_a_wildcard(component: str) -> None:
    assert [right for right in Rights(read_synthesis(MUTATED_STAGE)).read(component) if "*" in right.action] == []


def test_every_role_is_a_components_or_has_its_reason() -> None:
    rights = Rights(read_synthesis(MUTATED_STAGE))
    ours = {rights.find_role(component) for component in COMPONENTS}
    others = {f"{stack}/{name[:-8]}" for stack, names in rights.list_roles().items() for name in names if (stack, name) not in ours}
    assert others == OTHER_ROLES.keys()


def test_every_managed_policy_of_a_component_has_its_reason() -> None:
    rights = Rights(read_synthesis(MUTATED_STAGE))
    assert {name for component in COMPONENTS for name in rights.list_managed_policies(component)} == MANAGED_POLICIES.keys()


def test_every_component_has_calls_on_record() -> None:
    assert sorted(read_record()) == COMPONENTS


def test_needs_are_actions_that_iam_knows() -> None:
    known = json.loads(resources.files("cfnlint").joinpath("data/AdditionalSpecs/Policies.json").read_text())
    rights = Rights(read_synthesis(MUTATED_STAGE))
    actions = {need.action for calls in read_record().values() for call in calls for need in list_needs(call, rights)}
    unknown = {action for action in actions if action.partition(":")[2].lower() not in known[action.partition(":")[0]]["Actions"]}
    assert unknown == {action for action in actions if re.match(r"apigateway:(GET|POST|PUT|PATCH|DELETE)$", action)} & unknown


def test_a_star_matches_any_text_and_nothing_else_does() -> None:
    assert Right("s3:Get*", "{B}/ws=*/a/*").covers(Right("s3:GetObject", "{B}/ws=*/a/b/c.json"))
    assert not Right("s3:GetObject", "{B}/ws=*/a/*").covers(Right("s3:GetObject", "{B}/ws=*/ab/c"))
    assert not Right("s3:GetObject", "{B}").covers(Right("s3:GetObject", "{B}/ws=1"))


def list_actions(statement: dict[str, Any]) -> Iterator[str]:
    actions = statement["Action"]
    yield from [actions] if isinstance(actions, str) else actions


def changed(synthesis: Synthesis) -> Synthesis:
    return dataclasses.replace(synthesis, templates=copy.deepcopy(synthesis.templates))


def without_action(synthesis: Synthesis, component: str, index: int, action: str) -> Synthesis:
    mutant = changed(synthesis)
    statements = Rights(mutant).find_policy(component)["Statement"]
    left = [each for each in list_actions(statements[index]) if each != action]
    statements[index]["Action"] = left
    return mutant
