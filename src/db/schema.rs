//! The tables, as diesel sees them: the same on both databases. Written to match `migrations/`; a test compares them.

diesel::table! {
    staff (id) {
        id -> Text,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        roles -> Text,
        account_id -> Nullable<Text>,
        password -> Text,
        secret -> Binary,
        last_step -> BigInt,
        failures -> Integer,
        locked_until -> Nullable<Timestamp>,
        approvals_stopped_until -> Nullable<Timestamp>,
        lifted_at -> Nullable<Timestamp>,
        disabled_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        version -> Integer,
        uses_keys -> Bool,
        mailbox -> Text,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    staff_sessions (id) {
        id -> Text,
        token_hash -> Text,
        staff_id -> Text,
        created_at -> Timestamp,
        seen_at -> Timestamp,
        expires_at -> Timestamp,
        step_up_until -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    clients (id) {
        id -> Text,
        name -> Text,
        token_hash -> Text,
        scopes -> Text,
        public_keys -> Text,
        created_at -> Timestamp,
        disabled_at -> Nullable<Timestamp>,
        version -> Integer,
        has_accounts -> Bool,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    assertions (client_id, jti) {
        client_id -> Text,
        jti -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    accounts (id) {
        id -> Text,
        client_id -> Nullable<Text>,
        external_id -> Text,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        phone -> Nullable<Text>,
        manager_email -> Nullable<Text>,
        tier -> Text,
        locale -> Nullable<Text>,
        password -> Nullable<Text>,
        password_changed_at -> Nullable<Timestamp>,
        two_factor -> Text,
        failures -> Integer,
        locked_until -> Nullable<Timestamp>,
        frozen_at -> Nullable<Timestamp>,
        email_changed_at -> Nullable<Timestamp>,
        phone_changed_at -> Nullable<Timestamp>,
        manager_changed_at -> Nullable<Timestamp>,
        put_again_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        removed_at -> Nullable<Timestamp>,
        version -> Integer,
        mailbox -> Text,
        mac -> Nullable<Binary>,
        password_mac -> Nullable<Binary>,
        addresses_mac -> Nullable<Binary>,
    }
}

diesel::table! {
    account_addresses (account_id, kind, address) {
        account_id -> Text,
        address -> Text,
        kind -> Text,
        added_at -> Timestamp,
        is_new -> Bool,
        mailbox -> Text,
    }
}

diesel::table! {
    recovery_codes (id) {
        id -> Text,
        account_id -> Text,
        digest -> Text,
        created_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
        typed_back_at -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    account_sessions (id) {
        id -> Text,
        token_hash -> Text,
        account_id -> Text,
        browser -> Text,
        created_at -> Timestamp,
        seen_at -> Timestamp,
        code_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
        network -> Nullable<Text>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    password_guesses (name) {
        name -> Text,
        failures -> Integer,
        locked_until -> Nullable<Timestamp>,
        counted_at -> Timestamp,
    }
}

diesel::table! {
    tickets (id) {
        id -> Text,
        reference -> Text,
        account_id -> Nullable<Text>,
        slot -> Nullable<Text>,
        state -> Text,
        reason -> Nullable<Text>,
        problem -> Text,
        tier -> Text,
        address -> Nullable<Text>,
        opened_at -> Timestamp,
        state_since -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        confirmed_at -> Nullable<Timestamp>,
        holder -> Nullable<Text>,
        approved_at -> Nullable<Timestamp>,
        due_at -> Nullable<Timestamp>,
        due_left -> Nullable<BigInt>,
        queue_at -> Timestamp,
        pin -> Nullable<Text>,
        pin_made -> Bool,
        pin_tries -> Integer,
        activation_tries -> Integer,
        reissues -> Integer,
        duplicate_of -> Nullable<Text>,
        kept -> Nullable<Text>,
        undecided -> Bool,
        frozen_from -> Nullable<Text>,
        diagnoses -> Integer,
        network -> Nullable<Text>,
        version -> Integer,
        bearer -> Text,
        mailbox_due -> Bool,
        mac -> Nullable<Binary>,
        tries_mac -> Nullable<Binary>,
    }
}

diesel::table! {
    delivery_problems (ticket_id) {
        ticket_id -> Text,
        queue_at -> Timestamp,
    }
}

diesel::table! {
    challenges (ticket_id) {
        ticket_id -> Text,
        digest -> Text,
        expires_at -> Timestamp,
        tries -> Integer,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    evidence (id) {
        id -> Text,
        ticket_id -> Text,
        method -> Text,
        outcome -> Text,
        staff_id -> Nullable<Text>,
        note -> Text,
        at -> Timestamp,
        voided_at -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
        lapsed_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    approvals (id) {
        id -> Text,
        ticket_id -> Text,
        staff_id -> Text,
        reason -> Text,
        at -> Timestamp,
        voided_at -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    risks (ticket_id, risk) {
        ticket_id -> Text,
        risk -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    messages (id) {
        id -> Text,
        ticket_id -> Text,
        kind -> Text,
        staff_id -> Nullable<Text>,
        body -> Text,
        at -> Timestamp,
    }
}

diesel::table! {
    vouches (id) {
        id -> Text,
        ticket_id -> Text,
        token_hash -> Text,
        digest -> Text,
        address -> Text,
        tries -> Integer,
        asked_by -> Text,
        expires_at -> Timestamp,
        answered_at -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    authenticators (id) {
        id -> Text,
        account_id -> Text,
        ticket_id -> Nullable<Text>,
        origin -> Text,
        state -> Text,
        secret -> Binary,
        algorithm -> Text,
        digits -> Integer,
        period -> Integer,
        last_step -> BigInt,
        created_at -> Timestamp,
        expires_at -> Nullable<Timestamp>,
        delivered_at -> Nullable<Timestamp>,
        activated_at -> Nullable<Timestamp>,
        ended_at -> Nullable<Timestamp>,
        version -> Integer,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    tokens (hash) {
        hash -> Text,
        kind -> Text,
        ticket_id -> Nullable<Text>,
        account_id -> Nullable<Text>,
        authenticator_id -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    letters (id) {
        id -> Text,
        ticket_id -> Nullable<Text>,
        account_id -> Nullable<Text>,
        authenticator_id -> Nullable<Text>,
        purpose -> Text,
        recipient -> Text,
        message_id -> Text,
        state -> Text,
        attempts -> Integer,
        doubts -> Integer,
        next_at -> Nullable<Timestamp>,
        claimed_until -> Nullable<Timestamp>,
        payload -> Nullable<Binary>,
        error -> Nullable<Text>,
        expires_at -> Nullable<Timestamp>,
        created_at -> Timestamp,
        state_at -> Timestamp,
        refuses_us -> Bool,
        mac -> Nullable<Binary>,
    }
}

diesel::table! {
    throttles (name, subject, window_start) {
        name -> Text,
        subject -> Text,
        window_start -> Timestamp,
        count -> Integer,
    }
}

diesel::table! {
    idempotency_keys (scope, key) {
        scope -> Text,
        key -> Text,
        request -> Text,
        answer -> Nullable<Binary>,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    audit_entries (id) {
        id -> Text,
        at -> Timestamp,
        actor_kind -> Text,
        actor_id -> Nullable<Text>,
        action -> Text,
        subject_kind -> Text,
        subject_id -> Text,
        subject_version -> Integer,
        ticket_id -> Nullable<Text>,
        details -> Text,
        mac -> Binary,
        position -> Nullable<BigInt>,
        chain -> Nullable<Binary>,
    }
}

diesel::table! {
    audit_checkpoints (position) {
        position -> BigInt,
        chain -> Binary,
        at -> Timestamp,
        signature -> Binary,
    }
}

diesel::table! {
    facts (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    looking (ticket_id, staff_id) {
        ticket_id -> Text,
        staff_id -> Text,
        seen_at -> Timestamp,
    }
}

diesel::allow_tables_to_appear_in_same_query! {
    staff, staff_sessions, clients, assertions, accounts, account_addresses, recovery_codes, account_sessions,
    tickets, challenges, delivery_problems, evidence, approvals, risks, messages, vouches, authenticators,
    tokens, letters, looking, throttles, idempotency_keys, audit_entries, audit_checkpoints, facts,
}
