"""A page is followed in its order, in one session, and ends where a block fails."""

from pathlib import Path

import pytest

from demo.tutorial import follow

PAGE = """# A page
## First
```sh
echo one >> {log}
leave this out
```
```python
found = 1
```
```text
not run
```
## Second
```python
found += 1
with open("{log}", "a") as file:
    print(found, file=file)
```
"""


def test_blocks_run_in_their_order_and_share_a_session(tmp_path: Path) -> None:
    page, log = tmp_path / "page.md", tmp_path / "log"
    page.write_text(PAGE.format(log=log))

    session = follow(page, left_out={"leave this out"})

    assert log.read_text() == "one\n2\n"
    assert session["found"] == 2


def test_a_shell_block_that_fails_ends_it_and_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("## End\n```sh\nexit 3\n```\n```python\nraise AssertionError\n```\n")

    with pytest.raises(SystemExit, match="line 3 of the page: exit 3"):
        follow(page)


def test_a_python_block_that_fails_is_found_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n```python\n1 / 0\n```\n")

    with pytest.raises(ZeroDivisionError) as caught:
        follow(page)
    assert (caught.traceback[-1].path, caught.traceback[-1].lineno + 1) == (page, 3)
