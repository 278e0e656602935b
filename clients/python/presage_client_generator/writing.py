"""The source text of the client's generated modules."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from presage_client_generator.operations import Operation, Parameter
from presage_client_generator.types import Struct, join_union, pascal

NOTE = "Generated from docs/openapi by `python -m presage_client_generator`; not edited by hand."
MODULES = {"workspace": "m", "public": "p"}


def write_models(structs: Iterable[Struct], title: str) -> str:
    """Return the module of a document's structs."""
    lines = [
        f'"""{title}\n\n{NOTE}\n"""\n',
        "from __future__ import annotations\n",
        "from datetime import date, datetime",
        "from typing import Any, ClassVar, Literal\n",
        "from msgspec import UNSET, UnsetType, field\n",
        "from presage_client.model import ApiStruct\n",
    ]
    for struct in sorted(structs, key=lambda struct: struct.name):
        lines += ["", f"class {struct.name}(ApiStruct, kw_only=True):", *write_docstring(join_lines(struct.description), 4)]
        if struct.secrets:
            lines += [f"    secrets: ClassVar[frozenset[str]] = frozenset({struct.secrets!r})", ""]
        for member in struct.members:
            lines.append(f"    {member.name}: {member.annotation}" + (f" = {member.default}" if member.default is not None else ""))
            if member.description:
                lines += write_docstring(join_lines(member.description), 4)
        lines.append("")
    return "\n".join(lines)


def write_operations(operations: Iterable[Operation]) -> str:
    """Return the module that describes each operation once, for the sync and the async client."""
    lines = [
        f'"""What is called how, for the sync and the async client.\n\n{NOTE}\n"""\n',
        "from typing import Any\n",
        "from presage_client import models as m",
        "from presage_client import public_models as p",
        "from presage_client.operation import Operation\n",
    ]
    for each in operations:
        answer = qualify(each.answer, each.api)
        kind = "type(None)" if answer == "None" else "dict" if answer.startswith("dict[") else answer
        options = ", takes_idempotency_key=True" * each.takes_key + ", takes_gzip=True" * each.takes_gzip
        lines += [
            f"{each.constant}: Operation[{answer}] = Operation(",
            f'    "{each.operation_id}", "{each.verb}", "{each.path}", api="{each.api}", answer={kind}{options}',
            ")",
        ]
    return "\n".join(lines) + "\n"


def write_resources(operations: list[Operation], *, asynchronous: bool) -> str:
    """Return the module of the groups' methods, sync or async."""
    prefix, kind = ("Async", "async") if asynchronous else ("", "sync")
    groups = list(dict.fromkeys(each.group for each in operations))
    lines = [
        f'"""The operations by group, {kind}.\n\n{NOTE}\n"""\n',
        "from __future__ import annotations\n",
        "from collections.abc import Mapping, Sequence",
        "from datetime import date, datetime",
        "from typing import Any, Literal\n",
        "from msgspec import UNSET, UnsetType\n",
        "from presage_client import models as m",
        "from presage_client import operations as o",
        "from presage_client import public_models as p",
        f"from presage_client.caller import {prefix}Caller, {prefix}Pages",
        "from presage_client.operation import Arguments\n",
    ]
    for group in groups:
        name = f"{prefix}{pascal(group)}"
        lines += ["", f"class {name}:", f'    """Operations on `{group}`."""\n']
        lines += [f"    def __init__(self, caller: {prefix}Caller) -> None:", "        self._caller = caller\n"]
        for each in operations:
            if each.group == group:
                lines += [*write_method(each, prefix=prefix), ""]
    lines += [
        "",
        f"class {prefix}Groups:",
        f'    """All groups of operations, {kind}."""\n',
        f"    def __init__(self, caller: {prefix}Caller) -> None:",
    ]
    lines += [f"        self.{group} = {prefix}{pascal(group)}(caller)" for group in groups]
    return "\n".join(lines) + "\n"


def write_method(each: Operation, *, prefix: str) -> Iterator[str]:
    """Yield the lines of one method."""
    paged, asynchronous = each.item is not None, bool(prefix)
    path = [parameter for parameter in each.parameters if parameter.place == "path"]
    rest = sorted((parameter for parameter in each.parameters if parameter.place != "path"), key=lambda parameter: not parameter.required)
    answer = f"{prefix}Pages[{qualify(each.item, each.api)}]" if each.item else qualify(each.answer, each.api)
    arguments = ["self", *(declare(parameter, each.api) for parameter in path), *(["*"] if rest else [])]
    arguments += [declare(parameter, each.api) for parameter in rest]
    yield f"    {'async ' if asynchronous and not paged else ''}def {each.method}({', '.join(arguments)}) -> {answer}:"
    yield from write_docstring(describe(each), 8)
    call = f"self._caller.{'pages' if paged else 'call'}(o.{each.constant}, Arguments({write_arguments(each)}))"
    yield (
        f"        return {'await ' if asynchronous and not paged else ''}{call}"
        if each.answer != "None"
        else f"        {'await ' if asynchronous else ''}{call}"
    )


def declare(parameter: Parameter, api: str) -> str:
    """Return a parameter as a signature has it."""
    annotation = qualify(parameter.annotation, api)
    return f"{parameter.name}: {annotation}" if parameter.required else f"{parameter.name}: {join_union([annotation, 'UnsetType'])} = UNSET"


def write_arguments(each: Operation) -> str:
    """Return what a method hands on, by where it goes."""
    places = {"path": "path", "query": "query", "header": "headers", "body": "body"}
    written = []
    for place, name in places.items():
        pairs = [f'"{parameter.wire_name}": {parameter.name}' for parameter in each.parameters if parameter.place == place]
        if pairs or (place == "body" and each.has_body):
            written.append(f"{name}={{{', '.join(pairs)}}}")
    return ", ".join(written)


def describe(each: Operation) -> str:
    """Return a method's docstring."""
    parts = [end(each.summary), join_lines(each.description), f"`{each.verb} {each.path}`"]
    told = [f"{parameter.name}: {' '.join(parameter.description.split())}" for parameter in each.parameters if parameter.description]
    text = "\n\n".join(part for part in parts if part)
    return text + ("\n\nArgs:\n" + "\n".join(f"    {line}" for line in told) if told else "")


def join_lines(text: str) -> str:
    """Return a text with its paragraphs in one line each."""
    return re.sub(r"(?<=\S)\n(?=[^\s-])", " ", text.strip())


def end(text: str) -> str:
    """Return a summary as a sentence."""
    return text if text.endswith(".") else f"{text}."


def qualify(annotation: str | None, api: str) -> str:
    """Return an annotation with its structs' module named."""
    words = r"\b(?!Sequence|Mapping|Literal|Any|None|UnsetType)([A-Z][A-Za-z0-9]*)\b(?!['\"])"
    return re.sub(words, rf"{MODULES[api]}.\1", annotation or "")


def write_docstring(text: str, indent: int) -> list[str]:
    """Return a docstring's lines, wrapped."""
    margin = " " * indent
    paragraphs: list[str] = []
    for line in text.strip().replace("\\", "\\\\").replace('"""', "'''").splitlines():
        paragraphs += textwrap.wrap(line.rstrip(), 130 - indent, subsequent_indent=re.match(r"\s*", line)[0]) or [""]  # type: ignore[index]
    if len(paragraphs) == 1 and len(paragraphs[0]) < 124 - indent and not paragraphs[0].endswith('"'):
        return [f'{margin}"""{paragraphs[0]}"""']
    return [f'{margin}"""{paragraphs[0]}', *(f"{margin}{line}".rstrip() for line in paragraphs[1:]), f'{margin}"""']
