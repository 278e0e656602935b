from __future__ import annotations

import stat
from pathlib import Path

import pytest

from presage_cli.environment import Environment, read_environment
from presage_cli.exits import CliError
from presage_cli.profiles import Profile, Profiles, choose_profile, read_profiles, write_profiles
from tests.fixtures.command_line import CommandLine

SHOP = Profile("https://backend.example", 'tok"en\\é', "https://api.example", "sk_1")
FARM = Profile(gateway_url="https://farm.example", api_key="sk_2")


@pytest.fixture
def line(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, {})


def test_profiles_are_kept_as_they_are_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "presage" / "config.toml"

    write_profiles(path, Profiles().put("shop", SHOP, use=False).put("farm", FARM, use=False))

    assert read_profiles(path) == Profiles("shop", {"shop": SHOP, "farm": FARM})
    assert (stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)) == (0o600, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("")
    path.chmod(0o644)

    write_profiles(path, Profiles().put("shop", SHOP, use=True))

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_environment_goes_before_the_profile_and_an_option_before_both(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    write_profiles(path, Profiles().put("shop", SHOP, use=True).put("farm", FARM, use=False))

    assert choose_profile(Environment(path), None) == ("shop", SHOP)
    assert choose_profile(Environment(path, profile="farm"), None) == ("farm", FARM)
    assert choose_profile(Environment(path, profile="farm"), "shop") == ("shop", SHOP)
    assert choose_profile(Environment(path, token="other"), None)[1].workspace == ("https://backend.example", "other")
    with pytest.raises(CliError, match="there is no profile 'barn'; there are: shop, farm"):
        choose_profile(Environment(path), "barn")


def test_the_file_is_where_the_desktop_keeps_such() -> None:
    assert read_environment({"XDG_CONFIG_HOME": "/x"}).config_file == Path("/x/presage/config.toml")
    assert read_environment({"HOME": "/home/ann", "PRESAGE_TOKEN": ""}) == Environment(Path("/home/ann/.config/presage/config.toml"))


@pytest.mark.parametrize(
    ("name", "profile", "told"),
    [
        ("a b", SHOP, "a profile's name"),
        ("a", Profile("ftp://x", "t"), "a URL is https://host"),
        ("a", Profile("https://ann:secret@x", "t"), "without credentials"),
        ("a", Profile("https://x", "t\nprofiles = 1"), "token holds characters"),
    ],
)
def test_what_could_not_be_kept_or_used_is_refused(name: str, profile: Profile, told: str) -> None:
    with pytest.raises(CliError, match=told):
        Profiles().put(name, profile, use=True)


@pytest.mark.parametrize("text", ["current = ", "profiles = 3", "[profiles.a]\ncolour = 'red'"])
def test_a_file_that_cannot_be_read_is_said(text: str, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(CliError, match="cannot be read"):
        read_profiles(tmp_path / "config.toml")


def test_credentials_come_by_standard_input_and_are_never_shown(line: CommandLine) -> None:
    added = line.run(
        *("profiles", "add", "shop", "--backend-url", "https://b.example", "--token", "-"),
        *("--gateway-url", "https://g.example", "--api-key", "-"),
        typed="usr_secret\nsk_secret\n",
    )
    listed = [line.run("profiles", "list"), line.run("profiles", "list", "--json")]

    assert added.exit_code == 0
    assert read_profiles(line.home / "presage" / "config.toml").get("shop") == Profile(
        "https://b.example", "usr_secret", "https://g.example", "sk_secret"
    )
    for each in (added, *listed):
        assert "secret" not in each.out + each.err
    assert listed[1].json()[0]["token"] == "***"


def test_a_credential_is_no_argument(line: CommandLine) -> None:
    ended = line.run("profiles", "add", "shop", "--backend-url", "https://b.example", "--token", "usr_secret")

    assert (ended.exit_code, "credentials are no arguments" in ended.err.replace("\n", " ")) == (2, True)
    assert "usr_secret" not in ended.err


def test_without_a_terminal_nobody_is_asked(line: CommandLine) -> None:
    assert line.run("profiles", "add", "shop").exit_code == 2
    assert line.run("profiles", "add", "shop", "--backend-url", "https://b.example").exit_code == 2
    assert not (line.home / "presage").exists()


def test_profiles_are_used_and_removed(line: CommandLine) -> None:
    for name in ("one", "two"):
        line.run("profiles", "add", name, "--gateway-url", "https://g.example", "--api-key", "-", typed="k\n")

    assert line.run("profiles", "use", "two").exit_code == 0
    assert [each["current"] for each in line.run("profiles", "list", "--json").json()] == [False, True]
    assert line.run("profiles", "remove", "two").exit_code == 2
    assert line.run("profiles", "remove", "two", "--yes").exit_code == 0
    assert line.run("profiles", "remove", "two", "--yes").exit_code == 2
    assert [each["name"] for each in line.run("profiles", "list", "--json").json()] == ["one"]
    assert "no profile is current" not in line.run("profiles", "use", "one").err
