"""Command line of the step."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Sequence


@dataclass(frozen=True)
class Arguments:
    """URIs of the recipe and of the folder to write into (with a final slash)."""

    recipe: str
    output: str


def parse_arguments(arguments: Sequence[str]) -> Arguments:
    """Return the parsed command line, or exit with a usage message.

    `--inputs` names the prefixes the recipe's parts lie below, for a runner that has to bring them; the step itself reads the recipe.
    """
    parser = argparse.ArgumentParser(prog="build_training_set", description=__doc__)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--inputs", default="")
    parser.add_argument("--output", required=True)
    parsed = parser.parse_args(arguments)
    return Arguments(recipe=parsed.recipe, output=parsed.output.rstrip("/") + "/")
