"""Which variant a unit meets: a pure function, so every task, retry and later audit gives the same answer."""

from __future__ import annotations

from hashlib import sha256

from presage.experiments.model import Variant

BUCKETS = 2**64


def assign_variant(*, salt: str, unit_id: str, treatment_share: float) -> Variant:
    """Return the variant of `unit_id` in the experiment that `salt` belongs to.

    The first 64 bits of sha256(salt, unit) place the unit in [0, 1); below `treatment_share` (in [0, 1]) is treatment.
    Sticky: the same arguments always give the same variant, and raising the share moves units into treatment only.
    """
    digest = sha256(f"{salt}\x00{unit_id}".encode()).digest()
    position = int.from_bytes(digest[:8], "big") / BUCKETS
    return "treatment" if position < treatment_share else "control"
