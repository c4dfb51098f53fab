ALTER TABLE staff DROP COLUMN uses_keys;
