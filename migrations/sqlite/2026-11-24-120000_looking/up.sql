-- Who of the staff looks at which ticket: nothing but a courtesy to the others, forgotten within minutes.
CREATE TABLE looking (
    ticket_id TEXT NOT NULL REFERENCES tickets (id),
    staff_id TEXT NOT NULL REFERENCES staff (id),
    seen_at TIMESTAMP NOT NULL,
    PRIMARY KEY (ticket_id, staff_id)
);
CREATE INDEX looking_seen ON looking (seen_at);
