ALTER TABLE recovery_codes DROP COLUMN typed_back_at;
DROP TABLE account_sessions;
