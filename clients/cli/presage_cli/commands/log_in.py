"""`presage log-in`."""

from __future__ import annotations

from typing import Annotated

import typer

from presage_cli.checks import check_key
from presage_cli.credentials import ApiKey, BackendUrl, GatewayUrl, Token, ask_for_profile
from presage_cli.environment import read_environment
from presage_cli.options import AsJson
from presage_cli.output import Output
from presage_cli.profiles import check_profile, read_profiles, write_profiles
from presage_cli.session import build_client
from presage_cli.terminal import say


def register(app: typer.Typer, _name: str) -> None:
    """Add the command."""
    app.command("log-in")(log_in)


def log_in(
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The profile.")] = "default",
    backend_url: BackendUrl = "",
    token: Token = None,
    gateway_url: GatewayUrl = "",
    api_key: ApiKey = None,
    as_json: AsJson = False,
) -> None:
    """Check credentials by a call to each API, keep them in a profile, and make it the current one.

    What is refused is not kept.
    """
    path = read_environment().config_file
    profiles = read_profiles(path)
    profile = check_profile(name, ask_for_profile(backend_url, token, gateway_url, api_key))
    with build_client(profile) as client:
        workspace = client.workspace.get() if profile.workspace else None
        if profile.public:
            check_key(client)
    write_profiles(path, profiles.put(name, profile, use=True))
    say(f"logged in; profile {name} is in {path}, and is the current one")
    if workspace is not None or as_json:
        Output(as_json).tell(workspace)
