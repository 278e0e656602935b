"""The backend: the workspace API, and the dashboard. `gunicorn "services.backend.app:create()"`."""

from __future__ import annotations

import os
from collections.abc import Callable

from flask import Flask

from presage.runtime.http import create_app
from presage.runtime.settings import load_settings
from services.backend.auditing import Auditor
from services.backend.authentication import Gatekeeper, recognise_bearer
from services.backend.bootstrap import build
from services.backend.context import EXTENSION, BackendPorts
from services.backend.pages.blueprint import register_pages
from services.backend.pages.gate import PageGate
from services.backend.pages.operations import OPERATOR
from services.backend.pages.visiting import PROXIES, recognise
from services.backend.routes import (
    api_keys,
    audit,
    batch_predictions,
    credentials,
    datasets,
    drift,
    experiments,
    holdout,
    imports,
    jobs,
    lineage,
    mail_settings,
    models,
    off_policy,
    operations,
    predictions,
    quarantine,
    reports,
    results,
    retraining,
    users,
    webhooks,
    workspaces,
)
from services.backend.settings import BackendSettings

BLUEPRINTS = (
    workspaces,
    users,
    api_keys,
    audit,
    credentials,
    datasets,
    imports,
    quarantine,
    models,
    batch_predictions,
    lineage,
    drift,
    retraining,
    off_policy,
    reports,
    experiments,
    results,
    holdout,
    jobs,
    webhooks,
    mail_settings,
    predictions,
    operations,
)


def create() -> Flask:
    """Return the application with real ports, configured by the environment."""
    settings = load_settings(BackendSettings, os.environ)  # noqa: TID251 - the edge of the process
    ports, check_ready = build(settings)
    app = build_app(ports, operator_token=settings.operator_token, public_api_url=settings.public_api_url, check_ready=check_ready)
    app.config[PROXIES] = settings.trusted_proxies
    app.config[OPERATOR] = settings.operator_email
    return app


def build_app(ports: BackendPorts, *, operator_token: str, public_api_url: str, check_ready: Callable[[], None] | None = None) -> Flask:
    """Return the application on any ports; every route is authenticated, of `/api/v1` and of the pages."""
    app = create_app(__name__, check_ready=check_ready)
    app.extensions[EXTENSION] = ports
    app.config["PUBLIC_API_URL"] = public_api_url
    app.before_request(Gatekeeper(ports.workspaces, operator_token))
    app.before_request(PageGate(lambda: recognise(recognise_bearer(ports.workspaces))))
    auditor = Auditor(ports.audit)
    app.before_request(auditor.begin)
    app.after_request(auditor.end)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint, url_prefix=f"/api/v1{module.blueprint.url_prefix or ''}")
    register_pages(app)
    return app
