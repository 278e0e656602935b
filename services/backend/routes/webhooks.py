"""Webhooks of the workspace and their deliveries."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.notifications import webhooks
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.bodies import RotationBody, read_body, read_optional_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.notification_bodies import WebhookBody
from services.backend.paging import Page, read_page
from services.backend.views import view_delivery, view_webhook

blueprint = Blueprint("webhooks", __name__, url_prefix="/webhooks")


@blueprint.post("")
def create() -> Response:
    """Register a webhook; its secret is shown in this answer only."""
    body = read_body(WebhookBody)
    issued = webhooks.create_endpoint(get_user(), url=body.url, events=body.events, now=get_now(), ports=get_ports().webhooks)
    location = f"/api/v1/webhooks/{issued.endpoint.endpoint_id}"
    return respond(view_webhook(issued.endpoint, issued.secret), 201, {"location": location})


@blueprint.get("")
def list_all() -> Response:
    """Return all webhooks of the workspace, oldest first."""
    found = get_ports().webhooks.store.list_endpoints(authorise(get_user(), "webhooks.read"))
    return respond(Page([view_webhook(endpoint) for endpoint in found]))


@blueprint.get("/<endpoint_id>")
def get(endpoint_id: str) -> Response:
    """Return a webhook."""
    return respond(view_webhook(get_ports().webhooks.store.get_endpoint(authorise(get_user(), "webhooks.read"), endpoint_id)))


@blueprint.put("/<endpoint_id>")
def change(endpoint_id: str) -> Response:
    """Change where it leads and what it is told of."""
    body = read_body(WebhookBody)
    changed = webhooks.change_endpoint(get_user(), endpoint_id, url=body.url, events=body.events, ports=get_ports().webhooks)
    return respond(view_webhook(changed))


@blueprint.delete("/<endpoint_id>")
def delete(endpoint_id: str) -> Response:
    """Forget a webhook and its secrets."""
    webhooks.delete_endpoint(get_user(), endpoint_id, ports=get_ports().webhooks)
    return Response(status=204)


@blueprint.post("/<endpoint_id>/rotate")
def rotate(endpoint_id: str) -> Response:
    """Let a new secret sign, shown in this answer only, and for a while the one of before beside it."""
    body = read_optional_body(RotationBody)
    issued = webhooks.rotate_secret(get_user(), endpoint_id, overlap_hours=body.overlap_hours, now=get_now(), ports=get_ports().webhooks)
    return respond(view_webhook(issued.endpoint, issued.secret))


@blueprint.post("/<endpoint_id>/enable")
def enable(endpoint_id: str) -> Response:
    """Let it be told again; its failures are forgotten."""
    return respond(view_webhook(webhooks.set_enabled(get_user(), endpoint_id, enabled=True, ports=get_ports().webhooks)))


@blueprint.post("/<endpoint_id>/disable")
def disable(endpoint_id: str) -> Response:
    """Let it be told nothing until it is enabled again; what waits for it fails."""
    return respond(view_webhook(webhooks.set_enabled(get_user(), endpoint_id, enabled=False, ports=get_ports().webhooks)))


@blueprint.post("/<endpoint_id>/test")
def test(endpoint_id: str) -> Response:
    """Send it a notification of its own; a worker takes the delivery within a minute."""
    delivery = webhooks.send_test(get_user(), endpoint_id, now=get_now(), ports=get_ports().webhooks)
    return respond(view_delivery(delivery), 202)


@blueprint.get("/<endpoint_id>/deliveries")
def list_deliveries(endpoint_id: str) -> Response:
    """Return a page of the webhook's deliveries, newest first."""
    ports, workspace_id = get_ports(), authorise(get_user(), "webhooks.read")
    ports.webhooks.store.get_endpoint(workspace_id, endpoint_id)
    items, following = read_page(
        lambda after, limit: ports.deliveries.list_deliveries(workspace_id, endpoint_id, before=after, limit=limit),
        identify=lambda delivery: delivery.delivery_id,
    )
    return respond(Page([view_delivery(delivery) for delivery in items], following))
