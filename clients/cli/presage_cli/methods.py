"""The client's methods as data: what each takes, answers and does, as its signature and its docstring say."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from presage_client import models as m
from presage_client.caller import Pages
from presage_client.resources import Groups

CALL = re.compile(r"^`([A-Z]+) (/\S*)`$", re.MULTILINE)
HEADERS = {"idempotency_key", "origin"}
IRREVERSIBLE = {"experiments.stop", "datasets.discard_quarantined_load"}
"""What cannot be undone, beside all that deletes."""


@dataclass(frozen=True)
class Argument:
    """One argument of a method."""

    name: str
    hint: Any
    is_required: bool
    is_id: bool
    help: str


@dataclass(frozen=True)
class Method:
    """A method of the client."""

    group: str
    name: str
    verb: str
    path: str
    summary: str
    description: str
    arguments: tuple[Argument, ...]
    answer: Any

    @property
    def command(self) -> str:
        """The name of its command in the group: without `get` and `list` before a noun, and without the group's own noun."""
        words = self.name.split("_")
        if len(words) > 1 and words[0] in {"get", "list"}:
            words = words[1:]
        noun = self.group.split("_")[0].removesuffix("s")
        return "-".join(word for word in words if word != noun)

    @property
    def key(self) -> str:
        """The method's name on a client."""
        return f"{self.group}.{self.name}"

    @property
    def is_paged(self) -> bool:
        """Whether it answers with a list that is read page by page."""
        return typing.get_origin(self.answer) is Pages

    @property
    def starts_job(self) -> bool:
        """Whether its work goes on in the background."""
        return self.answer is m.JobView and self.verb == "POST" and self.group != "jobs"

    @property
    def is_destructive(self) -> bool:
        """Whether it is asked before it is done."""
        return self.verb == "DELETE" or self.key in IRREVERSIBLE

    @property
    def fields(self) -> list[Argument]:
        """The fields of its body."""
        return [each for each in self.arguments if not each.is_id and each.name not in HEADERS] if self.verb in {"POST", "PUT"} else []


def list_methods(group: str) -> list[Method]:
    """Return the methods of a group of the client, in the order of the documents."""
    nobody: Any = None
    functions = vars(type(getattr(Groups(nobody), group)))
    return [read_method(group, name, function) for name, function in functions.items() if not name.startswith("_")]


def read_method(group: str, name: str, function: Any) -> Method:  # noqa: ANN401 - any method
    """Return what a method's signature and docstring say."""
    hints, told = typing.get_type_hints(function), inspect.getdoc(function) or ""
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name != "self"]
    [(verb, path)] = CALL.findall(told)
    before, _, after = told.partition(f"`{verb} {path}`")
    summary, _, description = before.strip().partition("\n\n")
    helps = read_helps(after, {each.name for each in parameters})
    arguments = (
        Argument(
            each.name,
            hints[each.name],
            is_required=each.default is each.empty,
            is_id=each.kind is not each.KEYWORD_ONLY,
            help=helps.get(each.name, ""),
        )
        for each in parameters
    )
    return Method(group, name, verb, path, join(summary), join(description), tuple(arguments), hints["return"])


def read_helps(told: str, names: set[str]) -> Mapping[str, str]:
    """Return what a docstring's `Args:` tell of each argument."""
    helps: dict[str, str] = {}
    name = ""
    for line in told.partition("Args:")[2].strip().splitlines():
        before, colon, rest = line.strip().partition(": ")
        if colon and before in names:
            name, helps[before] = before, rest
        else:
            helps[name] = f"{helps[name]} {line.strip()}"
    return helps


def join(text: str) -> str:
    """Return a text with each paragraph in one line."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
