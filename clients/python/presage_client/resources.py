"""The operations by group, sync.

Generated from docs/openapi by `python -m presage_client_generator`; not edited by hand.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from presage_client import models as m
from presage_client import operations as o
from presage_client import public_models as p
from presage_client.caller import Caller, Pages
from presage_client.operation import Arguments


class Workspace:
    """Operations on `workspace`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, name: str, owner: m.OwnerBody) -> m.Registration:
        """Create a workspace and its owner.

        Needs the operator's token.

        `POST /api/v1/workspaces`
        """
        return self._caller.call(o.CREATE_WORKSPACE, Arguments(body={"name": name, "owner": owner}))

    def get(self) -> m.WorkspaceView:
        """The caller's workspace.

        `GET /api/v1/workspace`
        """
        return self._caller.call(o.GET_WORKSPACE, Arguments())


class Users:
    """Operations on `users`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(
        self, *, email: str, name: str, role: Literal["admin", "analyst", "developer", "owner", "viewer"] | UnsetType = UNSET
    ) -> m.UserView:
        """Add a user.

        `POST /api/v1/users`
        """
        return self._caller.call(o.CREATE_USER, Arguments(body={"email": email, "name": name, "role": role}))

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.UserView]:
        """A page of the workspace's users.

        `GET /api/v1/users`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_USERS, Arguments(query={"limit": limit, "after": after}))

    def change_role(self, user_id: str, *, role: Literal["admin", "analyst", "developer", "owner", "viewer"]) -> m.UserView:
        """Give a user another role.

        Only an owner makes owners and unmakes them, and the last one stays.

        `PUT /api/v1/users/{user_id}/role`
        """
        return self._caller.call(o.CHANGE_ROLE, Arguments(path={"user_id": user_id}, body={"role": role}))

    def remove(self, user_id: str) -> None:
        """Forget a user.

        What they made stays. Only an owner removes owners, and the last one stays.

        `DELETE /api/v1/users/{user_id}`
        """
        self._caller.call(o.REMOVE_USER, Arguments(path={"user_id": user_id}))


class ApiKeys:
    """Operations on `api_keys`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(
        self,
        *,
        name: str,
        plan: Literal["free", "standard"] | UnsetType = UNSET,
        kind: Literal["secret", "publishable"] | UnsetType = UNSET,
        origins: Sequence[str] | UnsetType = UNSET,
        scopes: Sequence[Literal["predict", "records.write", "predictions.read"]] | UnsetType | None = UNSET,
        expires_at: datetime | UnsetType | None = UNSET,
    ) -> m.ApiKeyView:
        """Create an API key in a usage plan.

        `POST /api/v1/api-keys`

        Args:
            kind: A secret key is for servers. A publishable one may be in an app or a page; it may predict and send records, no
            more.
            origins: Origins of the web pages that a publishable key may be used from, as browsers send them. Others get no CORS
            headers.
            scopes: What the key may do; all that its kind may, if null. A publishable one reads no predictions back.
            expires_at: From when on the key opens nothing; never, if null.
        """
        return self._caller.call(
            o.CREATE_API_KEY,
            Arguments(body={"name": name, "plan": plan, "kind": kind, "origins": origins, "scopes": scopes, "expires_at": expires_at}),
        )

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.ApiKeyView]:
        """A page of keys, newest first.

        `GET /api/v1/api-keys`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_API_KEYS, Arguments(query={"limit": limit, "after": after}))

    def revoke(self, api_key_id: str) -> None:
        """Revoke a key.

        `DELETE /api/v1/api-keys/{api_key_id}`
        """
        self._caller.call(o.REVOKE_API_KEY, Arguments(path={"api_key_id": api_key_id}))

    def get_api_key_usage(self, api_key_id: str, *, since: date | UnsetType = UNSET, until: date | UnsetType = UNSET) -> m.KeyUsage:
        """Return what a key may use by its plan, and what it used.

        As the gateway counts calls that it let in, day by day (UTC), of 90 days at most; its counts may be minutes late.

        `GET /api/v1/api-keys/{api_key_id}/usage`

        Args:
            since: The first day; 29 days before the last one, unless it is named.
            until: The last day; today, unless it is named.
        """
        return self._caller.call(o.GET_API_KEY_USAGE, Arguments(path={"api_key_id": api_key_id}, query={"since": since, "until": until}))

    def rotate(self, api_key_id: str, *, overlap_hours: int | UnsetType = UNSET) -> m.ApiKeyView:
        """Create a key in place of another.

        The new one may do the same, from the same origins. The old one works beside it for `overlap_hours`, with 0 no more.

        `POST /api/v1/api-keys/{api_key_id}/rotate`
        """
        return self._caller.call(o.ROTATE_API_KEY, Arguments(path={"api_key_id": api_key_id}, body={"overlap_hours": overlap_hours}))


class Audit:
    """Operations on `audit`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self,
        *,
        user_id: str | UnsetType = UNSET,
        action: str | UnsetType = UNSET,
        since: datetime | UnsetType = UNSET,
        until: datetime | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        after: str | UnsetType = UNSET,
    ) -> Pages[m.AuditEntry]:
        """A page of the audit log, newest first.

        Every call of the workspace API that may change something is in it twice, as asked before it was done, and as ended
        (docs/audit.md).

        `GET /api/v1/audit`

        Args:
            user_id: Of this user.
            action: Of this action, such as `users.change_role`.
            since: Written then or later.
            until: Written before then.
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_AUDIT,
            Arguments(query={"user_id": user_id, "action": action, "since": since, "until": until, "limit": limit, "after": after}),
        )

    def export(self) -> str:
        """The whole audit log, oldest first.

        What `verify_chain` of the library takes. An answer that breaks off is no whole log; compare its last line with the head
        that the verification names.

        `GET /api/v1/audit/export`
        """
        return self._caller.call(o.EXPORT_AUDIT, Arguments())

    def verify(self) -> m.AuditVerification:
        """Whether the audit log is whole and unchanged.

        Walks all of it. Note the head elsewhere now and then, as entries that are missing at the end show by nothing else.

        `GET /api/v1/audit/verification`
        """
        return self._caller.call(o.VERIFY_AUDIT, Arguments())


class Datasets:
    """Operations on `datasets`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, name: str, entity: str, columns: Sequence[m.Column] | UnsetType = UNSET) -> m.Dataset:
        """Create a dataset.

        `POST /api/v1/datasets`
        """
        return self._caller.call(o.CREATE_DATASET, Arguments(body={"name": name, "entity": entity, "columns": columns}))

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.Dataset]:
        """A page of datasets.

        `GET /api/v1/datasets`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_DATASETS, Arguments(query={"limit": limit, "after": after}))

    def get(self, dataset_id: str) -> m.DatasetWithVersion:
        """A dataset with its newest version.

        `GET /api/v1/datasets/{dataset_id}`
        """
        return self._caller.call(o.GET_DATASET, Arguments(path={"dataset_id": dataset_id}))

    def list_schemas(self, dataset_id: str) -> m.SchemaLineage:
        """All schemas that a dataset had, the oldest first.

        `GET /api/v1/datasets/{dataset_id}/schemas`
        """
        return self._caller.call(o.LIST_SCHEMAS, Arguments(path={"dataset_id": dataset_id}))

    def list_quarantined_loads(
        self, dataset_id: str, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET
    ) -> Pages[m.QuarantinedLoad]:
        """A page of loads that did not land because their columns are not the dataset's.

        `GET /api/v1/datasets/{dataset_id}/quarantine`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_QUARANTINED_LOADS, Arguments(path={"dataset_id": dataset_id}, query={"limit": limit, "after": after})
        )

    def get_quarantined_load(self, dataset_id: str, load_id: str) -> m.QuarantinedLoad:
        """A load in quarantine, with the comparison of its columns and what was decided.

        `GET /api/v1/datasets/{dataset_id}/quarantine/{load_id}`

        Args:
            load_id: The id of the job that was to import it.
        """
        return self._caller.call(o.GET_QUARANTINED_LOAD, Arguments(path={"dataset_id": dataset_id, "load_id": load_id}))

    def release_quarantined_load(
        self, dataset_id: str, load_id: str, *, columns: Mapping[str, m.ColumnOverride] | UnsetType = UNSET
    ) -> m.JobView:
        """Import a quarantined load by what is declared of its columns.

        Every breaking change needs an answer (`schema_unresolved` names those that have none). A warehouse is read again; its
        columns take `into`, `ignore` and `absent`, but no `type`.

        `POST /api/v1/datasets/{dataset_id}/quarantine/{load_id}/release`

        Args:
            load_id: The id of the job that was to import it.
        """
        return self._caller.call(
            o.RELEASE_QUARANTINED_LOAD, Arguments(path={"dataset_id": dataset_id, "load_id": load_id}, body={"columns": columns})
        )

    def discard_quarantined_load(self, dataset_id: str, load_id: str) -> m.QuarantinedLoad:
        """Give a quarantined load up and delete its file; what was found in it is kept.

        `POST /api/v1/datasets/{dataset_id}/quarantine/{load_id}/discard`

        Args:
            load_id: The id of the job that was to import it.
        """
        return self._caller.call(o.DISCARD_QUARANTINED_LOAD, Arguments(path={"dataset_id": dataset_id, "load_id": load_id}))

    def get_sample(self, dataset_id: str, version: int) -> str:
        """The subsample of a version.

        `GET /api/v1/datasets/{dataset_id}/versions/{version}/sample`
        """
        return self._caller.call(o.GET_SAMPLE, Arguments(path={"dataset_id": dataset_id, "version": version}))

    def get_summary(self, dataset_id: str, version: int) -> m.Summary:
        """The summary statistics of a version.

        `GET /api/v1/datasets/{dataset_id}/versions/{version}/summary`
        """
        return self._caller.call(o.GET_SUMMARY, Arguments(path={"dataset_id": dataset_id, "version": version}))

    def create_upload(self, dataset_id: str, *, file_name: str) -> m.Upload:
        """A URL to PUT a file to.

        `POST /api/v1/datasets/{dataset_id}/uploads`
        """
        return self._caller.call(o.CREATE_UPLOAD, Arguments(path={"dataset_id": dataset_id}, body={"file_name": file_name}))

    def create_import(
        self,
        dataset_id: str,
        *,
        key: str,
        format: Literal["csv", "ndjson", "parquet", "tsv"],
        entity_column: str | UnsetType = UNSET,
        event_timestamp_column: str | UnsetType = UNSET,
        known_timestamp_column: str | UnsetType | None = UNSET,
        columns: Mapping[str, m.ColumnOverride] | UnsetType = UNSET,
    ) -> m.JobView:
        """Import an uploaded file.

        `POST /api/v1/datasets/{dataset_id}/imports`
        """
        return self._caller.call(
            o.CREATE_IMPORT,
            Arguments(
                path={"dataset_id": dataset_id},
                body={
                    "key": key,
                    "format": format,
                    "entity_column": entity_column,
                    "event_timestamp_column": event_timestamp_column,
                    "known_timestamp_column": known_timestamp_column,
                    "columns": columns,
                },
            ),
        )

    def create_amplitude_import(
        self,
        dataset_id: str,
        *,
        credential: str,
        start: datetime,
        until: datetime | UnsetType | None = UNSET,
        region: Literal["eu", "us"] | UnsetType = UNSET,
        entity: Literal["amplitude_id", "device_id", "user_id"] | UnsetType = UNSET,
        event_types: Sequence[str] | UnsetType = UNSET,
        columns: Mapping[str, str] | UnsetType = UNSET,
    ) -> m.JobView:
        """Import what was uploaded to an Amplitude project.

        `POST /api/v1/datasets/{dataset_id}/amplitude-imports`
        """
        return self._caller.call(
            o.CREATE_AMPLITUDE_IMPORT,
            Arguments(
                path={"dataset_id": dataset_id},
                body={
                    "credential": credential,
                    "start": start,
                    "until": until,
                    "region": region,
                    "entity": entity,
                    "event_types": event_types,
                    "columns": columns,
                },
            ),
        )

    def create_warehouse_import(
        self,
        dataset_id: str,
        *,
        credential: str,
        kind: Literal["mysql", "postgresql", "redshift"],
        cursor_column: str,
        key_column: str,
        entity_column: str,
        event_timestamp_column: str,
        known_timestamp_column: str | UnsetType | None = UNSET,
        table: str | UnsetType | None = UNSET,
        query: str | UnsetType | None = UNSET,
        columns: Mapping[str, str | None] | UnsetType = UNSET,
        rows: Literal["events", "states"] | UnsetType = UNSET,
        since: int | datetime | UnsetType | None = UNSET,
        until: int | datetime | UnsetType | None = UNSET,
    ) -> m.JobView:
        """Import a table or a query of a warehouse.

        `POST /api/v1/datasets/{dataset_id}/warehouse-imports`
        """
        return self._caller.call(
            o.CREATE_WAREHOUSE_IMPORT,
            Arguments(
                path={"dataset_id": dataset_id},
                body={
                    "credential": credential,
                    "kind": kind,
                    "cursor_column": cursor_column,
                    "key_column": key_column,
                    "entity_column": entity_column,
                    "event_timestamp_column": event_timestamp_column,
                    "known_timestamp_column": known_timestamp_column,
                    "table": table,
                    "query": query,
                    "columns": columns,
                    "rows": rows,
                    "since": since,
                    "until": until,
                },
            ),
        )


class Credentials:
    """Operations on `credentials`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def put(self, name: str, *, content: Mapping[str, str]) -> None:
        """Keep what another system is read with.

        `PUT /api/v1/credentials/{name}`
        """
        self._caller.call(o.PUT_CREDENTIAL, Arguments(path={"name": name}, body={"content": content}))

    def delete(self, name: str) -> None:
        """Forget a credential.

        `DELETE /api/v1/credentials/{name}`
        """
        self._caller.call(o.DELETE_CREDENTIAL, Arguments(path={"name": name}))


class Models:
    """Operations on `models`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, name: str, default: str | float | Sequence[str], spec: m.ModelSpec) -> m.Model:
        """Create a model.

        `POST /api/v1/models`
        """
        return self._caller.call(o.CREATE_MODEL, Arguments(body={"name": name, "default": default, "spec": spec}))

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.Model]:
        """A page of models.

        `GET /api/v1/models`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_MODELS, Arguments(query={"limit": limit, "after": after}))

    def get(self, model_id: str) -> m.Model:
        """A model.

        `GET /api/v1/models/{model_id}`
        """
        return self._caller.call(o.GET_MODEL, Arguments(path={"model_id": model_id}))

    def create_build(
        self,
        model_id: str,
        *,
        cutoff: datetime | UnsetType | None = UNSET,
        alias: Literal["staging", "production"] | UnsetType = UNSET,
        promote: Literal["always", "if_better"] | UnsetType = UNSET,
    ) -> m.JobView:
        """Build a version and put it into production, or into staging.

        `POST /api/v1/models/{model_id}/builds`
        """
        return self._caller.call(
            o.CREATE_BUILD, Arguments(path={"model_id": model_id}, body={"cutoff": cutoff, "alias": alias, "promote": promote})
        )

    def create_snapshot(self, model_id: str) -> m.JobView:
        """Give the version in production feature values of now.

        Made from its last snapshot and what is new since. Serving takes it by itself.

        `POST /api/v1/models/{model_id}/snapshots`
        """
        return self._caller.call(o.CREATE_SNAPSHOT, Arguments(path={"model_id": model_id}))

    def create_batch_prediction(
        self,
        model_id: str,
        *,
        version: int | UnsetType | None = UNSET,
        alias: Literal["staging", "production"] | UnsetType = UNSET,
        dataset: str | UnsetType | None = UNSET,
        key: str | UnsetType | None = UNSET,
        format: Literal["csv", "parquet", "ndjson"] | UnsetType = UNSET,
        entity_column: str | UnsetType = UNSET,
        as_of: datetime | UnsetType | None = UNSET,
    ) -> m.JobView:
        """Predict for many entities at once.

        The predictions are those of `POST /v1/predict` that names the version, to the bit. Results lie under the job's id.

        `POST /api/v1/models/{model_id}/batch-predictions`

        Args:
            version: By default the one that serves under `alias` when the job begins.
            dataset: A dataset's name; its newest version counts when the job begins.
            key: What an upload is to be named by.
            entity_column: The column of the file that names the entities. Each is predicted for once; rows that name none are
            counted.
            as_of: What the predictions are for, as an entry's `timestamp`. By default when the job was created.
        """
        return self._caller.call(
            o.CREATE_BATCH_PREDICTION,
            Arguments(
                path={"model_id": model_id},
                body={
                    "version": version,
                    "alias": alias,
                    "dataset": dataset,
                    "key": key,
                    "format": format,
                    "entity_column": entity_column,
                    "as_of": as_of,
                },
            ),
        )

    def get_batch_prediction(self, model_id: str, job_id: str) -> m.BatchPrediction:
        """What a job predicted, once it has ended.

        `GET /api/v1/models/{model_id}/batch-predictions/{job_id}`
        """
        return self._caller.call(o.GET_BATCH_PREDICTION, Arguments(path={"model_id": model_id, "job_id": job_id}))

    def get_batch_prediction_row(self, model_id: str, job_id: str, prediction_id: str) -> m.BatchPredictionRow:
        """One prediction of a job.

        `GET /api/v1/models/{model_id}/batch-predictions/{job_id}/predictions/{prediction_id}`
        """
        return self._caller.call(
            o.GET_BATCH_PREDICTION_ROW, Arguments(path={"model_id": model_id, "job_id": job_id, "prediction_id": prediction_id})
        )

    def list_versions(self, model_id: str, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.ModelVersion]:
        """A page of versions, newest first.

        `GET /api/v1/models/{model_id}/versions`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_VERSIONS, Arguments(path={"model_id": model_id}, query={"limit": limit, "after": after}))

    def get_version_metrics(self, model_id: str, version: int) -> m.VersionReport:
        """How good a version is, beside its baseline.

        `GET /api/v1/models/{model_id}/versions/{version}/metrics`
        """
        return self._caller.call(o.GET_VERSION_METRICS, Arguments(path={"model_id": model_id, "version": version}))

    def get_model_card(self, model_id: str, version: int) -> m.ModelCard:
        """What a version predicts, from what, how well, and its limits.

        `GET /api/v1/models/{model_id}/versions/{version}/card`
        """
        return self._caller.call(o.GET_MODEL_CARD, Arguments(path={"model_id": model_id, "version": version}))

    def get_model_card_text(self, model_id: str, version: int) -> str:
        """The model card, to be read.

        `GET /api/v1/models/{model_id}/versions/{version}/card.md`
        """
        return self._caller.call(o.GET_MODEL_CARD_TEXT, Arguments(path={"model_id": model_id, "version": version}))

    def get_version_plot(
        self, model_id: str, version: int, name: Literal["reliability", "roc", "precision_recall", "gain", "residuals", "lists"]
    ) -> str:
        """One of the plots that the card names.

        `GET /api/v1/models/{model_id}/versions/{version}/plots/{name}.svg`
        """
        return self._caller.call(o.GET_VERSION_PLOT, Arguments(path={"model_id": model_id, "version": version, "name": name}))

    def create_off_policy_estimate(
        self,
        model_id: str,
        version: int,
        *,
        metric: m.Metric,
        days: int | UnsetType = UNSET,
        alpha: float | UnsetType = UNSET,
        baseline_version: int | UnsetType | None = UNSET,
        exploration: m.Exploration | UnsetType | None = UNSET,
    ) -> m.JobView:
        """Judge a version by what was logged, before it has traffic.

        The estimate has the job's id.

        `POST /api/v1/models/{model_id}/versions/{version}/off-policy-estimates`

        Args:
            days: How many UTC days of the log, today being the first.
            baseline_version: What to compare with, in place of what logged.
            exploration: What the version would leave to chance itself, among at most 100 of its best.
        """
        return self._caller.call(
            o.CREATE_OFF_POLICY_ESTIMATE,
            Arguments(
                path={"model_id": model_id, "version": version},
                body={"metric": metric, "days": days, "alpha": alpha, "baseline_version": baseline_version, "exploration": exploration},
            ),
        )

    def list_off_policy_estimates(
        self, model_id: str, version: int, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET
    ) -> Pages[m.OffPolicyEstimatePageItem]:
        """A page of a version's estimates.

        `GET /api/v1/models/{model_id}/versions/{version}/off-policy-estimates`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_OFF_POLICY_ESTIMATES, Arguments(path={"model_id": model_id, "version": version}, query={"limit": limit, "after": after})
        )

    def get_off_policy_estimate(self, model_id: str, version: int, estimate_id: str) -> m.OffPolicyEstimate:
        """An estimate, once its job has ended.

        `GET /api/v1/models/{model_id}/versions/{version}/off-policy-estimates/{estimate_id}`
        """
        return self._caller.call(
            o.GET_OFF_POLICY_ESTIMATE, Arguments(path={"model_id": model_id, "version": version, "estimate_id": estimate_id})
        )

    def create_drift_report(self, model_id: str, version: int, *, day: date | UnsetType | None = UNSET) -> m.JobView:
        """Hold a day of predictions of a version against what it was trained on.

        The day is yesterday (UTC) unless another is named. Versions in production are checked every night.

        `POST /api/v1/models/{model_id}/versions/{version}/drift-reports`
        """
        return self._caller.call(o.CREATE_DRIFT_REPORT, Arguments(path={"model_id": model_id, "version": version}, body={"day": day}))

    def list_drift_reports(
        self, model_id: str, version: int, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET
    ) -> Pages[m.DriftReportPageItem]:
        """A page of a version's drift reports.

        `GET /api/v1/models/{model_id}/versions/{version}/drift-reports`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_DRIFT_REPORTS, Arguments(path={"model_id": model_id, "version": version}, query={"limit": limit, "after": after})
        )

    def get_drift_report(self, model_id: str, version: int, report_id: str) -> m.DriftReport:
        """A drift report, once its job has ended.

        `GET /api/v1/models/{model_id}/versions/{version}/drift-reports/{report_id}`
        """
        return self._caller.call(o.GET_DRIFT_REPORT, Arguments(path={"model_id": model_id, "version": version, "report_id": report_id}))

    def trace_version(self, model_id: str, version: int) -> m.VersionLineage:
        """What a version was made from, down to the parts of the datasets.

        `GET /api/v1/models/{model_id}/versions/{version}/lineage`
        """
        return self._caller.call(o.TRACE_VERSION, Arguments(path={"model_id": model_id, "version": version}))

    def get_retraining(self, model_id: str) -> m.RetrainingView:
        """When the model is built anew by itself.

        `GET /api/v1/models/{model_id}/retraining`
        """
        return self._caller.call(o.GET_RETRAINING, Arguments(path={"model_id": model_id}))

    def set_retraining(
        self, model_id: str, *, every_days: int | UnsetType | None = UNSET, on_drift: bool | UnsetType = UNSET
    ) -> m.RetrainingView:
        """Change it; the next night goes by it.

        What is built by itself is put into production only when it is shown to be better than what serves there.

        `PUT /api/v1/models/{model_id}/retraining`
        """
        return self._caller.call(
            o.SET_RETRAINING, Arguments(path={"model_id": model_id}, body={"every_days": every_days, "on_drift": on_drift})
        )

    def describe_training_set(self, model_id: str, version: int) -> m.TrainingSetView:
        """Statistics of a version's training set, and the cells that naive joins would have got wrong.

        `GET /api/v1/models/{model_id}/versions/{version}/training-set`
        """
        return self._caller.call(o.DESCRIBE_TRAINING_SET, Arguments(path={"model_id": model_id, "version": version}))

    def get_alias(self, model_id: str, alias: Literal["staging", "production"], *, at: datetime | UnsetType = UNSET) -> m.AliasView:
        """What serves under an alias.

        `GET /api/v1/models/{model_id}/aliases/{alias}`

        Args:
            at: The moment to tell of; now, when it is left out.
        """
        return self._caller.call(o.GET_ALIAS, Arguments(path={"model_id": model_id, "alias": alias}, query={"at": at}))

    def move_alias(
        self, model_id: str, alias: Literal["staging", "production"], *, version: int, reason: str | UnsetType = UNSET
    ) -> m.AliasMove:
        """Let a version serve.

        `PUT /api/v1/models/{model_id}/aliases/{alias}`
        """
        return self._caller.call(
            o.MOVE_ALIAS, Arguments(path={"model_id": model_id, "alias": alias}, body={"version": version, "reason": reason})
        )

    def roll_back_alias(self, model_id: str, alias: Literal["staging", "production"]) -> m.AliasMove:
        """Let the version before serve again, at once.

        `POST /api/v1/models/{model_id}/aliases/{alias}/rollback`
        """
        return self._caller.call(o.ROLL_BACK_ALIAS, Arguments(path={"model_id": model_id, "alias": alias}))


class Experiments:
    """Operations on `experiments`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(
        self,
        *,
        name: str,
        model: str,
        primary: m.Metric,
        planned_units: int,
        control_policy: Literal["default", "popularity", "previous_version", "random"] | UnsetType = UNSET,
        treatment_share: float | UnsetType = UNSET,
        alpha: float | UnsetType = UNSET,
        minimum_effect: float | UnsetType = UNSET,
        max_days: int | UnsetType = UNSET,
        guardrails: Sequence[m.Guardrail] | UnsetType = UNSET,
        gates: m.Gates | UnsetType = UNSET,
        secondary: Sequence[m.Metric] | UnsetType = UNSET,
        segment: m.LayerSegment | UnsetType | None = UNSET,
        arms: Sequence[m.TreatmentArm] | UnsetType = UNSET,
        segments: Sequence[m.UnitSegment] | UnsetType = UNSET,
    ) -> m.Experiment:
        """Create an experiment, as a draft.

        `POST /api/v1/experiments`
        """
        return self._caller.call(
            o.CREATE_EXPERIMENT,
            Arguments(
                body={
                    "name": name,
                    "model": model,
                    "primary": primary,
                    "planned_units": planned_units,
                    "control_policy": control_policy,
                    "treatment_share": treatment_share,
                    "alpha": alpha,
                    "minimum_effect": minimum_effect,
                    "max_days": max_days,
                    "guardrails": guardrails,
                    "gates": gates,
                    "secondary": secondary,
                    "segment": segment,
                    "arms": arms,
                    "segments": segments,
                }
            ),
        )

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.Experiment]:
        """A page of experiments.

        `GET /api/v1/experiments`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_EXPERIMENTS, Arguments(query={"limit": limit, "after": after}))

    def get(self, experiment_id: str) -> m.ExperimentWithLooks:
        """An experiment with its looks.

        `GET /api/v1/experiments/{experiment_id}`
        """
        return self._caller.call(o.GET_EXPERIMENT, Arguments(path={"experiment_id": experiment_id}))

    def start(
        self, experiment_id: str, *, reason: str | UnsetType = UNSET, control_version: int | UnsetType | None = UNSET
    ) -> m.Experiment:
        """Start an experiment.

        `POST /api/v1/experiments/{experiment_id}/start`
        """
        return self._caller.call(
            o.START_EXPERIMENT,
            Arguments(path={"experiment_id": experiment_id}, body={"reason": reason, "control_version": control_version}),
        )

    def stop(self, experiment_id: str, *, reason: str | UnsetType = UNSET) -> m.Experiment:
        """Stop an experiment without a conclusion.

        `POST /api/v1/experiments/{experiment_id}/stop`
        """
        return self._caller.call(o.STOP_EXPERIMENT, Arguments(path={"experiment_id": experiment_id}, body={"reason": reason}))

    def create_analysis(self, experiment_id: str, *, as_of: datetime | UnsetType | None = UNSET) -> m.JobView:
        """Take a look and act on it.

        `POST /api/v1/experiments/{experiment_id}/analyses`
        """
        return self._caller.call(o.CREATE_ANALYSIS, Arguments(path={"experiment_id": experiment_id}, body={"as_of": as_of}))

    def extend(
        self, experiment_id: str, *, reason: str, days: int | UnsetType = UNSET, units: int | UnsetType = UNSET
    ) -> m.ExperimentEvent:
        """Let an experiment run for longer, or for more units.

        `POST /api/v1/experiments/{experiment_id}/extensions`
        """
        return self._caller.call(
            o.EXTEND_EXPERIMENT, Arguments(path={"experiment_id": experiment_id}, body={"reason": reason, "days": days, "units": units})
        )

    def reweight(
        self,
        experiment_id: str,
        *,
        reason: str,
        treatment_share: float | UnsetType | None = UNSET,
        weights: Mapping[str, float] | UnsetType | None = UNSET,
    ) -> m.Reweighting:
        """Divide a running experiment's units by other weights.

        `POST /api/v1/experiments/{experiment_id}/weights`
        """
        return self._caller.call(
            o.REWEIGHT_EXPERIMENT,
            Arguments(
                path={"experiment_id": experiment_id}, body={"reason": reason, "treatment_share": treatment_share, "weights": weights}
            ),
        )

    def get_results(self, experiment_id: str, *, limit: int | UnsetType = UNSET, after: int | UnsetType = UNSET) -> m.Results:
        """What an experiment found so far.

        `GET /api/v1/experiments/{experiment_id}/results`

        Args:
            limit: How many looks at most.
            after: `next` of the page before: older looks than that one.
        """
        return self._caller.call(o.GET_RESULTS, Arguments(path={"experiment_id": experiment_id}, query={"limit": limit, "after": after}))

    def get_results_plot(self, experiment_id: str) -> str:
        """How the primary metric's interval narrowed.

        `GET /api/v1/experiments/{experiment_id}/results.svg`
        """
        return self._caller.call(o.GET_RESULTS_PLOT, Arguments(path={"experiment_id": experiment_id}))

    def get_certificate(self, experiment_id: str, *, look: int | UnsetType = UNSET) -> m.Certificate:
        """What the conclusion rests on, to be verified by `presage experiments verify`.

        `GET /api/v1/experiments/{experiment_id}/certificate`

        Args:
            look: The look to certify up to; the conclusion if it is left out, or the newest look of a running experiment.
        """
        return self._caller.call(o.GET_CERTIFICATE, Arguments(path={"experiment_id": experiment_id}, query={"look": look}))

    def create_outlook(
        self,
        *,
        model: str,
        primary: m.Metric,
        effect: float | UnsetType | None = UNSET,
        alpha: float | UnsetType = UNSET,
        power: float | UnsetType = UNSET,
        treatment_share: float | UnsetType = UNSET,
        min_days: int | UnsetType = UNSET,
        arms: int | UnsetType = UNSET,
        baseline: m.BaselineBody | UnsetType | None = UNSET,
        units_a_day: float | UnsetType | None = UNSET,
    ) -> m.Outlook:
        """What an experiment on a model's traffic could find, and how long it would take.

        `POST /api/v1/experiments/outlooks`

        Args:
            arms: That have equal parts of `treatment_share`.
        """
        return self._caller.call(
            o.CREATE_OUTLOOK,
            Arguments(
                body={
                    "model": model,
                    "primary": primary,
                    "effect": effect,
                    "alpha": alpha,
                    "power": power,
                    "treatment_share": treatment_share,
                    "min_days": min_days,
                    "arms": arms,
                    "baseline": baseline,
                    "units_a_day": units_a_day,
                }
            ),
        )


class Holdout:
    """Operations on `holdout`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self) -> m.HoldoutView:
        """The share of units that meet no experiment.

        `GET /api/v1/holdout`
        """
        return self._caller.call(o.GET_HOLDOUT, Arguments())

    def set(self, *, share: float) -> m.HoldoutView:
        """Change it for experiments that are started from now on.

        `PUT /api/v1/holdout`
        """
        return self._caller.call(o.SET_HOLDOUT, Arguments(body={"share": share}))


class Jobs:
    """Operations on `jobs`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self,
        *,
        state: list[Literal["cancelled", "failed", "quarantined", "queued", "running", "succeeded"]] | UnsetType = UNSET,
        kind: list[
            Literal[
                "analyse_experiment",
                "build_model",
                "check_drift",
                "estimate_off_policy",
                "import_amplitude",
                "import_file",
                "import_warehouse",
                "predict_batch",
                "refresh_snapshot",
            ]
        ]
        | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        after: str | UnsetType = UNSET,
    ) -> Pages[m.JobView]:
        """A page of jobs, newest first.

        `GET /api/v1/jobs`

        Args:
            state: In this state; several times for any of several.
            kind: Of this kind; several times for any of several.
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_JOBS, Arguments(query={"state": state, "kind": kind, "limit": limit, "after": after}))

    def get(self, job_id: str) -> m.JobView:
        """A job with its progress.

        `GET /api/v1/jobs/{job_id}`
        """
        return self._caller.call(o.GET_JOB, Arguments(path={"job_id": job_id}))

    def cancel(self, job_id: str) -> m.JobView:
        """Cancel a job.

        `POST /api/v1/jobs/{job_id}/cancel`
        """
        return self._caller.call(o.CANCEL_JOB, Arguments(path={"job_id": job_id}))

    def retry(self, job_id: str) -> m.JobView:
        """Submit a job that failed or was cancelled again.

        As a new job of the same arguments, whose `retry_of` names the old one; its `retried_as` names the new one. Asks for the
        permission to ask for jobs of that kind, of which `analyses.run` is the least. One that was given up for an outage goes on
        where it was, if it is an import or a build; else it begins anew. A job can be retried once; then the retry can.

        `POST /api/v1/jobs/{job_id}/retry`
        """
        return self._caller.call(o.RETRY_JOB, Arguments(path={"job_id": job_id}))


class Operations:
    """Operations on `operations`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list_queues(self) -> m.QueueDepthPage:
        """How full the stage's queues are.

        Needs the operator's token. All counts are approximate, as SQS counts; how old the oldest message is, only its alarm
        knows.

        `GET /api/v1/operations/queues`
        """
        return self._caller.call(o.LIST_QUEUES, Arguments())

    def redrive_jobs(self, *, limit: int | UnsetType = UNSET) -> m.Redrive:
        """Put dead letters of the jobs queue back on it.

        Needs the operator's token. At most `limit` of them a call; call again while `moved` is as many. Repeating it, or a
        message that is there twice, does no harm.

        `POST /api/v1/operations/queues/jobs/redrive`
        """
        return self._caller.call(o.REDRIVE_JOBS, Arguments(body={"limit": limit}))


class Webhooks:
    """Operations on `webhooks`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def create(self, *, url: str, events: Sequence[str] | UnsetType = UNSET) -> m.WebhookView:
        """Register a server that is told of events.

        Its secret is shown in this answer only. How to verify what comes is in docs/webhooks.md.

        `POST /api/v1/webhooks`

        Args:
            url: `https`, and public.
            events: `<kind of job>.<how it ended>`, either of which may be `*`.
        """
        return self._caller.call(o.CREATE_WEBHOOK, Arguments(body={"url": url, "events": events}))

    def list(self) -> m.WebhookPage:
        """All webhooks of the workspace, oldest first.

        `GET /api/v1/webhooks`
        """
        return self._caller.call(o.LIST_WEBHOOKS, Arguments())

    def get(self, endpoint_id: str) -> m.WebhookView:
        """A webhook.

        `GET /api/v1/webhooks/{endpoint_id}`
        """
        return self._caller.call(o.GET_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}))

    def change(self, endpoint_id: str, *, url: str, events: Sequence[str] | UnsetType = UNSET) -> m.WebhookView:
        """Change where it leads and what it is told of.

        `PUT /api/v1/webhooks/{endpoint_id}`

        Args:
            url: `https`, and public.
            events: `<kind of job>.<how it ended>`, either of which may be `*`.
        """
        return self._caller.call(o.CHANGE_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}, body={"url": url, "events": events}))

    def delete(self, endpoint_id: str) -> None:
        """Forget a webhook and its secrets.

        `DELETE /api/v1/webhooks/{endpoint_id}`
        """
        self._caller.call(o.DELETE_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}))

    def rotate_webhook_secret(self, endpoint_id: str, *, overlap_hours: int | UnsetType = UNSET) -> m.WebhookView:
        """Let a new secret sign.

        The one of before signs beside it for `overlap_hours`; any older one is forgotten.

        `POST /api/v1/webhooks/{endpoint_id}/rotate`
        """
        return self._caller.call(
            o.ROTATE_WEBHOOK_SECRET, Arguments(path={"endpoint_id": endpoint_id}, body={"overlap_hours": overlap_hours})
        )

    def enable(self, endpoint_id: str) -> m.WebhookView:
        """Let it be told again; its failures are forgotten.

        `POST /api/v1/webhooks/{endpoint_id}/enable`
        """
        return self._caller.call(o.ENABLE_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}))

    def disable(self, endpoint_id: str) -> m.WebhookView:
        """Let it be told nothing until it is enabled again.

        `POST /api/v1/webhooks/{endpoint_id}/disable`
        """
        return self._caller.call(o.DISABLE_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}))

    def test(self, endpoint_id: str) -> m.DeliveryView:
        """Send it a notification of its own.

        A worker takes the delivery within a minute; `webhook.test` comes whatever events it chose.

        `POST /api/v1/webhooks/{endpoint_id}/test`
        """
        return self._caller.call(o.TEST_WEBHOOK, Arguments(path={"endpoint_id": endpoint_id}))

    def list_webhook_deliveries(
        self, endpoint_id: str, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET
    ) -> Pages[m.DeliveryView]:
        """A page of its deliveries, newest first; they are kept for 90 days after they ended.

        `GET /api/v1/webhooks/{endpoint_id}/deliveries`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_WEBHOOK_DELIVERIES, Arguments(path={"endpoint_id": endpoint_id}, query={"limit": limit, "after": after})
        )


class MailSettings:
    """Operations on `mail_settings`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def get(self) -> m.MailSettingsView:
        """Whether the caller gets notifications by mail.

        `GET /api/v1/mail-settings`
        """
        return self._caller.call(o.GET_MAIL_SETTINGS, Arguments())

    def set(self, *, enabled: bool, events: Sequence[str] | UnsetType = UNSET) -> m.MailSettingsView:
        """Change them.

        Mail goes to the address of the caller's account. A user is told of what they started, and of what the system did.

        `PUT /api/v1/mail-settings`

        Args:
            events: `<kind of job>.<how it ended>`, either of which may be `*`.
        """
        return self._caller.call(o.SET_MAIL_SETTINGS, Arguments(body={"enabled": enabled, "events": events}))

    def list_mail_deliveries(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.DeliveryView]:
        """A page of the caller's mails, newest first; they are kept for 90 days after they ended.

        `GET /api/v1/mail-settings/deliveries`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_MAIL_DELIVERIES, Arguments(query={"limit": limit, "after": after}))


class Notifications:
    """Operations on `notifications`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(self, *, limit: int | UnsetType = UNSET, after: str | UnsetType = UNSET) -> Pages[m.Notification]:
        """A page of notifications, newest first.

        `GET /api/v1/notifications`

        Args:
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(o.LIST_NOTIFICATIONS, Arguments(query={"limit": limit, "after": after}))


class Predictions:
    """Operations on `predictions`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def list(
        self,
        *,
        entity: str | UnsetType = UNSET,
        model: str | UnsetType = UNSET,
        day: date | UnsetType = UNSET,
        since: datetime | UnsetType = UNSET,
        until: datetime | UnsetType = UNSET,
        variant: str | UnsetType = UNSET,
        order: Literal["newest", "oldest"] | UnsetType = UNSET,
        limit: int | UnsetType = UNSET,
        after: str | UnsetType = UNSET,
    ) -> Pages[m.PredictionLogEntry]:
        """A page of the prediction log.

        Predictions of an entity, of a model, or of both, in the order of their creation. A page looks at 4 days of a model, and
        at 1,000 predictions, at most, so one may be short, or empty, and yet have a `next`.

        `GET /api/v1/predictions`

        Args:
            entity: Predictions of this entity.
            model: Predictions of the model of this name.
            day: A UTC day, instead of `since` and `until`.
            since: Created then or later; 90 days ago at the earliest. By default that, or when the model was created.
            until: Created before then; now by default.
            variant: Shown as of this variant; `none` outside of experiments.
            order: What comes first.
            limit: How many items at most.
            after: `next` of the page before.
        """
        return self._caller.pages(
            o.LIST_PREDICTIONS,
            Arguments(
                query={
                    "entity": entity,
                    "model": model,
                    "day": day,
                    "since": since,
                    "until": until,
                    "variant": variant,
                    "order": order,
                    "limit": limit,
                    "after": after,
                }
            ),
        )

    def get(self, prediction_id: str) -> m.PredictionLogEntry:
        """Everything known of one prediction.

        `GET /api/v1/predictions/{prediction_id}`
        """
        return self._caller.call(o.GET_PREDICTION, Arguments(path={"prediction_id": prediction_id}))

    def replay(self, prediction_id: str) -> m.Replay:
        """Make a prediction again from what was stored.

        Writes nothing, neither to the log nor as an exposure. Answers of models, of what stands in for them, and of chance are
        made again by the code that gave them. The first replay of a version fetches its files.

        `POST /api/v1/predictions/{prediction_id}/replay`
        """
        return self._caller.call(o.REPLAY_PREDICTION, Arguments(path={"prediction_id": prediction_id}))

    def trace(self, prediction_id: str) -> m.PredictionLineage:
        """What served when a prediction was made, and what its version was made from.

        `GET /api/v1/predictions/{prediction_id}/lineage`
        """
        return self._caller.call(o.TRACE_PREDICTION, Arguments(path={"prediction_id": prediction_id}))


class Public:
    """Operations on `public`."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def predict(
        self,
        *,
        model: str,
        features: Sequence[Mapping[str, Any]],
        idempotency_key: str | UnsetType = UNSET,
        version: int | UnsetType | None = UNSET,
        include_features: bool | UnsetType = UNSET,
        explain: bool | UnsetType = UNSET,
    ) -> p.PredictResponse:
        """Ask a model for predictions.

        Feature values are looked up by `id`; raw values in an entry override them. While an experiment runs on the model and no
        `version` is named, the call assigns each `id` to a variant, and answers by it. What is answered is written down before it
        is answered, and reaches the prediction log and the experiment within seconds, also when the stores behind them are down
        for a while.

        `POST /v1/predict`

        Args:
            idempotency_key: Lets the call happen once, however often it is sent.
            model: The model's name.
            version: Ask this version, serving or not: no experiment, no fallback.
            include_features: Answer the feature values that were used.
            explain: Answer what made each score, by feature column. At most 100 scores a call: its entries times the list's
            length of a ranking. Explanations cost milliseconds each.
        """
        return self._caller.call(
            o.PUBLIC_PREDICT,
            Arguments(
                headers={"idempotency-key": idempotency_key},
                body={"model": model, "version": version, "features": features, "include_features": include_features, "explain": explain},
            ),
        )

    def ask_to_predict(self, *, origin: str) -> None:
        """Whether a web page may call (asked by browsers).

        Needs no key. The call itself decides by its key.

        `OPTIONS /v1/predict`

        Args:
            origin: The page's origin.
        """
        self._caller.call(o.PUBLIC_ASK_TO_PREDICT, Arguments(headers={"origin": origin}))

    def send_records(self, dataset: str, *, records: Sequence[p.Record], idempotency_key: str | UnsetType = UNSET) -> p.RecordsAnswer:
        """Send records of a dataset.

        A call carries 1 to 500 records in at most 1 MiB (after gzip). Accepted records are durable when the answer comes. Sending
        a record again (same `record_id`, or same content without one) changes nothing: within 7 days of its landing it does not
        land again, and afterwards readers still see the earliest known one only. A call that was not answered, or with 503, can
        be sent again as it is. Records are judged one by one: numbers are finite float64, texts hold no U+0000, of a JSON key
        that is there twice the last counts.

        `POST /v1/datasets/{dataset}/records`

        Args:
            dataset: The dataset's name.
            idempotency_key: Lets the call happen once, however often it is sent.
        """
        return self._caller.call(
            o.PUBLIC_SEND_RECORDS,
            Arguments(path={"dataset": dataset}, headers={"idempotency-key": idempotency_key}, body={"records": records}),
        )

    def ask_to_send_records(self, dataset: str, *, origin: str) -> None:
        """Whether a web page may call (asked by browsers).

        Needs no key. The call itself decides by its key.

        `OPTIONS /v1/datasets/{dataset}/records`

        Args:
            dataset: The dataset's name.
            origin: The page's origin.
        """
        self._caller.call(o.PUBLIC_ASK_TO_SEND_RECORDS, Arguments(path={"dataset": dataset}, headers={"origin": origin}))

    def get_prediction(self, prediction_id: str) -> p.LoggedPrediction:
        """Read one prediction back.

        An answer reaches the log seconds after it was given: 404 until then, so ask again. Predictions are kept for 90 days.

        `GET /v1/predictions/{prediction_id}`
        """
        return self._caller.call(o.PUBLIC_GET_PREDICTION, Arguments(path={"prediction_id": prediction_id}))

    def get_openapi(self) -> dict[str, Any]:
        """This document.

        `GET /v1/openapi.json`
        """
        return self._caller.call(o.PUBLIC_GET_OPENAPI, Arguments())


class Groups:
    """All groups of operations, sync."""

    def __init__(self, caller: Caller) -> None:
        self.workspace = Workspace(caller)
        self.users = Users(caller)
        self.api_keys = ApiKeys(caller)
        self.audit = Audit(caller)
        self.datasets = Datasets(caller)
        self.credentials = Credentials(caller)
        self.models = Models(caller)
        self.experiments = Experiments(caller)
        self.holdout = Holdout(caller)
        self.jobs = Jobs(caller)
        self.operations = Operations(caller)
        self.webhooks = Webhooks(caller)
        self.mail_settings = MailSettings(caller)
        self.notifications = Notifications(caller)
        self.predictions = Predictions(caller)
        self.public = Public(caller)
