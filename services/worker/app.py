"""The background worker. `gunicorn -c python:services.worker.gunicorn_conf "services.worker.app:create()"`."""

from __future__ import annotations

import os

from flask import Flask

from presage.runtime.settings import load_settings
from presage.runtime.worker import create_worker_app, set_on_sigterm
from services.worker.bootstrap import build
from services.worker.settings import WorkerSettings


def create() -> Flask:
    """Return the application with real ports, configured by the environment; SIGTERM stops its jobs at a safe point."""
    settings = load_settings(WorkerSettings, os.environ)  # noqa: TID251 - the edge of the process
    worker, check_ready = build(settings)
    set_on_sigterm(worker.execution.stopping)
    return create_worker_app(__name__, worker, check_ready=check_ready)
