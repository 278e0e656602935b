"""Where the dashboard's pages are."""

from constructs import Construct

from stacks.config import StageConfig

HOST = "app"
"""The name of the backend, and so of the pages, in the domain."""


def read_pages_url(scope: Construct, config: StageConfig) -> str:
    """Return the origin of the pages; on one machine that of `-c pages_url=http://127.0.0.1:…`."""
    given = scope.node.try_get_context("pages_url")
    return str(given or "http://127.0.0.1:8082") if config.name == "local" else f"https://{HOST}.{config.domain}"
