-- Owners of accounts, signed in at Rekey's own pages. Without code_at only the password stands.
CREATE TABLE account_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    browser TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    code_at TIMESTAMP,
    expires_at TIMESTAMP NOT NULL
);
CREATE UNIQUE INDEX account_sessions_token ON account_sessions (token_hash);
CREATE INDEX account_sessions_account ON account_sessions (account_id);
CREATE INDEX account_sessions_expiry ON account_sessions (expires_at);

-- When a saved code was typed back, which uses nothing up: the list is where the person can find it.
ALTER TABLE recovery_codes ADD COLUMN typed_back_at TIMESTAMP;
