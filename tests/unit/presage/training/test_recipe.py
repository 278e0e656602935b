from dataclasses import replace
from datetime import UTC, datetime

import pytest

from presage.errors import CorruptArtifactError
from presage.training.recipe import compute_training_set_id, decode_recipe, encode_recipe, from_microseconds, to_microseconds
from presage.training.spec import Training
from tests.fixtures.training import (
    CLASSIFICATION,
    MULTICLASS,
    RANKING,
    REGRESSION,
    build_classification_recipe,
    build_ranking_recipe,
    build_recipe,
)


def test_a_recipe_survives_its_encoding() -> None:
    searched = replace(RANKING, training=Training(trials=7, seconds=60), segment_by="people__orders")
    for recipe in (build_ranking_recipe(), *map(build_recipe, (CLASSIFICATION, REGRESSION, MULTICLASS, searched))):
        assert decode_recipe(encode_recipe(recipe)) == recipe


def test_recipes_of_what_was_there_before_keep_their_ids() -> None:
    assert compute_training_set_id(build_classification_recipe()) == "e1309238572dfe81531b0d96b4690e75db5a9b02aa71fa3bd5b78bb7592b52e4"
    assert compute_training_set_id(build_ranking_recipe()) == "d7d7645e4d479f9b54a9f015a61c93704586e626ba707b83873ccf9a4adabf6f"


def test_the_id_changes_with_everything_that_determines_the_rows() -> None:
    recipe = build_ranking_recipe()
    orders = recipe.datasets["orders"]
    part = orders.parts[0]
    others = [
        replace(recipe, cutoff_us=recipe.cutoff_us + 1),
        replace(recipe, code_version=recipe.code_version + 1),
        replace(recipe, spec=replace(recipe.spec, list_length=4)),
        replace(recipe, spec=replace(recipe.spec, training=Training(trials=2))),
        replace(recipe, spec=replace(recipe.spec, segment_by="people__orders")),
        *[replace(recipe, spec=spec) for spec in (CLASSIFICATION, REGRESSION, MULTICLASS)],
        replace(recipe, datasets={"orders": replace(orders, version=4)}),
        replace(recipe, datasets={"orders": replace(orders, parts=(replace(part, sha256="1" * 64),))}),
    ]
    ids = {compute_training_set_id(other) for other in (recipe, *others)}
    assert len(ids) == len(others) + 1
    assert compute_training_set_id(build_ranking_recipe()) in ids
    assert all(len(found) == 64 for found in ids)


def test_anything_else_is_no_recipe() -> None:
    for body in (b"", b"[]", b"{}", encode_recipe(build_ranking_recipe()).replace(b'"kind"', b'"sort"')):
        with pytest.raises(CorruptArtifactError, match="not a recipe"):
            decode_recipe(body)


def test_microseconds_are_exact() -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 999_999, tzinfo=UTC)
    assert from_microseconds(to_microseconds(moment)) == moment
