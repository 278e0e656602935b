"""FastAPI with scikit-learn: `uvicorn benchmarks.peers.fastapi_app:create --factory`."""

from __future__ import annotations

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

from benchmarks.classifier import fit_classifier


class Request(BaseModel):
    """The rows to predict."""

    rows: list[list[float]]


class Answer(BaseModel):
    """The probabilities of both classes, a pair a row."""

    probabilities: list[list[float]]


def create() -> FastAPI:
    """Return the application, its model fitted."""
    classifier = fit_classifier()

    async def predict(request: Request) -> Answer:
        """Answer in the event loop: a hop to a thread costs more than the model (measured)."""
        rows = np.array(request.rows, dtype=np.float32)
        return Answer(probabilities=classifier.predict_proba(rows).tolist())

    app = FastAPI()
    app.add_api_route("/predict", predict, methods=["POST"])
    return app
