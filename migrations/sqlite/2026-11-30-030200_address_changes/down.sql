ALTER TABLE tickets DROP COLUMN mailbox_due;
