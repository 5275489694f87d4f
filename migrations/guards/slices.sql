-- What holds on `slices`, and what follows from a change of it.

CREATE TRIGGER node_counts_new_slices AFTER INSERT ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices + (NEW.state = 'available'),
           reserved_slices = reserved_slices + (NEW.state = 'reserved'),
           allocated_slices = allocated_slices + (NEW.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER node_counts_slice_states AFTER UPDATE OF state ON slices BEGIN
    UPDATE nodes
       SET available_slices = available_slices
               + (NEW.state = 'available') - (OLD.state = 'available'),
           reserved_slices = reserved_slices
               + (NEW.state = 'reserved') - (OLD.state = 'reserved'),
           allocated_slices = allocated_slices
               + (NEW.state = 'allocated') - (OLD.state = 'allocated')
     WHERE id = NEW.node_id;
END;

CREATE TRIGGER slices_never_deleted BEFORE DELETE ON slices BEGIN
    SELECT RAISE(ABORT, 'refused: slices_never_deleted');
END;

-- A node that has left has no free slices: the two below keep it so.
CREATE TRIGGER left_node_keeps_slices_retired BEFORE UPDATE OF state ON slices
  WHEN NEW.state <> 'retired'
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

CREATE TRIGGER left_node_gets_no_slices BEFORE INSERT ON slices
  WHEN (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NOT NULL
BEGIN
    SELECT RAISE(IGNORE);
END;

-- A rental has one job of a kind on a slice: it does not come back to one that it left.
CREATE TRIGGER rental_never_returns_to_slice BEFORE UPDATE OF rental_id ON slices
  WHEN NEW.rental_id IS NOT NULL AND NEW.rental_id IS NOT OLD.rental_id
   AND (SELECT left_at FROM nodes WHERE id = NEW.node_id) IS NULL
   AND EXISTS (SELECT 1 FROM jobs
                WHERE rental_id = NEW.rental_id AND slice_number = NEW.number
                  AND node_id = NEW.node_id)
BEGIN
    SELECT RAISE(ABORT, 'refused: rental_never_returns_to_slice');
END;
