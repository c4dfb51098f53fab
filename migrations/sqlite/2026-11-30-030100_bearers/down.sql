ALTER TABLE tickets DROP COLUMN bearer;
