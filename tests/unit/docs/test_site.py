"""The documentation as a site: every page is in it, no link is broken, nothing is fetched from elsewhere, every block of code is run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.tutorial import list_blocks
from tests.fixtures.synthesis import ROOT

DOCS = ROOT / "docs"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_BY = {
    ("cli.md", "sh"): "tests/contract/cli/test_documents.py",
    ("client.md", "python"): "tests/contract/clients/test_documents.py",
    ("infrastructure.md", "sh"): "tests/unit/docs/test_operations.py",
    ("operations.md", "sh"): "tests/unit/docs/test_operations.py",
    ("tutorial.md", "python"): "tests/e2e/test_tutorial.py",
    ("tutorial.md", "sh"): "tests/e2e/test_tutorial.py",
    ("webhooks.md", "python"): "tests/integration/test_webhook_channel.py",
}
"""Which test runs the blocks of a language of a page, or holds commands for an account against the SDK's models and our own programs."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` does: strictly."""
    target = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(target)]
    ended = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return target


def test_every_page_is_in_the_site(site: Path) -> None:
    pages = {page.relative_to(DOCS).with_suffix("") for page in DOCS.rglob("*.md")}

    built = {page.parent.relative_to(site) for page in site.rglob("index.html")}

    assert {page if page.name != "index" else page.parent for page in pages} == built


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    link = r"<link[^>]*\srel=\"(?:stylesheet|preload|preconnect|icon)\"[^>]*\shref"
    loaded = re.compile(rf"(?:<(?:script|img|iframe|source)[^>]*\ssrc|{link})=\"(?:https?:)?//")
    for page in site.rglob("*.html"):
        assert not loaded.search(page.read_text()), page


def list_pages() -> dict[str, str]:
    """Return the text of each page but decisions, which tell how it was, and generated cards."""
    pages = {str(page.relative_to(DOCS)): page.read_text() for page in DOCS.rglob("*.md")}
    return {name: text for name, text in pages.items() if not name.startswith(("adr/", "models/"))}


def test_every_block_of_code_is_run_by_a_test() -> None:
    found = {(name, language) for name, text in list_pages().items() for language, _ in FENCE.findall(text)}

    assert {each for each in found if each[1] not in {"", "json"}} == RUN_BY.keys()
    for (name, _), test in RUN_BY.items():
        assert name in (ROOT / test).read_text()


def test_json_can_be_read() -> None:
    blocks = [code for text in list_pages().values() for language, code in FENCE.findall(text) if language == "json"]

    assert blocks
    for block in blocks:
        json.loads(block if block.lstrip().startswith("{") else f"{{{block}}}")


def test_the_tutorial_is_read_block_by_block() -> None:
    blocks = list(list_blocks((DOCS / "tutorial.md").read_text()))

    assert (blocks[0].language, blocks[0].code, blocks[0].heading) == ("sh", "make up\n", "Start")
    assert (blocks[-1].code, blocks[-1].heading) == ("make down\n", "End")
    lines = (DOCS / "tutorial.md").read_text().splitlines()
    assert all(lines[block.line - 1] == block.code.splitlines()[0] for block in blocks)
