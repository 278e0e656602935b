"""Profiles: which APIs are called, with which credentials, in one file that only its owner reads."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from presage_cli.environment import Environment
from presage_cli.exits import CliError, Exit

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
SECRETS = ("token", "api_key")


@dataclass(frozen=True)
class Profile:
    """Where both APIs are, and the credentials for them; either may be missing."""

    backend_url: str = ""
    token: str = field(default="", repr=False)
    gateway_url: str = ""
    api_key: str = field(default="", repr=False)

    @property
    def workspace(self) -> tuple[str, str] | None:
        """URL and token of the workspace API."""
        return (self.backend_url, self.token) if self.backend_url and self.token else None

    @property
    def public(self) -> tuple[str, str] | None:
        """URL and key of the prediction API."""
        return (self.gateway_url, self.api_key) if self.gateway_url and self.api_key else None

    def mask(self) -> dict[str, str]:
        """Return what may be shown."""
        return {name: "***" if value and name in SECRETS else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Profiles:
    """All profiles, and the one that counts unless another is named."""

    current: str | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)

    def get(self, name: str) -> Profile:
        """Return a profile.

        Raises:
            CliError: There is none of this name.
        """
        if name not in self.profiles:
            there = ", ".join(self.profiles) or "none"
            raise CliError(f"there is no profile {name!r}; there are: {there}", Exit.USAGE, next_step=f"presage profiles add {name}")
        return self.profiles[name]

    def put(self, name: str, profile: Profile, *, use: bool) -> "Profiles":
        """Return all profiles with this one; it becomes the current one if it is to be used, or is the first."""
        return Profiles(name if use or self.current is None else self.current, {**self.profiles, name: check_profile(name, profile)})

    def remove(self, name: str) -> "Profiles":
        """Return all profiles but this one."""
        self.get(name)
        left = {each: profile for each, profile in self.profiles.items() if each != name}
        return Profiles(None if self.current == name else self.current, left)


def check_profile(name: str, profile: Profile) -> Profile:
    """Return a profile whose name and values can be kept and used.

    Raises:
        CliError: They cannot.
    """
    if not NAME.fullmatch(name):
        raise CliError(f"a profile's name has letters, digits, - and _, not {name!r}", Exit.USAGE)
    for field_name, value in asdict(profile).items():
        if not value.isprintable():
            raise CliError(f"{field_name} holds characters that cannot be printed", Exit.USAGE)
    for url in filter(None, (profile.backend_url, profile.gateway_url)):
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise CliError(f"a URL is https://host or http://host, without credentials, not {url!r}", Exit.USAGE)
    return profile


def read_profiles(path: Path) -> Profiles:
    """Return what the file holds; nothing, if there is none.

    Raises:
        CliError: It cannot be read.
    """
    try:
        text = path.read_text()
    except FileNotFoundError:
        return Profiles()
    try:
        written = tomllib.loads(text)
        return Profiles(written.get("current"), {name: Profile(**each) for name, each in written.get("profiles", {}).items()})
    except (tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise CliError(f"{path} cannot be read: {error}", Exit.USAGE, next_step="mend it, or remove it and log in again") from None


def write_profiles(path: Path, profiles: Profiles) -> None:
    """Write the file, whole or not at all; only its owner reads it."""
    lines = [f"current = {quote(profiles.current)}\n"] if profiles.current else []
    for name, profile in profiles.profiles.items():
        lines += [f"\n[profiles.{name}]\n", *(f"{key} = {quote(value)}\n" for key, value in asdict(profile).items() if value)]
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(lines)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def quote(text: str) -> str:
    """Return a printable text as TOML has it, which is as JSON has it."""
    return json.dumps(text, ensure_ascii=False)


def choose_profile(environment: Environment, asked: str | None) -> tuple[str | None, Profile]:
    """Return the name and the values of what counts: the profile that was asked for or is current, and what the environment overrides."""
    profiles = read_profiles(environment.config_file)
    name = asked or environment.profile or profiles.current
    profile = profiles.get(name) if name else Profile()
    told = {key: getattr(environment, key) for key in asdict(profile)}
    return name, replace(profile, **{key: value for key, value in told.items() if value})
