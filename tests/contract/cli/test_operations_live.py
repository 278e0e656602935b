"""Every operation is called by its command, against the applications behind sockets, with the request that is known to succeed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.fixtures.command_line import CommandLine, Ended
from tests.fixtures.furnished import OF_THE_OPERATOR, OPERATOR, Furnished
from tests.fixtures.live_apis import LiveApis, serve, serve_apis
from tests.fixtures.schema_samples import Samples
from tests.fixtures.serving import NOW
from tests.unit.cli.test_operations import BY_OPERATION, COMMANDS, find_options
from tests.unit.clients.test_operations import DOCUMENTS, OPERATIONS, Described

WORKSPACE = {each.written["operationId"]: each for each in OPERATIONS if each.api == "workspace"}
READING = [name for name, each in WORKSPACE.items() if each.verb == "GET"]
CASES = [
    *(pytest.param(name, True, id=name) for name in WORKSPACE),
    *(pytest.param(name, False, id=f"{name}-body") for name, each in WORKSPACE.items() if each.body_schema()),
]
PUBLIC = [str(each) for each in OPERATIONS if each.api == "public"]
RECORD = {"entity_id": "c1", "event_timestamp": NOW.isoformat(), "values": {"spent": 1.5}}


class Readable(Furnished):
    """A furnished workspace whose reports are what the document promises."""

    def write_report(self, operation: str, model_id: str = "") -> bytes:
        _, content = WORKSPACE[operation].answer()
        if "application/json" not in content:
            return super().write_report(operation, model_id)
        return json.dumps(Samples(DOCUMENTS["workspace"]).make(content["application/json"]["schema"])).encode()


@pytest.fixture
def furnished() -> Readable:
    return Readable()


@pytest.fixture
def command_line(furnished: Readable, tmp_path: Path) -> Iterator[CommandLine]:
    with serve(furnished.client.application) as url:
        yield CommandLine(tmp_path, {"PRESAGE_BACKEND_URL": url, "PRESAGE_TOKEN": furnished.tokens["owner"]})


def write_arguments(operation: Described, path: str, body: Any, *, options: bool) -> list[str]:  # noqa: ANN401 - JSON
    """Return a request as a command line, its body field by field or as a whole."""
    parts = urlsplit(path)
    pattern = re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(operation.path))
    found = re.fullmatch(pattern, f"/api/v1{parts.path}")
    assert found
    words = [*BY_OPERATION[str(operation)], *found.groups()]
    for name, value in parse_qsl(parts.query):
        words += [f"--{name}", value]
    if not options:
        return [*words, "--body", json.dumps(body or {})]
    for name, value in (body or {}).items():
        words += write_option(f"--{name.replace('_', '-')}", value)
    return words


def write_option(option: str, value: Any) -> list[str]:  # noqa: ANN401 - JSON
    if isinstance(value, bool):
        return [option if value else f"--no-{option[2:]}"]
    if isinstance(value, dict | list) or (isinstance(value, str) and option == "--default"):
        return [option, json.dumps(value)]
    return [option, str(value)]


def agree(words: list[str]) -> list[str]:
    """Return a command line that does not ask."""
    command = next(command for names, command in COMMANDS.items() if list(names) == words[: len(names)])
    return [*words, "--yes"] if "--yes" in find_options(command) else words


def choose_token(name: str, line: CommandLine) -> CommandLine:
    """Return the command line with the operator's token for what is the operator's."""
    return CommandLine(line.home, {**line.variables, "PRESAGE_TOKEN": OPERATOR}) if name in OF_THE_OPERATOR else line


@pytest.mark.parametrize(("name", "options"), CASES)
def test_an_operation_of_the_workspace_api_succeeds(name: str, options: bool, furnished: Readable, command_line: CommandLine) -> None:  # noqa: FBT001 - a parameter
    operation = WORKSPACE[name]
    _, path, body = furnished.requests[name]
    line = choose_token(name, command_line)

    ended = line.run(*agree(write_arguments(operation, path, body, options=options)), "--json")

    assert ended.exit_code == 0, ended.err
    check_answer(operation, ended)


def check_answer(operation: Described, ended: Ended) -> None:
    """Fail unless what was written is what the document promises, of the same fields."""
    _, content = operation.answer()
    if not content:
        assert ended.json() is None
    elif "application/json" not in content:
        assert isinstance(ended.json(), str)
    else:
        promised = Samples(DOCUMENTS["workspace"]).make(content["application/json"]["schema"])
        is_list = "next" in promised and "--all" in find_options(COMMANDS[BY_OPERATION[str(operation)]])
        told = [json.loads(each) for each in ended.out.splitlines()] if is_list else [ended.json()]
        expected = promised["items"][0] if is_list else promised
        assert all(each.keys() <= expected.keys() and each for each in told)


@pytest.mark.parametrize("name", READING)
def test_an_answer_can_be_read(name: str, furnished: Readable, command_line: CommandLine) -> None:
    line = choose_token(name, command_line)

    ended = line.run(*write_arguments(WORKSPACE[name], furnished.requests[name][1], None, options=True))

    assert ended.exit_code == 0, ended.err
    assert ended.out or ended.err == "there are none\n"
    assert "\x1b" not in ended.out


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveApis]:
    with serve_apis(tmp_path_factory.mktemp("apis")) as apis:
        yield apis


@pytest.mark.parametrize("operation", PUBLIC)
def test_an_operation_of_the_prediction_api_succeeds_or_is_refused_as_documented(operation: str, apis: LiveApis, tmp_path: Path) -> None:
    url, key = apis.public
    line = CommandLine(tmp_path, {"PRESAGE_GATEWAY_URL": url, "PRESAGE_API_KEY": key})
    [answer] = line.run("predict", "buys-again", "c1", "--json").json()["results"]
    apis.world.ship()
    (tmp_path / "records.ndjson").write_text(json.dumps(RECORD))
    arguments = {
        "POST /v1/predict": ["buys-again", "c1", "--entry", '{"id": "c2", "orders__n": 3}'],
        "POST /v1/datasets/{dataset}/records": ["orders", str(tmp_path / "records.ndjson")],
        "GET /v1/predictions/{prediction_id}": [answer["prediction_id"]],
        "OPTIONS /v1/predict": ["--origin", "https://shop.example"],
        "OPTIONS /v1/datasets/{dataset}/records": ["orders", "--origin", "https://shop.example"],
        "GET /v1/openapi.json": [],
    }

    ended = line.run(*BY_OPERATION[operation], *arguments[operation], "--json")

    if operation.startswith("OPTIONS"):  # no key lists any origin here
        assert (ended.exit_code, ended.error()["code"], ended.out) == (4, "origin_not_allowed", "")
    else:
        assert ended.exit_code == 0, ended.err
        assert ended.json()
