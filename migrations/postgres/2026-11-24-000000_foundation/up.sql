-- Who acts.
CREATE TABLE staff (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    account_id TEXT,
    password TEXT NOT NULL,
    secret BYTEA NOT NULL,
    last_step BIGINT NOT NULL DEFAULT -1,
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until TIMESTAMP,
    approvals_stopped_until TIMESTAMP,
    lifted_at TIMESTAMP,
    disabled_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX staff_email_folded ON staff (email_folded);
CREATE UNIQUE INDEX staff_account_id ON staff (account_id) WHERE account_id IS NOT NULL;

CREATE TABLE staff_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    token_hash TEXT NOT NULL,
    staff_id TEXT NOT NULL REFERENCES staff (id),
    created_at TIMESTAMP NOT NULL,
    seen_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    step_up_until TIMESTAMP
);
CREATE UNIQUE INDEX staff_sessions_token ON staff_sessions (token_hash);
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id);
CREATE INDEX staff_sessions_expiry ON staff_sessions (expires_at);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    token_hash TEXT NOT NULL,
    scopes TEXT NOT NULL,
    public_keys TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    disabled_at TIMESTAMP,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX clients_name ON clients (name);
CREATE UNIQUE INDEX clients_token_hash ON clients (token_hash);

-- Identifiers of assertions that were used; they are good once.
CREATE TABLE assertions (
    client_id TEXT NOT NULL REFERENCES clients (id),
    jti TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (client_id, jti)
);
CREATE INDEX assertions_expiry ON assertions (expires_at);

-- Whose second factor it is.
CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    client_id TEXT REFERENCES clients (id),
    external_id TEXT NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    phone TEXT,
    manager_email TEXT,
    tier TEXT NOT NULL CHECK (tier IN ('standard', 'privileged')),
    locale TEXT,
    password TEXT,
    password_changed_at TIMESTAMP,
    two_factor TEXT NOT NULL DEFAULT 'off' CHECK (two_factor IN ('off', 'on')),
    failures INTEGER NOT NULL DEFAULT 0,
    locked_until TIMESTAMP,
    frozen_at TIMESTAMP,
    email_changed_at TIMESTAMP,
    phone_changed_at TIMESTAMP,
    manager_changed_at TIMESTAMP,
    put_again_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    removed_at TIMESTAMP,
    version INTEGER NOT NULL
);
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id);
CREATE UNIQUE INDEX accounts_email_folded ON accounts (email_folded) WHERE removed_at IS NULL;

-- Addresses beside the one on file: others that are told, and former ones of the last 30 days.
CREATE TABLE account_addresses (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    address TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('other', 'former')),
    added_at TIMESTAMP NOT NULL,
    is_new BOOLEAN NOT NULL,
    PRIMARY KEY (account_id, kind, address)
);

CREATE TABLE recovery_codes (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    digest TEXT NOT NULL,
    created_at TIMESTAMP NOT NULL,
    used_at TIMESTAMP
);
CREATE INDEX recovery_codes_account ON recovery_codes (account_id);

-- The road.
CREATE TABLE tickets (
    id TEXT NOT NULL PRIMARY KEY,
    reference TEXT NOT NULL,
    account_id TEXT REFERENCES accounts (id),
    slot TEXT,
    state TEXT NOT NULL CHECK (state IN ('unconfirmed', 'open', 'in_review', 'waiting', 'awaiting_approval', 'approved', 'key_sent', 'completed', 'closed', 'frozen')),
    reason TEXT CHECK (reason IN ('solved', 'not_me', 'rejected', 'withdrawn', 'expired', 'duplicate', 'spam')),
    problem TEXT NOT NULL CHECK (problem IN ('not_set_up_correctly', 'lost_device', 'new_device', 'stolen_device', 'other')),
    tier TEXT NOT NULL CHECK (tier IN ('standard', 'privileged')),
    address TEXT,
    opened_at TIMESTAMP NOT NULL,
    state_since TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    confirmed_at TIMESTAMP,
    holder TEXT REFERENCES staff (id),
    approved_at TIMESTAMP,
    due_at TIMESTAMP,
    due_left BIGINT,
    queue_at TIMESTAMP NOT NULL,
    pin TEXT,
    pin_made BOOLEAN NOT NULL,
    pin_tries INTEGER NOT NULL DEFAULT 0,
    activation_tries INTEGER NOT NULL DEFAULT 0,
    reissues INTEGER NOT NULL,
    duplicate_of TEXT REFERENCES tickets (id),
    kept TEXT REFERENCES tickets (id),
    undecided BOOLEAN NOT NULL,
    frozen_from TEXT,
    diagnoses INTEGER NOT NULL,
    network TEXT,
    version INTEGER NOT NULL,
    CHECK (state NOT IN ('open', 'in_review', 'waiting', 'awaiting_approval', 'approved', 'key_sent', 'completed', 'frozen') OR account_id IS NOT NULL)
);
CREATE UNIQUE INDEX tickets_reference ON tickets (reference);
CREATE UNIQUE INDEX tickets_slot ON tickets (slot) WHERE slot IS NOT NULL;
CREATE INDEX tickets_account ON tickets (account_id, opened_at);
CREATE INDEX tickets_queue ON tickets (state, queue_at, id);
CREATE INDEX tickets_all ON tickets (queue_at, id);
CREATE INDEX tickets_holder ON tickets (holder, queue_at, id);
CREATE INDEX tickets_expiry ON tickets (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tickets_network ON tickets (network, opened_at);
CREATE INDEX tickets_duplicates ON tickets (duplicate_of) WHERE duplicate_of IS NOT NULL;

-- Codes that went to a mailbox: one alive a ticket.
CREATE TABLE challenges (
    ticket_id TEXT NOT NULL PRIMARY KEY REFERENCES tickets (id),
    digest TEXT NOT NULL,
    expires_at TIMESTAMP NOT NULL,
    tries INTEGER NOT NULL
);

CREATE TABLE evidence (
    id TEXT NOT NULL PRIMARY KEY,
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    method TEXT NOT NULL CHECK (method IN ('mailbox_code', 'host_session', 'callback', 'manager_vouch', 'video_with_id', 'in_person', 'recovery_code', 'current_code')),
    outcome TEXT NOT NULL CHECK (outcome IN ('passed', 'failed')),
    staff_id TEXT REFERENCES staff (id),
    note TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    voided_at TIMESTAMP,
    CHECK ((staff_id IS NOT NULL) = (method IN ('callback', 'video_with_id', 'in_person')))
);
CREATE INDEX evidence_ticket ON evidence (ticket_id, at);

CREATE TABLE approvals (
    id TEXT NOT NULL PRIMARY KEY,
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    staff_id TEXT NOT NULL REFERENCES staff (id),
    reason TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    voided_at TIMESTAMP
);
CREATE UNIQUE INDEX approvals_person ON approvals (ticket_id, staff_id) WHERE voided_at IS NULL;
CREATE INDEX approvals_staff ON approvals (staff_id, at);

CREATE TABLE risks (
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    risk TEXT NOT NULL,
    at TIMESTAMP NOT NULL,
    PRIMARY KEY (ticket_id, risk)
);

CREATE TABLE messages (
    id TEXT NOT NULL PRIMARY KEY,
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    kind TEXT NOT NULL CHECK (kind IN ('request', 'answer', 'question', 'reply', 'note')),
    staff_id TEXT REFERENCES staff (id),
    body TEXT NOT NULL,
    at TIMESTAMP NOT NULL
);
CREATE INDEX messages_ticket ON messages (ticket_id, id);

CREATE TABLE vouches (
    id TEXT NOT NULL PRIMARY KEY,
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    token_hash TEXT NOT NULL,
    digest TEXT NOT NULL,
    address TEXT NOT NULL,
    tries INTEGER NOT NULL,
    asked_by TEXT NOT NULL REFERENCES staff (id),
    expires_at TIMESTAMP NOT NULL,
    answered_at TIMESTAMP
);
CREATE UNIQUE INDEX vouches_token ON vouches (token_hash);
CREATE INDEX vouches_ticket ON vouches (ticket_id);

-- One TOTP enrolment each. The secret is sealed with account, row and state as associated data.
CREATE TABLE authenticators (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    ticket_id TEXT REFERENCES tickets (id),
    origin TEXT NOT NULL CHECK (origin IN ('enrolment', 'ticket')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'active', 'suspended', 'revoked')),
    secret BYTEA NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('SHA1', 'SHA256', 'SHA512')),
    digits INTEGER NOT NULL,
    period INTEGER NOT NULL,
    last_step BIGINT NOT NULL DEFAULT -1,
    created_at TIMESTAMP NOT NULL,
    expires_at TIMESTAMP,
    delivered_at TIMESTAMP,
    activated_at TIMESTAMP,
    ended_at TIMESTAMP,
    version INTEGER NOT NULL,
    CHECK ((origin = 'ticket') = (ticket_id IS NOT NULL))
);
CREATE UNIQUE INDEX authenticators_pending ON authenticators (account_id, origin) WHERE state = 'pending';
CREATE UNIQUE INDEX authenticators_active ON authenticators (account_id) WHERE state = 'active';
CREATE INDEX authenticators_account ON authenticators (account_id, created_at);
CREATE INDEX authenticators_ticket ON authenticators (ticket_id) WHERE ticket_id IS NOT NULL;
CREATE INDEX authenticators_expiry ON authenticators (expires_at) WHERE state = 'pending';

-- Opaque secrets of requesters, as hashes: ticket, activation, stop.
CREATE TABLE tokens (
    hash TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('ticket', 'activation', 'stop')),
    ticket_id TEXT REFERENCES tickets (id),
    account_id TEXT REFERENCES accounts (id),
    authenticator_id TEXT,
    expires_at TIMESTAMP
);
CREATE INDEX tokens_ticket ON tokens (ticket_id, kind);
CREATE INDEX tokens_expiry ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- The outbox. The payload is sealed, and gone once the letter was accepted.
CREATE TABLE letters (
    id TEXT NOT NULL PRIMARY KEY,
    ticket_id TEXT REFERENCES tickets (id),
    account_id TEXT REFERENCES accounts (id),
    authenticator_id TEXT,
    purpose TEXT NOT NULL,
    recipient TEXT NOT NULL,
    message_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'accepted', 'deferred', 'bounced', 'dead', 'dropped')),
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL DEFAULT 0,
    next_at TIMESTAMP,
    claimed_until TIMESTAMP,
    payload BYTEA,
    error TEXT,
    expires_at TIMESTAMP,
    created_at TIMESTAMP NOT NULL,
    state_at TIMESTAMP NOT NULL
);
CREATE INDEX letters_due ON letters (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX letters_ticket ON letters (ticket_id, id);
CREATE INDEX letters_trouble ON letters (ticket_id) WHERE state IN ('deferred', 'bounced', 'dead');

-- Counters of what may be done how often, which replicas share.
CREATE TABLE throttles (
    name TEXT NOT NULL,
    subject TEXT NOT NULL,
    window_start TIMESTAMP NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (name, subject, window_start)
);
CREATE INDEX throttles_window ON throttles (window_start);

CREATE TABLE idempotency_keys (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    answer BYTEA,
    expires_at TIMESTAMP NOT NULL,
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- The audit log: inserted with the change, sealed in order into a chain within a second.
CREATE TABLE audit_entries (
    id TEXT NOT NULL PRIMARY KEY,
    at TIMESTAMP NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id TEXT,
    action TEXT NOT NULL,
    subject_kind TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    subject_version INTEGER NOT NULL,
    ticket_id TEXT,
    details TEXT NOT NULL,
    mac BYTEA NOT NULL,
    position BIGINT,
    chain BYTEA
);
CREATE UNIQUE INDEX audit_entries_version ON audit_entries (subject_kind, subject_id, subject_version) WHERE subject_kind <> 'system';
CREATE UNIQUE INDEX audit_entries_position ON audit_entries (position) WHERE position IS NOT NULL;
CREATE INDEX audit_entries_unsealed ON audit_entries (id) WHERE position IS NULL;
CREATE INDEX audit_entries_ticket ON audit_entries (ticket_id, id) WHERE ticket_id IS NOT NULL;

CREATE TABLE audit_checkpoints (
    position BIGINT NOT NULL PRIMARY KEY,
    chain BYTEA NOT NULL,
    at TIMESTAMP NOT NULL,
    signature BYTEA NOT NULL
);

-- Facts about this database, such as the key ring that its secrets are sealed with.
CREATE TABLE facts (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
