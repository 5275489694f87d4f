-- Command: keeps what was found of the nodes behind `seen_id`, up to `node_id`, and goes on behind
-- that. `ranks` is a JSON array of objects with `node` and `uptime`. Where another run has gone on
-- from `seen_id` meanwhile, it has found the same, and nothing is done.
CREATE VIEW rank_nodes AS SELECT node_id AS seen_id, node_id, '[]' AS ranks FROM rank_cursor;

CREATE TRIGGER rank_nodes_does INSTEAD OF INSERT ON rank_nodes BEGIN
    UPDATE rank_cursor SET node_id = NEW.node_id WHERE node_id = NEW.seen_id;
    SELECT RAISE(IGNORE) WHERE changes() = 0;
    UPDATE nodes
       SET proven_uptime = (SELECT value ->> 'uptime' FROM json_each(NEW.ranks)
                             WHERE value ->> 'node' = nodes.id)
     WHERE id IN (SELECT value ->> 'node' FROM json_each(NEW.ranks));
END;
