"""Values of options: what Typer reads itself, and what is JSON, a time or a list here."""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Union

import msgspec
import typer

from presage_cli.methods import Argument, Method

JSON = "JSON|@FILE"
SCALARS: dict[Any, str] = {str: "TEXT", int: "INT", float: "NUMBER"}
MOMENTS: dict[Any, str] = {datetime: "TIME", date: "DATE"}


def keep(value: Any) -> Any:  # noqa: ANN401 - any option's
    """Return a value as it is."""
    return value


@dataclass(frozen=True)
class Form:
    """How a value is written on the command line: its type for Typer, what stands for it in the help, and how it is read."""

    annotation: Any
    metavar: str | None
    read: Callable[[Any], Any] = keep


def strip(hint: Any) -> Any:  # noqa: ANN401 - a type
    """Return a hint without what says that a value may be missing."""
    members = [each for each in list_members(hint) if each not in {msgspec.UnsetType, type(None)}]
    return Union[tuple(members)]  # noqa: UP007 - of members that are known here only


def list_members(hint: Any) -> tuple[Any, ...]:  # noqa: ANN401 - a type
    """Return the members of a union, or the hint itself."""
    return typing.get_args(hint) if typing.get_origin(hint) in {Union, types.UnionType} else (hint,)


def choose_form(hint: Any) -> Form:  # noqa: ANN401 - a type
    """Return how values of a hint are written."""
    hint = strip(hint)
    origin = typing.get_origin(hint)
    if origin is Sequence:
        return choose_list_form(choose_form(typing.get_args(hint)[0]))
    if origin is Union:
        return choose_union_form(list_members(hint))
    if origin is Literal or hint is bool:
        return Form(hint, None)
    if hint in SCALARS:
        return Form(hint, SCALARS[hint])
    return Form(str, MOMENTS[hint]) if hint in MOMENTS else Form(str, JSON, read_json)


def choose_list_form(inner: Form) -> Form:
    """Return how a list is written: its option is repeated, and an array counts as its items."""
    if inner.metavar == JSON:
        return Form(list[str], JSON, lambda texts: [item for text in texts for item in as_list(read_json(text))])
    if typing.get_origin(inner.annotation) is Literal:  # Typer knows no lists of choices: `check` refuses others
        return Form(list[str], "|".join(typing.get_args(inner.annotation)))
    return Form(list[inner.annotation], inner.metavar)  # type: ignore[name-defined]  # known here only


def choose_union_form(members: tuple[Any, ...]) -> Form:
    """Return how one of several types is written."""
    if str in members:
        return Form(str, "TEXT|JSON|@FILE", read_text_or_json)
    return Form(str, "|".join({**SCALARS, **MOMENTS}[each] for each in members), read_scalar)


def name_fields(hint: Any) -> str:  # noqa: ANN401 - a type
    """Return the fields that an object of a hint has, those that may be missing in brackets; nothing for any other hint."""
    hint = strip(hint)
    if typing.get_origin(hint) is Sequence:
        return name_fields(typing.get_args(hint)[0])
    if not (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return ""
    fields = (each.name if each.required else f"[{each.name}]" for each in msgspec.structs.fields(hint))
    return f"An object with {', '.join(fields)}."


def as_list(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Return a list, or one thing as a list."""
    return value if isinstance(value, list) else [value]


def read_source(text: str) -> str:
    """Return what stands for a value: the text itself, `@-` for standard input, `@name` for a file."""
    if text == "@-":
        return sys.stdin.read()
    return Path(text[1:]).read_text() if text.startswith("@") else text


def read_json(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a JSON text, or of a file's.

    Raises:
        typer.BadParameter: It is no JSON.
    """
    try:
        return msgspec.json.decode(read_source(text))
    except msgspec.DecodeError as error:
        raise typer.BadParameter(f"{text!r} is no JSON: {error}") from None


def read_text_or_json(text: str) -> Any:  # noqa: ANN401 - JSON
    """Return the value of a JSON text or of a file's, or the text itself where it is no JSON."""
    try:
        return read_json(text)
    except typer.BadParameter:
        return text


def read_scalar(text: str) -> int | str:
    """Return a whole number as such, and any other text as it is."""
    return int(text) if text.lstrip("-").isdecimal() else text


def check(argument: Argument, value: Any) -> None:  # noqa: ANN401 - any option's
    """Refuse a value that the API could not understand.

    Raises:
        typer.BadParameter: It is not of the argument's type, or a time without a zone.
    """
    try:
        # what is not told apart from a missing value is not converted: None is sent as null
        found = msgspec.convert(value, strip(argument.hint) | None)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error), param_hint=name_option(argument.name)) from None
    if isinstance(found, datetime) and found.tzinfo is None:
        raise typer.BadParameter(f"{value} has no time zone; for UTC, write {value}Z", param_hint=name_option(argument.name))


def collect(method: Method, given: Mapping[str, Any], body: str | None) -> dict[str, Any]:
    """Return the arguments of a call: the body's fields, and over them what options say.

    Raises:
        typer.BadParameter: One is missing, unknown, or not of its type.
    """
    known = {each.name: each for each in method.arguments}
    found = read_body(method, body)
    for name, value in given.items():
        if value not in (None, []):
            found[name] = choose_form(known[name].hint).read(value)
    for name, argument in known.items():
        if name in found:
            check(argument, found[name])
        elif argument.is_required:
            raise typer.BadParameter(
                "is needed" + (", here or in --body" if argument in method.fields else ""), param_hint=name_option(name)
            )
    return found


def read_body(method: Method, body: str | None) -> dict[str, Any]:
    """Return the fields of a body that was given as a whole.

    Raises:
        typer.BadParameter: It is no object, or has fields that are not the operation's.
    """
    if body is None:
        return {}
    found, names = read_json(body), {each.name for each in method.fields}
    if not isinstance(found, dict):
        raise typer.BadParameter("is no JSON object", param_hint="--body")
    if unknown := sorted(found.keys() - names):
        raise typer.BadParameter(f"has no field {', '.join(unknown)}; there are: {', '.join(sorted(names))}", param_hint="--body")
    return found


def name_option(name: str) -> str:
    """Return an argument's option."""
    return f"--{name.replace('_', '-')}"
