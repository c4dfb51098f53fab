-- Whether a member works the desk by keys; a habit, not a standing.
ALTER TABLE staff ADD COLUMN uses_keys BOOLEAN NOT NULL DEFAULT TRUE;
