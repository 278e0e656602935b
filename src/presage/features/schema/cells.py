"""Cells of files as values of columns: nothing is cast but what the text of a file says, or what is declared."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite

from presage.features.dataset import ColumnType
from presage.features.schema.model import Kind

LARGEST_EXACT = 2**53
"""Beyond, not every integer is a number: it would come out as another one."""
_BOOLEANS: Mapping[str, bool] = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_KINDS: Mapping[type, Kind] = {bool: "boolean", int: "number", float: "number", str: "string", datetime: "timestamp"}


def read_text(text: str, kind: ColumnType) -> object:
    """Return the text as a value of that type where it says one; otherwise as it is, for validation to refuse."""
    if kind == "string":
        return text
    if kind == "boolean":
        return _BOOLEANS.get(text.strip().lower(), text)
    try:
        number = float(text)
    except ValueError:
        return text
    return text if "_" in text or (abs(number) >= LARGEST_EXACT and not _is_exact(text, number)) else number


def read_declared(cell: object, kind: ColumnType) -> object:
    """Return any cell as a value of the declared type, through its text; one without a text as it is."""
    if isinstance(cell, bool):
        return read_text("true" if cell else "false", kind)
    if isinstance(cell, datetime):
        return read_text(cell.isoformat(), kind)
    return read_text(str(cell), kind) if isinstance(cell, str | int | float) else cell


def is_of(value: object, kind: ColumnType) -> bool:
    """Return whether a value is of that type, as it is."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST_EXACT


def tell_kind(cell: object, *, is_text: bool) -> Kind:
    """Return what a cell is. In a text file it is what all of its text says: `007` and `1e400` are strings, as a number loses them."""
    if is_text and isinstance(cell, str):
        return _tell_text(cell)
    if isinstance(cell, int) and abs(cell) > LARGEST_EXACT:
        return "large_integer"
    return _KINDS.get(type(cell), "nested")


def join_kinds(one: Kind, other: Kind, *, is_text: bool) -> Kind:
    """Return the kind that holds both: in a text file any two are strings."""
    if other in {one, "nothing"}:
        return one
    if one == "nothing":
        return other
    return "string" if is_text else "mixed"


def _tell_text(text: str) -> Kind:
    if text.strip().lower() in {"true", "false", "t", "f"}:
        return "boolean"
    digits = text.strip().lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit():
        return "string"
    return "number" if is_of(read_text(text, "number"), "number") else "string"


def _is_exact(text: str, number: float) -> bool:
    """Return whether no digit of an integer is lost; what is written as a fraction or with an exponent is no integer to count by."""
    digits = text.strip().lstrip("+-")
    return not digits.isdigit() or int(text) == number
