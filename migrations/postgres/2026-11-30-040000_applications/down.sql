ALTER TABLE clients DROP COLUMN has_accounts;
DROP INDEX accounts_email_folded;
CREATE UNIQUE INDEX accounts_email_folded ON accounts (email_folded) WHERE removed_at IS NULL;
DROP INDEX accounts_external_id;
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id);
UPDATE accounts SET client_id = NULL WHERE client_id = 'local';
DELETE FROM clients WHERE id = 'local';
