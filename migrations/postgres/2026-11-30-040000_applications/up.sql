-- External ids and addresses are unique within an application, so that none learns or takes anything of another's.
-- Accounts that were imported for no application belong to the built-in one, which makes no calls.
INSERT INTO clients (id, name, token_hash, scopes, public_keys, created_at, disabled_at, version)
SELECT 'local', CASE WHEN EXISTS (SELECT 1 FROM clients WHERE name = 'local') THEN 'local (built-in)' ELSE 'local' END,
    '', '', '', CURRENT_TIMESTAMP, CURRENT_TIMESTAMP, 0;
UPDATE accounts SET client_id = 'local' WHERE client_id IS NULL;

-- Led by what people type, so that a look-up without the application is served too.
DROP INDEX accounts_external_id;
CREATE UNIQUE INDEX accounts_external_id ON accounts (external_id, client_id);
DROP INDEX accounts_email_folded;
CREATE UNIQUE INDEX accounts_email_folded ON accounts (email_folded, client_id) WHERE removed_at IS NULL;
-- Noted where an import or a move brings some: no index that begins with the application could say so and not mislead a
-- planner without statistics, which takes one application for a small part of the table.
ALTER TABLE clients ADD COLUMN has_accounts BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE clients SET has_accounts = TRUE WHERE id IN (SELECT client_id FROM accounts WHERE removed_at IS NULL);
