"""The monthly cost of a stage: its templates, the price table, and what a month is assumed to be."""

import fnmatch
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costs.measures import MEASURES, Place

Template = Mapping[str, Any]
_HERE = Path(__file__).parent
PRICES: Mapping[str, Any] = tomllib.loads((_HERE / "prices.toml").read_text())
USAGE: Mapping[str, Mapping[str, float]] = tomllib.loads((_HERE / "usage.toml").read_text())


@dataclass(frozen=True)
class Line:
    """What one kind of charge of one resource type costs in a month."""

    type_name: str
    item: str
    quantity: float
    usd: float

    @property
    def service(self) -> str:
        """The service's name in CloudFormation."""
        return self.type_name.split("::")[1]


def find_reason(type_name: str) -> str | None:
    """Return why a resource of the type costs nothing by itself, if a reason is written."""
    return next((reason for pattern, reason in PRICES["free"].items() if fnmatch.fnmatchcase(type_name, pattern)), None)


def list_unpriced(templates: Sequence[Template]) -> list[str]:
    """Return the types that have neither a price nor a reason for having none."""
    types = {each["Type"] for template in templates for each in template.get("Resources", {}).values()}
    return sorted(name for name in types if name not in PRICES["charges"] and find_reason(name) is None)


def estimate(templates: Sequence[Template], usage: Mapping[str, float]) -> list[Line]:
    """Return every charge of the templates' resources, the dearest first.

    Raises:
        ValueError: A type, a size or an assumption has no entry in the tables.
    """
    unpriced = list_unpriced(templates)
    if unpriced:
        raise ValueError(f"costs/prices.toml has neither a price nor a reason for {', '.join(unpriced)}")
    sums: dict[tuple[str, str], tuple[float, float]] = {}
    for template in templates:
        for resource in template.get("Resources", {}).values():
            type_name = resource["Type"]
            for charge in PRICES["charges"].get(type_name, ()):
                key = (type_name, charge["item"])
                if charge.get("once") and key in sums:
                    continue
                place = Place(resource.get("Properties", {}), template)
                quantity = math.prod(float(_resolve(factor, place, usage)) for factor in charge["times"])
                quantity_before, usd_before = sums.get(key, (0.0, 0.0))
                sums[key] = (quantity_before + quantity, usd_before + quantity * _choose_price(type_name, charge, place, usage))
    lines = [Line(type_name, item, quantity, usd) for (type_name, item), (quantity, usd) in sums.items()]
    return sorted(lines, key=lambda line: (-line.usd, line.type_name, line.item))


def _choose_price(type_name: str, charge: Mapping[str, Any], place: Place, usage: Mapping[str, float]) -> float:
    if "by" not in charge:
        return float(charge["usd"])
    size = str(_resolve(charge["by"], place, usage))
    if size not in charge["usd"]:
        raise ValueError(f"costs/prices.toml: {type_name}, {charge['item']}: no price for {size!r}; known are {', '.join(charge['usd'])}")
    return float(charge["usd"][size])


def _resolve(factor: float | str, place: Place, usage: Mapping[str, float]) -> float | str:
    if isinstance(factor, int | float):
        return factor
    kind, _, name = factor.partition(".")
    if kind == "property":
        found = place.properties.get(name)
    elif kind == "measure" and name in MEASURES:
        found = MEASURES[name](place)
    else:
        found = usage.get(name) if kind == "usage" else None
    if found is None:
        raise ValueError(f"{factor} is {found!r}; expected a number or a text")
    return found if isinstance(found, int | float) else str(found)
