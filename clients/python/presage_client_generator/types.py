"""Python types of JSON Schemas: msgspec structs for objects, and annotations for the rest."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = Mapping[str, Any]
SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
FORMATS = {"date-time": "datetime", "date": "date"}
SECRET_NAMES = {"token", "secret", "password"}
SECRETS = {"ApiKeyView": {"key"}, "Upload": {"url"}, "BatchPredictionFile": {"url"}}
"""Fields that no repr shows: those of these names, and these."""
UNIONS = {
    ("NumberSummary", "ValueSummary"): "ColumnSummary",
    ("PolicyValue", "Undecided"): "PolicyEstimate",
    ("Explanation", "ItemsExplanation"): "AnyExplanation",
    ("RowExplanation", "ItemsExplanation"): "AnyExplanation",
    ("PredictionResult", "EntryFailure"): "EntryAnswer",
}
"""What the struct is called that stands for several."""


@dataclass
class Member:
    """One field of a struct."""

    name: str
    annotation: str
    default: str | None
    description: str


@dataclass
class Struct:
    """A struct to write."""

    name: str
    description: str
    members: list[Member] = field(default_factory=list)

    @property
    def secrets(self) -> list[str]:
        """The fields that no repr shows."""
        told = SECRET_NAMES | SECRETS.get(self.name, set())
        return [member.name for member in self.members if member.name in told]


class Types:
    """The structs of one document, collected as operations ask for them."""

    def __init__(self, document: Mapping[str, Any], *, inputs: set[str]) -> None:
        self._schemas: Mapping[str, Schema] = document["components"]["schemas"]
        self._inputs = inputs
        self.structs: dict[str, Struct] = {}
        self._sources: dict[str, list[Schema]] = {}

    def annotate(self, schema: Schema, *, name: str, strict: bool = False) -> str:
        """Return the annotation of a schema, and collect the structs that it names.

        Args:
            schema: The schema.
            name: What a struct of a schema without a name of its own is called.
            strict: Whether values of an enumeration are checked: in requests only, as answers may get values that this client
                does not know yet.
        """
        if "$ref" in schema:
            return self._reference(schema["$ref"].rpartition("/")[2], strict=strict)
        if "enum" in schema or "const" in schema:
            return self._enumeration(schema, strict=strict)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self._union(schema[several], name=name, strict=strict)
        kinds = schema.get("type", "object" if "allOf" in schema or "properties" in schema else None)
        if isinstance(kinds, list):
            return join_union([self._kind({**schema, "type": kind}, name=name, strict=strict) for kind in kinds])
        return self._kind(schema, name=name, strict=strict)

    def properties(self, schema: Schema) -> tuple[dict[str, Schema], set[str]]:
        """Return the properties of an object, those of all it consists of, and which are required."""
        schema = self.resolve(schema)
        found, required = dict(schema.get("properties", {})), set(schema.get("required", ()))
        for part in schema.get("allOf", ()):
            more, needed = self.properties(part)
            found, required = {**more, **found}, required | needed
        return found, required

    def resolve(self, schema: Schema) -> Schema:
        """Return what a reference stands for."""
        return self._schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def _reference(self, name: str, *, strict: bool) -> str:
        schema = self._schemas[name]
        if not is_struct(schema):
            return self.annotate(schema, name=name, strict=strict)
        self._collect(name, [schema], strict=name in self._inputs)
        return name

    def _enumeration(self, schema: Schema, *, strict: bool) -> str:
        values = schema.get("enum", [schema.get("const")])
        if strict:
            return f"Literal[{', '.join(repr(value) if value is not None else 'None' for value in values)}]"
        names = {type(value): SCALARS_OF[type(value)] for value in values}
        return join_union(list(names.values()))

    def _union(self, alternatives: list[Schema], *, name: str, strict: bool) -> str:
        structs = [each for each in alternatives if is_struct(self.resolve(each))]
        if len(structs) > 1:  # on the wire nothing tells them apart: one struct has the fields of all
            of = tuple(each["$ref"].rpartition("/")[2] for each in structs)
            name = UNIONS.get(of, "Or".join(of))
            description = f"{' or '.join(f'`{each}`' for each in of)}: has the fields of the one that it is."
            self._collect(name, [self.resolve(each) for each in structs], strict=strict, description=description)
            alternatives = [each for each in alternatives if each not in structs]
            return join_union([name, *(self.annotate(each, name=name, strict=strict) for each in alternatives)])
        return join_union([self.annotate(each, name=name, strict=strict) for each in alternatives])

    def _kind(self, schema: Schema, *, name: str, strict: bool) -> str:
        kind = schema.get("type", "object" if "allOf" in schema or "properties" in schema else None)
        if kind == "array":
            return f"list[{self.annotate(schema.get('items', {}), name=singular(name), strict=strict)}]"
        if kind == "object":
            return self._object(schema, name=name, strict=strict)
        if kind == "string":
            return FORMATS.get(schema.get("format", ""), "str")
        return SCALARS[kind] if kind else "Any"

    def _object(self, schema: Schema, *, name: str, strict: bool) -> str:
        if is_struct(schema):
            self._collect(name, [schema], strict=strict)
            return name
        values = schema.get("additionalProperties")
        inner = (
            self.annotate(values, name=singular(name), strict=strict)
            if isinstance(values, Mapping) and not schema.get("properties")
            else "Any"
        )
        return f"dict[str, {inner}]"

    def _collect(self, name: str, schemas: list[Schema], *, strict: bool, description: str = "") -> None:
        if self._sources.setdefault(name, schemas) != schemas or (name in self._schemas and schemas != [self._schemas[name]]):
            raise ValueError(f"two schemas would be called {name}")
        if name in self.structs:
            return
        told = description or str(schemas[0].get("description", "")) or describe_name(name)
        struct = self.structs[name] = Struct(name, told)
        parts = [self.properties(schema) for schema in schemas]
        needed = set.intersection(*(required for _, required in parts))
        for each, schema in {each: schema for found, _ in parts for each, schema in found.items()}.items():
            if keyword.iskeyword(each):
                raise ValueError(f"{name}.{each} is a keyword of Python")
            annotation = self.annotate(schema, name=name + pascal(each), strict=strict)
            default = None if each in needed else write_default(schema)
            if default == "UNSET":
                annotation = join_union([annotation, "UnsetType"])
            struct.members.append(Member(each, annotation, default, str(schema.get("description", ""))))


SCALARS_OF = {str: "str", int: "int", float: "float", bool: "bool", type(None): "None"}


def is_struct(schema: Schema) -> bool:
    """Return whether an object has fields and only those: one with other keys too is a dict."""
    return "allOf" in schema or (bool(schema.get("properties")) and not isinstance(schema.get("additionalProperties"), Mapping))


def write_default(schema: Schema) -> str:
    """Return the default of a field that may be missing, as source text."""
    if "default" not in schema:
        return "UNSET"
    value = schema["default"]
    return repr(value) if not value or not isinstance(value, list | dict) else f"field(default_factory=lambda: {value!r})"


def join_union(annotations: list[str]) -> str:
    """Return a union with None last and nothing twice."""
    flat = [part for annotation in annotations for part in split_union(annotation)]
    unique = list(dict.fromkeys(flat))
    if "Any" in unique:
        return "Any"
    return " | ".join([each for each in unique if each != "None"] + ["None"] * ("None" in unique))


def split_union(annotation: str) -> list[str]:
    """Return the members of a union, brackets respected."""
    parts, depth = [""], 0
    for piece in annotation.split(" | "):
        parts[-1] += piece if not parts[-1] else f" | {piece}"
        depth += piece.count("[") - piece.count("]")
        if depth == 0:
            parts.append("")
    return parts[:-1]


def singular(name: str) -> str:
    """Return what one of many is called."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else f"{name}Item"


def describe_name(name: str) -> str:
    """Return what is told of a schema that tells nothing itself."""
    return f"A page of `{name.removesuffix('Page')}`." if name.endswith("Page") else f"`{name}` of the document."


def pascal(name: str) -> str:
    """Return a name in the form of classes."""
    return "".join(part[:1].upper() + part[1:] for part in name.replace("-", "_").split("_"))
