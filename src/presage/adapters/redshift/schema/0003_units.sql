-- What a metric adds up: the record's value column. Null for metrics that only count records.
ALTER TABLE outcomes ADD COLUMN value DOUBLE PRECISION;

-- Grain: one row per unit and load that brought something of it, until its rows below are computed anew.
CREATE TABLE IF NOT EXISTS touched_units (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id);

-- Grain: one row per exposed unit of an experiment. crossed_at: when it met a second variant.
CREATE TABLE IF NOT EXISTS unit_exposures (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  variant VARCHAR(16) NOT NULL,
  first_exposed_at TIMESTAMP NOT NULL,
  crossed_at TIMESTAMP,
  PRIMARY KEY (workspace_id, experiment_id, unit_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, first_exposed_at);

-- Grain: one row per experiment metric and unit with a record in its window, with the unit's exposure, so that looks need no join.
CREATE TABLE IF NOT EXISTS unit_values (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  variant VARCHAR(16) NOT NULL,
  first_exposed_at TIMESTAMP NOT NULL,
  crossed_at TIMESTAMP,
  first_value DOUBLE PRECISION NOT NULL,
  second_value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, metric, unit_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, metric, first_exposed_at);

-- Units of experiments that were running before these tables.
INSERT INTO touched_units (workspace_id, experiment_id, unit_id)
SELECT DISTINCT workspace_id, experiment_id, unit_id FROM assignments;

GRANT SELECT, INSERT, UPDATE, DELETE ON touched_units TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON unit_exposures TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON unit_values TO PUBLIC;
