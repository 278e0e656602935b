-- Every IAM role that may run statements here is a database user of its own (IAMR:...); the tables belong to the one that
-- migrates. Who may connect at all is decided by the roles' policies.
GRANT SELECT, INSERT, UPDATE, DELETE ON assignments TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON shown_items TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON outcomes TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON loaded_parts TO PUBLIC;
