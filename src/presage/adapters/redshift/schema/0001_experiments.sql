-- Grain: one row per prediction attempted in an experiment.
CREATE TABLE IF NOT EXISTS assignments (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  prediction_id VARCHAR(64) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  variant VARCHAR(16) NOT NULL,
  exposed_at TIMESTAMP NOT NULL,
  model_version INTEGER,
  PRIMARY KEY (workspace_id, experiment_id, prediction_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, exposed_at);

-- Grain: one row per item (or class) that a prediction showed.
CREATE TABLE IF NOT EXISTS shown_items (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  prediction_id VARCHAR(64) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  exposed_at TIMESTAMP NOT NULL,
  item VARCHAR(1024) NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, prediction_id, item)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, exposed_at);

-- Grain: one row per experiment metric and record of its dataset.
CREATE TABLE IF NOT EXISTS outcomes (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  record_id VARCHAR(512) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  event_timestamp TIMESTAMP NOT NULL,
  known_timestamp TIMESTAMP NOT NULL,
  item VARCHAR(65535),
  PRIMARY KEY (workspace_id, experiment_id, metric, record_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, metric, event_timestamp);

-- Grain: one row per experiment metric and parquet part whose records are in outcomes.
CREATE TABLE IF NOT EXISTS loaded_parts (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  part_key VARCHAR(1024) NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, metric, part_key)
)
DISTSTYLE ALL
SORTKEY (experiment_id, metric);
