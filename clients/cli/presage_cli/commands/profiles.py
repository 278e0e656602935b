"""`presage profiles add|list|use|remove`."""

from __future__ import annotations

from typing import Annotated

import typer

from presage_cli.asking import confirm
from presage_cli.credentials import ApiKey, BackendUrl, GatewayUrl, Token, ask_for_profile
from presage_cli.environment import read_environment
from presage_cli.options import AsJson, Yes
from presage_cli.output import Output
from presage_cli.profiles import read_profiles, write_profiles
from presage_cli.terminal import say

Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]


def register(app: typer.Typer, _name: str) -> None:
    """Add the commands."""
    app.command()(add)
    app.command("list")(list_all)
    app.command()(use)
    app.command()(remove)


def add(*, name: Name, backend_url: BackendUrl = "", token: Token = None, gateway_url: GatewayUrl = "", api_key: ApiKey = None) -> None:
    """Add a profile, or replace it. Credentials are asked for; `-` reads one from standard input."""
    path = read_environment().config_file
    profiles = read_profiles(path).put(name, ask_for_profile(backend_url, token, gateway_url, api_key), use=False)
    write_profiles(path, profiles)
    say(f"profile {name} is in {path}" + (", and is the current one" if profiles.current == name else f"; presage profiles use {name}"))


def list_all(*, as_json: AsJson = False) -> None:
    """List the profiles, without their credentials."""
    profiles = read_profiles(read_environment().config_file)
    rows = [{"name": name, "current": name == profiles.current, **each.mask()} for name, each in profiles.profiles.items()]
    if rows or as_json:
        Output(as_json).tell(rows)
    else:
        say("there are none; presage log-in makes one")


def use(*, name: Name) -> None:
    """Make a profile the current one."""
    path = read_environment().config_file
    profiles = read_profiles(path)
    write_profiles(path, profiles.put(name, profiles.get(name), use=True))
    say(f"profile {name} is the current one")


def remove(*, name: Name, yes: Yes = False) -> None:
    """Remove a profile with its credentials."""
    path = read_environment().config_file
    left = read_profiles(path).remove(name)
    confirm(f"Remove profile {name} with its credentials", yes=yes)
    write_profiles(path, left)
    say(f"profile {name} is removed" + ("" if left.current else "; no profile is current now"))
