"""A hash of the rows that a look rests on, whatever their order: the sum of the rows' own hashes.

Sums add up: what was loaded between two looks is hashed once, and added to what was known. A row that is changed, lost or added later
changes the sum; who wants to deceive can find rows that cancel out, so it is a checksum and no signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """How many rows a table has of an experiment, and both halves of their hashes' sum, in decimal digits."""

    table: str
    rows: int
    first_sum: str
    second_sum: str


def add_fingerprints(known: Sequence[Fingerprint], added: Sequence[Fingerprint]) -> tuple[Fingerprint, ...]:
    """Return the fingerprints of both sets of rows together, a table each, in the order of `added`."""
    before = {found.table: found for found in known}
    return tuple(_add(before.get(one.table), one) for one in added)


def _add(known: Fingerprint | None, added: Fingerprint) -> Fingerprint:
    if known is None:
        return added
    sums = (str(int(known.first_sum) + int(added.first_sum)), str(int(known.second_sum) + int(added.second_sum)))
    return Fingerprint(added.table, known.rows + added.rows, *sums)
