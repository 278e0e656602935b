-- When a row was loaded, by the warehouse's clock: what an earlier look saw can be told from what came later. Null: before this column.
ALTER TABLE assignments ADD COLUMN loaded_at TIMESTAMP;
ALTER TABLE shown_items ADD COLUMN loaded_at TIMESTAMP;
ALTER TABLE outcomes ADD COLUMN loaded_at TIMESTAMP;
