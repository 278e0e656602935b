"""API keys, their limits, and what was used of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import get_args

import msgspec
from flask import Blueprint, Response, url_for
from werkzeug.wrappers import Response as BaseResponse

from presage.errors import InvalidInputError, NotFoundError, PresageError
from presage.tenancy import use_cases
from presage.tenancy.model import SCOPES, ApiKey, KeyKind, Plan, Scope
from presage.tenancy.permissions import authorise
from presage.tenancy.usage import read_usage
from services.backend.context import get_now, get_ports, get_user
from services.backend.pages.charts import build_bars
from services.backend.pages.forms import answer_form, read_form
from services.backend.pages.listing import read_list
from services.backend.pages.rendering import done, show

USAGE_DAYS = 30
OVERLAPS = (("24", "a day"), ("1", "an hour"), ("168", "a week"), ("0", "not at all: it is known to others"))
blueprint = Blueprint("keys", __name__, url_prefix="/keys")


class KeyForm(msgspec.Struct, frozen=True):
    """A key to create; `origins` one a line, `expires_on` the last UTC day on which it works."""

    name: str
    plan: Plan
    kind: KeyKind
    scopes: tuple[Scope, ...] = ()
    origins: str = ""
    expires_on: str | None = None


class RotationForm(msgspec.Struct, frozen=True):
    """How long the old key works beside the new one."""

    overlap_hours: int


@blueprint.get("")
def list_page() -> Response:
    """Show a page of the keys."""
    choices = {"plan": get_args(Plan), "kind": get_args(KeyKind)}
    return show("keys/list.html", view=read_list(get_ports().listings.api_keys, choices=choices), now=get_now())


@blueprint.get("/new")
def show_new(error: PresageError | None = None) -> Response:
    """Show the form of a new key."""
    authorise(get_user(), "api_keys.write")
    limits = {plan: get_ports().gateway.get_limits(plan) for plan in get_args(Plan)}
    return show("keys/new.html", error=error, limits=limits, kinds=get_args(KeyKind), scopes=SCOPES)


@blueprint.post("/new")
def create() -> BaseResponse:
    """Create a key, and show its value this once."""

    def act() -> BaseResponse:
        form, ports = read_form(KeyForm), get_ports()
        wish = use_cases.KeyWish(
            form.name, form.plan, form.kind, form.origins.split(), _choose_scopes(form), _read_end_of_day(form.expires_on)
        )
        issued = use_cases.create_api_key(wish, by=get_user(), now=get_now(), gateway=ports.gateway, store=ports.api_keys)
        return show("keys/issued.html", 201, issued=issued)

    return answer_form(act, show_new)


@blueprint.get("/<api_key_id>")
def show_key(api_key_id: str) -> Response:
    """Show a key, and what was used of its plan in the last days."""
    ports, today = get_ports(), get_now().date()
    key = _get_key(api_key_id)
    usage = read_usage(
        api_key_id, by=get_user(), since=today - timedelta(days=USAGE_DAYS - 1), until=today, gateway=ports.gateway, store=ports.api_keys
    )
    chart = build_bars("Calls a day", [(day.day.isoformat(), day.used) for day in usage.days], ("day", "calls"))
    month = sum(day.used for day in usage.days if (day.day.year, day.day.month) == (today.year, today.month))
    return show("keys/key.html", key=key, usage=usage, chart=chart, month=month, overlaps=OVERLAPS, now=get_now())


@blueprint.post("/<api_key_id>/rotate")
def rotate(api_key_id: str) -> Response:
    """Create a key in place of another, and show its value this once."""
    form, ports = read_form(RotationForm), get_ports()
    issued = use_cases.rotate_api_key(
        api_key_id, by=get_user(), overlap_hours=form.overlap_hours, now=get_now(), gateway=ports.gateway, store=ports.api_keys
    )
    return show("keys/issued.html", 201, issued=issued)


@blueprint.post("/<api_key_id>/revoke")
def revoke(api_key_id: str) -> BaseResponse:
    """Revoke a key."""
    ports = get_ports()
    use_cases.revoke_api_key(api_key_id, by=get_user(), now=get_now(), gateway=ports.gateway, store=ports.api_keys)
    return done(url_for("pages.keys.show_key", api_key_id=api_key_id), "The key is revoked: calls with it are refused.")


def _get_key(api_key_id: str) -> ApiKey:
    key = get_ports().api_keys.find_api_key(api_key_id)
    if key is None or key.workspace_id != get_user().workspace_id:
        raise NotFoundError(f"There is no API key {api_key_id}")
    return key


def _choose_scopes(form: KeyForm) -> Sequence[Scope] | None:
    """Return the scopes that were ticked; all that the kind may have if all or none were."""
    return None if set(form.scopes) in (set(), set(SCOPES)) else form.scopes


def _read_end_of_day(day: str | None) -> datetime | None:
    if day is None:
        return None
    try:
        return datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(days=1)
    except ValueError as error:
        raise InvalidInputError(f"Expected a day such as 2027-01-31, got {day[:50]!r}", path="$.expires_on") from error
