ALTER TABLE letters DROP COLUMN refuses_us;
