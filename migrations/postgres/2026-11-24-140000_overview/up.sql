-- What the overview counts, read from the indexes alone.
CREATE INDEX tickets_opened ON tickets (opened_at, confirmed_at);
CREATE INDEX tickets_ended ON tickets (state_since, state, reason, confirmed_at, approved_at) WHERE state IN ('completed', 'closed');
CREATE INDEX audit_entries_frozen ON audit_entries (at) WHERE action IN ('frozen', 'account_frozen');
