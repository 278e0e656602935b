"""Commands that are derived from the client's methods: one a method, unless a better one is written by hand."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Optional

import typer

from presage_cli.asking import confirm
from presage_cli.methods import Argument, Method, list_methods
from presage_cli.options import COMMON
from presage_cli.output import Output
from presage_cli.session import open_client
from presage_cli.values import Form, choose_form, collect, name_fields, name_option
from presage_cli.waiting import wait_for

REPLACED = {"public.predict": "predict", "public.send_records": "records send"}
"""Methods that a command written by hand stands for."""
PAGING = {"limit", "after"}
PAGE_ITEMS = 200
"""The most that the API puts on a page."""


def register(app: typer.Typer, name: str) -> None:
    """Add a command for each method of a group."""
    for method in list_methods(name.replace("-", "_")):
        if method.key not in REPLACED:
            app.command(method.command, help=describe(method), short_help=escape(method.summary))(build_function(method))


def build_function(method: Method) -> Callable[..., None]:
    """Return a function that calls the method, with a signature that Typer reads."""

    def run(**given: Any) -> None:  # noqa: ANN401 - what the signature below says
        call(method, given)

    parameters = [declare(each) for each in list_arguments(method)]
    parameters += [declare_common(name) for name in list_common(method)]
    signature = inspect.Signature(sorted(parameters, key=lambda each: each.default is not inspect.Parameter.empty))
    run.__signature__ = signature  # type: ignore[attr-defined]  # read by `inspect`
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run


def list_arguments(method: Method) -> list[Argument]:
    """Return the arguments that are told one by one, what is needed first."""
    told = [each for each in method.arguments if not (method.is_paged and each.name in PAGING)]
    return sorted(told, key=lambda each: (not each.is_id, not each.is_required))


def list_common(method: Method) -> list[str]:
    """Return the common options that make sense for a method."""
    paged, job = method.is_paged, method.starts_job
    makes_sense = {
        "body": bool(method.fields),
        "limit": paged,
        "everything": paged,
        "wait": job,
        "timeout": job,
        "yes": method.is_destructive,
    }
    return [name for name in COMMON if makes_sense.get(name, True)]


def declare(argument: Argument) -> inspect.Parameter:
    """Return an argument as Typer has it."""
    form = choose_form(argument.hint)
    if argument.is_id:
        told = typer.Argument(help=escape(argument.help), metavar=argument.name.upper(), show_default=False)
        return make_parameter(argument.name, Annotated[form.annotation, told])
    told = (argument.help, name_fields(argument.hint), "(required)" if argument.is_required else "")
    help_text = " ".join(each for each in told if each)
    option = typer.Option(*list_names(argument, form), help=escape(help_text), metavar=form.metavar, show_default=False)
    return make_parameter(argument.name, Annotated[Optional[form.annotation], option], default=None)  # noqa: UP045 - known here only


def list_names(argument: Argument, form: Form) -> list[str]:
    """Return an option's names; a flag has one that says no."""
    name = name_option(argument.name)
    return [f"{name}/--no-{name[2:]}" if form.annotation is bool else name]


def declare_common(name: str) -> inspect.Parameter:
    """Return a common option."""
    annotation, default = COMMON[name]
    return make_parameter(name, annotation, default=default)


def make_parameter(name: str, annotation: object, *, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    """Return a parameter that goes by name."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def call(method: Method, given: Mapping[str, Any]) -> None:
    """Call the method with what was given, and write its answer."""
    common = {name: given[name] for name in list_common(method)}
    told = {each.name: given[each.name] for each in list_arguments(method)}
    arguments = collect(method, told, common.get("body"))
    if method.is_destructive:
        names = [str(arguments[each.name]) for each in method.arguments if each.is_id]
        confirm(f"{method.summary.removesuffix('.')}: {' '.join(names)}", yes=common["yes"])
    output = Output(common["as_json"], common["target"])
    api = "public" if method.group == "public" else "workspace"
    with open_client(common["profile"], api=api) as client:
        function = getattr(getattr(client, method.group), method.name)
        if method.is_paged:
            most = None if common["everything"] else common["limit"]
            output.tell_all(function(**arguments, limit=min(most or PAGE_ITEMS, PAGE_ITEMS)), most=most)
            return
        answer = function(**arguments)
        if common.get("wait"):
            wait_for(client, answer.job_id, output, timeout_seconds=common["timeout"])
        else:
            output.tell(answer)


def describe(method: Method) -> str:
    """Return the help of a method's command."""
    return escape("\n\n".join(each for each in (method.summary, method.description, f"Calls `{method.verb} {method.path}`.") if each))


def escape(text: str) -> str:
    """Return a text that Rich takes for no markup."""
    return text.replace("[", "\\[")
