-- Which hour of assignments a load added to; null when it brought records.
ALTER TABLE touched_units ADD COLUMN exposed_hour TIMESTAMP;

-- What units did is computed anew, into rows that are found by the hour of the first exposure.
DROP TABLE unit_exposures;
DROP TABLE unit_values;

-- Grain: one row per exposed unit of an experiment. exposed_hour: of its first exposure. crossed_at: when it met a second variant.
CREATE TABLE unit_exposures (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  variant VARCHAR(16) NOT NULL,
  exposed_hour TIMESTAMP NOT NULL,
  first_exposed_at TIMESTAMP NOT NULL,
  crossed_at TIMESTAMP,
  PRIMARY KEY (workspace_id, experiment_id, unit_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, exposed_hour);

-- Grain: one row per experiment metric and unit with a record in its window, with the unit's exposure, so that looks need no join.
CREATE TABLE unit_values (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  unit_id VARCHAR(1024) NOT NULL,
  variant VARCHAR(16) NOT NULL,
  exposed_hour TIMESTAMP NOT NULL,
  first_exposed_at TIMESTAMP NOT NULL,
  crossed_at TIMESTAMP,
  first_value DOUBLE PRECISION NOT NULL,
  second_value DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, metric, unit_id)
)
DISTSTYLE KEY
DISTKEY (unit_id)
SORTKEY (experiment_id, metric, exposed_hour);

-- Grain: one row per experiment, hour in which it happened, and what is counted: assignments, units or crossovers. exposures: rows of assignments. units: first exposed then,
-- of which steady_units met one variant only. crossovers: units that met their second variant then.
CREATE TABLE hour_exposures (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  exposed_hour TIMESTAMP NOT NULL,
  counted VARCHAR(16) NOT NULL,
  exposures BIGINT NOT NULL,
  units BIGINT NOT NULL,
  steady_units BIGINT NOT NULL,
  crossovers BIGINT NOT NULL,
  first_exposed_at TIMESTAMP,
  PRIMARY KEY (workspace_id, experiment_id, exposed_hour, counted)
)
DISTSTYLE ALL
SORTKEY (experiment_id, exposed_hour);

-- Grain: one row per experiment metric, hour of first exposure whose windows are closed, and variant: its steady units' moments.
CREATE TABLE hour_moments (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  exposed_hour TIMESTAMP NOT NULL,
  variant VARCHAR(16) NOT NULL,
  units BIGINT NOT NULL,
  conversions BIGINT NOT NULL,
  first_mean DOUBLE PRECISION NOT NULL,
  first_squares DOUBLE PRECISION NOT NULL,
  second_mean DOUBLE PRECISION NOT NULL,
  second_squares DOUBLE PRECISION NOT NULL,
  products DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, metric, exposed_hour, variant)
)
DISTSTYLE ALL
SORTKEY (experiment_id, metric, exposed_hour);

INSERT INTO touched_units (workspace_id, experiment_id, unit_id, exposed_hour)
SELECT DISTINCT workspace_id, experiment_id, unit_id, DATE_TRUNC('hour', exposed_at) FROM assignments;

-- Rows of before there was the column were loaded long ago. Without a null, looks find what was loaded since by blocks' smallest values.
UPDATE assignments SET loaded_at = CAST('1970-01-01 00:00:00' AS TIMESTAMP) WHERE loaded_at IS NULL;
UPDATE shown_items SET loaded_at = CAST('1970-01-01 00:00:00' AS TIMESTAMP) WHERE loaded_at IS NULL;
UPDATE outcomes SET loaded_at = CAST('1970-01-01 00:00:00' AS TIMESTAMP) WHERE loaded_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON unit_exposures TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON unit_values TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON hour_exposures TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON hour_moments TO PUBLIC;
