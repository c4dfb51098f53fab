-- Whether the address on file changed while the ticket was open, and the new mailbox has not confirmed it yet: until then
-- no key leaves.
ALTER TABLE tickets ADD COLUMN mailbox_due BOOLEAN NOT NULL DEFAULT FALSE;
