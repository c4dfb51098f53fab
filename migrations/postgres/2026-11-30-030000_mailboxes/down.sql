DROP INDEX account_addresses_mailbox;
DROP INDEX accounts_mailbox;
DROP INDEX staff_mailbox;
ALTER TABLE account_addresses DROP COLUMN mailbox;
ALTER TABLE accounts DROP COLUMN mailbox;
ALTER TABLE staff DROP COLUMN mailbox;
