"""What the workspace API takes and answers.

Generated from docs/openapi by `python -m presage_client_generator`; not edited by hand.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Literal

from msgspec import UNSET, UnsetType

from presage_client.model import ApiStruct


class Action(ApiStruct, kw_only=True):
    """Where all of the model's traffic goes, and the line of the alias's history that says so.

    `version` is the one that the alias moves to; None leaves it at the one that serves.
    """

    traffic: str
    model_id: str
    reason: str
    version: int | None = None


class AliasMove(ApiStruct, kw_only=True):
    """One entry of an alias's append-only history; the newest says what serves now.

    `traffic="default"` answers every call with the model's default, `"popularity"` with the version's popularity list (a
    concluded
    rollback to what the experiment's control got).
    """

    workspace_id: str
    model_id: str
    alias: str
    version: int
    traffic: str
    reason: str
    moved_at: str


class AliasView(ApiStruct, kw_only=True):
    """What serves under an alias, or did at a moment that was asked for, and what did before, newest first."""

    alias: str
    current: AliasMove | None
    history: list[AliasMove]


class AnyExplanation(ApiStruct, kw_only=True):
    """`RowExplanation` or `ItemsExplanation`: has the fields of the one that it is."""

    base: float | UnsetType = UNSET
    contributions: dict[str, float] | UnsetType = UNSET
    margin: MarginExplanation | UnsetType = UNSET
    items: dict[str, RowExplanation] | UnsetType = UNSET


class ApiKeyView(ApiStruct, kw_only=True):
    """A key; its value `key` only in the answer that creates it."""

    secrets: ClassVar[frozenset[str]] = frozenset(["key"])

    api_key_id: str
    name: str
    plan: str
    kind: str
    origins: list[str]
    scopes: list[str]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    """When the public API was last called with it, to within two minutes; null, if never."""
    revoked_at: str | None
    key: str | UnsetType = UNSET


class ApiKeyViewPage(ApiStruct, kw_only=True):
    """A page of `ApiKeyView`."""

    items: list[ApiKeyView]
    next: str | None


class ArmEvidence(ApiStruct, kw_only=True):
    """What one arm's comparison with control came to; `mixture` is its confidence sequences'."""

    arm: str
    mixture: Mixture
    primary: MetricEvidence
    guardrails: list[MetricEvidence]
    secondary: list[MetricEvidence] = []


class AuditEntry(ApiStruct, kw_only=True):
    """One line of the audit log. `sha256` is of the other fields as JSON with sorted keys, without spaces, in ASCII."""

    workspace_id: str
    sequence: int
    """1, 2, … without gaps."""
    at: datetime
    user_id: str
    email: str
    """The user's, as of then."""
    action: str
    """Such as `users.change_role`; docs/audit.md lists them."""
    targets: dict[str, str]
    """What is in the path."""
    detail: dict[str, Any]
    """What is told of the body or, of an end, where what was made is. Never a secret."""
    request_id: str
    address: str
    """Where the call came from."""
    outcome: str
    """`asked`: written before anything was done. The others end it: done, the caller was refused, or we failed."""
    status: int | None
    """What an end was answered with."""
    code: str | None
    """Why it was refused or failed."""
    refers_to: int | None
    """The sequence of what an end was asked by."""
    previous_sha256: str
    """The hash of the entry before; 64 zeros of the first one."""
    sha256: str


class AuditEntryPage(ApiStruct, kw_only=True):
    """A page of `AuditEntry`."""

    items: list[AuditEntry]
    next: str | None


class AuditFault(ApiStruct, kw_only=True):
    """Where a log is broken first. `kind`: the line is no entry, of another workspace, not the next one, not bound to the one
    before, changed since it was hashed, or the end of nothing that was asked and has not ended.
    """

    line: int
    """From 1, which is the sequence that should be there."""
    kind: str
    detail: str


class AuditHead(ApiStruct, kw_only=True):
    """The last entry of what is sound; 0 and 64 zeros of nothing."""

    sequence: int
    sha256: str


class AuditVerification(ApiStruct, kw_only=True):
    """What an audit log says of itself. `unended` counts acts without an end, those that are under way among them."""

    is_sound: bool
    head: AuditHead
    unended: int
    fault: AuditFault | None


class Baseline(ApiStruct, kw_only=True):
    """A metric's mean and variance over units without the experiment, and how many units they were measured on (None: given)."""

    mean: float
    variance: float
    units: int | None = None


class BaselineBody(ApiStruct, kw_only=True):
    """What a metric is without the experiment; a rate's `variance` follows from its mean."""

    mean: float
    variance: float | None = None


class Basis(ApiStruct, kw_only=True):
    """What no other part of a log entry tells. `values` is what feature values were looked up with and, when a model answered, what
    ran; `baseline_sha256` is of the `model.json` whose baseline answered; `drawn_in` is the experiment whose salt chance was
    drawn with, if chance answered.
    """

    answerer: str
    """Who was to answer: the model, or what the control's policy or the alias puts in its place."""
    values: PredictionSource | UnsetType = UNSET
    baseline_sha256: str | UnsetType = UNSET
    drawn_in: str | UnsetType = UNSET


class BatchPrediction(ApiStruct, kw_only=True):
    """What a job predicted. Every row of the files is one prediction."""

    job_id: str
    model_id: str
    version: int
    training_set_id: str
    model_sha256: str
    snapshot_key: str
    snapshot_sha256: str
    as_of: datetime
    input: str
    """Where the entities came from."""
    rows: int
    refused: int
    """Rows of the input that name no entity, or one that no call could name."""
    files: list[BatchPredictionFile]


class BatchPredictionFile(ApiStruct, kw_only=True):
    """`BatchPredictionFile` of the document."""

    secrets: ClassVar[frozenset[str]] = frozenset(["url"])

    url: str
    """Gives the parquet file for an hour."""
    rows: int
    bytes: int
    sha256: str


class BatchPredictionRow(ApiStruct, kw_only=True):
    """A class and its score, a number twice, or the items of a ranking, best first, and the score of each."""

    prediction_id: str
    entity_id: str
    entity_found: bool
    prediction: str | float | list[str]
    score: float | list[float]


class Candidates(ApiStruct, kw_only=True):
    """The items a ranking chooses from: the `limit` most frequent values of `item_column`, known at the observation.

    Frequency counts the records whose event and known timestamps are at or before the observation; ties go by item id.
    """

    dataset: str
    item_column: str
    limit: int = 500
    negatives_per_positive: int = 4


class Certificate(ApiStruct, kw_only=True):
    """One experiment up to a look. `data` are the fingerprints of the rows that were loaded of it by then.

    Fields with defaults came after the first certificates.
    """

    schema: int
    software: str
    workspace_id: str
    experiment_id: str
    model_id: str
    salt: str
    plan: ExperimentPlan
    events: list[ExperimentEvent]
    data: list[Fingerprint]
    metrics: list[MetricPath]
    looks: list[CertifiedLook]
    conclusion: Conclusion
    control_version: int | None = None
    holdout_share: float = 0.0
    segments: list[SegmentCount] = []


class CertifiedLook(ApiStruct, kw_only=True):
    """A look, whose `detail` leaves the SQL to the `statements` of metrics and segments."""

    number: int
    as_of: str
    decision: str
    detail: LookDetail


class Column(ApiStruct, kw_only=True):
    """One column of a dataset's records. A value may be missing or null; it may not have another type."""

    name: str
    type: Literal["boolean", "number", "string"]


class ColumnChange(ApiStruct, kw_only=True):
    """How a column of a file differs from the dataset's of that name.

    `was` is the dataset's type (null for a new column), `now` what the file holds (null for a removed one). `misfits` of its
    `values` are of another type; `first` is the first of them.
    """

    column: str
    change: str
    was: str | None
    now: str | None
    compatible: bool
    reason: str
    values: int
    misfits: int
    first: ColumnChangeFirst | None


class ColumnChangeFirst(ApiStruct, kw_only=True):
    """`ColumnChangeFirst` of the document."""

    line: int
    value: str
    part: str


class ColumnDrift(ApiStruct, kw_only=True):
    """A column's distance (total variation of the bins, 0 to 1) from its reference, and its bounds. `psi` is the population
    stability index, for display. `drifted`: surely above the tolerance. `steady`: surely below. `undecided`: the sample is too
    small to tell.
    """

    name: str
    """A feature column, or `prediction` for the score."""
    state: str
    distance: float
    lower: float
    upper: float
    psi: float
    reference_counts: list[int]
    counts: list[int]
    """Below the first edge, from each edge to below the next one, and at last the nulls."""
    edges: list[float]


class ColumnOverride(ApiStruct, kw_only=True):
    """What is declared of one column of a file: `type` and `into` (or one of them), `ignore`, or `absent`.

    `type` is what its values are read as, through their text; rows whose value cannot be are refused. It is the dataset's where
    it has the column. `into` is the column of the dataset that they go to. `absent`: the dataset's column is not in the file.
    """

    type: Literal["boolean", "number", "string"] | None = None
    into: str | None = None
    ignore: bool = False
    absent: bool = False


class ColumnSummary(ApiStruct, kw_only=True):
    """`NumberSummary` or `ValueSummary`: has the fields of the one that it is."""

    name: str
    type: str
    nulls: int
    distinct: int
    distinct_standard_error: float
    mean: float | UnsetType | None = UNSET
    std: float | UnsetType | None = UNSET
    """Of the sample, with n - 1."""
    histogram: ColumnSummaryHistogram | UnsetType | None = UNSET
    """Bins of equal width; null when all values are equal. Counts are off by twice the rank error at most."""
    min: float | UnsetType | None = UNSET
    max: float | UnsetType | None = UNSET
    quantiles: dict[str, float | None] | UnsetType = UNSET
    """By share, 0.01 to 0.99."""
    quantiles_rank_error: float | UnsetType = UNSET
    top_values: list[ColumnSummaryTopValue] | UnsetType = UNSET
    """The ten most frequent ones."""
    top_values_undercount: int | UnsetType = UNSET
    """By how much a count may be too low, and how often a value may occur that is not listed; 0 when counts are exact."""


class ColumnSummaryHistogram(ApiStruct, kw_only=True):
    """`ColumnSummaryHistogram` of the document."""

    edges: list[float]
    counts: list[int]


class ColumnSummaryTopValue(ApiStruct, kw_only=True):
    """`ColumnSummaryTopValue` of the document."""

    value: str | bool
    count: int


class Conclusion(ApiStruct, kw_only=True):
    """What the last look came to; `action` is None when traffic stays as it is. Of several arms, `arm` is shipped."""

    look: int
    decision: str
    reason: str
    gates: list[GateResult]
    action: Action | None
    arm: str | None = None


class Counted(ApiStruct, kw_only=True):
    """A metric as the warehouse counted it, and by which statement over which data.

    `treatment` is one arm's. `sql`, which stands with the first arm, counts them all. `loaded_parts` are those that this look
    brought,
    of both datasets of a ratio. `has_covariate` tells what the second value is.
    """

    metric: str
    dataset_version: int | None
    loaded_parts: int
    sql: str
    control: VariantStatistics
    treatment: VariantStatistics
    kind: str = "conversion"
    has_covariate: bool = False
    denominator_version: int | None = None


class Dataset(ApiStruct, kw_only=True):
    """A dataset of a workspace. Its versions (see `FeatureSetVersion`) hold the records."""

    workspace_id: str
    dataset_id: str
    name: str
    entity: str
    columns: list[Column]
    created_at: str
    schema_version: int
    """Counts what became of `columns` since the dataset was created."""


class DatasetOrigin(ApiStruct, kw_only=True):
    """A dataset at the version that was pinned when the build began."""

    name: str
    dataset_id: str
    version: int
    rows: int
    parts: list[InputPart]


class DatasetPage(ApiStruct, kw_only=True):
    """A page of `Dataset`."""

    items: list[Dataset]
    next: str | None


class DatasetWithVersion(ApiStruct, kw_only=True):
    """`DatasetWithVersion` of the document."""

    newest_version: VersionView | None
    workspace_id: str
    dataset_id: str
    name: str
    entity: str
    columns: list[Column]
    created_at: str
    schema_version: int
    """Counts what became of `columns` since the dataset was created."""


class Decision(ApiStruct, kw_only=True):
    """What somebody decided of a quarantined file; `job_id` is the import that was to land it."""

    verdict: str
    by: str
    at: str
    job_id: str | None


class DeliveryPage(ApiStruct, kw_only=True):
    """A page of `Delivery`."""

    items: list[DeliveryView]
    next: str | None


class DeliveryView(ApiStruct, kw_only=True):
    """A notification's way out; `last_status` is what a webhook answered, null if nothing did."""

    delivery_id: str
    notification_id: str
    state: str
    attempts: int
    due_at: str
    last_status: int | None
    message: str
    created_at: str
    ended_at: str | None


class Denominator(ApiStruct, kw_only=True):
    """What a ratio divides by: the sum of `value_column` of the unit's records in `dataset` or, without one, their number."""

    dataset: str
    value_column: str | None = None


class DerivedFeature(ApiStruct, kw_only=True):
    """A feature made of others of the same row: column `derived__<name>`, which other expressions may name in their turn."""

    name: str
    expression: Expression


class Difference(ApiStruct, kw_only=True):
    """A place in the logged prediction, as JSONPath, and what is there; a side that has nothing there is left out. `$.files` is no
    part of the log, but the SHA-256 of a file's bytes, as its manifest has it and as they are now.
    """

    path: str
    logged: Any = UNSET
    """Any JSON value."""
    replayed: Any = UNSET
    """Any JSON value."""


class DriftReport(ApiStruct, kw_only=True):
    """The predictions that a version made on a UTC day against what it was trained on. `report_id` is the day; that of a day that
    was not over has the time of the check behind it. `predictions` were read, `entities` of them are compared, by the first of
    each. `complete` is false when the day had more than are read. `alpha` is this day's share of the chance of a false alarm,
    divided among the columns.
    """

    schema: int
    report_id: str
    model_id: str
    version: int
    training_set_id: str
    day: date
    checked_at: str
    predictions: int
    entities: int
    complete: bool
    alpha: float
    tolerance: float
    columns: list[ColumnDrift]


class DriftReportPage(ApiStruct, kw_only=True):
    """A page of `DriftReport`."""

    items: list[DriftReportPageItem]
    next: str | None


class DriftReportPageItem(ApiStruct, kw_only=True):
    """`DriftReportPageItem` of the document."""

    report_id: str


class Duration(ApiStruct, kw_only=True):
    """What as many days of this traffic can find: with probability `power`, an effect of at least that size."""

    days: int
    planned_units: int
    minimum_detectable_effect: float
    relative_effect: float | None


class Estimate(ApiStruct, kw_only=True):
    """A point estimate and its standard error, in the same unit. `standard_error` > 0."""

    value: float
    standard_error: float


class Experiment(ApiStruct, kw_only=True):
    """A plan with its state. `salt` makes its assignment independent of every other experiment's.

    Fixed by the start: `control_version`, which answers the control under the policy `previous_version`, and `holdout_share`,
    the
    workspace's then, whose units are in no variant.
    """

    workspace_id: str
    experiment_id: str
    model_id: str
    plan: ExperimentPlan
    salt: str
    state: str
    created_at: str
    started_at: str | None
    concluded_at: str | None
    control_version: int | None = None
    holdout_share: float = 0.0


class ExperimentEvent(ApiStruct, kw_only=True):
    """One order. `by` is the user's id; `extra_days` and `extra_units` are what an extension adds to the limits.

    `treatment_share`, or in a plan with arms each one's weight in `arm_weights`, is what a change of weights makes it.
    """

    workspace_id: str
    experiment_id: str
    number: int
    kind: str
    at: str
    by: str
    reason: str
    extra_days: int = 0
    extra_units: int = 0
    treatment_share: float | None = None
    arm_weights: list[float] | None = None


class ExperimentPage(ApiStruct, kw_only=True):
    """A page of `Experiment`."""

    items: list[Experiment]
    next: str | None


class ExperimentPlan(ApiStruct, kw_only=True):
    """What is decided before the start and frozen by it. `planned_units` (of all variants) tunes the confidence sequence.

    The primary metric and the guardrails decide; `secondary` metrics are reported and never do, nor do `segments` of units.
    With a
    `segment` of a layer, only its units meet the experiment. With `arms`, each is compared with the control, which gets what
    their
    weights leave; without, there is one, the version in production, whose weight is `treatment_share`.
    """

    name: str
    model: str
    primary: Metric
    planned_units: int
    control_policy: Literal["default", "popularity", "previous_version", "random"] = "default"
    treatment_share: float = 0.5
    alpha: float = 0.05
    minimum_effect: float = 0.0
    max_days: int = 90
    guardrails: list[Guardrail] = []
    gates: Gates | UnsetType = UNSET
    secondary: list[Metric] = []
    segment: LayerSegment | None = None
    arms: list[TreatmentArm] = []
    segments: list[UnitSegment] = []


class ExperimentWithLooks(ApiStruct, kw_only=True):
    """`ExperimentWithLooks` of the document."""

    looks: list[Look]
    workspace_id: str
    experiment_id: str
    model_id: str
    plan: ExperimentPlan
    salt: str
    state: str
    created_at: str
    started_at: str | None
    concluded_at: str | None
    control_version: int | None = None
    holdout_share: float = 0.0


class Exploration(ApiStruct, kw_only=True):
    """How much is left to chance: how often, and among how many of the best candidates (all of them without `among`)."""

    epsilon: float
    among: int | UnsetType | None = UNSET


class Exposures(ApiStruct, kw_only=True):
    """Exposures up to the look: rows, units, units that met a second variant, and the time since the first."""

    rows: int
    units: int
    crossovers: int
    first_exposure: str | None
    whole_days: int


class Expression(ApiStruct, kw_only=True):
    """An operator on features (strings, by column), numbers, booleans and other expressions, up to 8 levels deep.

    A value is missing if it is null or not finite. What any operand is missing of is missing, but for `is_missing`, the first
    there is of `coalesce`, and the branch of `if` that is not taken; so is what has no finite result, as a ratio by 0. Booleans
    are 0 and 1.

    `add`, `multiply`, `and`, `or`: of two or more; `subtract`, `ratio`, `less`, `equal`: first and second; `if`: condition, then,
    else. `log1p`: ln(1 + x), missing from -1 down. `clip`: to `least` and `greatest`. `bucketise`: how many of the ascending
    `values` are at most x. `hash_bucket`: CRC-32 of x as little-endian float64, modulo `buckets`. `one_of`: whether x is among
    `values`; `lookup`: the one of `results` that stands where x does in `values`; both take a feature with categories, too, and
    name them. `time_part`: the `part` of the moment of asking, or of x in seconds since the epoch, in UTC; a weekday counts from
    Monday, 0. `seconds_since`: from x, in seconds since the epoch, to the moment of asking.
    """

    op: Literal[
        "absolute",
        "add",
        "and",
        "bucketise",
        "clip",
        "coalesce",
        "equal",
        "hash_bucket",
        "if",
        "is_missing",
        "less",
        "log1p",
        "lookup",
        "multiply",
        "not",
        "one_of",
        "or",
        "ratio",
        "seconds_since",
        "subtract",
        "time_part",
    ]
    of: list[bool | float | str | Expression] = []
    values: list[float | str] | None = None
    results: list[float] | None = None
    least: float | None = None
    greatest: float | None = None
    buckets: int | None = None
    part: Literal["day", "hour", "month", "weekday"] | None = None


class Feature(ApiStruct, kw_only=True):
    """One feature: `function` of `column` over the join key's records with event and known timestamps <= the observation time.

    `window_days` keeps only events in (observation - window, observation]. `count` is 0 without records, the others null.
    With a `column`, records in which it is null are passed over (booleans are 0 and 1), except by `latest`, which takes the
    value,
    perhaps null, of the record with the greatest (event_timestamp, known_timestamp, record_id). Units: days for
    `days_since_*`.
    """

    name: str
    function: Literal["count", "days_since_first", "days_since_last", "latest", "max", "mean", "min", "sum"]
    column: str | None = None
    window_days: int | None = None
    categories: list[str] | None = None
    """With them, `latest` takes a string column: its value is the place among them from 0, of any other string their number."""


class FeatureMoments(ApiStruct, kw_only=True):
    """Numbers that cannot be said (of no value, or infinite) are null."""

    values: int
    nulls: int
    mean: float | None
    standard_deviation: float | None
    least: float | None
    greatest: float | None


class FeatureView(ApiStruct, kw_only=True):
    """Features of one dataset, joined by `key_column` (`entity_id` or a string column) to the row's entity or item."""

    name: str
    dataset: str
    features: list[Feature]
    join: Literal["entity", "item"] = "entity"
    key_column: str = "entity_id"


class Fingerprint(ApiStruct, kw_only=True):
    """How many rows a table has of an experiment, and both halves of their hashes' sum, in decimal digits."""

    table: str
    rows: int
    first_sum: str
    second_sum: str


class GateResult(ApiStruct, kw_only=True):
    """One gate: whether it passed, what was observed (None: not computable yet) and what is required."""

    name: str
    passed: bool
    observed: float | None
    required: float


class Gates(ApiStruct, kw_only=True):
    """What must hold before a conclusion is allowed; recorded with the experiment."""

    min_units_per_variant: int = 500
    min_conversions_per_variant: int = 25
    min_days: int = 7
    srm_threshold: float = 0.001
    max_crossover_share: float = 0.01


class GroupArm(ApiStruct, kw_only=True):
    """One arm's comparison with control in one group. `estimate` is the difference; `inconclusive` says why there is no `interval`."""

    arm: str
    treatment: VariantStatistics
    estimate: Estimate | None
    interval: Interval | None
    inconclusive: str | None


class GroupArmResult(ApiStruct, kw_only=True):
    """The primary metric of one `arm` in one group. The mean is the metric among the arm's units; `effect` is the arm minus control."""

    arm: str
    treatment: VariantStatistics
    treatment_mean: float | None
    effect: Estimate | None
    interval: Interval | None
    inconclusive: str | None


class GroupEvidence(ApiStruct, kw_only=True):
    """One group at one look; `arms` are in the plan's order."""

    kind: str
    value: str | None
    control: VariantStatistics
    arms: list[GroupArm]


class GroupResult(ApiStruct, kw_only=True):
    """The primary metric in one group of units, arm by arm beside control.

    `kind` tells units of one `value` from those of all `other` values and those with `none`.
    """

    kind: str
    value: str | None
    control: VariantStatistics
    control_mean: float | None
    arms: list[GroupArmResult]


class Guardrail(ApiStruct, kw_only=True):
    """A metric that must not fall by more than `margin` (absolute, in units of the metric)."""

    metric: Metric
    margin: float


class HoldoutView(ApiStruct, kw_only=True):
    """A workspace's holdout; nobody's and never if it was not set."""

    share: float
    changed_by: str | None
    changed_at: str | None


class InputPart(ApiStruct, kw_only=True):
    """A parquet part of the lake that a version was trained on."""

    key: str
    sha256: str
    rows: int


class InstantOrder(ApiStruct, kw_only=True):
    """`InstantOrder` of the document."""

    min: datetime | None
    max: datetime | None
    quantiles: dict[str, datetime | None]
    """By share, 0.01 to 0.99."""
    quantiles_rank_error: float


class Interval(ApiStruct, kw_only=True):
    """A closed interval, in the unit of the estimate. `lower` <= `upper`."""

    lower: float
    upper: float


class JobView(ApiStruct, kw_only=True):
    """A job without its checkpoint and lease."""

    job_id: str
    kind: str
    state: str
    """`quarantined`: an import ended, nothing of it landed, and its load waits for a decision."""
    progress: float
    message: str
    attempts: int
    arguments: dict[str, Any]
    result: dict[str, Any]
    created_by: str
    created_at: str
    finished_at: str | None
    cancel_requested: bool
    retry_of: str | None
    """The job that this one is a retry of."""
    retried_as: str | None
    """The job that this one was retried as."""


class JobViewPage(ApiStruct, kw_only=True):
    """A page of `JobView`."""

    items: list[JobView]
    next: str | None


class KeyUsage(ApiStruct, kw_only=True):
    """A key's plan, and its calls day by day, the oldest first; days without calls may be missing."""

    api_key_id: str
    plan: str
    limits: KeyUsageLimits
    """Null where the plan sets no limit."""
    days: list[KeyUsageDay]


class KeyUsageDay(ApiStruct, kw_only=True):
    """`KeyUsageDay` of the document."""

    day: date
    used: int
    remaining: int | None
    """Of the month's calls, at the end of that day; null without a quota."""


class KeyUsageLimits(ApiStruct, kw_only=True):
    """Null where the plan sets no limit."""

    calls_per_second: float | None
    burst: int | None
    """Calls that may come at once."""
    calls_per_month: int | None


class Label(ApiStruct, kw_only=True):
    """What is predicted from records of `dataset` with event in (observation, observation + window_days].

    Classification: "1" if the entity has one, else "0"; with a `class_column`, that of the first one, or `absent_class`
    without any. Ranking: `item_column` names the items it took. Regression: the `aggregate` of `value_column` over them, 0
    without any for count and sum.
    Observations without a class or a mean, and those whose window is not closed at the cut-off, are dropped and counted. Only
    records known at the cut-off count.
    """

    dataset: str
    window_days: int
    item_column: str | None = None
    class_column: str | None = None
    absent_class: str | None = None
    aggregate: Literal["count", "sum", "mean"] | None = None
    value_column: str | None = None


class LayerSegment(ApiStruct, kw_only=True):
    """The part [start, end) of a layer's units. Experiments whose segments of one layer do not overlap share no unit."""

    layer: str
    start: float
    end: float


class LeakReport(ApiStruct, kw_only=True):
    """The cells that joins which leak would have got wrong: `known_time_ignored` goes by the event's time alone, `newest_values`
    takes what is known at the cut-off, whatever the observation's time. Two examples a feature, the first and the last in time.
    """

    format: int
    rows: int
    cells: int
    joins: dict[str, LeakReportJoin]


class LeakReportJoin(ApiStruct, kw_only=True):
    """`LeakReportJoin` of the document."""

    wrong_cells: int
    features: dict[str, LeakReportJoinFeature]


class LeakReportJoinFeature(ApiStruct, kw_only=True):
    """`LeakReportJoinFeature` of the document."""

    wrong_cells: int
    examples: list[LeakedCell]


class LeakedCell(ApiStruct, kw_only=True):
    """One cell; `at_us` is the observation's time in microseconds since the epoch, `item` empty unless the model ranks."""

    at_us: int
    entity_id: str
    item: str
    value: float | None
    naive: float | None


class Limits(ApiStruct, kw_only=True):
    """Where an experiment without a conclusion ends: days since the first exposure, counted units of all variants."""

    max_days: int
    max_units: int


class Look(ApiStruct, kw_only=True):
    """One analysis of a running experiment, appended and never changed.

    `detail` holds JSON-able sufficient statistics per metric, the interval (lower, upper, estimate), e-value, SRM p-value,
    gates (name, passed, observed, required), the decision and its reason, and the SQL that was run.
    """

    workspace_id: str
    experiment_id: str
    number: int
    as_of: str
    decision: str
    detail: dict[str, Any]


class LookDetail(ApiStruct, kw_only=True):
    """Everything of a look that is kept as `Look.detail`. `schema` tells readers its form; fields with defaults came after 1.

    `mixture`, `primary`, `guardrails` and `secondary` are the first arm's, and `further_arms` has the others'.
    `adjusted_p_values` are Holm's of the primary metric, an arm each, and `shipped` is the arm that the look decides for.
    `discoveries` names the secondary metrics whose effect e-BH finds at this look; of such an expected share of at most alpha
    is none.
    `limits` are those after the first `events` of the operators. What the look saw is what was loaded until `loaded_until`,
    by the
    warehouse's clock; `data` are its fingerprints. It counts units that were first met under `allocation_version`. `segments`
    are for
    display.
    """

    schema: int
    exposures: Exposures
    mixture: Mixture
    primary: MetricEvidence
    guardrails: list[MetricEvidence]
    sample_ratio: SampleRatio
    gates: list[GateResult]
    warnings: list[str]
    reason: str
    secondary: list[MetricEvidence] = []
    discoveries: list[str] = []
    limits: Limits | None = None
    events: int = 0
    loaded_until: str | None = None
    data: list[Fingerprint] = []
    allocation_version: int = 1
    further_arms: list[ArmEvidence] = []
    adjusted_p_values: list[float] = []
    shipped: str | None = None
    segments: list[SegmentEvidence] = []


class LookResult(ApiStruct, kw_only=True):
    """One look: what it counted, by which gates it was decided, why, and which of several arms was `shipped`."""

    number: int
    as_of: str
    decision: str
    reason: str
    metrics: list[MetricResult]
    sample_ratio: SampleRatio
    gates: list[GateResult]
    warnings: list[str]
    shipped: str | None


class MailSettingsView(ApiStruct, kw_only=True):
    """Never, if it was not set."""

    address: str
    enabled: bool
    events: list[str]
    changed_at: str | None


class MarginExplanation(ApiStruct, kw_only=True):
    """`base` and the contributions by column add up to the margin: what the model adds up before its answer is made of it."""

    scale: str
    base: float
    contributions: dict[str, float]


class Metric(ApiStruct, kw_only=True):
    """What a unit did, from its records of `dataset` in (first exposure + start_hours, first exposure + window_hours].

    Binary: `conversion`, the unit has such a record; `hit`, one whose `item_column` equals an item (or the class) shown to it
    before;
    `retention`, one in a window that opens late, `start_hours` > 0. Valued, averaged over units: `count` of the records,
    `sum` of their
    `value_column` (0 without records), `mean` of it (over units that have a value). `ratio`: the sum of `value_column`
    (without one,
    the number of records) of all units over that of `denominator`.
    A unit's count, sum or mean above `cap` is taken for `cap`. With `covariate_hours`, the same count or sum in the hours up
    to the
    first exposure takes out what was known before (CUPED).
    """

    name: str
    kind: Literal["conversion", "count", "hit", "mean", "ratio", "retention", "sum"]
    dataset: str
    window_hours: int = 72
    item_column: str | None = None
    value_column: str | None = None
    cap: float | None = None
    start_hours: int = 0
    denominator: Denominator | None = None
    covariate_hours: int = 0


class MetricEvidence(ApiStruct, kw_only=True):
    """One metric at one look. Effects are absolute differences, treatment minus control.

    `enough` tells whether both variants passed the size gates, so that this look's interval counts; `running_interval`,
    `e_value` and `p_value` are over all looks that count (None and 1 before the first); `inconclusive` says why there is no
    interval.
    """

    counted: Counted
    enough: bool
    estimate: Estimate | None
    relative_lift: Estimate | None
    interval: Interval | None
    running_interval: Interval | None
    e_value: float | None
    p_value: float
    inconclusive: str | None


class MetricPath(ApiStruct, kw_only=True):
    """A metric's way through the looks, in one arm's comparison with control.

    `e_values` and `p_values` are those of `path`, look by look. `statements`, of all variants, stand with the first arm.
    """

    role: str
    metric: str
    statements: list[Statement]
    path: list[PathPoint]
    e_values: list[float | None]
    p_values: list[float]
    arm: str = "treatment"


class MetricResult(ApiStruct, kw_only=True):
    """One metric of one `arm` at one look. `effect` is treatment minus control in the metric's unit; the relative `lift` is for
    display.

        `interval` holds at all looks, and for all arms, at once; `discovered` says of a secondary metric whether e-BH found an
        effect.
        `adjusted_p_value` is Holm's of the primary metric, where there are several arms.
    """

    arm: str
    role: str
    metric: str
    control: VariantStatistics
    treatment: VariantStatistics
    effect: Estimate | None
    lift: Estimate | None
    interval: Interval | None
    e_value: float | None
    p_value: float
    adjusted_p_value: float | None
    discovered: bool | None
    inconclusive: str | None


class Mixture(ApiStruct, kw_only=True):
    """The confidence sequence's free parameters: error rate `alpha` and mixing variance `rho` (in units of the sample)."""

    alpha: float
    rho: float


class Model(ApiStruct, kw_only=True):
    """A stable name that callers use. `default` is answered when no version can: a class, a number, or a list of item ids."""

    workspace_id: str
    model_id: str
    name: str
    spec: ModelSpec
    default: str | float | list[str]
    created_at: str


class ModelCard(ApiStruct, kw_only=True):
    """A model card. `limits` say where not to trust it."""

    model_id: str
    version: int
    kind: str
    predicts: str
    algorithm: dict[str, Any]
    training_set: dict[str, Any]
    inputs: dict[str, Any]
    observations: dict[str, Any]
    metrics: dict[str, Any]
    segments: dict[str, Any]
    features: list[str]
    plots: list[str]
    limits: list[str]
    leak_summary: dict[str, Any] | None


class ModelPage(ApiStruct, kw_only=True):
    """A page of `Model`."""

    items: list[Model]
    next: str | None


class ModelSpec(ApiStruct, kw_only=True):
    """The recipe of a model. `list_length` is how many items a ranking returns."""

    kind: Literal["classification", "ranking", "regression"]
    observations: Observations
    label: Label
    feature_views: list[FeatureView]
    candidates: Candidates | None = None
    list_length: int = 10
    training: Training | None = None
    segment_by: str | None = None
    derived: list[DerivedFeature] = []


class ModelVersion(ApiStruct, kw_only=True):
    """One trained version. `artifact_key` and `snapshot_key` name JSON manifests in the artifacts bucket and the lake.

    `metrics` holds `{"model": {...}, "baseline": {...}, "rows": {...}}` as the trainer wrote it.
    """

    workspace_id: str
    model_id: str
    version: int
    training_set_id: str
    artifact_key: str
    snapshot_key: str
    metrics: dict[str, Any]
    created_at: str


class ModelVersionPage(ApiStruct, kw_only=True):
    """A page of `ModelVersion`."""

    items: list[ModelVersion]
    next: str | None


class Need(ApiStruct, kw_only=True):
    """What it takes to find `effect` with probability `power`; on average it is found after the expected units and days."""

    effect: float
    planned_units: int
    days: float
    expected_units: float
    expected_days: float


class Notification(ApiStruct, kw_only=True):
    """A line for a user: a job ended, an experiment concluded. `notification_id` is derived from its cause (idempotent)."""

    workspace_id: str
    notification_id: str
    user_id: str
    subject: str
    body: str
    created_at: str
    read_at: str | None
    event: str
    """`<kind of job>.<how it ended>`; empty where it was not kept yet."""


class NotificationPage(ApiStruct, kw_only=True):
    """A page of `Notification`."""

    items: list[Notification]
    next: str | None


class NumberOrder(ApiStruct, kw_only=True):
    """`NumberOrder` of the document."""

    min: float | None
    max: float | None
    quantiles: dict[str, float | None]
    """By share, 0.01 to 0.99."""
    quantiles_rank_error: float


class Observations(ApiStruct, kw_only=True):
    """When predictions would have been asked: at each record of `dataset`, at most one per entity in `spacing_days`.

    Kept greedily from an entity's first record on: the next one is at least `spacing_days` after the last one kept.
    """

    dataset: str
    spacing_days: int = 0


class OffPolicyEstimate(ApiStruct, kw_only=True):
    """`OffPolicyEstimate` of the document."""

    schema: int
    estimate_id: str
    model_id: str
    question: OffPolicyQuestion
    as_of: datetime
    evidence: OffPolicyEvidence
    logging: PolicyEstimate
    judged: PolicyEstimates
    baseline: PolicyEstimates | None
    difference: OffPolicyEstimateDifference


class OffPolicyEstimateDifference(ApiStruct, kw_only=True):
    """`OffPolicyEstimateDifference` of the document."""

    to: str
    difference: PolicyEstimate


class OffPolicyEstimatePage(ApiStruct, kw_only=True):
    """A page of `OffPolicyEstimate`."""

    items: list[OffPolicyEstimatePageItem]
    next: str | None


class OffPolicyEstimatePageItem(ApiStruct, kw_only=True):
    """`OffPolicyEstimatePageItem` of the document."""

    estimate_id: str


class OffPolicyEvidence(ApiStruct, kw_only=True):
    """`OffPolicyEvidence` of the document."""

    first_day: date
    last_day: date
    read: int
    used: int
    units: int
    excluded: dict[str, int]
    """How many predictions say nothing, by the first reason that holds; docs/experiments.md tells what each means."""
    logged_by: dict[str, int]
    """Used predictions by the version whose values and order they have."""
    lacking_features: list[str]


class OffPolicyQuestion(ApiStruct, kw_only=True):
    """`OffPolicyQuestion` of the document."""

    version: int
    metric: Metric
    days: int
    alpha: float
    baseline_version: int | None
    exploration: Exploration | None


class Outlook(ApiStruct, kw_only=True):
    """What can be expected; `need` is None without an effect to find."""

    baseline: Baseline
    traffic: Traffic
    durations: list[Duration]
    need: Need | None


class OwnerBody(ApiStruct, kw_only=True):
    """A person to register."""

    email: str
    name: str


class PathPoint(ApiStruct, kw_only=True):
    """The estimate of one look and the interval of all looks up to it, in the metric's unit; None before they exist."""

    number: int
    as_of: str
    estimate: float | None
    lower: float | None
    upper: float | None


class PolicyEstimate(ApiStruct, kw_only=True):
    """`PolicyValue` or `Undecided`: has the fields of the one that it is."""

    value: float | UnsetType = UNSET
    standard_error: float | UnsetType = UNSET
    lower: float | UnsetType = UNSET
    upper: float | UnsetType = UNSET
    effective_units: float | UnsetType = UNSET
    """Of how many units drawn from the judged version itself the log is worth."""
    inconclusive: str | UnsetType = UNSET
    """Why the log cannot say."""


class PolicyEstimates(ApiStruct, kw_only=True):
    """`PolicyEstimates` of the document."""

    version: int
    ips: PolicyEstimate
    snips: PolicyEstimate
    doubly_robust: PolicyEstimate


class PredictionLineage(ApiStruct, kw_only=True):
    """From a prediction back to the data. `version` is null for an answer that no version gave (`answered_by` says what did)."""

    prediction_id: str
    created_at: str
    answered_by: str | None
    in_production: AliasMove | None
    version: VersionLineage | None


class PredictionLogEntry(ApiStruct, kw_only=True):
    """Everything needed to explain one answer later. `basis` is what the answer was made from; null in entries of before it was
    logged.
    """

    workspace_id: str
    prediction_id: str
    model_id: str
    model_version: int | None
    entity_id: str | None
    variant: str
    experiment_id: str | None
    created_at: str
    predicted_for: str
    request: dict[str, Any]
    features: dict[str, Any]
    result: dict[str, Any]
    basis: Basis | None = None


class PredictionLogEntryPage(ApiStruct, kw_only=True):
    """A page of `PredictionLogEntry`."""

    items: list[PredictionLogEntry]
    next: str | None


class PredictionSource(ApiStruct, kw_only=True):
    """A version and the snapshot that it read, by the SHA-256 of their manifests, which have those of their files."""

    version: int
    artifact_sha256: str
    snapshot_key: str
    snapshot_sha256: str


class QuarantinedLoad(ApiStruct, kw_only=True):
    """A file that was to be imported, now at `key`; of a warehouse, which can be read again, nothing is kept, and `key` is empty.

    `load_id` is the id of the job that was to import it, and `arguments` are its own. `changes` are all that was found, `rows`
    how many rows were compared. `decisions` are in the order in which they were made.
    """

    workspace_id: str
    dataset_id: str
    load_id: str
    key: str
    arguments: dict[str, Any]
    schema_version: int
    rows: int
    changes: list[ColumnChange]
    held_at: str
    decisions: list[Decision]


class QuarantinedLoadPage(ApiStruct, kw_only=True):
    """A page of `QuarantinedLoad`."""

    items: list[QuarantinedLoad]
    next: str | None


class QueueDepth(ApiStruct, kw_only=True):
    """A queue between the services. Counts are approximate."""

    name: str
    waiting: int
    in_flight: int
    """Somebody works on them."""
    dead_letters: int
    """Nobody could process them."""


class QueueDepthPage(ApiStruct, kw_only=True):
    """A page of `QueueDepth`."""

    items: list[QueueDepth]
    next: None


class Redrive(ApiStruct, kw_only=True):
    """What a redrive did."""

    moved: int


class Registration(ApiStruct, kw_only=True):
    """`Registration` of the document."""

    secrets: ClassVar[frozenset[str]] = frozenset(["token"])

    workspace_id: str
    user_id: str
    token: str
    """The owner's access token, shown here only."""


class Replay(ApiStruct, kw_only=True):
    """A prediction made again. `impossible` has a `reason` and its `detail`; so has `different`, where no answer came of it.
    `result` and `features` are as the log has them; the explanation is there whether or not it was asked for then.
    """

    prediction_id: str
    outcome: str
    differences: list[Difference]
    reason: str | None
    """Why no answer came of it: the entry is older than what replays need; the model, the version or the experiment is not there; a
    file is not; or what is there cannot answer.
    """
    detail: str | None
    result: dict[str, Any] | None
    features: dict[str, Any] | None
    explanation: AnyExplanation | UnsetType = UNSET
    explanation_unavailable: str | UnsetType = UNSET


class Results(ApiStruct, kw_only=True):
    """An experiment's state, its newest look, a page of looks (newest first), and all events.

    `action` is where a conclusion moved the traffic. `next` is the number behind which the next page begins, None at the end.
    `segments`
    are the newest look's.
    """

    experiment_id: str
    name: str
    state: str
    limits: Limits
    latest: LookResult | None
    action: Action | None
    events: list[ExperimentEvent]
    looks: list[LookResult]
    next: int | None
    segments: list[SegmentResult]


class RetrainingView(ApiStruct, kw_only=True):
    """A model's retraining; never, by nobody, if it was not set."""

    every_days: int | None
    on_drift: bool
    changed_by: str | None
    changed_at: str | None


class Reweighting(ApiStruct, kw_only=True):
    """A change of weights: its event, the version of the allocation that it makes, and the share of units that change their variant.

    Those of them that were met before are in two variants, and in no analysis.
    """

    event: ExperimentEvent
    allocation_version: int
    moved_share: float


class RowExplanation(ApiStruct, kw_only=True):
    """`base` and the contributions by column add up to the score."""

    base: float
    contributions: dict[str, float]
    margin: MarginExplanation


class SampleRatio(ApiStruct, kw_only=True):
    """Units whose primary window is closed, per variant (control, then the arms), against the planned shares.

    `p_value` is over all looks and may be acted upon; `chi_square_p` is this look's and for display. After a change of
    weights, units
    and shares are those of the newest version, `log_bayes_factor` is of all versions, each against its own shares, and
    `earlier_units` were counted under those before.
    """

    units: list[int]
    shares: list[float]
    log_bayes_factor: float
    p_value: float
    chi_square_p: float | None
    earlier_units: int = 0


class SchemaLineage(ApiStruct, kw_only=True):
    """`SchemaLineage` of the document."""

    items: list[SchemaVersion]


class SchemaVersion(ApiStruct, kw_only=True):
    """One schema of a dataset. `cause` is the id of the job that brought it, or `declared`."""

    workspace_id: str
    dataset_id: str
    schema_version: int
    columns: list[Column]
    columns_added: list[Column]
    cause: str
    created_at: str


class SegmentCount(ApiStruct, kw_only=True):
    """The SQL that counted a segment's groups. What it came to is in the looks."""

    segment: str
    statements: list[Statement]


class SegmentEvidence(ApiStruct, kw_only=True):
    """One segment at one look. `mixtures`, an arm each, have the error rate that is left for each of its groups."""

    segment: str
    dataset_version: int | None
    loaded_parts: int
    sql: str
    mixtures: list[Mixture]
    groups: list[GroupEvidence]


class SegmentResult(ApiStruct, kw_only=True):
    """The primary metric by one segment of units at the newest look. `warning` says why it decides nothing."""

    segment: str
    warning: str
    groups: list[GroupResult]


class Statement(ApiStruct, kw_only=True):
    """The SQL that counted a metric, with its parameters but for `as_of`, from a look on."""

    from_look: int
    sql: str


class Summary(ApiStruct, kw_only=True):
    """Summary statistics of a version, one row per record. What is not exact says within which error it is (docs/adr/0033)."""

    format: int
    dataset_id: str
    version: int
    version_created_at: datetime
    rows: int
    """Exact; a record that came twice counts once."""
    entities: int
    entities_standard_error: float
    sample_rows: int
    event_timestamp: InstantOrder
    known_timestamp: InstantOrder
    known_after_event_seconds: NumberOrder
    columns: list[ColumnSummary]
    correlations: list[SummaryCorrelation]
    """Of each pair of the first 32 numbers and booleans that vary together."""


class SummaryCorrelation(ApiStruct, kw_only=True):
    """`SummaryCorrelation` of the document."""

    columns: list[str]
    correlation: float
    """Pearson's, over the rows where both columns have a value."""
    rows: int


class Traffic(ApiStruct, kw_only=True):
    """How many units are met for the first time a day, and on how many days that was measured (None: given)."""

    units_a_day: float
    days: int | None = None


class Training(ApiStruct, kw_only=True):
    """How to look for a better model than the default: `trials` of a declared space, none begun when `seconds` have passed (0: no
    limit).

        `balance` weights all classes alike, and calibrates; `calibrate` puts probabilities right on rows that were left out.
    """

    trials: int = 1
    seconds: int = 0
    balance: bool = False
    calibrate: bool = False


class TrainingSetStatistics(ApiStruct, kw_only=True):
    """Per split (train, test, unused) its rows, the rows of each label, and the moments of each feature."""

    format: int
    splits: dict[str, TrainingSetStatisticsSplit]


class TrainingSetStatisticsSplit(ApiStruct, kw_only=True):
    """`TrainingSetStatisticsSplit` of the document."""

    rows: int
    labels: dict[str, int]
    features: dict[str, FeatureMoments]


class TrainingSetView(ApiStruct, kw_only=True):
    """What was found in a version's training set; null for one that was built before anything was looked for."""

    training_set_id: str
    statistics: TrainingSetStatistics | None
    leak_report: LeakReport | None


class TreatmentArm(ApiStruct, kw_only=True):
    """A treatment: the version that answers it, whatever the alias says, or the one in production; `weight` is its share of the
    units.
    """

    name: str
    weight: float
    version: int | Literal["production"] = "production"


class UnitSegment(ApiStruct, kw_only=True):
    """A column of `dataset` by which results tell units apart: each by its newest value up to its first exposure.

    The `most_values` values with the most units are told apart, all others are one group, and units without a value another.
    """

    name: str
    dataset: str
    column: str
    most_values: int = 20


class Upload(ApiStruct, kw_only=True):
    """Where to PUT a file (`url`, for an hour), and the name to import it by (`key`)."""

    secrets: ClassVar[frozenset[str]] = frozenset(["url"])

    key: str
    url: str


class UserView(ApiStruct, kw_only=True):
    """A user without the token's hash; `token` only in the answer that creates the user."""

    secrets: ClassVar[frozenset[str]] = frozenset(["token"])

    user_id: str
    email: str
    name: str
    role: str
    created_at: str
    token: str | UnsetType = UNSET


class UserViewPage(ApiStruct, kw_only=True):
    """A page of `UserView`."""

    items: list[UserView]
    next: str | None


class ValueMoments(ApiStruct, kw_only=True):
    """Moments over a variant's units of a metric's value (a ratio's numerator, a mean) and of a second value beside it.

    The second is a ratio's denominator, 1 for units of a `mean` that have a value, the covariate, or 0. `squares` are sums of
    squared
    deviations from the mean, `products` the sum of both deviations' products: what `presage.stats.moments` merges and
    compares.
    """

    mean: float
    squares: float
    second_mean: float
    second_squares: float
    products: float


class VariantStatistics(ApiStruct, kw_only=True):
    """Sufficient statistics of a metric in one variant, over units whose window is closed.

    `conversions` are the units with a value other than 0. `values` is None for binary metrics, of which these two say all.

    Raises:
        ValueError: Not 0 <= conversions <= units.
    """

    units: int
    conversions: int
    values: ValueMoments | None = None


class VersionLineage(ApiStruct, kw_only=True):
    """What a version was made from. Nothing known after `cutoff` was used; `code_version` is that of the rules for rows."""

    model_id: str
    version: int
    built_at: str
    artifact_key: str
    snapshot_key: str
    training_set_id: str
    """The SHA-256 of specification, inputs, cut-off and code version."""
    cutoff: str
    code_version: int
    spec: ModelSpec
    datasets: list[DatasetOrigin]


class VersionReport(ApiStruct, kw_only=True):
    """What the trainer found on the test split. Estimates have `value`, `lower` and `upper`, null where undefined."""

    format: int
    model_id: str
    version: int
    metrics: dict[str, Any]
    """`model`, `baseline` and `gain` by metric; `verdict`, and how many rows, observations and entities were behind them."""
    search: dict[str, Any]
    """The algorithm with its settings, how many trials were made, what ended them, and all of them, the best first."""
    segments: dict[str, Any]
    """The same metrics by value of `segment_by`; empty without one."""
    curves: dict[str, Any]
    """What the plots draw, by plot and column."""
    confusion: dict[str, Any] | None
    """Rows by class and answer, of up to 20 classes."""


class VersionView(ApiStruct, kw_only=True):
    """`VersionView` of the document."""

    version: int
    rows: int
    """Rows that arrived; the summary counts distinct records."""
    size_bytes: int
    created_at: datetime
    schema_version: int
    columns_added: list[Column]
    """Those that the version before did not have."""
    profiled: bool
    sample: str | None
    summary: str | None


class WebhookPage(ApiStruct, kw_only=True):
    """A page of `Webhook`."""

    items: list[WebhookView]
    next: str | None


class WebhookView(ApiStruct, kw_only=True):
    """A webhook; `secret` only in the answers that make one."""

    secrets: ClassVar[frozenset[str]] = frozenset(["secret"])

    endpoint_id: str
    url: str
    events: list[str]
    state: str
    reason: str
    """Why it is disabled."""
    failures: int
    """Attempts in a row that failed."""
    failing_since: str | None
    previous_secret_until: str | None
    created_by: str
    created_at: str
    secret: str | UnsetType = UNSET


class WorkspaceView(ApiStruct, kw_only=True):
    """`WorkspaceView` of the document."""

    workspace_id: str
    name: str
    created_at: datetime
    public_api_url: str
    user: UserView
