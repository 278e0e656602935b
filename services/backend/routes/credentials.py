"""Credentials of customers' own systems: put and deleted here, read by the worker only."""

from __future__ import annotations

from flask import Blueprint, Response

from presage.features.sources.credentials import check_credential, check_name
from services.backend.bodies import CredentialBody, read_body
from services.backend.context import get_ports, get_user

blueprint = Blueprint("credentials", __name__, url_prefix="/credentials")


@blueprint.put("/<name>")
def put(name: str) -> Response:
    """Keep a credential under that name, in place of what was there."""
    body = read_body(CredentialBody)
    check_credential(name, body.content)
    get_ports().credentials.put_credential(get_user().workspace_id, name, body.content)
    return Response(status=204)


@blueprint.delete("/<name>")
def delete(name: str) -> Response:
    """Forget a credential; one that is not there is as good."""
    check_name(name)
    get_ports().credentials.delete_credential(get_user().workspace_id, name)
    return Response(status=204)
