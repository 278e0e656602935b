"""Recipes of training sets in a dictionary."""

from __future__ import annotations

from presage.training.recipe import Recipe, compute_training_set_id


class MemoryRecipeStore:
    """`RecipeStore` for tests."""

    def __init__(self) -> None:
        self._recipes: dict[tuple[str, str], Recipe] = {}

    def put_recipe(self, recipe: Recipe) -> str:
        """Keep it, as a build would, and return its id."""
        training_set_id = compute_training_set_id(recipe)
        self._recipes[recipe.workspace_id, training_set_id] = recipe
        return training_set_id

    def find_recipe(self, workspace_id: str, training_set_id: str) -> Recipe | None:
        """Return the recipe, whose hash is the id, or None."""
        return self._recipes.get((workspace_id, training_set_id))
