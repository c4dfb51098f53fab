-- The tickets whose letters are in trouble, in the order of the queue: to find them among all letters and sort them took
-- longer than a request may. Triggers keep it, so that whatever changes a letter or a ticket keeps it right. A later step
-- that makes one of these tables anew has to make its triggers anew too.
CREATE TABLE delivery_problems (
    ticket_id TEXT NOT NULL PRIMARY KEY,
    queue_at TIMESTAMP NOT NULL
);
CREATE INDEX delivery_problems_queue ON delivery_problems (queue_at, ticket_id);

INSERT INTO delivery_problems (ticket_id, queue_at)
SELECT id, queue_at FROM tickets WHERE state <> 'closed'
    AND id IN (SELECT ticket_id FROM letters WHERE state IN ('deferred', 'bounced', 'dead') AND ticket_id IS NOT NULL);

CREATE FUNCTION letters_in_trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_problems (ticket_id, queue_at)
    SELECT id, queue_at FROM tickets WHERE id = NEW.ticket_id AND state <> 'closed'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER letters_in_trouble_inserted AFTER INSERT ON letters FOR EACH ROW
WHEN (NEW.ticket_id IS NOT NULL AND NEW.state IN ('deferred', 'bounced', 'dead'))
EXECUTE FUNCTION letters_in_trouble();

CREATE TRIGGER letters_in_trouble AFTER UPDATE OF state ON letters FOR EACH ROW
WHEN (NEW.ticket_id IS NOT NULL AND NEW.state IN ('deferred', 'bounced', 'dead') AND NEW.state <> OLD.state)
EXECUTE FUNCTION letters_in_trouble();

CREATE FUNCTION letters_out_of_trouble() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM delivery_problems WHERE ticket_id = OLD.ticket_id AND NOT EXISTS
        (SELECT 1 FROM letters WHERE ticket_id = OLD.ticket_id AND state IN ('deferred', 'bounced', 'dead'));
    RETURN NULL;
END $$;

CREATE TRIGGER letters_out_of_trouble AFTER UPDATE OF state ON letters FOR EACH ROW
WHEN (OLD.ticket_id IS NOT NULL AND OLD.state IN ('deferred', 'bounced', 'dead')
    AND NEW.state NOT IN ('deferred', 'bounced', 'dead'))
EXECUTE FUNCTION letters_out_of_trouble();

CREATE FUNCTION tickets_in_queue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE delivery_problems SET queue_at = NEW.queue_at WHERE ticket_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER tickets_in_queue AFTER UPDATE OF queue_at ON tickets FOR EACH ROW
WHEN (NEW.queue_at <> OLD.queue_at)
EXECUTE FUNCTION tickets_in_queue();

CREATE FUNCTION tickets_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM delivery_problems WHERE ticket_id = NEW.id;
    RETURN NULL;
END $$;

CREATE TRIGGER tickets_closed AFTER UPDATE OF state ON tickets FOR EACH ROW
WHEN (NEW.state = 'closed' AND OLD.state <> 'closed')
EXECUTE FUNCTION tickets_closed();

CREATE FUNCTION tickets_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO delivery_problems (ticket_id, queue_at)
    SELECT NEW.id, NEW.queue_at WHERE EXISTS
        (SELECT 1 FROM letters WHERE ticket_id = NEW.id AND state IN ('deferred', 'bounced', 'dead'))
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER tickets_reopened AFTER UPDATE OF state ON tickets FOR EACH ROW
WHEN (NEW.state <> 'closed' AND OLD.state = 'closed')
EXECUTE FUNCTION tickets_reopened();
