"""The plot of an interval: what it says, and that it is the same each time and harmless."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest

from presage.experiments.path import PathPoint
from services.backend.interval_plot import COLOURS, PlotText, draw_interval_paths

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"
TEXT = PlotText("cheap <b>$5</b> & $6: ship", "After 3 looks the difference is within [0.01, 0.05].", "bought")


def make_path(looks: int) -> list[PathPoint]:
    empty = PathPoint(1, BEGIN, None, None, None)
    return [empty, *(PathPoint(n, BEGIN + timedelta(hours=n), 0.03, 0.01 - 0.1 / n, 0.05 + 0.1 / n) for n in range(2, looks + 1))]


def walk(svg: str) -> Iterator[ET.Element]:
    return ET.fromstring(svg).iter()  # noqa: S314 - our own text


def test_the_same_looks_are_the_same_bytes() -> None:
    assert draw_interval_paths({"treatment": make_path(20)}, TEXT) == draw_interval_paths({"treatment": make_path(20)}, TEXT)
    assert draw_interval_paths({"treatment": make_path(20)}, TEXT) != draw_interval_paths({"treatment": make_path(21)}, TEXT)


def test_it_is_one_image_with_a_title_and_a_description() -> None:
    root = next(walk(draw_interval_paths({"treatment": make_path(3)}, TEXT)))

    assert root.attrib["role"] == "img"
    labels = {child.attrib["id"]: child.text for child in root if child.tag in {f"{SVG}title", f"{SVG}desc"}}
    assert labels == {"title": TEXT.title, "description": TEXT.description}
    assert root.attrib["aria-labelledby"].split() == ["title", "description"]


@pytest.mark.parametrize("looks", [0, 1, 2, 300])
def test_any_number_of_looks_is_drawn_without_script_or_link(looks: int) -> None:
    svg = draw_interval_paths({"treatment": make_path(looks)[:looks]}, TEXT)

    for element in walk(svg):
        assert element.tag.removeprefix(SVG) not in {"script", "foreignObject", "image", "a"}
        assert not any(name.lower().startswith("on") for name in element.attrib)
        links = [value for name, value in element.attrib.items() if name.endswith("href")]
        assert all(link.startswith("#") for link in links)


def test_what_users_named_is_shown_as_text() -> None:
    texts = [element.text for element in walk(draw_interval_paths({"treatment": make_path(3)}, TEXT)) if element.tag == f"{SVG}text"]

    assert TEXT.title in texts
    assert "bought: treatment - control" in texts


def test_every_arm_has_a_line_of_its_own() -> None:
    svg = draw_interval_paths({"small": make_path(3), "large": make_path(5)}, TEXT)
    texts = [element.text for element in walk(svg) if element.tag == f"{SVG}text"]
    assert [text for text in texts if text and text.endswith(("interval", "estimate"))] == [
        "small, interval",
        "small, estimate",
        "large, interval",
        "large, estimate",
    ]
    assert "bought: arm - control" in texts
    assert all(colour in svg for colour in COLOURS[:2])
    assert COLOURS[2] not in svg
