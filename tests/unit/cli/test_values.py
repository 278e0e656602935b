from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer

from presage_cli.methods import Method, list_methods
from presage_cli.values import choose_form, collect, read_text_or_json


def find_method(key: str) -> Method:
    group, _, name = key.partition(".")
    return next(each for each in list_methods(group) if each.name == name)


METRIC = {"name": "bought", "kind": "conversion", "dataset": "orders"}


def test_options_are_read_as_what_the_method_takes(tmp_path: Path) -> None:
    gates = tmp_path / "gates.json"
    gates.write_text('{"min_days": 3}')
    given = {"name": "trial", "model": "again", "planned_units": 2000, "primary": json.dumps(METRIC), "gates": f"@{gates}", "secondary": []}

    found = collect(find_method("experiments.create"), given, None)

    assert found == {"name": "trial", "model": "again", "planned_units": 2000, "primary": METRIC, "gates": {"min_days": 3}}


def test_lists_are_repeated_options_and_arrays_count_as_their_items() -> None:
    columns = [{"name": name, "type": "number"} for name in ("a", "b", "c")]
    given = {"name": "orders", "entity": "customer", "columns": [json.dumps(columns[0]), json.dumps(columns[1:])]}

    assert collect(find_method("datasets.create"), given, None)["columns"] == columns
    assert choose_form(find_method("api_keys.create").arguments[4].hint).metavar == "predict|records.write|predictions.read"


def test_the_body_has_all_fields_and_options_go_before_it() -> None:
    body = json.dumps({"name": "from the body", "model": "again", "primary": METRIC, "planned_units": 1, "segment": None})

    found = collect(find_method("experiments.create"), {"name": "from an option"}, body)

    assert (found["name"], found["model"], found["segment"]) == ("from an option", "again", None)


@pytest.mark.parametrize(
    ("key", "given", "body", "told"),
    [
        ("datasets.create", {"entity": "customer"}, None, "is needed, here or in --body"),
        ("datasets.create", {"name": "a", "entity": "b", "columns": ["{"]}, None, "is no JSON"),
        ("datasets.create", {"name": "a", "entity": "b", "columns": ['{"name": "c"}']}, None, "required field `type`"),
        ("datasets.create", {"name": "a", "entity": "b", "columns": ['{"name": "c", "type": "text"}']}, None, "Invalid enum value 'text'"),
        ("datasets.create", {}, "[]", "is no JSON object"),
        ("datasets.create", {}, '{"nam": "a"}', "has no field nam; there are: columns, entity, name"),
        ("datasets.create", {}, '{"name": 3, "entity": "b"}', "Expected `str"),
        ("api_keys.create", {"name": "a", "expires_at": "2026-01-01T00:00:00"}, None, "write 2026-01-01T00:00:00Z"),
        ("api_keys.create", {"name": "a", "expires_at": "soon"}, None, "Invalid RFC3339"),
        ("api_keys.create", {"name": "a", "scopes": ["predict", "all"]}, None, "Invalid enum value 'all'"),
        ("predictions.list", {"day": "yesterday"}, None, "Invalid RFC3339"),
    ],
)
def test_what_the_api_could_not_understand_is_not_sent(key: str, given: dict[str, Any], body: str | None, told: str) -> None:
    with pytest.raises(typer.BadParameter, match=told.replace("`", ".")):
        collect(find_method(key), given, body)


@pytest.mark.parametrize(("text", "value"), [("none", "none"), ('"0"', "0"), ("0.5", 0.5), ('["a", "b"]', ["a", "b"])])
def test_a_default_is_json_or_else_a_text(text: str, value: object) -> None:
    assert read_text_or_json(text) == value


def test_a_cursor_is_a_number_or_a_time() -> None:
    form = choose_form(next(each.hint for each in find_method("datasets.create_warehouse_import").arguments if each.name == "since"))

    assert (form.metavar, form.read("42"), form.read("2026-01-01T00:00:00Z")) == ("INT|TIME", 42, "2026-01-01T00:00:00Z")


def test_names_of_commands_leave_out_what_the_group_says() -> None:
    names = {
        key: find_method(key).command for key in ("models.get_model_card", "webhooks.list_webhook_deliveries", "datasets.get", "jobs.list")
    }

    assert list(names.values()) == ["card", "deliveries", "get", "list"]


def test_helps_are_the_documents() -> None:
    method = find_method("api_keys.create")
    helps = {each.name: each.help for each in method.arguments}

    assert method.summary == "Create an API key in a usage plan."
    assert helps["kind"].startswith("A secret key is for servers.")
    assert helps["kind"].endswith("send records, no more.")
    assert helps["name"] == ""
