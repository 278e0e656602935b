"""Where what is told of a model version stands in the lake."""

from __future__ import annotations

FORMAT = 1
REPORT, CARD, CARD_TEXT, PLOTS = "report.json", "card.json", "card.md", "plots/"

PLOT_NAMES = ("reliability", "roc", "precision_recall", "gain", "residuals", "lists")


def build_report_key(workspace_id: str, model_id: str, version: int, name: str) -> str:
    """Return the key of one of a report's files."""
    return f"ws={workspace_id}/reports/{model_id}/{version:08d}/{name}"
