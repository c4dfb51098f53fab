DROP TRIGGER letters_in_trouble_inserted;
DROP TRIGGER letters_in_trouble;
DROP TRIGGER letters_out_of_trouble;
DROP TRIGGER tickets_in_queue;
DROP TRIGGER tickets_closed;
DROP TRIGGER tickets_reopened;
DROP TABLE delivery_problems;
