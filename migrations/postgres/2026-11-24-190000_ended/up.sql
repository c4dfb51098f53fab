-- SQLite's planner prefers an equal state to a later time, and read every ticket that ever ended; PostgreSQL's takes tickets_ended.
CREATE INDEX tickets_ended_as ON tickets (state, state_since, reason, confirmed_at, approved_at) WHERE state IN ('completed', 'closed');
