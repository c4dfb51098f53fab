-- Which mailbox an address may lead to: small letters, without what stands behind a plus and without dots in the local
-- part. Whoever is refused because of an address is refused for each spelling; nobody is let in by it.
ALTER TABLE staff ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (replace(split_part(split_part(email_folded, '@', 1), '+', 1), '.', '') || '@' || split_part(email_folded, '@', 2)) STORED;
ALTER TABLE accounts ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (replace(split_part(split_part(email_folded, '@', 1), '+', 1), '.', '') || '@' || split_part(email_folded, '@', 2)) STORED;
ALTER TABLE account_addresses ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (lower(replace(split_part(split_part(address, '@', 1), '+', 1), '.', '') || '@' || split_part(address, '@', 2))) STORED;
CREATE INDEX staff_mailbox ON staff (mailbox);
CREATE INDEX accounts_mailbox ON accounts (mailbox);
CREATE INDEX account_addresses_mailbox ON account_addresses (mailbox);
