"""MLflow: `python -m benchmarks.peers.mlflow_model FOLDER` saves the model that `mlflow models serve` then serves."""

from __future__ import annotations

import sys

import mlflow.sklearn

from benchmarks.classifier import fit_classifier


def main(folder: str) -> None:
    """Save the model; it answers the probabilities of both classes. No signature: without one, rows are not enforced (faster)."""
    trusted = ["sklearn.tree._tree.Tree"]
    mlflow.sklearn.save_model(fit_classifier(), folder, pyfunc_predict_fn="predict_proba", skops_trusted_types=trusted)


if __name__ == "__main__":
    main(sys.argv[1])
