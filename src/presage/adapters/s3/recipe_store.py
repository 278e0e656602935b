"""Recipes of training sets, in the lake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from presage.adapters.client import translate_errors
from presage.errors import CorruptArtifactError, NotFoundError
from presage.training.ports import Document
from presage.training.recipe import Recipe, compute_training_set_id, decode_recipe

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class S3RecipeStore:
    """`RecipeStore` on the lake."""

    def __init__(self, bucket: str, client: S3Client) -> None:
        """Read from the lake, which exists."""
        self._bucket = bucket
        self._client = client

    def find_recipe(self, workspace_id: str, training_set_id: str) -> Recipe | None:
        """Return the recipe, whose hash is the id, or None."""
        key = f"ws={workspace_id}/training_sets/{training_set_id}/recipe.json"
        body = self._find(key)
        if body is None:
            return None
        recipe = decode_recipe(body)
        if compute_training_set_id(recipe) != training_set_id:
            raise CorruptArtifactError(f"{key} is the recipe of another training set")
        return recipe

    def find_document(self, workspace_id: str, training_set_id: str, name: Document) -> bytes | None:
        """Return what was found in the training set as JSON, or None."""
        return self._find(f"ws={workspace_id}/training_sets/{training_set_id}/{name}.json")

    def _find(self, key: str) -> bytes | None:
        try:
            with translate_errors(f"get {key}"):
                return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except NotFoundError:
            return None
