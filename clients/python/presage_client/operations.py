"""What is called how, for the sync and the async client.

Generated from docs/openapi by `python -m presage_client_generator`; not edited by hand.
"""

from typing import Any

from presage_client import models as m
from presage_client import public_models as p
from presage_client.operation import Operation

CREATE_WORKSPACE: Operation[m.Registration] = Operation(
    "createWorkspace", "POST", "/api/v1/workspaces", api="workspace", answer=m.Registration
)
GET_WORKSPACE: Operation[m.WorkspaceView] = Operation("getWorkspace", "GET", "/api/v1/workspace", api="workspace", answer=m.WorkspaceView)
CREATE_USER: Operation[m.UserView] = Operation("createUser", "POST", "/api/v1/users", api="workspace", answer=m.UserView)
LIST_USERS: Operation[m.UserViewPage] = Operation("listUsers", "GET", "/api/v1/users", api="workspace", answer=m.UserViewPage)
CHANGE_ROLE: Operation[m.UserView] = Operation("changeRole", "PUT", "/api/v1/users/{user_id}/role", api="workspace", answer=m.UserView)
REMOVE_USER: Operation[None] = Operation("removeUser", "DELETE", "/api/v1/users/{user_id}", api="workspace", answer=type(None))
CREATE_API_KEY: Operation[m.ApiKeyView] = Operation("createApiKey", "POST", "/api/v1/api-keys", api="workspace", answer=m.ApiKeyView)
LIST_API_KEYS: Operation[m.ApiKeyViewPage] = Operation("listApiKeys", "GET", "/api/v1/api-keys", api="workspace", answer=m.ApiKeyViewPage)
REVOKE_API_KEY: Operation[None] = Operation("revokeApiKey", "DELETE", "/api/v1/api-keys/{api_key_id}", api="workspace", answer=type(None))
GET_API_KEY_USAGE: Operation[m.KeyUsage] = Operation(
    "getApiKeyUsage", "GET", "/api/v1/api-keys/{api_key_id}/usage", api="workspace", answer=m.KeyUsage
)
ROTATE_API_KEY: Operation[m.ApiKeyView] = Operation(
    "rotateApiKey", "POST", "/api/v1/api-keys/{api_key_id}/rotate", api="workspace", answer=m.ApiKeyView
)
LIST_AUDIT: Operation[m.AuditEntryPage] = Operation("listAudit", "GET", "/api/v1/audit", api="workspace", answer=m.AuditEntryPage)
EXPORT_AUDIT: Operation[str] = Operation("exportAudit", "GET", "/api/v1/audit/export", api="workspace", answer=str)
VERIFY_AUDIT: Operation[m.AuditVerification] = Operation(
    "verifyAudit", "GET", "/api/v1/audit/verification", api="workspace", answer=m.AuditVerification
)
CREATE_DATASET: Operation[m.Dataset] = Operation("createDataset", "POST", "/api/v1/datasets", api="workspace", answer=m.Dataset)
LIST_DATASETS: Operation[m.DatasetPage] = Operation("listDatasets", "GET", "/api/v1/datasets", api="workspace", answer=m.DatasetPage)
GET_DATASET: Operation[m.DatasetWithVersion] = Operation(
    "getDataset", "GET", "/api/v1/datasets/{dataset_id}", api="workspace", answer=m.DatasetWithVersion
)
LIST_SCHEMAS: Operation[m.SchemaLineage] = Operation(
    "listSchemas", "GET", "/api/v1/datasets/{dataset_id}/schemas", api="workspace", answer=m.SchemaLineage
)
LIST_QUARANTINED_LOADS: Operation[m.QuarantinedLoadPage] = Operation(
    "listQuarantinedLoads", "GET", "/api/v1/datasets/{dataset_id}/quarantine", api="workspace", answer=m.QuarantinedLoadPage
)
GET_QUARANTINED_LOAD: Operation[m.QuarantinedLoad] = Operation(
    "getQuarantinedLoad", "GET", "/api/v1/datasets/{dataset_id}/quarantine/{load_id}", api="workspace", answer=m.QuarantinedLoad
)
RELEASE_QUARANTINED_LOAD: Operation[m.JobView] = Operation(
    "releaseQuarantinedLoad", "POST", "/api/v1/datasets/{dataset_id}/quarantine/{load_id}/release", api="workspace", answer=m.JobView
)
DISCARD_QUARANTINED_LOAD: Operation[m.QuarantinedLoad] = Operation(
    "discardQuarantinedLoad",
    "POST",
    "/api/v1/datasets/{dataset_id}/quarantine/{load_id}/discard",
    api="workspace",
    answer=m.QuarantinedLoad,
)
GET_SAMPLE: Operation[str] = Operation(
    "getSample", "GET", "/api/v1/datasets/{dataset_id}/versions/{version}/sample", api="workspace", answer=str
)
GET_SUMMARY: Operation[m.Summary] = Operation(
    "getSummary", "GET", "/api/v1/datasets/{dataset_id}/versions/{version}/summary", api="workspace", answer=m.Summary
)
CREATE_UPLOAD: Operation[m.Upload] = Operation(
    "createUpload", "POST", "/api/v1/datasets/{dataset_id}/uploads", api="workspace", answer=m.Upload
)
CREATE_IMPORT: Operation[m.JobView] = Operation(
    "createImport", "POST", "/api/v1/datasets/{dataset_id}/imports", api="workspace", answer=m.JobView
)
CREATE_AMPLITUDE_IMPORT: Operation[m.JobView] = Operation(
    "createAmplitudeImport", "POST", "/api/v1/datasets/{dataset_id}/amplitude-imports", api="workspace", answer=m.JobView
)
CREATE_WAREHOUSE_IMPORT: Operation[m.JobView] = Operation(
    "createWarehouseImport", "POST", "/api/v1/datasets/{dataset_id}/warehouse-imports", api="workspace", answer=m.JobView
)
PUT_CREDENTIAL: Operation[None] = Operation("putCredential", "PUT", "/api/v1/credentials/{name}", api="workspace", answer=type(None))
DELETE_CREDENTIAL: Operation[None] = Operation(
    "deleteCredential", "DELETE", "/api/v1/credentials/{name}", api="workspace", answer=type(None)
)
CREATE_MODEL: Operation[m.Model] = Operation("createModel", "POST", "/api/v1/models", api="workspace", answer=m.Model)
LIST_MODELS: Operation[m.ModelPage] = Operation("listModels", "GET", "/api/v1/models", api="workspace", answer=m.ModelPage)
GET_MODEL: Operation[m.Model] = Operation("getModel", "GET", "/api/v1/models/{model_id}", api="workspace", answer=m.Model)
CREATE_BUILD: Operation[m.JobView] = Operation("createBuild", "POST", "/api/v1/models/{model_id}/builds", api="workspace", answer=m.JobView)
CREATE_SNAPSHOT: Operation[m.JobView] = Operation(
    "createSnapshot", "POST", "/api/v1/models/{model_id}/snapshots", api="workspace", answer=m.JobView
)
CREATE_BATCH_PREDICTION: Operation[m.JobView] = Operation(
    "createBatchPrediction", "POST", "/api/v1/models/{model_id}/batch-predictions", api="workspace", answer=m.JobView
)
GET_BATCH_PREDICTION: Operation[m.BatchPrediction] = Operation(
    "getBatchPrediction", "GET", "/api/v1/models/{model_id}/batch-predictions/{job_id}", api="workspace", answer=m.BatchPrediction
)
GET_BATCH_PREDICTION_ROW: Operation[m.BatchPredictionRow] = Operation(
    "getBatchPredictionRow",
    "GET",
    "/api/v1/models/{model_id}/batch-predictions/{job_id}/predictions/{prediction_id}",
    api="workspace",
    answer=m.BatchPredictionRow,
)
LIST_VERSIONS: Operation[m.ModelVersionPage] = Operation(
    "listVersions", "GET", "/api/v1/models/{model_id}/versions", api="workspace", answer=m.ModelVersionPage
)
GET_VERSION_METRICS: Operation[m.VersionReport] = Operation(
    "getVersionMetrics", "GET", "/api/v1/models/{model_id}/versions/{version}/metrics", api="workspace", answer=m.VersionReport
)
GET_MODEL_CARD: Operation[m.ModelCard] = Operation(
    "getModelCard", "GET", "/api/v1/models/{model_id}/versions/{version}/card", api="workspace", answer=m.ModelCard
)
GET_MODEL_CARD_TEXT: Operation[str] = Operation(
    "getModelCardText", "GET", "/api/v1/models/{model_id}/versions/{version}/card.md", api="workspace", answer=str
)
GET_VERSION_PLOT: Operation[str] = Operation(
    "getVersionPlot", "GET", "/api/v1/models/{model_id}/versions/{version}/plots/{name}.svg", api="workspace", answer=str
)
CREATE_OFF_POLICY_ESTIMATE: Operation[m.JobView] = Operation(
    "createOffPolicyEstimate",
    "POST",
    "/api/v1/models/{model_id}/versions/{version}/off-policy-estimates",
    api="workspace",
    answer=m.JobView,
)
LIST_OFF_POLICY_ESTIMATES: Operation[m.OffPolicyEstimatePage] = Operation(
    "listOffPolicyEstimates",
    "GET",
    "/api/v1/models/{model_id}/versions/{version}/off-policy-estimates",
    api="workspace",
    answer=m.OffPolicyEstimatePage,
)
GET_OFF_POLICY_ESTIMATE: Operation[m.OffPolicyEstimate] = Operation(
    "getOffPolicyEstimate",
    "GET",
    "/api/v1/models/{model_id}/versions/{version}/off-policy-estimates/{estimate_id}",
    api="workspace",
    answer=m.OffPolicyEstimate,
)
CREATE_DRIFT_REPORT: Operation[m.JobView] = Operation(
    "createDriftReport", "POST", "/api/v1/models/{model_id}/versions/{version}/drift-reports", api="workspace", answer=m.JobView
)
LIST_DRIFT_REPORTS: Operation[m.DriftReportPage] = Operation(
    "listDriftReports", "GET", "/api/v1/models/{model_id}/versions/{version}/drift-reports", api="workspace", answer=m.DriftReportPage
)
GET_DRIFT_REPORT: Operation[m.DriftReport] = Operation(
    "getDriftReport", "GET", "/api/v1/models/{model_id}/versions/{version}/drift-reports/{report_id}", api="workspace", answer=m.DriftReport
)
TRACE_VERSION: Operation[m.VersionLineage] = Operation(
    "traceVersion", "GET", "/api/v1/models/{model_id}/versions/{version}/lineage", api="workspace", answer=m.VersionLineage
)
GET_RETRAINING: Operation[m.RetrainingView] = Operation(
    "getRetraining", "GET", "/api/v1/models/{model_id}/retraining", api="workspace", answer=m.RetrainingView
)
SET_RETRAINING: Operation[m.RetrainingView] = Operation(
    "setRetraining", "PUT", "/api/v1/models/{model_id}/retraining", api="workspace", answer=m.RetrainingView
)
DESCRIBE_TRAINING_SET: Operation[m.TrainingSetView] = Operation(
    "describeTrainingSet", "GET", "/api/v1/models/{model_id}/versions/{version}/training-set", api="workspace", answer=m.TrainingSetView
)
GET_ALIAS: Operation[m.AliasView] = Operation(
    "getAlias", "GET", "/api/v1/models/{model_id}/aliases/{alias}", api="workspace", answer=m.AliasView
)
MOVE_ALIAS: Operation[m.AliasMove] = Operation(
    "moveAlias", "PUT", "/api/v1/models/{model_id}/aliases/{alias}", api="workspace", answer=m.AliasMove
)
ROLL_BACK_ALIAS: Operation[m.AliasMove] = Operation(
    "rollBackAlias", "POST", "/api/v1/models/{model_id}/aliases/{alias}/rollback", api="workspace", answer=m.AliasMove
)
CREATE_EXPERIMENT: Operation[m.Experiment] = Operation(
    "createExperiment", "POST", "/api/v1/experiments", api="workspace", answer=m.Experiment
)
LIST_EXPERIMENTS: Operation[m.ExperimentPage] = Operation(
    "listExperiments", "GET", "/api/v1/experiments", api="workspace", answer=m.ExperimentPage
)
GET_EXPERIMENT: Operation[m.ExperimentWithLooks] = Operation(
    "getExperiment", "GET", "/api/v1/experiments/{experiment_id}", api="workspace", answer=m.ExperimentWithLooks
)
START_EXPERIMENT: Operation[m.Experiment] = Operation(
    "startExperiment", "POST", "/api/v1/experiments/{experiment_id}/start", api="workspace", answer=m.Experiment
)
STOP_EXPERIMENT: Operation[m.Experiment] = Operation(
    "stopExperiment", "POST", "/api/v1/experiments/{experiment_id}/stop", api="workspace", answer=m.Experiment
)
CREATE_ANALYSIS: Operation[m.JobView] = Operation(
    "createAnalysis", "POST", "/api/v1/experiments/{experiment_id}/analyses", api="workspace", answer=m.JobView
)
EXTEND_EXPERIMENT: Operation[m.ExperimentEvent] = Operation(
    "extendExperiment", "POST", "/api/v1/experiments/{experiment_id}/extensions", api="workspace", answer=m.ExperimentEvent
)
REWEIGHT_EXPERIMENT: Operation[m.Reweighting] = Operation(
    "reweightExperiment", "POST", "/api/v1/experiments/{experiment_id}/weights", api="workspace", answer=m.Reweighting
)
GET_RESULTS: Operation[m.Results] = Operation(
    "getResults", "GET", "/api/v1/experiments/{experiment_id}/results", api="workspace", answer=m.Results
)
GET_RESULTS_PLOT: Operation[str] = Operation(
    "getResultsPlot", "GET", "/api/v1/experiments/{experiment_id}/results.svg", api="workspace", answer=str
)
GET_CERTIFICATE: Operation[m.Certificate] = Operation(
    "getCertificate", "GET", "/api/v1/experiments/{experiment_id}/certificate", api="workspace", answer=m.Certificate
)
CREATE_OUTLOOK: Operation[m.Outlook] = Operation("createOutlook", "POST", "/api/v1/experiments/outlooks", api="workspace", answer=m.Outlook)
GET_HOLDOUT: Operation[m.HoldoutView] = Operation("getHoldout", "GET", "/api/v1/holdout", api="workspace", answer=m.HoldoutView)
SET_HOLDOUT: Operation[m.HoldoutView] = Operation("setHoldout", "PUT", "/api/v1/holdout", api="workspace", answer=m.HoldoutView)
LIST_JOBS: Operation[m.JobViewPage] = Operation("listJobs", "GET", "/api/v1/jobs", api="workspace", answer=m.JobViewPage)
GET_JOB: Operation[m.JobView] = Operation("getJob", "GET", "/api/v1/jobs/{job_id}", api="workspace", answer=m.JobView)
CANCEL_JOB: Operation[m.JobView] = Operation("cancelJob", "POST", "/api/v1/jobs/{job_id}/cancel", api="workspace", answer=m.JobView)
RETRY_JOB: Operation[m.JobView] = Operation("retryJob", "POST", "/api/v1/jobs/{job_id}/retry", api="workspace", answer=m.JobView)
LIST_QUEUES: Operation[m.QueueDepthPage] = Operation(
    "listQueues", "GET", "/api/v1/operations/queues", api="workspace", answer=m.QueueDepthPage
)
REDRIVE_JOBS: Operation[m.Redrive] = Operation(
    "redriveJobs", "POST", "/api/v1/operations/queues/jobs/redrive", api="workspace", answer=m.Redrive
)
CREATE_WEBHOOK: Operation[m.WebhookView] = Operation("createWebhook", "POST", "/api/v1/webhooks", api="workspace", answer=m.WebhookView)
LIST_WEBHOOKS: Operation[m.WebhookPage] = Operation("listWebhooks", "GET", "/api/v1/webhooks", api="workspace", answer=m.WebhookPage)
GET_WEBHOOK: Operation[m.WebhookView] = Operation(
    "getWebhook", "GET", "/api/v1/webhooks/{endpoint_id}", api="workspace", answer=m.WebhookView
)
CHANGE_WEBHOOK: Operation[m.WebhookView] = Operation(
    "changeWebhook", "PUT", "/api/v1/webhooks/{endpoint_id}", api="workspace", answer=m.WebhookView
)
DELETE_WEBHOOK: Operation[None] = Operation("deleteWebhook", "DELETE", "/api/v1/webhooks/{endpoint_id}", api="workspace", answer=type(None))
ROTATE_WEBHOOK_SECRET: Operation[m.WebhookView] = Operation(
    "rotateWebhookSecret", "POST", "/api/v1/webhooks/{endpoint_id}/rotate", api="workspace", answer=m.WebhookView
)
ENABLE_WEBHOOK: Operation[m.WebhookView] = Operation(
    "enableWebhook", "POST", "/api/v1/webhooks/{endpoint_id}/enable", api="workspace", answer=m.WebhookView
)
DISABLE_WEBHOOK: Operation[m.WebhookView] = Operation(
    "disableWebhook", "POST", "/api/v1/webhooks/{endpoint_id}/disable", api="workspace", answer=m.WebhookView
)
TEST_WEBHOOK: Operation[m.DeliveryView] = Operation(
    "testWebhook", "POST", "/api/v1/webhooks/{endpoint_id}/test", api="workspace", answer=m.DeliveryView
)
LIST_WEBHOOK_DELIVERIES: Operation[m.DeliveryPage] = Operation(
    "listWebhookDeliveries", "GET", "/api/v1/webhooks/{endpoint_id}/deliveries", api="workspace", answer=m.DeliveryPage
)
GET_MAIL_SETTINGS: Operation[m.MailSettingsView] = Operation(
    "getMailSettings", "GET", "/api/v1/mail-settings", api="workspace", answer=m.MailSettingsView
)
SET_MAIL_SETTINGS: Operation[m.MailSettingsView] = Operation(
    "setMailSettings", "PUT", "/api/v1/mail-settings", api="workspace", answer=m.MailSettingsView
)
LIST_MAIL_DELIVERIES: Operation[m.DeliveryPage] = Operation(
    "listMailDeliveries", "GET", "/api/v1/mail-settings/deliveries", api="workspace", answer=m.DeliveryPage
)
LIST_NOTIFICATIONS: Operation[m.NotificationPage] = Operation(
    "listNotifications", "GET", "/api/v1/notifications", api="workspace", answer=m.NotificationPage
)
LIST_PREDICTIONS: Operation[m.PredictionLogEntryPage] = Operation(
    "listPredictions", "GET", "/api/v1/predictions", api="workspace", answer=m.PredictionLogEntryPage
)
GET_PREDICTION: Operation[m.PredictionLogEntry] = Operation(
    "getPrediction", "GET", "/api/v1/predictions/{prediction_id}", api="workspace", answer=m.PredictionLogEntry
)
REPLAY_PREDICTION: Operation[m.Replay] = Operation(
    "replayPrediction", "POST", "/api/v1/predictions/{prediction_id}/replay", api="workspace", answer=m.Replay
)
TRACE_PREDICTION: Operation[m.PredictionLineage] = Operation(
    "tracePrediction", "GET", "/api/v1/predictions/{prediction_id}/lineage", api="workspace", answer=m.PredictionLineage
)
PUBLIC_PREDICT: Operation[p.PredictResponse] = Operation(
    "predict", "POST", "/v1/predict", api="public", answer=p.PredictResponse, takes_idempotency_key=True
)
PUBLIC_ASK_TO_PREDICT: Operation[None] = Operation("askToPredict", "OPTIONS", "/v1/predict", api="public", answer=type(None))
PUBLIC_SEND_RECORDS: Operation[p.RecordsAnswer] = Operation(
    "sendRecords",
    "POST",
    "/v1/datasets/{dataset}/records",
    api="public",
    answer=p.RecordsAnswer,
    takes_idempotency_key=True,
    takes_gzip=True,
)
PUBLIC_ASK_TO_SEND_RECORDS: Operation[None] = Operation(
    "askToSendRecords", "OPTIONS", "/v1/datasets/{dataset}/records", api="public", answer=type(None)
)
PUBLIC_GET_PREDICTION: Operation[p.LoggedPrediction] = Operation(
    "getPrediction", "GET", "/v1/predictions/{prediction_id}", api="public", answer=p.LoggedPrediction
)
PUBLIC_GET_OPENAPI: Operation[dict[str, Any]] = Operation("getOpenapi", "GET", "/v1/openapi.json", api="public", answer=dict)
