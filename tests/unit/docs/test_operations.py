"""The commands in docs/operations.md and docs/infrastructure.md exist, as the SDK's service models and our own programs have them."""

import re
import shlex

import pytest
from botocore import xform_name
from botocore.session import get_session

from tests.fixtures.synthesis import ROOT, STAGES, read_synthesis

TEXT = (ROOT / "docs" / "operations.md").read_text()
INFRASTRUCTURE = (ROOT / "docs" / "infrastructure.md").read_text()
SERVICES = {"s3api": "s3"}
GLOBAL_OPTIONS = {"--query", "--output", "--region", "--profile"}


def list_commands(text: str) -> list[str]:
    """Every `aws …` of code blocks and code spans, comments left out."""
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    lines = [line.partition("  #")[0].strip() for block in blocks for line in block.splitlines()]
    spans = re.findall(r"`(aws [^`]+)`", re.sub(r"```sh\n.*?```", "", text, flags=re.DOTALL))
    return [line for line in (*lines, *spans) if line.startswith("aws ")]


def find_fault(command: str) -> str | None:
    """What is wrong with the command, if anything is."""
    _, service, operation, *arguments = shlex.split(command.replace("<", "").replace(">", ""))
    session = get_session()
    name = SERVICES.get(service, service)
    if name not in session.get_available_services():
        return f"no service {service}"
    model = session.get_service_model(name)
    operations = {xform_name(each, "-"): each for each in model.operation_names}
    if operation not in operations:
        return f"no operation {operation}"
    shape = model.operation_model(operations[operation]).input_shape
    members = shape.members if shape is not None else {}
    options = {f"--{xform_name(each, '-')}": each for each in members}
    options |= {f"--no-{xform_name(each, '-')}": each for each, member in members.items() if member.type_name == "boolean"}
    given = {each for each in arguments if each.startswith("--")} - GLOBAL_OPTIONS
    if given - options.keys():
        return f"no option {sorted(given - options.keys())}"
    missing = set(shape.required_members if shape is not None else ()) - {options[each] for each in given}
    return f"{sorted(missing)} required" if missing else None


def test_there_are_commands_for_every_store() -> None:
    services = {command.split()[1] for command in list_commands(TEXT)}

    assert {"rds", "dynamodb", "s3api", "redshift-serverless", "sqs", "secretsmanager", "route53", "elasticbeanstalk"} <= services


@pytest.mark.parametrize("command", list_commands(TEXT))
def test_a_command_exists_with_its_options(command: str) -> None:
    assert find_fault(command) is None


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("aws sqs move-everything", "no operation move-everything"),
        ("aws sqs delete-message --queue-url u --receipt r", "no option ['--receipt']"),
        ("aws sqs delete-message --queue-url u", "['ReceiptHandle'] required"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(command: str, fault: str) -> None:
    assert find_fault(command) == fault


def test_the_outputs_in_the_commands_are_the_stacks_outputs() -> None:
    forms = (read_synthesis("production"), read_synthesis("production", "spark_nodes=2"))
    outputs = {name for form in forms for template in form.templates.values() for name in template.get("Outputs", {})}
    named = {name for command in list_commands(TEXT) for name in re.findall(r"<([A-Z]\w+)>", command)}

    assert named
    assert named - outputs == set()


def test_the_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert set(re.findall(r"\bmake ([a-z]+)", TEXT)) - {"release", "rollback"} <= targets


def test_the_commands_of_the_construct_library_name_stacks_and_arguments_that_there_are() -> None:
    commands = re.findall(r"^npx cdk .*", TEXT + INFRASTRUCTURE, flags=re.MULTILINE)
    stacks = {name for stage in STAGES for name in read_synthesis(stage).templates}
    table = set(re.findall(r"^\| `([a-z_]+)`", INFRASTRUCTURE, flags=re.MULTILINE)) | {"account", "region", "domain", "alarm_email"}

    assert commands
    assert {name for command in commands for name in re.findall(r"\bPresage-[\w-]+", command)} <= stacks
    assert {name for command in commands for name in re.findall(r"-c (\w+)=", command)} <= table
    code = "".join(path.read_text() for path in (ROOT / "stacks").glob("*.py")) + (ROOT / "app.py").read_text()
    assert {name for name in table if f'"{name}"' not in code} == set()
