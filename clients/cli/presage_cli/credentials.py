"""Credentials, asked for without an echo or read from standard input: never an argument, which others could see."""

from __future__ import annotations

import sys
from getpass import getpass
from typing import Annotated

import typer

from presage_cli.asking import ask
from presage_cli.profiles import Profile

SOURCE = "-"
BackendUrl = Annotated[str, typer.Option(metavar="URL", help="The workspace API.", show_default=False)]
Token = Annotated[str | None, typer.Option(metavar="-", help="`-`: read a user's token from standard input.", show_default=False)]
GatewayUrl = Annotated[str, typer.Option(metavar="URL", help="The prediction API.", show_default=False)]
ApiKey = Annotated[str | None, typer.Option(metavar="-", help="`-`: read an API key from standard input.", show_default=False)]


def ask_for_profile(backend_url: str, token: str | None, gateway_url: str, api_key: str | None) -> Profile:
    """Return a profile of what was told, and of what is asked for on a terminal.

    Raises:
        typer.BadParameter: A credential is an argument, or is missing.
    """
    backend_url = backend_url or ask_for_url("URL of the workspace API (empty: none)", needed=not gateway_url)
    secret = read_secret("token", token) if backend_url else ""
    gateway_url = gateway_url or ask_for_url("URL of the prediction API (empty: none)", needed=not backend_url)
    key = read_secret("api-key", api_key) if gateway_url else ""
    return Profile(backend_url, secret, gateway_url, key)


def ask_for_url(question: str, *, needed: bool) -> str:
    """Return what is answered on a terminal; elsewhere, nothing.

    Raises:
        typer.BadParameter: Nobody can be asked for what is needed.
    """
    if sys.stdin.isatty():
        return ask(f"{question}:")
    if needed:
        raise typer.BadParameter("give --backend-url, --gateway-url or both")
    return ""


def read_secret(name: str, source: str | None) -> str:
    """Return a credential: a line of standard input, or what is typed unseen.

    Raises:
        typer.BadParameter: It is an argument, or there is none.
    """
    option = f"--{name}"
    if source not in {None, SOURCE}:
        raise typer.BadParameter(f"credentials are no arguments, as others see those: {option} - reads standard input", param_hint=option)
    if source == SOURCE:
        secret = sys.stdin.readline().strip()
    elif sys.stdin.isatty():
        secret = getpass(f"{name.replace('-', ' ').capitalize()}: ", stream=sys.stderr).strip()
    else:
        raise typer.BadParameter(f"nobody can be asked; {option} - reads standard input", param_hint=option)
    if not secret:
        raise typer.BadParameter("is empty", param_hint=option)
    return secret
