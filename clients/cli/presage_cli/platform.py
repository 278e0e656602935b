"""Commands that other packages bring, by the entry-point group `presage.commands`; they get the arguments as they are."""

import sys
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points

import typer

from presage_cli.exits import CliError, Exit

GROUP = "presage.commands"
OF_THE_LIBRARY = {
    "experiments.certify": "Prove by simulation that conclusions err as seldom as they say.",
    "experiments.verify": "Compute a certificate again from the warehouse, and say what differs.",
}
"""Commands of the platform's library, which are told of also where it is missing."""
PASSED_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}


def register(app: typer.Typer, name: str) -> None:
    """Add the commands below a group: those that are installed, and those that could be."""
    found = {each.name: each for each in entry_points(group=GROUP) if each.name.startswith(f"{name}.")}
    for full in sorted({*found, *(each for each in OF_THE_LIBRARY if each.startswith(f"{name}."))}):
        help_text = OF_THE_LIBRARY.get(full, "A command of another package.")
        command = found[full].load if full in found else None
        app.command(full.partition(".")[2], help=help_text, context_settings=PASSED_ON)(build_function(full, command))


def build_function(full: str, load: Callable[[], Callable[[Sequence[str]], int]] | None) -> Callable[[typer.Context], None]:
    """Return a function that hands the arguments on, and ends with the other program's exit code."""

    def run(context: typer.Context) -> None:
        words = full.split(".")
        if load is None:
            raise CliError(
                f"`presage {' '.join(words)}` is a command of the platform's library, which is not installed here",
                Exit.USAGE,
                next_step="in a checkout of Presage run `make setup`; elsewhere install its package `presage[aws,schema,stats]`",
            )
        sys.exit(load()([*words, *context.args]))

    return run
