"""What the stacks need of the emulator is written down, so that a new type is noticed before a deployment is."""

import re

from tests.fixtures.synthesis import ROOT, read_synthesis


def test_the_documentation_lists_the_types_of_the_local_stacks() -> None:
    text = (ROOT / "docs" / "infrastructure.md").read_text()
    listed = set(re.findall(r"^- `((?:AWS|Custom)::[\w:]+)`", text, flags=re.MULTILINE))
    assert listed == read_synthesis("local").types()
