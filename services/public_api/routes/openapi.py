"""The contract, as it is committed beside this service."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from flask import Blueprint, Response

DOCUMENT = Path(__file__).parents[1] / "openapi.json"

blueprint = Blueprint("openapi", __name__)


@blueprint.get("/openapi.json")
def get_openapi() -> Response:
    """Answer the OpenAPI document."""
    return Response(_read_document(), content_type="application/json", headers={"cache-control": "public, max-age=300"})


@cache
def _read_document() -> bytes:
    return DOCUMENT.read_bytes()
