"""The command `presage`: its commands are imported when they are called, and errors are told in one place."""

import importlib
import sys
from collections.abc import Sequence
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from presage_cli.catalogue import COMMANDS, Entry


class RootGroup(TyperGroup):
    """Lists what the catalogue says, and imports what is called."""

    def list_commands(self, ctx: object) -> list[str]:  # noqa: ARG002 - Typer's signature
        """Return the names in the order of the catalogue."""
        return list(COMMANDS)

    def get_command(self, ctx: object, cmd_name: str) -> TyperCommand | TyperGroup | None:  # noqa: ARG002 - Typer's signature
        """Return what stands for a command in lists."""
        if cmd_name not in COMMANDS:
            return None
        entry = COMMANDS[cmd_name]
        kind = TyperGroup if entry.is_group else TyperCommand
        return kind(name=cmd_name, help=entry.help, rich_help_panel=entry.panel)

    def resolve_command(self, ctx: object, args: list[str]) -> Any:  # noqa: ANN401 - Typer's own types are private
        """Return the command that is called, with the arguments behind it."""
        name, _, rest = super().resolve_command(cast("typer.Context", ctx), args)
        return name, load(str(name)), rest

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001, FBT002 - Typer's signature
        windows_expand_args: bool = True,  # noqa: FBT001, FBT002 - Typer's signature
        **extra: Any,  # noqa: ANN401 - Typer's signature
    ) -> Any:  # noqa: ANN401 - Typer's signature
        """Run the command line and end with the exit code that says how it went."""
        as_json = "--json" in (sys.argv if args is None else args)
        try:
            result = super().main(args, prog_name, complete_var, standalone_mode and not as_json, windows_expand_args, **extra)
        except Exception as error:  # noqa: BLE001 - the edge: what is known is told, all else is raised again
            sys.exit(importlib.import_module("presage_cli.errors").tell(error, as_json=as_json))
        sys.exit(result if isinstance(result, int) else 0)


def load(name: str) -> TyperCommand | TyperGroup:
    """Import a command, or a group with its commands."""
    entry = COMMANDS[name]
    app = typer.Typer(name=name, help=entry.help, no_args_is_help=True, add_completion=False)
    for module in entry.modules:
        importlib.import_module(module).register(app, name)
    return build(app, entry, name)


def build(app: typer.Typer, entry: Entry, name: str) -> TyperCommand | TyperGroup:
    """Return the command of a filled application."""
    command = get_group(app) if entry.is_group else cast("TyperCommand", get_command(app))
    command.name = name
    return command


def show_version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    """Print the version and end."""
    if asked:
        typer.echo(f"presage {importlib.import_module('importlib.metadata').version('presage-cli')}")
        raise typer.Exit


app = typer.Typer(
    name="presage",
    cls=RootGroup,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes, profiles and examples are in docs/cli.md.",
)


@app.callback()
def root(
    _version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show the version.")] = False,  # noqa: FBT002 - a flag
) -> None:
    """Presage: from data to a prediction API whose value is proven by an A/B test that concludes itself."""


def main() -> None:
    """Run the command line; its errors are told by `RootGroup.main`, so no traceback shows what variables hold."""
    get_command(app)()
