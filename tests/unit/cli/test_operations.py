"""Every operation of both OpenAPI documents has a command, which takes all there is to tell.

Commands are found by the line of their help that names verb and path; what they take is made from the documents.
"""

from __future__ import annotations

import re

import pytest
from typer.core import TyperCommand

from presage_cli.deriving import REPLACED
from tests.fixtures.command_line import list_commands
from tests.fixtures.schema_samples import Samples
from tests.unit.clients.test_operations import DOCUMENTS, NOT_TAKEN, OPERATIONS, Described

CALLS = re.compile(r"^Calls `([A-Z]+ /\S*)`\.$", re.MULTILINE)
COMMANDS = dict(list_commands())
BY_OPERATION = {told: words for words, command in COMMANDS.items() for told in CALLS.findall((command.help or "").replace("\\[", "["))}
PAGED = {"limit", "after"}
TOLD_OTHERWISE = {"predict": {"features": "ids"}, "records send": {"records": "file", "idempotency_key": "file"}}
"""What commands written by hand take in place of a field."""


def list_told(operation: Described) -> set[str]:
    """Return the names of everything that a caller may say."""
    samples = Samples(DOCUMENTS[operation.api])
    names = {each["name"].replace("-", "_").lower() for each in operation.parameters() if each["name"] not in NOT_TAKEN}
    schema = operation.body_schema()
    return names | (set() if schema is None else samples.make(schema).keys())


def test_every_operation_has_a_command() -> None:
    assert BY_OPERATION.keys() == {str(operation) for operation in OPERATIONS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_a_command_takes_all_that_the_operation_does(operation: Described) -> None:
    words = BY_OPERATION[str(operation)]
    taken = {each.name for each in COMMANDS[words].params}
    told = list_told(operation)
    if "everything" in taken:
        told -= PAGED
    otherwise = TOLD_OTHERWISE.get(" ".join(words), {})

    assert {otherwise.get(name, name) for name in told} <= taken


def test_commands_are_called_by_group_and_verb() -> None:
    assert {
        ("datasets", "list"),
        ("models", "move-alias"),
        ("experiments", "certificate"),
        ("jobs", "wait"),
        ("predict",),
    } <= COMMANDS.keys()
    assert {" ".join(words) for words in COMMANDS} >= set(REPLACED.values())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_answers_as_json_unless_it_is_another_program(words: tuple[str, ...]) -> None:
    options = {each.name for each in COMMANDS[words].params}
    speechless = {
        ("demo",),
        ("experiments", "certify"),
        ("experiments", "verify"),
        *(("profiles", each) for each in ("add", "use", "remove")),
    }

    assert ("as_json" in options) == (words not in speechless)


def find_options(command: TyperCommand) -> set[str]:
    return {opt for each in command.params for opt in (*each.opts, *each.secondary_opts)}


def test_what_deletes_asks_and_what_starts_a_job_can_wait() -> None:
    asking = {words for words, command in COMMANDS.items() if "--yes" in find_options(command)}
    waiting = {words for words, command in COMMANDS.items() if "--wait" in find_options(command)}

    assert asking == {
        ("api-keys", "revoke"),
        ("credentials", "delete"),
        ("datasets", "discard-quarantined-load"),
        ("experiments", "stop"),
        ("profiles", "remove"),
        ("users", "remove"),
        ("webhooks", "delete"),
    }
    assert waiting == {
        ("datasets", "create-amplitude-import"),
        ("datasets", "create-import"),
        ("datasets", "create-warehouse-import"),
        ("datasets", "release-quarantined-load"),
        ("datasets", "upload"),
        ("experiments", "create-analysis"),
        ("models", "create-batch-prediction"),
        ("models", "create-build"),
        ("models", "create-drift-report"),
        ("models", "create-off-policy-estimate"),
        ("models", "create-snapshot"),
    }
