"""When a model is built anew by itself."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.runtime.http import respond
from presage.training.retraining import RetrainingPolicy, set_policy
from services.backend.bodies import RetrainingBody, read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.views import RetrainingView

blueprint = Blueprint("retraining", __name__, url_prefix="/models/<model_id>/retraining")


@blueprint.get("")
def get(model_id: str) -> Response:
    """Return the model's policy."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    ports.models.get_model(workspace_id, model_id)
    found = ports.policies.find_policy(workspace_id, model_id)
    return respond(_view(found) if found else RetrainingView(None, on_drift=False, changed_by=None, changed_at=None))


@blueprint.put("")
def put(model_id: str) -> Response:
    """Change it; the next night goes by it."""
    body, ports, user = read_body(RetrainingBody), get_ports(), get_user()
    ports.models.get_model(user.workspace_id, model_id)
    policy = RetrainingPolicy(user.workspace_id, model_id, body.every_days, body.on_drift, user.user_id, get_now())
    return respond(_view(set_policy(policy, by=user, store=ports.policies)))


def _view(policy: RetrainingPolicy) -> RetrainingView:
    return RetrainingView(policy.every_days, on_drift=policy.on_drift, changed_by=policy.changed_by, changed_at=policy.changed_at)
