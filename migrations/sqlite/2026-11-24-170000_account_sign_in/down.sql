DROP TABLE password_guesses;
ALTER TABLE account_sessions DROP COLUMN network;
