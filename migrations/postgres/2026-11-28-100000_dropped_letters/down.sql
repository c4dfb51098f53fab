DROP INDEX letters_dropped;
