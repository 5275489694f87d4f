-- Actions of a rental are listed by when they were asked for: their ids have a random part. Those
-- of one second follow one another as they were begun, by the rowid at the end of each entry.
DROP INDEX machine_actions_by_rental;

CREATE INDEX machine_actions_by_rental ON machine_actions (rental_id, created_at);
