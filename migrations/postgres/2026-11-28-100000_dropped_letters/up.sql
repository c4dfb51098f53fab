-- Letters that went to nobody are forgotten after a day, so that looking for them must cost nothing where there is none.
CREATE INDEX letters_dropped ON letters (created_at) WHERE recipient = '';
