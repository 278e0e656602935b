"""Answers to be read: tables for lists, and names beside values for one thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from presage_cli.terminal import clean

LEFT_OUT = {"workspace_id"}
"""The same everywhere."""
MOST_COLUMNS = 8
Row = Mapping[str, Any]


def is_flat(value: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether a value fits into a cell."""
    return not isinstance(value, Mapping | list) or (
        isinstance(value, list) and not any(isinstance(each, Mapping | list) for each in value)
    )


def render_value(value: Any) -> Text:  # noqa: ANN401 - JSON
    """Return a flat value as text."""
    if isinstance(value, list):
        return Text(", ".join(render_value(each).plain for each in value))
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, float):
        return Text(f"{value:.10g}")
    return Text("-", style="dim") if value is None else Text(clean(str(value)))


def choose_columns(rows: Sequence[Row]) -> list[str]:
    """Return the names that a table of the rows has: those whose values all fit into cells, some of them not empty."""
    names = dict.fromkeys(name for row in rows for name in row)
    flat = [name for name in names if name not in LEFT_OUT and all(is_flat(row.get(name)) for row in rows)]
    return [name for name in flat if any(row.get(name) not in (None, []) for row in rows)][:MOST_COLUMNS]


def render_table(rows: Sequence[Row]) -> Table:
    """Return a table with a line a row; what is nested is left to the view of one thing."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    columns = choose_columns(rows)
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(render_value(row.get(name)) for name in columns))
    return table


def render_one(value: Any) -> RenderableType:  # noqa: ANN401 - JSON
    """Return one thing with everything in it."""
    if isinstance(value, Mapping):
        return _render_fields(value)
    if is_flat(value):
        return render_value(value)
    if all(isinstance(each, Mapping) and all(is_flat(part) for part in each.values()) for each in value):
        return render_table(value)
    return Group(*(Padding(render_one(each), (0, 0, 1, 0)) for each in value))


def _render_fields(fields: Row) -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields.items():
        if name not in LEFT_OUT and value not in ({}, []):
            grid.add_row(Text(clean(name)), render_one(value))
    return grid
