"""Where news go: the visitor's mail, and the workspace's webhooks."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import PresageError
from presage.notifications import webhooks
from presage.notifications.events import ALL, EVENTS, check_patterns
from presage.notifications.model import MailSettings
from presage.tenancy.permissions import authorise
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.rendering import done, may, show

DELIVERIES = 20
blueprint = Blueprint("settings", __name__, url_prefix="/settings")


class MailForm(msgspec.Struct, frozen=True):
    """Whether mail is wanted, and of which events."""

    enabled: bool = False
    events: str = ""


class WebhookForm(msgspec.Struct, frozen=True):
    """Where a webhook leads, and what it is told of."""

    url: str
    events: str = ""


@blueprint.get("")
def show_settings(error: PresageError | None = None) -> Response:
    """Show where news go."""
    ports, user = get_ports(), get_user()
    endpoints = ports.webhooks.store.list_endpoints(user.workspace_id) if may("webhooks.read") else []
    mail = ports.mail_settings.find_settings(user.workspace_id, user.user_id)
    return show("settings/settings.html", mail=mail, endpoints=endpoints, events=sorted(EVENTS), error=error)


@blueprint.post("/mail")
def set_mail() -> BaseResponse:
    """Change whether the visitor gets mail."""

    def act() -> BaseResponse:
        form, user = read_form(MailForm), get_user()
        events = check_patterns(form.events.split() or ALL)
        chosen = MailSettings(authorise(user, "own_settings.write"), user.user_id, form.enabled, events, get_now())
        get_ports().mail_settings.put_settings(chosen)
        return done(url_for("pages.settings.show_settings"), f"Mail to {user.email} is {'on' if form.enabled else 'off'}.")

    return answer_form(act, show_settings)


@blueprint.post("/webhooks")
def create_webhook() -> BaseResponse:
    """Register a webhook, and show its secret this once."""

    def act() -> BaseResponse:
        form = read_form(WebhookForm)
        ports, events = get_ports().webhooks, tuple(form.events.split()) or ALL
        issued = webhooks.create_endpoint(get_user(), url=form.url, events=events, now=get_now(), ports=ports)
        return show("settings/secret.html", 201, endpoint=issued.endpoint, secret=issued.secret)

    return answer_form(act, show_settings)


@blueprint.get("/webhooks/<endpoint_id>")
def show_webhook(endpoint_id: str) -> Response:
    """Show a webhook and its deliveries."""
    ports, workspace_id = get_ports(), authorise(get_user(), "webhooks.read")
    endpoint = ports.webhooks.store.get_endpoint(workspace_id, endpoint_id)
    before = request.args.get("after", "")
    found = ports.deliveries.list_deliveries(workspace_id, endpoint_id, before=before, limit=DELIVERIES + 1)
    following = found[DELIVERIES - 1].delivery_id if len(found) > DELIVERIES else None
    return show("settings/webhook.html", endpoint=endpoint, deliveries=found[:DELIVERIES], following=following)


@blueprint.post("/webhooks/<endpoint_id>/test")
def test_webhook(endpoint_id: str) -> BaseResponse:
    """Send the webhook a notification of its own."""
    webhooks.send_test(get_user(), endpoint_id, now=get_now(), ports=get_ports().webhooks)
    return _back(endpoint_id, "A test is on its way; it is delivered within a minute.")


@blueprint.post("/webhooks/<endpoint_id>/rotate")
def rotate_webhook(endpoint_id: str) -> Response:
    """Let a new secret sign, and show it this once."""
    issued = webhooks.rotate_secret(get_user(), endpoint_id, overlap_hours=24, now=get_now(), ports=get_ports().webhooks)
    return show("settings/secret.html", 201, endpoint=issued.endpoint, secret=issued.secret)


@blueprint.post("/webhooks/<endpoint_id>/<any(enable, disable):act>")
def switch_webhook(endpoint_id: str, act: str) -> BaseResponse:
    """Let the webhook be told, or be told nothing."""
    webhooks.set_enabled(get_user(), endpoint_id, enabled=act == "enable", ports=get_ports().webhooks)
    return _back(endpoint_id, f"The webhook is {act}d.")


@blueprint.post("/webhooks/<endpoint_id>/delete")
def delete_webhook(endpoint_id: str) -> BaseResponse:
    """Forget the webhook."""
    webhooks.delete_endpoint(get_user(), endpoint_id, ports=get_ports().webhooks)
    return done(url_for("pages.settings.show_settings"), "The webhook is deleted.")


def _back(endpoint_id: str, said: str) -> BaseResponse:
    return done(url_for("pages.settings.show_webhook", endpoint_id=endpoint_id), said)
