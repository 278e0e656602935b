"""What is generated is what the generator makes of the documents now, and what is not stays short."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from presage_client import models, public_models
from presage_client.model import ApiStruct
from presage_client_generator.__main__ import PACKAGE, generate
from presage_client_generator.operations import list_inputs, read_operations
from presage_client_generator.types import Types
from presage_client_generator.writing import NOTE, write_models

MOST_LINES = 300
SCHEMAS: dict[str, Any] = {
    "Cat": {"type": "object", "description": "Purrs\nlow.", "required": ["name", "lives"], "properties": {"name": {}, "lives": {}}},
    "Dog": {"type": "object", "required": ["name"], "properties": {"name": {}, "token": {"type": "string"}}},
    "Zoo": {
        "type": "object",
        "required": ["animals", "kind"],
        "properties": {
            "animals": {"type": "array", "items": {"anyOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}]}},
            "kind": {"enum": ["public", "private"]},
            "gates": {"type": "array", "items": {"type": "object", "properties": {"width": {"type": ["number", "null"]}}}},
            "founded": {"type": "string", "format": "date", "description": "When."},
        },
    },
}


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    return generate()


def read_zoo(schemas: dict[str, Any], *, inputs: set[str] | None = None) -> Types:
    types = Types({"components": {"schemas": schemas}}, inputs=inputs or set())
    types.annotate({"$ref": "#/components/schemas/Zoo"}, name="")
    return types


def test_generated_modules_are_what_the_generator_makes_now(generated: dict[str, str]) -> None:
    stale = [name for name, text in generated.items() if (PACKAGE / name).read_text() != text]

    assert stale == [], "run `make client`"


def test_modules_written_by_hand_are_short_and_generated_ones_say_so(generated: dict[str, str]) -> None:
    long: dict[str, int] = {}
    for path in sorted(Path(PACKAGE).parent.rglob("*.py")):
        text = path.read_text()
        assert (NOTE in text) == (path.parent == PACKAGE and path.name in generated) or path.name == "writing.py"
        if path.name not in generated or path.parent != PACKAGE:
            long |= {path.name: lines} if (lines := len(text.splitlines())) > MOST_LINES else {}

    assert long == {}


def test_a_union_of_structs_is_one_struct_with_the_fields_of_all() -> None:
    structs = read_zoo(SCHEMAS).structs

    assert [(each.name, each.annotation, each.default) for each in structs["CatOrDog"].members] == [
        ("name", "Any", None),
        ("lives", "Any", "UNSET"),
        ("token", "str | UnsetType", "UNSET"),
    ]
    assert structs["CatOrDog"].description == "`Cat` or `Dog`: has the fields of the one that it is."
    assert structs["CatOrDog"].secrets == ["token"]


def test_enumerations_are_closed_in_what_is_sent_and_open_in_what_is_answered() -> None:
    kinds = [
        next(each.annotation for each in read_zoo(SCHEMAS, inputs=inputs).structs["Zoo"].members if each.name == "kind")
        for inputs in (set(), {"Zoo"})
    ]

    assert kinds == ["str", "Literal['public', 'private']"]


def test_an_unnamed_schema_is_called_by_where_it_is_and_never_as_another_one() -> None:
    assert [each.annotation for each in read_zoo(SCHEMAS).structs["ZooGate"].members] == ["float | UnsetType | None"]
    with pytest.raises(ValueError, match="two schemas would be called ZooGate"):
        read_zoo(SCHEMAS | {"ZooGate": {"type": "object", "properties": {}}})


def test_a_field_named_as_a_keyword_is_refused() -> None:
    with pytest.raises(ValueError, match="is a keyword"):
        read_zoo({"Zoo": {"type": "object", "properties": {"class": {"type": "string"}}}})


def test_parameters_of_one_name_are_refused() -> None:
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Zoo"}}}}
    parameter = {"name": "kind", "in": "query", "schema": {"type": "string"}}
    operation = {"operationId": "createZoo", "parameters": [parameter], "requestBody": body, "responses": {"204": {}}}
    document = {"paths": {"/api/v1/zoos": {"post": operation}}, "components": {"schemas": SCHEMAS}}

    assert list_inputs(document) == {"Zoo", "Cat", "Dog"}
    with pytest.raises(ValueError, match="createZoo has two parameters of one name"):
        read_operations(document, api="workspace", types=Types(document, inputs=set()))


def test_written_models_can_be_read() -> None:
    text = write_models(read_zoo(SCHEMAS).structs.values(), "A zoo.")
    scope: dict[str, Any] = {"__name__": "zoo"}

    exec(compile(text, "zoo.py", "exec"), scope)  # noqa: S102 - what was just generated

    assert re.findall(r"^class (\w+)", text, re.MULTILINE) == ["CatOrDog", "Zoo", "ZooGate"]
    assert scope["CatOrDog"].__doc__ == "`Cat` or `Dog`: has the fields of the one that it is."


def test_every_struct_resolves_its_annotations() -> None:
    structs = [each for module in (models, public_models) for each in vars(module).values() if isinstance(each, type)]
    structs = [each for each in structs if issubclass(each, ApiStruct) and each is not ApiStruct]

    assert len(structs) > 100
    assert all(msgspec.structs.fields(each) for each in structs)
