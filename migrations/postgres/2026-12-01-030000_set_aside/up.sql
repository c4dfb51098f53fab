-- A request that was recorded as not the person's own keeps its token, good for nothing until that is corrected.
ALTER TABLE tokens DROP CONSTRAINT tokens_kind_check;
ALTER TABLE tokens ADD CONSTRAINT tokens_kind_check CHECK (kind IN ('ticket', 'set_aside', 'activation', 'stop'));
