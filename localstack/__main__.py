"""The launcher: `python -m localstack COMMAND`, whose commands are below."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Sequence

from localstack import emulator, system_packages, toolchain
from localstack.containers import engine
from localstack.containers.stack import ContainerStack
from localstack.deployment import Deployment
from localstack.mails import describe, read_mails
from localstack.places import ROOT, Places
from localstack.program import StartError
from localstack.screen import Screen
from localstack.stack import Stack, exclusively, interrupt_on_sigterm


def main(arguments: Sequence[str]) -> int:
    """Do what the command line asks for and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m localstack", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in _COMMANDS:
        command = commands.add_parser(name)
        if name == "mails":
            command.add_argument("address", nargs="?", help="whose mails to print (default: all)")
    places, screen = Places(), Screen()
    interrupt_on_sigterm()
    try:
        given = parser.parse_args(arguments)
        if given.command == "mails":
            return mails(places, screen, given.address)
        return _COMMANDS[given.command](places, screen)
    except StartError as error:
        screen.fail(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        screen.fail("interrupted")
        return 130


def setup(places: Places, screen: Screen) -> int:
    """Install what is missing on this machine: system packages, the emulator, node, the CDK, the pages' assets; return the exit code."""
    system_packages.install(system_packages.missing(), say=screen.say)
    emulator.install(places, python=sys.executable)
    node = toolchain.ensure_node(places, say=screen.say)
    toolchain.ensure_cdk(node, say=screen.say)
    toolchain.ensure_assets(node, say=screen.say)
    return 0


def setup_containers(_places: Places, screen: Screen) -> int:
    """Install what containers need, beyond what `setup` installs; return the exit code."""
    system_packages.install(system_packages.missing(engine.REQUIREMENTS), say=screen.say)
    return 0


def setup_browser(_places: Places, screen: Screen) -> int:
    """Install the browser that tests look at the pages with; return the exit code."""
    system_packages.install(system_packages.missing(system_packages.BROWSER), say=screen.say)
    return 0


def up(places: Places, screen: Screen) -> int:
    """Bring the stack up; return the exit code."""
    with exclusively(places):
        Stack(places, screen).up()
    return 0


def up_containers(places: Places, screen: Screen) -> int:
    """Bring staging and production in containers up; return the exit code."""
    with exclusively(places):
        ContainerStack(places, screen).up()
    return 0


def containers_url(places: Places, screen: Screen) -> int:
    """Print the address of the emulator that staging and production run on; return the exit code."""
    endpoints = ContainerStack(places, screen).endpoints
    if not endpoints:
        raise StartError("staging and production are not up; start them with: make up CONTAINERS=1")
    print(endpoints["emulator_url"])
    return 0


def environment(places: Places, _screen: Screen) -> int:
    """Print the variables that point Presage's own commands at the local stack; return the exit code."""
    facts = _read_endpoints(places)
    variables = {
        **emulator.CREDENTIALS,
        "AWS_ENDPOINT_URL": facts["emulator_url"],
        "AWS_ENDPOINT_URL_REDSHIFT_DATA": facts["redshift_data_url"],
        "PRESAGE_REDSHIFT_WORKGROUP": facts["redshift_workgroup"],
        "PRESAGE_REDSHIFT_DATABASE": facts["redshift_database"],
    }
    for name, value in variables.items():
        print(f"{name}={value}")
    return 0


def down(places: Places, screen: Screen) -> int:
    """Take the stack down; return the exit code."""
    with exclusively(places):
        ran = [stack.down() for stack in (ContainerStack(places, screen), Stack(places, screen))]
        screen.head("down; data is kept in .local" if any(ran) else "nothing was running")
    return 0


def status(places: Places, screen: Screen) -> int:
    """Print how every piece is; return 0 if all run that were brought up."""
    local, containers = Stack(places, screen), ContainerStack(places, screen)
    if containers.is_running():
        screen.head("staging and production in containers")
        well = containers.status()
        if not local.is_running():
            return 0 if well else 1
        screen.head("the stage `local`")
    else:
        well = True
    if local.status() and well:
        return 0
    screen.head("not up as a whole; `make up` starts what does not run")
    return 1


def logs(places: Places, screen: Screen) -> int:
    """Become `tail` of all logs."""
    folders = (places.logs, ContainerStack(places, screen).logs)
    files = sorted(str(path) for folder in folders for path in folder.glob("*.log"))
    if not files:
        raise StartError("there are no logs yet; `make up` starts what writes them")
    os.execvp("tail", ["tail", "-n", "20", "-F", *files])  # noqa: S606 - becoming tail is the point


def mails(places: Places, _screen: Screen, address: str | None = None) -> int:
    """Print the mails that the emulated SES took, to one address or to all, newest last; return the exit code."""
    found = read_mails(_read_endpoints(places)["emulator_url"], address)
    print("\n".join(map(describe, found)) or "no mail yet")
    return 0


def synth(places: Places, screen: Screen) -> int:
    """Synthesise the templates of every stage into cdk.out; return the exit code."""
    node = toolchain.ensure_node(places, say=screen.say)
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    for stage in ("local", "staging", "production"):
        screen.head(f"cdk synth -c stage={stage}")
        cdk = toolchain.ensure_cdk(node, say=screen.say)
        Deployment(cdk=cdk, environment=environment, context={"stage": stage}, places=places).synth(
            ROOT / "cdk.out" / stage, say=screen.say
        )
    return 0


def doctor(_places: Places, screen: Screen) -> int:
    """Print what the machine offers and lacks; return 0 if nothing is lacking."""
    unmet = system_packages.missing()
    for requirement in system_packages.REQUIREMENTS:
        screen.piece("missing" if requirement in unmet else "found", "tool", f"{requirement.package}: {requirement.purpose}")
    node = shutil.which("node")
    fits = node is not None and toolchain.node_major(node) >= toolchain.NODE_MAJOR
    screen.piece("found" if fits else "by wheel", "tool", f"node {toolchain.NODE_MAJOR} or newer, for the CDK")
    if not unmet:
        return 0
    screen.head(f"as root, `make setup` installs what is missing; others need: {system_packages.installation(unmet)}")
    return 1


def _read_endpoints(places: Places) -> dict[str, str]:
    path = places.state / "endpoints.json"
    if not path.exists():
        raise StartError("the stack is not up; start it with: make up")
    facts: dict[str, str] = json.loads(path.read_bytes())
    return facts


_COMMANDS: dict[str, Callable[[Places, Screen], int]] = {
    command.__name__.replace("_", "-"): command
    for command in (
        setup,
        setup_browser,
        setup_containers,
        up,
        up_containers,
        containers_url,
        environment,
        down,
        status,
        logs,
        mails,
        doctor,
        synth,
    )
}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
