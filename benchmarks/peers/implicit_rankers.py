"""implicit: `python -m benchmarks.peers.implicit_rankers rows.npz scores.npz`, run in implicit's environment.

`rows.npz` holds the interactions that a model may be fitted on (`fit_users`, `fit_items`), and of each list to rank the user's own
history at that time (`seen_lists`, `seen_items`) and the items to rank (`asked_lists`, `asked_items`). Numbers from 0. What comes back is
a score a row of `asked_*` by each of its models.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from scipy.sparse import coo_matrix

SEED = 20_240_229


def score(given: Any) -> dict[str, Any]:  # noqa: ANN401 - an archive of arrays
    """Return the scores by model. A list whose user has no history yet scores 0 throughout."""
    items = int(max(given["fit_items"].max(), given["asked_items"].max(), given["seen_items"].max(initial=0))) + 1
    lists = int(given["asked_lists"].max()) + 1
    fitted = _count(given["fit_users"], given["fit_items"], (int(given["fit_users"].max()) + 1, items))
    seen = _count(given["seen_lists"], given["seen_items"], (lists, items))
    where = (given["asked_lists"], given["asked_items"])
    found = {}
    for name, model in (
        ("implicit_item_knn", CosineRecommender(K=100, num_threads=1)),
        ("implicit_bm25", BM25Recommender(K=100, num_threads=1)),
    ):
        model.fit(fitted, show_progress=False)
        found[name] = np.asarray((seen @ model.similarity).todense())[where]
    als = AlternatingLeastSquares(factors=32, regularization=0.05, iterations=20, random_state=SEED, num_threads=1)
    als.fit(fitted, show_progress=False)
    users = als.recalculate_user(np.arange(lists), seen)
    found["implicit_als"] = np.einsum("rf,rf->r", users[where[0]], als.item_factors[where[1]])
    bpr = BayesianPersonalizedRanking(factors=32, iterations=100, random_state=SEED, num_threads=1)
    bpr.fit(fitted, show_progress=False)
    profile = (
        seen.multiply(1 / np.maximum(seen.sum(axis=1), 1)).tocsr() @ bpr.item_factors
    )  # it knows no new users: the mean of their items
    found["implicit_bpr"] = np.einsum("rf,rf->r", profile[where[0]], bpr.item_factors[where[1]])
    return found


def _count(rows: Any, columns: Any, shape: tuple[int, int]) -> Any:  # noqa: ANN401
    return coo_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape).tocsr()


if __name__ == "__main__":
    np.savez(sys.argv[2], **score(np.load(sys.argv[1])))
