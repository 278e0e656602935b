"""What is told of versions: pages of ids of reports, one report as it was written, and the files of the trainer."""

from __future__ import annotations

from flask import Response

from presage.errors import NotFoundError
from presage.runtime.http import respond
from presage.training.ports import VersionReportStore
from presage.training.reports import PLOT_NAMES, PLOTS
from services.backend.context import get_ports, get_user
from services.backend.paging import Page, read_page


def get_place(model_id: str, version: int) -> tuple[str, int]:
    """Return where reports on the caller's version are, or raise `NotFoundError`."""
    found = get_ports().versions.get_version(get_user().workspace_id, model_id, version)
    return found.model_id, found.version


def respond_page(store: VersionReportStore, place: tuple[str, int], *, kind: str) -> Response:
    """Return a page of the ids of the caller's reports on (model, version), in their order, each as `<kind>_id`."""
    workspace_id = get_user().workspace_id
    items, following = read_page(lambda after, limit: store.list_reports(workspace_id, place, after=after, limit=limit), identify=str)
    return respond(Page([{f"{kind}_id": report_id} for report_id in items], following))


def respond_report(store: VersionReportStore, place: tuple[str, int], report_id: str, *, kind: str) -> Response:
    """Return one of the caller's reports on (model, version), or raise `NotFoundError`."""
    body = store.find_report(get_user().workspace_id, place, report_id)
    if body is None:
        raise NotFoundError(f"Version {place[1]} has no {kind} {report_id[:64]!r}")
    return Response(body, content_type="application/json")


def read_version_file(model_id: str, version: int, name: str) -> bytes:
    """Return a file of what the trainer told of the caller's version, or raise `NotFoundError`."""
    ports, workspace_id = get_ports(), get_user().workspace_id
    body = ports.reports.find_report_file(workspace_id, get_place(model_id, version), name)
    if body is None:
        raise NotFoundError(f"version {version} of {model_id} has no {name}: it was built before there were reports, or its kind has none")
    return body


def read_plot(model_id: str, version: int, name: str) -> bytes:
    """Return one of the plots that the version's card names, as SVG, or raise `NotFoundError`."""
    if name not in PLOT_NAMES:
        raise NotFoundError(f"there is no plot {name[:50]!r}; there are {', '.join(PLOT_NAMES)}")
    return read_version_file(model_id, version, f"{PLOTS}{name}.svg")
