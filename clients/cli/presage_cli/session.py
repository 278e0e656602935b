"""A client for the profile that counts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from presage_cli.environment import read_environment
from presage_cli.exits import CliError, Exit
from presage_cli.profiles import Profile, choose_profile
from presage_client import Client, RetryPolicy

VARIABLES = {"workspace": "PRESAGE_BACKEND_URL and PRESAGE_TOKEN", "public": "PRESAGE_GATEWAY_URL and PRESAGE_API_KEY"}
NAMES = {"workspace": "the workspace API", "public": "the prediction API"}


@contextmanager
def open_client(profile: str | None, *, api: str) -> Iterator[Client]:
    """Yield a client that can call the API.

    Raises:
        CliError: Neither profile nor environment tell its URL and credential.
    """
    name, chosen = choose_profile(read_environment(), profile)
    if getattr(chosen, api) is None:
        where = f"profile {name}" if name else "no profile is chosen, and the environment"
        raise CliError(
            f"{where} does not tell URL and credential of {NAMES[api]}",
            Exit.DENIED,
            next_step=f"presage log-in, or set {VARIABLES[api]}",
        )
    with build_client(chosen) as client:
        yield client


def build_client(profile: Profile, *, policy: RetryPolicy | None = None) -> Client:
    """Return a client of what a profile tells."""
    return Client(workspace=profile.workspace, public=profile.public, policy=policy)
