"""Who sees the pages: whoever is logged in, and nobody by a request that another site made their browser send.

References:
    OWASP Cross-Site Request Forgery Prevention Cheat Sheet, "Fetch Metadata headers"; W3C Fetch Metadata Request Headers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, urlsplit

from flask import Response, current_app, g, redirect, request
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import ForbiddenError
from presage.runtime.http import note
from presage.tenancy.accounts.model import Visitor
from presage.tenancy.model import User

PREFIX = "pages."
"""Where the names of pages begin."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'{storage}; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

Recognise = Callable[[], tuple[Visitor | None, User | None]]
"""Returns who is logged in by the request's cookie, and as which user; either may be nobody."""
ViewT = TypeVar("ViewT", bound=Callable[..., object])


def open_to_all(view: ViewT) -> ViewT:
    """Mark a view as one that needs no log-in."""
    view.is_open_to_all = True  # type: ignore[attr-defined] # a mark on a function
    return view


def without_workspace(view: ViewT) -> ViewT:
    """Mark a view as one for whoever is logged in, in a workspace or in none."""
    view.is_without_workspace = True  # type: ignore[attr-defined] # a mark on a function
    return view


def is_page(endpoint: str | None) -> bool:
    """Return whether the endpoint is one of the pages'."""
    return endpoint is not None and endpoint.startswith(PREFIX)


class PageGate:
    """Runs before every page: lets it pass with `g.user` and `g.visitor` set, or sends the visitor to log in or to choose a workspace."""

    def __init__(self, recognise: Recognise) -> None:
        self._recognise = recognise

    def __call__(self) -> BaseResponse | None:
        """Let the current request pass, or answer it; what is no page is not asked about.

        Raises:
            ForbiddenError: Another site made the browser send it.
        """
        if not is_page(request.endpoint):
            return None
        require_own_site()
        g.visitor, g.user = self._recognise()
        if g.user is not None:
            note(workspace_id=g.user.workspace_id, user_id=g.user.user_id)
            return None
        view = current_app.view_functions[str(request.endpoint)]
        if getattr(view, "is_open_to_all", False) or request.endpoint == "pages.static":
            return None
        if g.visitor is None:
            return _send(_find_entrance())
        return None if getattr(view, "is_without_workspace", False) else _send("/workspaces")


def require_own_site() -> None:
    """Raise `ForbiddenError` if the request changes something and was not sent by one of our own pages.

    Browsers say where a request is from (`sec-fetch-site`), older ones by `origin`. Whoever says neither is no browser's page of ours.
    """
    if request.method in SAFE_METHODS:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin", "")
    if site in OWN_SITES or (site is None and urlsplit(origin).netloc == request.host):
        return
    raise ForbiddenError("This form was not sent from a page of this site; open the page and send it again", code="foreign_request")


def secure(response: Response) -> Response:
    """Give a page the headers that keep it from running, framing or telling what is not its own."""
    storage = getattr(g, "storage_origin", None)
    response.headers.setdefault("content-security-policy", POLICY.format(storage=f" {storage}" if storage else ""))
    response.headers.setdefault("referrer-policy", "same-origin")
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["cross-origin-opener-policy"] = "same-origin"
    return response


def is_local_path(path: str) -> bool:
    """Return whether that leads to a page of ours and nowhere else."""
    parts = urlsplit(path)
    return path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc and path.isprintable() and "\\" not in path


def _find_entrance() -> str:
    wanted = request.full_path.rstrip("?") if request.method == "GET" and "hx-request" not in request.headers else ""
    return f"/log-in?next={quote(wanted, safe='/')}" if wanted and wanted != "/" else "/log-in"


def _send(place: str) -> BaseResponse:
    if "hx-request" in request.headers:
        return Response(status=401, headers={"hx-redirect": place})
    return redirect(place, 303)
