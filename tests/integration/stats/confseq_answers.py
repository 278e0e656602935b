"""Answers of confseq, which is compiled and thus may be missing: as `oracle_answers`."""

from __future__ import annotations

import json
import sys

from confseq.boundaries import normal_log_mixture, normal_mixture_bound


def normal_mixture(units: float, planned: float, alpha: float, score: float) -> list[float]:
    """Return [boundary of the sum, log of the mixture at `score`], two-sided, in units of the sample."""
    bound = normal_mixture_bound(units, alpha=alpha, v_opt=planned, alpha_opt=alpha, is_one_sided=False)
    return [float(bound), float(normal_log_mixture(score, units, v_opt=planned, alpha_opt=alpha, is_one_sided=False))]


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps([normal_mixture(*arguments) for _, arguments in json.loads(line)]), flush=True)  # noqa: T201 - its answer
