"""Recipes of training sets in a dictionary."""

from __future__ import annotations

from presage.training.ports import Document
from presage.training.recipe import Recipe, compute_training_set_id


class MemoryRecipeStore:
    """`RecipeStore` for tests."""

    def __init__(self) -> None:
        self._recipes: dict[tuple[str, str], Recipe] = {}
        self._documents: dict[tuple[str, str, Document], bytes] = {}

    def put_recipe(self, recipe: Recipe) -> str:
        """Keep it, as a build would, and return its id."""
        training_set_id = compute_training_set_id(recipe)
        self._recipes[recipe.workspace_id, training_set_id] = recipe
        return training_set_id

    def put_document(self, workspace_id: str, training_set_id: str, name: Document, body: bytes) -> None:
        """Keep what was found in a training set, as a build would."""
        self._documents[workspace_id, training_set_id, name] = body

    def find_document(self, workspace_id: str, training_set_id: str, name: Document) -> bytes | None:
        """Return what was found in the training set as JSON, or None."""
        return self._documents.get((workspace_id, training_set_id, name))

    def find_recipe(self, workspace_id: str, training_set_id: str) -> Recipe | None:
        """Return the recipe, whose hash is the id, or None."""
        return self._recipes.get((workspace_id, training_set_id))
