DROP INDEX account_sessions_seen;
DROP INDEX staff_sessions_step_up;
DROP INDEX staff_sessions_seen;
DROP INDEX vouches_expiry;
DROP INDEX challenges_expiry;
