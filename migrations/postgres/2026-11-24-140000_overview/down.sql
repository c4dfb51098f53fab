DROP INDEX audit_entries_frozen;
DROP INDEX tickets_ended;
DROP INDEX tickets_opened;
