"""Flask with scikit-learn: `gunicorn "benchmarks.peers.flask_app:create()"`."""

from __future__ import annotations

import numpy as np
from flask import Flask, Response, jsonify, request

from benchmarks.classifier import fit_classifier


def create() -> Flask:
    """Return the application, its model fitted."""
    classifier = fit_classifier()
    app = Flask(__name__)

    def predict() -> Response:
        """Answer the probabilities of both classes, a pair a row."""
        rows = np.array(request.get_json()["rows"], dtype=np.float32)
        return jsonify(probabilities=classifier.predict_proba(rows).tolist())

    app.add_url_rule("/predict", view_func=predict, methods=["POST"])
    return app
