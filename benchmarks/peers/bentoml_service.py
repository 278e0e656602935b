"""BentoML: `bentoml serve benchmarks.peers.bentoml_service:Classifier`."""

from __future__ import annotations

import bentoml
import numpy as np

from benchmarks.classifier import fit_classifier

WORKERS = 2


class ClassifierService:
    """Answers the probabilities of both classes, a pair a row."""

    def __init__(self) -> None:
        """Fit the model."""
        self._classifier = fit_classifier()

    async def predict(self, rows: list[list[float]]) -> list[list[float]]:
        """Answer in the event loop: a hop to a thread costs more than the model (measured)."""
        answers: list[list[float]] = self._classifier.predict_proba(np.array(rows, dtype=np.float32)).tolist()
        return answers

    predict = bentoml.api(predict)


Classifier = bentoml.service(ClassifierService, workers=WORKERS, logging={"access": {"enabled": False}}, metrics={"enabled": False})
