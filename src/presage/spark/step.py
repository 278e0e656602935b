"""What every step does around its transforms: its command line, its inputs, its session."""

from __future__ import annotations

import argparse
from typing import Callable, Dict, Iterable, Sequence, Tuple

from pyspark.sql import DataFrame, SparkSession

from presage.spark.files import read_bytes
from presage.spark.records import read_parts, select_known
from presage.spark.session import build_session
from presage.training.recipe import Recipe, decode_recipe


def run_step(name: str, arguments: Sequence[str], run: Callable[[SparkSession, str, str], object]) -> None:
    """Call `run(session, recipe, output)` with the URIs of the command line, the latter with a final slash, in a session of its own."""
    recipe, output = parse_arguments(name, arguments)
    session = build_session(name)
    try:
        run(session, recipe, output)
    finally:
        session.stop()


def parse_arguments(name: str, arguments: Sequence[str]) -> Tuple[str, str]:
    """Return the URIs of the recipe and of the folder to write into (with a final slash), or exit with a usage message.

    `--inputs` names the prefixes the recipe's parts lie below, for a runner that has to bring them; a step reads the recipe.
    """
    parser = argparse.ArgumentParser(prog=name)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--inputs", default="")
    parser.add_argument("--output", required=True)
    parsed = parser.parse_args(arguments)
    return parsed.recipe, parsed.output.rstrip("/") + "/"


def read_inputs(session: SparkSession, recipe_uri: str) -> Tuple[Recipe, Dict[str, DataFrame]]:
    """Return the recipe, and the records of its datasets by name as they were known at its cut-off."""
    recipe, root = read_recipe(session, recipe_uri)
    return recipe, read_records(session, root, recipe, recipe.datasets)


def read_recipe(session: SparkSession, recipe_uri: str) -> Tuple[Recipe, str]:
    """Return the recipe, and the URI of the lake that it lies in, with a final slash."""
    return decode_recipe(read_bytes(session, recipe_uri)), "/".join(recipe_uri.split("/")[:3]) + "/"


def read_records(session: SparkSession, root: str, recipe: Recipe, names: Iterable[str]) -> Dict[str, DataFrame]:
    """Return the records of the named datasets as they were known at the recipe's cut-off."""
    parts = {name: read_parts(session, root, recipe.datasets[name]) for name in names}
    return {name: select_known(frame, cutoff_us=recipe.cutoff_us).cache() for name, frame in parts.items()}
