DELETE FROM tokens WHERE kind = 'set_aside';
ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check CHECK (kind IN ('ticket', 'activation', 'stop'));
