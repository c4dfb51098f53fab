DROP INDEX tickets_live;
DROP INDEX tickets_over;
DROP INDEX tickets_held;
CREATE INDEX tickets_all ON tickets (queue_at, id);
CREATE INDEX tickets_holder ON tickets (holder, queue_at, id);
DROP INDEX tickets_duplicates;
CREATE INDEX tickets_duplicates ON tickets (duplicate_of) WHERE duplicate_of IS NOT NULL;
