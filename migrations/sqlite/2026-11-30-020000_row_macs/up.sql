-- A MAC over what decides in a row. None is refused: existing rows get theirs once, by `rekey migrate`.
ALTER TABLE tickets ADD COLUMN mac BLOB;
ALTER TABLE tickets ADD COLUMN tries_mac BLOB;
ALTER TABLE evidence ADD COLUMN mac BLOB;
-- Time ran out, which changes nothing of what was recorded: it stands in no MAC.
ALTER TABLE evidence ADD COLUMN lapsed_at TIMESTAMP;
ALTER TABLE approvals ADD COLUMN mac BLOB;
ALTER TABLE vouches ADD COLUMN mac BLOB;
ALTER TABLE challenges ADD COLUMN mac BLOB;
ALTER TABLE tokens ADD COLUMN mac BLOB;
ALTER TABLE letters ADD COLUMN mac BLOB;
ALTER TABLE authenticators ADD COLUMN mac BLOB;
ALTER TABLE recovery_codes ADD COLUMN mac BLOB;
ALTER TABLE accounts ADD COLUMN mac BLOB;
ALTER TABLE accounts ADD COLUMN password_mac BLOB;
ALTER TABLE accounts ADD COLUMN addresses_mac BLOB;
ALTER TABLE account_sessions ADD COLUMN mac BLOB;
ALTER TABLE staff ADD COLUMN mac BLOB;
ALTER TABLE staff_sessions ADD COLUMN mac BLOB;
ALTER TABLE clients ADD COLUMN mac BLOB;
