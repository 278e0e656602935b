-- By which version of the experiment's weights the variant was drawn; a unit's is the earliest of its exposures.
ALTER TABLE assignments ADD COLUMN allocation_version INTEGER DEFAULT 1;
ALTER TABLE unit_exposures ADD COLUMN allocation_version INTEGER DEFAULT 1;
ALTER TABLE unit_values ADD COLUMN allocation_version INTEGER DEFAULT 1;

-- Hours are kept anew by the next update; until then looks read units' rows.
DROP TABLE hour_moments;

-- Grain: one row per experiment metric, hour of first exposure whose windows are closed, version and variant: its steady units' moments.
CREATE TABLE hour_moments (
  workspace_id VARCHAR(64) NOT NULL,
  experiment_id VARCHAR(64) NOT NULL,
  metric VARCHAR(512) NOT NULL,
  exposed_hour TIMESTAMP NOT NULL,
  allocation_version INTEGER NOT NULL,
  variant VARCHAR(16) NOT NULL,
  units BIGINT NOT NULL,
  conversions BIGINT NOT NULL,
  first_mean DOUBLE PRECISION NOT NULL,
  first_squares DOUBLE PRECISION NOT NULL,
  second_mean DOUBLE PRECISION NOT NULL,
  second_squares DOUBLE PRECISION NOT NULL,
  products DOUBLE PRECISION NOT NULL,
  PRIMARY KEY (workspace_id, experiment_id, metric, exposed_hour, allocation_version, variant)
)
DISTSTYLE ALL
SORTKEY (experiment_id, metric, exposed_hour);

GRANT SELECT, INSERT, UPDATE, DELETE ON hour_moments TO PUBLIC;
