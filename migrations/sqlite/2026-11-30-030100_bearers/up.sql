-- How whoever holds the token of a request was recognised: not at all, by the code that went to the mailbox, or by a
-- session. Of the requests that there are, what was recorded says it.
ALTER TABLE tickets ADD COLUMN bearer TEXT NOT NULL DEFAULT 'unknown' CHECK (bearer IN ('unknown', 'mailbox', 'session'));
UPDATE tickets SET bearer = 'mailbox' WHERE duplicate_of IS NOT NULL
    OR id IN (SELECT ticket_id FROM evidence WHERE method = 'mailbox_code')
    OR id IN (SELECT ticket_id FROM audit_entries WHERE action = 'returned');
UPDATE tickets SET bearer = 'session' WHERE id IN (SELECT ticket_id FROM evidence WHERE method = 'host_session');
