"""The public API: records in, predictions out.

`services.public_api.serve` serves it as production does; any WSGI server runs what `create` returns.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from presage.runtime.http import create_app
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings
from services.public_api import bootstrap
from services.public_api.access import admit_caller, answer_preflight, tell_caller
from services.public_api.context import EXTENSION, PublicApiPorts
from services.public_api.front import Front
from services.public_api.routes import datasets, openapi, predictions
from services.public_api.settings import PublicApiSettings


def create() -> Flask:
    """Return the WSGI application on its real ports, configured by the environment. It loads what is in service in the background."""
    return _build()[0]


def create_front() -> Front:
    """Return the same with the short way of predictions in front, for Granian."""
    return Front(*_build())


def _build() -> tuple[Flask, PublicApiPorts]:
    settings = load_settings(PublicApiSettings)
    configure_logging(service="public_api", stage=settings.stage)
    ports, warming = bootstrap.build(settings)
    warming.start()
    return build_app(ports, check_ready=warming.check), ports


def build_app(ports: PublicApiPorts, *, check_ready: Callable[[], None] | None = None) -> Flask:
    """Return the application on any ports."""
    app = create_app(__name__, check_ready=check_ready)
    app.extensions[EXTENSION] = ports
    app.before_request(answer_preflight)
    app.before_request(admit_caller)
    app.after_request(tell_caller)
    for module in (predictions, datasets, openapi):
        app.register_blueprint(module.blueprint, url_prefix="/v1")
    return app
