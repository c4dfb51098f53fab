-- What is past is forgotten within a second, so that looking for it must cost nothing where there is none.
CREATE INDEX challenges_expiry ON challenges (expires_at);
CREATE INDEX vouches_expiry ON vouches (expires_at) WHERE answered_at IS NULL;
CREATE INDEX staff_sessions_seen ON staff_sessions (seen_at);
CREATE INDEX staff_sessions_step_up ON staff_sessions (step_up_until) WHERE step_up_until IS NOT NULL;
CREATE INDEX account_sessions_seen ON account_sessions (seen_at);
