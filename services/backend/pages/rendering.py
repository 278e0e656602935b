"""How pages show what there is: templates, numbers and times as people read them, assets, and what was just done."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from urllib.parse import quote, unquote, urlencode

import msgspec
from flask import Flask, Response, g, redirect, render_template, request, url_for
from jinja2 import StrictUndefined
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from presage.tenancy.permissions import GRANTS, Permission

STATIC = Path(__file__).parent / "static"
SAID = "said"
SAID_SECONDS = 30
BILLION, MILLION, THOUSAND = 1_000_000_000, 1_000_000, 1_000
MINUTE, HOUR, DAY = 60, 3600, 86_400


def show(template: str, status: int = 200, **context: object) -> Response:
    """Return a page; what was said by `done` before is shown on it, once."""
    said = unquote(request.cookies.get(SAID, ""))
    response = Response(render_template(template, said=said, **context), status, content_type="text/html; charset=utf-8")
    if said:
        response.delete_cookie(SAID)
    return response


def done(place: str, said: str) -> BaseResponse:
    """Send the browser to `place`, which says that something was done."""
    response = redirect(place, 303)
    response.set_cookie(SAID, quote(said), max_age=SAID_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure)
    return response


def install(app: Flask) -> None:
    """Give templates what they use."""
    environment = app.jinja_env
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters |= {
        "time": show_time,
        "number": show_number,
        "percent": show_percent,
        "bytes": show_bytes,
        "duration": show_duration,
        "words": show_words,
        "json": show_json,
    }
    environment.globals |= {"asset": find_asset, "may": may, "user": _find_user, "with_query": with_query, "field_of": field_of}


def may(permission: Permission) -> bool:
    """Return whether the visitor's role has the permission: pages show no act that would be refused."""
    return g.get("user") is not None and permission in GRANTS[g.user.role]


def find_asset(name: str) -> str:
    """Return the URL of a built asset; another content has another one, so that browsers may keep it for good."""
    return url_for("pages.static", filename=name, v=_digest(name))


def with_query(**changes: object) -> str:
    """Return the page's own URL with these parameters changed; None and the empty text take one away. `after` is never kept."""
    kept = {name: value for name, value in request.args.items() if name != "after"} | changes
    asked = urlencode({name: value for name, value in kept.items() if value})
    return f"{request.path}?{asked}" if asked else request.path


def show_time(moment: datetime | str | None) -> Markup:
    """Return a moment as a `time` element: in UTC, until the page's script shows it in the reader's zone."""
    if moment is None:
        return Markup("never")
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    moment = moment.astimezone(UTC)
    return Markup('<time datetime="{}">{}</time>').format(f"{moment:%Y-%m-%dT%H:%M:%SZ}", f"{moment:%Y-%m-%d %H:%M} UTC")


def show_number(value: float | None, digits: int = 4) -> str:
    """Return a number with thousands separated and at most `digits` significant ones behind the point."""
    if value is None:
        return "-"
    if isinstance(value, int) or (value.is_integer() and abs(value) < MILLION * MILLION):
        return f"{int(value):,}"
    return f"{value:,.{digits}g}" if abs(value) < THOUSAND else f"{value:,.1f}"


def show_percent(share: float | None, digits: int = 1) -> str:
    """Return a share of 1 in percent."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def show_bytes(size: float) -> str:
    """Return a size in bytes by its largest decimal unit."""
    for unit, factor in (("GB", BILLION), ("MB", MILLION), ("kB", THOUSAND)):
        if size >= factor:
            return f"{size / factor:,.1f} {unit}"
    return f"{size:,.0f} B"


def show_duration(length: float | timedelta | None) -> str:
    """Return seconds in the unit that says most."""
    if length is None:
        return "-"
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    for unit, factor in (("days", DAY), ("h", HOUR), ("min", MINUTE)):
        if abs(seconds) >= 2 * factor:
            return f"{seconds / factor:,.1f} {unit}"
    return f"{seconds:,.1f} s"


def show_words(name: str) -> str:
    """Return a name of ours as words."""
    return name.replace("_", " ").replace(".", ": ")


def show_json(value: object) -> str:
    """Return a value as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def field_of(error: Exception) -> str:
    """Return the form's field that an error is about, or the empty text."""
    return str(getattr(error, "path", None) or "").removeprefix("$.")


def _find_user() -> object:
    return g.get("user")


@cache
def _digest(name: str) -> str:
    path = STATIC / name
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.exists() else "unbuilt"
