-- What holds on `orders`, and what follows from a change of it.

-- A token spends no more than its ceiling: `within_ceiling` refuses the order otherwise.
CREATE TRIGGER order_counts_for_token AFTER INSERT ON orders WHEN NEW.token_id IS NOT NULL BEGIN
    UPDATE tokens SET spent_micros = spent_micros + NEW.total_micros WHERE id = NEW.token_id;
    SELECT RAISE(ABORT, 'refused: token_gone') WHERE changes() = 0;
END;
