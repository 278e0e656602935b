"""Credentials of customers' own systems: put and deleted here, read by the worker only."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.features.sources.credentials import forget_credential, keep_credential
from services.backend.bodies import CredentialBody, read_body
from services.backend.context import get_ports, get_user

blueprint = Blueprint("credentials", __name__, url_prefix="/credentials")


@blueprint.put("/<name>")
def put(name: str) -> Response:
    """Keep a credential under that name, in place of what was there."""
    keep_credential(name, read_body(CredentialBody).content, by=get_user(), store=get_ports().credentials)
    return Response(status=204)


@blueprint.delete("/<name>")
def delete(name: str) -> Response:
    """Forget a credential; one that is not there is as good."""
    forget_credential(name, by=get_user(), store=get_ports().credentials)
    return Response(status=204)
