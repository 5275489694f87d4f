-- Command: a saved search has seen the offers up to `number`, and is looked for again at `next_at`.
-- `found` is a JSON array of objects with `node` and `version`: its account is notified once of
-- those that it was not told of since `told_after` at this version, all together. At most
-- `finds_max` nodes are remembered. It aborts unless the search is at `seen_number` and
-- `seen_due_at`, so that each look is taken once.
CREATE VIEW look_for_saved_search AS
    SELECT id, seen_number, due_at AS seen_due_at, seen_number AS number, due_at AS next_at,
           due_at AS found_next_at, '[]' AS found, 0 AS told_after, 0 AS finds_max,
           created_at AS looked_at
      FROM saved_searches;

CREATE TRIGGER look_for_saved_search_does INSTEAD OF INSERT ON look_for_saved_search BEGIN
    UPDATE saved_searches SET seen_number = NEW.number, due_at = NEW.next_at
     WHERE id = NEW.id AND is_on = 1 AND seen_number = NEW.seen_number
       AND due_at = NEW.seen_due_at;
    SELECT RAISE(ABORT, 'refused: saved_search_changed') WHERE changes() = 0;
    INSERT INTO events (kind, renter_id, node_id, subject, created_at)
    SELECT 'saved-search-found', s.account_id, iif(f.count = 1, f.node, NULL),
           f.count || ': ' || s.name, NEW.looked_at
      FROM saved_searches s
      JOIN (SELECT count(*) AS count, min(value ->> 'node') AS node
              FROM json_each(NEW.found)
             WHERE NOT EXISTS (SELECT 1 FROM saved_search_finds
                                WHERE search_id = NEW.id AND node_id = value ->> 'node'
                                  AND offer_version = value ->> 'version'
                                  AND found_at > NEW.told_after)) f
     WHERE s.id = NEW.id AND f.count > 0;
    -- Nothing more for a while, once somebody was notified.
    UPDATE saved_searches SET due_at = NEW.found_next_at
     WHERE id = NEW.id
       AND EXISTS (SELECT 1 FROM json_each(NEW.found)
                    WHERE NOT EXISTS (SELECT 1 FROM saved_search_finds
                                       WHERE search_id = NEW.id AND node_id = value ->> 'node'
                                         AND offer_version = value ->> 'version'
                                         AND found_at > NEW.told_after));
    INSERT INTO saved_search_finds (search_id, node_id, offer_version, found_at)
    SELECT NEW.id, value ->> 'node', value ->> 'version', NEW.looked_at
      FROM json_each(NEW.found)
     WHERE true
        ON CONFLICT (search_id, node_id) DO UPDATE
       SET offer_version = excluded.offer_version, found_at = excluded.found_at
     WHERE offer_version <> excluded.offer_version OR found_at <= NEW.told_after;
    DELETE FROM saved_search_finds
     WHERE search_id = NEW.id
       AND node_id NOT IN (SELECT node_id FROM saved_search_finds WHERE search_id = NEW.id
                            ORDER BY found_at DESC, node_id DESC LIMIT NEW.finds_max);
END;
