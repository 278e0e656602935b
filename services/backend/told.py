"""Which fields of a body the audit log tells, by action, which is the endpoint's name. None of them ever holds a secret.

What is not named here is not told: credentials, addresses of webhooks, queries of warehouses, and plans and specifications, which their
own stores keep.
"""

from __future__ import annotations

from collections.abc import Mapping

_REASON = ("reason",)

TOLD: Mapping[str, tuple[str, ...]] = {
    "users.create": ("email", "name", "role"),
    "users.change_role": ("role",),
    "users.remove": (),
    "api_keys.create": ("name", "plan", "kind", "origins", "scopes", "expires_at"),
    "api_keys.rotate": ("overlap_hours",),
    "api_keys.revoke": (),
    "credentials.put": (),
    "credentials.delete": (),
    "datasets.create": ("name", "entity"),
    "datasets.create_upload": ("file_name",),
    "imports.create_file_import": ("key", "format"),
    "imports.create_amplitude_import": ("credential", "region", "start", "until"),
    "imports.create_warehouse_import": ("credential", "kind", "table", "rows", "since", "until"),
    "quarantine.release": (),
    "quarantine.discard": (),
    "models.create": ("name",),
    "models.create_build": ("cutoff", "alias", "promote"),
    "models.create_snapshot": (),
    "models.move_alias": ("version", "reason"),
    "models.roll_back_alias": (),
    "retraining.put": ("every_days", "on_drift"),
    "batch_predictions.create": ("version", "alias", "dataset", "key", "as_of"),
    "drift.create": ("day",),
    "off_policy.create": ("days", "alpha", "baseline_version"),
    "experiments.create": ("name", "model", "treatment_share", "planned_units"),
    "experiments.start": ("control_version", *_REASON),
    "experiments.stop": _REASON,
    "experiments.extend": ("days", "units", *_REASON),
    "experiments.reweight": ("treatment_share", "weights", *_REASON),
    "experiments.create_analysis": ("as_of",),
    "results.create_outlook": (),
    "holdout.put": ("share",),
    "jobs.cancel": (),
    "jobs.retry": (),
    "webhooks.create": ("events",),
    "webhooks.change": ("events",),
    "webhooks.rotate": ("overlap_hours",),
    "webhooks.enable": (),
    "webhooks.disable": (),
    "webhooks.test": (),
    "webhooks.delete": (),
    "mail_settings.put": ("enabled", "events"),
    "predictions.replay": (),
}

OF_PAGES: Mapping[str, tuple[str, ...]] = {
    "datasets.create_import": TOLD["imports.create_file_import"],
    "experiments.extend": ("days", "units", "extend_reason"),
    "experiments.reweight": ("weights_reason",),
    "experiments.start": ("control_version", "start_reason"),
    "experiments.stop": ("stop_reason",),
    "holdout.change": TOLD["holdout.put"],
    "keys.create": (*TOLD["api_keys.create"], "expires_on"),
    "keys.rotate": TOLD["api_keys.rotate"],
    "members.change_role": TOLD["users.change_role"],
    "members.invite": ("email", "role"),
    "models.new.create": TOLD["models.create"],
    "models.new.create_json": TOLD["models.create"],
    "models.set_retraining": TOLD["retraining.put"],
    "plans.create": TOLD["experiments.create"],
    "settings.create_webhook": TOLD["webhooks.create"],
    "settings.set_mail": TOLD["mail_settings.put"],
    "sources.create_amplitude": ("credential", "region", "start_on"),
    "sources.create_warehouse": TOLD["imports.create_warehouse_import"],
    "workspaces.create": ("workspace_name",),
}
"""The same of forms of pages, by their names without `pages.`; of one that is not here, what the call of that name tells."""
