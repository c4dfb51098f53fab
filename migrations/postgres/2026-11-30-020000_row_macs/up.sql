-- A MAC over what decides in a row. None is refused: existing rows get theirs once, by `rekey migrate`.
ALTER TABLE tickets ADD COLUMN mac BYTEA;
ALTER TABLE tickets ADD COLUMN tries_mac BYTEA;
ALTER TABLE evidence ADD COLUMN mac BYTEA;
-- Time ran out, which changes nothing of what was recorded: it stands in no MAC.
ALTER TABLE evidence ADD COLUMN lapsed_at TIMESTAMP;
ALTER TABLE approvals ADD COLUMN mac BYTEA;
ALTER TABLE vouches ADD COLUMN mac BYTEA;
ALTER TABLE challenges ADD COLUMN mac BYTEA;
ALTER TABLE tokens ADD COLUMN mac BYTEA;
ALTER TABLE letters ADD COLUMN mac BYTEA;
ALTER TABLE authenticators ADD COLUMN mac BYTEA;
ALTER TABLE recovery_codes ADD COLUMN mac BYTEA;
ALTER TABLE accounts ADD COLUMN mac BYTEA;
ALTER TABLE accounts ADD COLUMN password_mac BYTEA;
ALTER TABLE accounts ADD COLUMN addresses_mac BYTEA;
ALTER TABLE account_sessions ADD COLUMN mac BYTEA;
ALTER TABLE staff ADD COLUMN mac BYTEA;
ALTER TABLE staff_sessions ADD COLUMN mac BYTEA;
ALTER TABLE clients ADD COLUMN mac BYTEA;
