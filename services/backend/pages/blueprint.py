"""The dashboard: all pages under one blueprint, with their gate, their errors and their menu."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Flask, g, request, url_for
from werkzeug.routing import PathConverter

from presage.errors import NotFoundError
from presage.tenancy.permissions import GRANTS, Permission
from services.backend.context import get_ports
from services.backend.pages import (
    account,
    audit,
    datasets,
    entrance,
    errors,
    experiments,
    holdout,
    home,
    invitations,
    jobs,
    keys,
    members,
    models,
    notifications,
    operations,
    plans,
    predictions,
    quarantine,
    rendering,
    settings,
    sources,
    try_it,
    workspaces,
)
from services.backend.pages.gate import secure

NAME = "pages"
PAGES = (
    home,
    datasets,
    sources,
    quarantine,
    models,
    try_it,
    predictions,
    experiments,
    plans,
    holdout,
    jobs,
    notifications,
    keys,
    members,
    audit,
    settings,
    operations,
    account,
    workspaces,
    entrance,
    invitations,
)
ASSET_SECONDS = 31_536_000
"""A year: an asset's URL has its hash."""


@dataclass(frozen=True, slots=True)
class Room:
    """An entry of the menu: the endpoint that it leads to, and what a visitor needs to see it."""

    endpoint: str
    title: str
    permission: Permission = "workspace.read"


ROOMS = (
    Room("home.show_home", "Home"),
    Room("datasets.list_page", "Datasets"),
    Room("models.list_page", "Models"),
    Room("try_it.list_page", "Try it"),
    Room("predictions.list_page", "Predictions", "rows.read"),
    Room("experiments.list_page", "Experiments"),
    Room("jobs.list_page", "Jobs"),
    Room("notifications.list_page", "Notifications"),
    Room("keys.list_page", "Keys and limits"),
    Room("members.list_page", "Members"),
    Room("audit.list_page", "Audit", "audit.read"),
    Room("settings.show_settings", "Settings"),
)
OPERATIONS = Room("operations.show_queues", "Operations")


@dataclass(frozen=True, slots=True)
class Link:
    """A room as the menu shows it."""

    title: str
    url: str
    is_here: bool


class PagePath(PathConverter):
    """Any path that is not the workspace API's."""

    regex = r"(?!api(?:/|$)).*?"


def register_pages(app: Flask) -> None:
    """Put the pages into the application, whose gate must stand before them."""
    app.url_map.converters["page"] = PagePath
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = ASSET_SECONDS
    pages = Blueprint(NAME, __name__, template_folder="templates", static_folder="static", static_url_path="/static")
    rendering.install(app)
    errors.install(pages)
    pages.after_request(secure)
    pages.context_processor(lambda: {"rooms": list_rooms, "workspace_name": _name_workspace})
    pages.add_url_rule("/<page:unknown>", "unknown", _find_nothing)
    for module in PAGES:
        pages.register_blueprint(module.blueprint)
    app.register_blueprint(pages)


def list_rooms() -> list[Link]:
    """Return the menu of the visitor."""
    here = str(request.endpoint)
    return [
        Link(room.title, url_for(f"{NAME}.{room.endpoint}"), here.startswith(f"{NAME}.{room.endpoint.partition('.')[0]}."))
        for room in (*ROOMS, *((OPERATIONS,) if operations.is_operator() else ()))
        if room.permission in GRANTS[g.user.role]
    ]


def _name_workspace() -> str:
    return get_ports().workspaces.get_workspace(g.user.workspace_id).name


def _find_nothing(unknown: str) -> str:
    raise NotFoundError(f"There is no page /{unknown[:200]}")
