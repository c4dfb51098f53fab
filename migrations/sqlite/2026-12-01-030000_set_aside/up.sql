-- A request that was recorded as not the person's own keeps its token, good for nothing until that is corrected.
-- SQLite changes a CHECK only by making the table anew.
CREATE TABLE tokens_anew (
    hash TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ticket', 'set_aside', 'activation', 'stop')),
    ticket_id TEXT REFERENCES tickets (id),
    account_id TEXT REFERENCES accounts (id),
    authenticator_id TEXT,
    expires_at TIMESTAMP,
    mac BLOB
);
INSERT INTO tokens_anew SELECT hash, kind, ticket_id, account_id, authenticator_id, expires_at, mac FROM tokens;
DROP TABLE tokens;
ALTER TABLE tokens_anew RENAME TO tokens;
CREATE INDEX tokens_ticket ON tokens (ticket_id, kind);
CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;
