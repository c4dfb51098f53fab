-- Which mailbox an address may lead to: small letters, without what stands behind a plus and without dots in the local
-- part. Whoever is refused because of an address is refused for each spelling; nobody is let in by it.
ALTER TABLE staff ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (replace(substr(email_folded, 1, instr(replace(email_folded, '@', '+'), '+') - 1), '.', '') || substr(email_folded, instr(email_folded, '@'))) VIRTUAL;
ALTER TABLE accounts ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (replace(substr(email_folded, 1, instr(replace(email_folded, '@', '+'), '+') - 1), '.', '') || substr(email_folded, instr(email_folded, '@'))) VIRTUAL;
ALTER TABLE account_addresses ADD COLUMN mailbox TEXT NOT NULL GENERATED ALWAYS AS (lower(replace(substr(address, 1, instr(replace(address, '@', '+'), '+') - 1), '.', '') || substr(address, instr(address, '@')))) VIRTUAL;
CREATE INDEX staff_mailbox ON staff (mailbox);
CREATE INDEX accounts_mailbox ON accounts (mailbox);
CREATE INDEX account_addresses_mailbox ON account_addresses (mailbox);
