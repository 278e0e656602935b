"""The public API: records in, predictions out.

Any WSGI server runs what `create` returns; `services.public_api.serve` runs it as production does.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask

from presage.runtime.http import create_app
from presage.runtime.observability import configure_logging
from presage.runtime.settings import load_settings
from services.public_api import bootstrap
from services.public_api.context import EXTENSION, PublicApiPorts, admit_caller, tell_rate
from services.public_api.direct import DirectPredict
from services.public_api.routes import datasets, openapi, predictions
from services.public_api.settings import PublicApiSettings


def create() -> DirectPredict:
    """Return the application on its real ports, configured by the environment."""
    settings = load_settings(PublicApiSettings)
    configure_logging(service="public_api", stage=settings.stage)
    ports = bootstrap.build(settings)
    return DirectPredict(build_app(ports, check_ready=ports.predictions.catalog.check), ports)


def build_app(ports: PublicApiPorts, *, check_ready: Callable[[], None] | None = None) -> Flask:
    """Return the application on any ports."""
    app = create_app(__name__, check_ready=check_ready)
    app.extensions[EXTENSION] = ports
    app.before_request(admit_caller)
    app.after_request(tell_rate)
    for module in (predictions, datasets, openapi):
        app.register_blueprint(module.blueprint, url_prefix="/v1")
    return app
