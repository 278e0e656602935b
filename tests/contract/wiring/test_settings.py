"""What the stacks give and what the deployables read are the same, in both directions."""

import pytest

from tests.contract.wiring.deployables import list_deployables, read_given, read_needed
from tests.fixtures.synthesis import ROOT, STAGES, read_synthesis

SECRETS = {"PRESAGE_OPERATOR_TOKEN"}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("deployable", list_deployables())
def test_stack_gives_exactly_what_the_settings_read(deployable: str, stage: str) -> None:
    given = read_given(read_synthesis(stage))[deployable].names
    needed = read_needed(deployable)
    assert given == needed, f"not read: {sorted(given - needed)}; not given: {sorted(needed - given)}"


def test_every_deployable_has_settings_and_a_stack() -> None:
    assert set(list_deployables()) == set(read_given(read_synthesis("local")))


@pytest.mark.parametrize("stage", STAGES)
def test_secrets_are_references_and_nothing_else_is(stage: str) -> None:
    for deployable, variables in read_given(read_synthesis(stage)).items():
        assert variables.secrets == variables.names & SECRETS, deployable


def test_the_documentation_lists_every_variable() -> None:
    text = (ROOT / "docs" / "infrastructure.md").read_text()
    missing = {name for deployable in list_deployables() for name in read_needed(deployable) if f"`{name}`" not in text}
    assert missing == set()
