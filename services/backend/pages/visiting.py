"""Who visits the pages: the cookie that says so, and where the request comes from."""

from __future__ import annotations

from typing import cast

from flask import current_app, g, request
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import UnauthenticatedError
from presage.tenancy.accounts import sessions
from presage.tenancy.accounts.model import Device, LogIn, Visitor
from presage.tenancy.model import User
from services.backend.context import get_now, get_ports

PROXIES = "TRUSTED_PROXIES"
"""The application's configuration: how many proxies are in front of it. None, if it does not say."""


def recognise(bearer: User | None) -> tuple[Visitor | None, User | None]:
    """Return who is logged in by the request's cookie, and as which user; without a cookie, the user of its access token."""
    ports = get_ports().accounts
    token = request.cookies.get(ports.pages.cookie.name)
    if token is None:
        return None, bearer
    visitor = sessions.find_visitor(token, now=get_now(), ports=ports)
    return visitor, None if visitor is None else visitor.user


def get_visitor() -> Visitor:
    """Return who is logged in.

    Raises:
        UnauthenticatedError: Nobody is: this page is for accounts, and an access token is of none.
    """
    if g.visitor is None:
        raise UnauthenticatedError("This page is for people who are logged in")
    return cast("Visitor", g.visitor)


def get_device() -> Device:
    """Return where the request comes from."""
    forwarded, peer = request.headers.get("x-forwarded-for", ""), request.remote_addr or ""
    return Device(find_client(forwarded, peer, proxies=current_app.config.get(PROXIES, 0)), request.headers.get("user-agent", ""))


def find_client(forwarded: str, peer: str, *, proxies: int) -> str:
    """Return the address of the client that the outermost of our proxies saw; what stands before it, anybody may have written."""
    seen = [address.strip() for address in forwarded.split(",") if address.strip()]
    return seen[-proxies] if 0 < proxies <= len(seen) else peer


def let_in(response: BaseResponse, entry: LogIn) -> BaseResponse:
    """Give the browser the session's token, end the session that it had before, and return the response."""
    ports = get_ports().accounts
    before = request.cookies.get(ports.pages.cookie.name)
    if before is not None:
        sessions.log_out(before, ports=ports)
    cookie, lifetime = ports.pages.cookie, int(sessions.LIFETIME.total_seconds())
    kind = {"secure": cookie.secure, "httponly": cookie.http_only, "samesite": cookie.same_site, "path": cookie.path}
    response.set_cookie(cookie.name, entry.token, max_age=lifetime, **kind)  # type: ignore[arg-type] # by name
    return response


def let_out(response: BaseResponse) -> BaseResponse:
    """Take the token from the browser, end its session, and return the response."""
    ports = get_ports().accounts
    cookie = ports.pages.cookie
    sessions.log_out(request.cookies.get(cookie.name, ""), ports=ports)
    response.delete_cookie(cookie.name, path=cookie.path, secure=cookie.secure, httponly=cookie.http_only, samesite=cookie.same_site)
    return response
