-- Queues of several states, each in the order in which it is worked through. What has ended is most of the table, and
-- stands in nobody's way.
CREATE INDEX tickets_live ON tickets (queue_at, id) WHERE state NOT IN ('unconfirmed', 'completed', 'closed');
CREATE INDEX tickets_over ON tickets (queue_at, id) WHERE state IN ('completed', 'closed');
CREATE INDEX tickets_held ON tickets (holder, queue_at, id) WHERE state NOT IN ('completed', 'closed');
DROP INDEX tickets_all;
DROP INDEX tickets_holder;

DROP INDEX tickets_duplicates;
CREATE INDEX tickets_duplicates ON tickets (duplicate_of, id) WHERE duplicate_of IS NOT NULL;
