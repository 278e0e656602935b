"""Whether the caller gets notifications by mail."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.notifications.events import ALL, check_patterns
from presage.notifications.model import MailSettings
from presage.runtime.http import respond
from presage.tenancy.permissions import authorise
from services.backend.bodies import read_body
from services.backend.context import get_now, get_ports, get_user
from services.backend.notification_bodies import MailSettingsBody
from services.backend.paging import Page, read_page
from services.backend.views import MailSettingsView, view_delivery

blueprint = Blueprint("mail_settings", __name__, url_prefix="/mail-settings")


@blueprint.get("")
def get() -> Response:
    """Return the caller's settings."""
    user = get_user()
    found = get_ports().mail_settings.find_settings(user.workspace_id, user.user_id)
    if found is None:
        return respond(MailSettingsView(user.email, enabled=False, events=ALL, changed_at=None))
    return respond(MailSettingsView(user.email, enabled=found.enabled, events=found.events, changed_at=found.changed_at))


@blueprint.put("")
def put() -> Response:
    """Change them; mail goes to the address of the account and nowhere else."""
    body, user = read_body(MailSettingsBody), get_user()
    settings = MailSettings(authorise(user, "own_settings.write"), user.user_id, body.enabled, check_patterns(body.events), get_now())
    get_ports().mail_settings.put_settings(settings)
    return respond(MailSettingsView(user.email, enabled=settings.enabled, events=settings.events, changed_at=settings.changed_at))


@blueprint.get("/deliveries")
def list_deliveries() -> Response:
    """Return a page of the caller's mails, newest first."""
    store, user = get_ports().deliveries, get_user()
    items, following = read_page(
        lambda after, limit: store.list_deliveries(user.workspace_id, user.user_id, before=after, limit=limit),
        identify=lambda delivery: delivery.delivery_id,
    )
    return respond(Page([view_delivery(delivery) for delivery in items], following))
