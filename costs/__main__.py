"""Writes docs/costs.md: `python -m costs ASSEMBLIES`, a folder with the synthesised templates of each stage below it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from costs.estimate import PRICES, USAGE, Line, Template, estimate

_FOREWORD = (
    "Written by `make costs` from the templates, `costs/prices.toml` and `costs/usage.toml`. US dollars, on-demand list prices",
    "of us-east-1, entered by hand, without free tiers, discounts, tax and support: to be checked before a budget depends on them.",
    "What is there at all hours costs the same for one prediction and for a million; the rest follows the assumptions below.",
    "The registry is counted with each stage.",
)
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "costs.md"


def read_templates(folder: Path) -> list[Template]:
    """Return the templates of an assembly."""
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.template.json"))]


def render(stages: Mapping[str, Sequence[Line]]) -> str:
    """Return the document: totals, cost by service, the dearest charges, assumptions."""
    services = sorted({line.service for lines in stages.values() for line in lines})
    sums = {service: [sum(line.usd for line in lines if line.service == service) for lines in stages.values()] for service in services}
    ordered = sorted(sums, key=lambda service: -sum(sums[service]))
    rows = [f"| {service} | {' | '.join(f'{usd:,.0f}' for usd in sums[service])} |" for service in ordered]
    totals = " | ".join(f"**{sum(line.usd for line in lines):,.0f}**" for lines in stages.values())
    return "\n".join([
        "# Monthly cost",
        "",
        *_FOREWORD,
        "",
        f"| service | {' | '.join(stages)} |",
        f"|---|{'---:|' * len(stages)}",
        *rows,
        f"| **total** | {totals} |",
        *[part for stage, lines in stages.items() for part in _render_stage(stage, lines)],
        "",
    ])  # fmt: skip


def _render_stage(stage: str, lines: Sequence[Line]) -> list[str]:
    dear = [line for line in lines if line.usd >= 1]
    cents = sum(line.usd for line in lines if line.usd < 1)
    return [
        "",
        f"## {stage}",
        "| charge | of | quantity | USD |",
        "|---|---|---:|---:|",
        *[f"| {line.item} | `{line.type_name}` | {line.quantity:,.0f} | {line.usd:,.2f} |" for line in dear],
        f"| all below a dollar | | | {cents:,.2f} |",
        "",
        "Assumed: " + ", ".join(f"{name} {value:,}" for name, value in USAGE[stage].items()) + ".",
    ]


def main(folder: Path) -> int:
    """Write the document, print the totals, and return the exit code."""
    stages = {stage: estimate(read_templates(folder / stage), usage) for stage, usage in USAGE.items()}
    DOCUMENT.write_text(render(stages))
    for stage, lines in stages.items():
        print(f"{stage}: {sum(line.usd for line in lines):,.0f} USD a month, of which {at_rest(lines):,.0f} rest on no assumption")
    return 0


def at_rest(lines: Sequence[Line]) -> float:
    """Return the part of the sum that depends on no assumption: tasks are left out, whose average number is one."""
    resting = {
        (type_name, charge["item"])
        for type_name, charges in PRICES["charges"].items()
        for charge in charges
        if not any(str(factor).startswith("usage.") for factor in charge["times"])
    }
    return sum(line.usd for line in lines if (line.type_name, line.item) in resting)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
