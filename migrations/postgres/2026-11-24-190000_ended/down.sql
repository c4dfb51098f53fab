DROP INDEX tickets_ended_as;
