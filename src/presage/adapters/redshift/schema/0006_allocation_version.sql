-- By which version of the experiment's weights the variant was drawn; a unit's is the earliest of its exposures.
ALTER TABLE assignments ADD COLUMN allocation_version INTEGER DEFAULT 1;
ALTER TABLE unit_exposures ADD COLUMN allocation_version INTEGER DEFAULT 1;
ALTER TABLE unit_values ADD COLUMN allocation_version INTEGER DEFAULT 1;
