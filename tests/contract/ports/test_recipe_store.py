"""`RecipeStore`: one suite over memory and S3."""

from collections.abc import Callable
from uuid import uuid4

import boto3
import pytest

from presage.adapters.client import build_client
from presage.adapters.memory.recipe_store import MemoryRecipeStore
from presage.adapters.s3.recipe_store import S3RecipeStore
from presage.errors import CorruptArtifactError
from presage.training.ports import Document, RecipeStore
from presage.training.recipe import InputDataset, InputPart, Recipe, compute_training_set_id, encode_recipe
from tests.fixtures.metadata_rows import make_spec

RECIPE = Recipe("ws_1", make_spec(), {"orders": InputDataset("ds_1", 3, {"spent": "number"}, (InputPart("a.parquet", "a" * 64, 2),))}, 7)
DOCUMENTS: tuple[Document, ...] = ("statistics", "leak_report")
PLACE = f"ws=ws_1/training_sets/{compute_training_set_id(RECIPE)}/recipe.json"


@pytest.fixture
def bucket(emulator: str) -> str:
    assert emulator
    name = f"lake-{uuid4().hex}"
    boto3.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(params=["memory", pytest.param("s3", marks=pytest.mark.integration)])
def kept(request: pytest.FixtureRequest) -> Callable[[Recipe], RecipeStore]:
    """Return a store in which a build has left a recipe."""

    def keep(recipe: Recipe) -> RecipeStore:
        if request.param == "memory":
            store = MemoryRecipeStore()
            training_set_id = store.put_recipe(recipe)
            for name in DOCUMENTS:
                store.put_document("ws_1", training_set_id, name, name.encode())
            return store
        bucket = request.getfixturevalue("bucket")
        boto3.client("s3").put_object(Bucket=bucket, Key=PLACE, Body=encode_recipe(recipe))
        for name in DOCUMENTS:
            boto3.client("s3").put_object(Bucket=bucket, Key=PLACE.replace("recipe", name), Body=name.encode())
        return S3RecipeStore(bucket, build_client("s3"))

    return keep


def test_a_recipe_is_found_in_its_workspace_alone(kept: Callable[[Recipe], RecipeStore]) -> None:
    store, training_set_id = kept(RECIPE), compute_training_set_id(RECIPE)

    assert store.find_recipe("ws_1", training_set_id) == RECIPE
    assert store.find_recipe("ws_2", training_set_id) is None
    assert store.find_recipe("ws_1", "0" * 64) is None


@pytest.mark.parametrize("name", ["statistics", "leak_report"])
def test_what_was_found_in_a_training_set_is_there_or_not(kept: Callable[[Recipe], RecipeStore], name: Document) -> None:
    store, training_set_id = kept(RECIPE), compute_training_set_id(RECIPE)
    assert store.find_document("ws_1", training_set_id, name) == name.encode()
    assert store.find_document("ws_2", training_set_id, name) is None
    assert store.find_document("ws_1", "0" * 64, name) is None


@pytest.mark.integration
@pytest.mark.parametrize("body", [b"{}", encode_recipe(RECIPE).replace(b"ds_1", b"ds_2")])
def test_what_is_not_the_recipe_of_its_id_is_refused(bucket: str, body: bytes) -> None:
    boto3.client("s3").put_object(Bucket=bucket, Key=PLACE, Body=body)

    with pytest.raises(CorruptArtifactError):
        S3RecipeStore(bucket, build_client("s3")).find_recipe("ws_1", compute_training_set_id(RECIPE))
