-- Whether the mail server's last answer was about us: then it takes no email until somebody mends that.
ALTER TABLE letters ADD COLUMN refuses_us BOOLEAN NOT NULL DEFAULT FALSE;
