-- The network that a session began in, for its owner to see: never a whole address.
ALTER TABLE account_sessions ADD COLUMN network TEXT;

-- Wrong local passwords in a row, over all networks. The name is a keyed digest, of an account or of what was typed
-- where there is none.
CREATE TABLE password_guesses (
    name TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    locked_until TIMESTAMP,
    counted_at TIMESTAMP NOT NULL
);
CREATE INDEX password_guesses_age ON password_guesses (counted_at);
