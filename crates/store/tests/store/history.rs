//! A market with a long history, loaded with plain SQL: for tests and measurements of what must not
//! grow with it.

use store::RusqliteDb;

/// How much has happened.
#[derive(Clone, Copy)]
pub(crate) struct History {
    /// Nodes, each with ten slices that are always rented.
    pub(crate) nodes: i64,
    /// Terms that followed one another on each slice. The last one is going on.
    pub(crate) terms: i64,
    /// Days in a term. A rental pays $1 for each, in advance, and earns it at its end.
    pub(crate) days: i64,
}

/// Fills a new database. Afterwards it has no triggers any more.
pub(crate) fn load(db: &RusqliteDb, history: History) {
    let connection = db.connection();
    let drops = "SELECT group_concat('DROP TRIGGER ' || name, ';') FROM sqlite_schema
                  WHERE type = 'trigger'";
    let drops: String = connection.query_row(drops, [], |row| row.get(0)).unwrap();
    connection.execute_batch(&drops).unwrap();
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA synchronous = OFF;").unwrap();
    let History { nodes, terms, days } = history;
    let made = "CREATE TABLE made (nodes INTEGER, terms INTEGER, days INTEGER)";
    connection.execute_batch(made).unwrap();
    connection.execute("INSERT INTO made VALUES (?1, ?2, ?3)", [nodes, terms, days]).unwrap();
    for part in [MARKET, RENTALS, WORK, EVENTS, LEDGER, SUMS] {
        connection.execute_batch(&format!("BEGIN; {part} COMMIT;")).unwrap();
    }
}

/// A farmer for ten nodes and a renter for ten slices, who has paid in $1,000,000.
const MARKET: &str = "
    INSERT INTO accounts (id, email, password_hash, created_at)
    WITH RECURSIVE n (n) AS (
         SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < (SELECT nodes - 1 FROM made))
    SELECT 'renter ' || n, 'renter' || n || '@example.org', '', 0 FROM n
     UNION ALL
    SELECT 'farmer ' || n, 'farmer' || n || '@example.org', '', 0 FROM n WHERE n % 10 = 0;

    INSERT INTO nodes (id, farmer_id, name, created_at, listing, offer_version, offer_changed_at,
                       price_micros, farm_id, farm_name, country, city, status, certified,
                       reported_at, synced_at, capacity, by_cpu, by_memory, by_ssd,
                       allocated_slices)
    WITH RECURSIVE n (n) AS (
         SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < (SELECT nodes - 1 FROM made))
    SELECT n + 1, 'farmer ' || (n / 10 * 10), 'node', 0, 'published', 1, 0, 30000000, 1, 'farm',
           'Belgium', 'Ghent', 'up', 0, 0, 0, 10, 10, 10, 10, 10
      FROM n;

    INSERT INTO offer_history
    SELECT id, 1, 0, name, price_micros, NULL, NULL, 0, 0, 15, 0, listing FROM nodes;

    CREATE TABLE places (place INTEGER PRIMARY KEY, node_id INTEGER, slice INTEGER);
    INSERT INTO places
    WITH RECURSIVE n (n) AS (
         SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < (SELECT nodes * 10 - 1 FROM made))
    SELECT n, n / 10 + 1, n % 10 + 1 FROM n;

    CREATE TABLE terms (term INTEGER PRIMARY KEY);
    INSERT INTO terms
    WITH RECURSIVE n (n) AS (
         SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < (SELECT terms - 1 FROM made))
    SELECT n FROM n;
";

const RENTALS: &str = "
    CREATE TABLE loaded (n INTEGER PRIMARY KEY, term INTEGER, place INTEGER, id TEXT,
                         started_at INTEGER, ends_at INTEGER, is_live INTEGER);
    INSERT INTO loaded
    SELECT term * (SELECT nodes * 10 FROM made) + place + 1, term, place,
           printf('rental %09d', term * (SELECT nodes * 10 FROM made) + place + 1),
           1704067200 + term * days * 86400 + place % 80000,
           1704067200 + (term + 1) * days * 86400 + place % 80000,
           term = (SELECT terms - 1 FROM made)
      FROM terms CROSS JOIN places CROSS JOIN made;

    INSERT INTO orders (id, account_id, kind, total_micros, created_at)
    SELECT 'order ' || n, 'renter ' || (place / 10), 'rental', days * 1000000, started_at
      FROM loaded CROSS JOIN made ORDER BY n;

    INSERT INTO rentals (id, order_id, node_id, slice_number, slices, renter_id, farmer_id, state,
                         price_micros, price_until, min_uptime, min_bandwidth_mbps, started_at,
                         ends_at, ended_at, earns_at)
    SELECT id, 'order ' || n, place / 10 + 1, place % 10 + 1, 1, 'renter ' || (place / 10),
           'farmer ' || (place / 100 * 10), iif(is_live, 'active', 'ended'), 30000000, 0, 0, 0,
           started_at, ends_at, iif(is_live, NULL, ends_at), iif(is_live, ends_at, NULL)
      FROM loaded ORDER BY n;

    INSERT INTO rental_periods
    SELECT id, 1, 'order ' || n, 'renter ' || (place / 10), 1, 30000000, days * 1000000,
           days * 100000, iif(is_live, days / 2, days) * 1000000, 0, started_at, ends_at
      FROM loaded CROSS JOIN made ORDER BY id;

    INSERT INTO slices (node_id, number, state, rental_id)
    SELECT place / 10 + 1, place % 10 + 1, 'allocated', id FROM loaded WHERE is_live;
";

const WORK: &str = "
    INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence,
                      attempts, due_at, late_at, refund_at, sealed, created_at, changed_at)
    SELECT id || '_create', id, place / 10 + 1, place % 10 + 1, 'create', 'done', 'farmer', 1, 1,
           1, 0, 0, 0, x'00', 0, 0
      FROM loaded ORDER BY n;

    INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id, fence,
                      due_at, late_at, created_at, changed_at)
    SELECT id || '_remove', id, place / 10 + 1, place % 10 + 1, 'remove', 'done', 'farmer', 1, 1,
           0, 0, 0, 0
      FROM loaded WHERE NOT is_live ORDER BY n;

    INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
    SELECT id || '_create', place / 10 + 1, 'agent', 'running', 0, 0 FROM loaded WHERE is_live;

    INSERT INTO tenures (rental_id, number, node_id, slice_number, farmer_id, min_uptime,
                         min_bandwidth_mbps, started_at, ended_at, evaluated_until, evaluate_at)
    SELECT id, 1, place / 10 + 1, place % 10 + 1, 'farmer ' || (place / 100 * 10), 0, 0,
           started_at, iif(is_live, NULL, ends_at), iif(is_live, started_at, ends_at),
           iif(is_live, ends_at, NULL)
      FROM loaded;

    INSERT INTO sla_months (rental_id, month, tenure, node_id, renter_id, farmer_id, from_at,
                            until_at, min_uptime, min_bandwidth_mbps, observed, observed_up,
                            excused, measured, base_micros, percent, credit_micros, evaluated_at)
    SELECT id, strftime('%Y-%m', started_at, 'unixepoch'), 1, place / 10 + 1,
           'renter ' || (place / 10), 'farmer ' || (place / 100 * 10), started_at, started_at + 1,
           0, 0, 0, 0, 0, 0, 0, 0, 0, ends_at
      FROM loaded WHERE NOT is_live;
";

const EVENTS: &str = "
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT kind, 'renter ' || (l.place / 10), 'farmer ' || (l.place / 100 * 10), node_id, slice,
           l.id, iif(kind = 'slice-rented', l.started_at, l.ends_at)
      FROM terms
     CROSS JOIN places p
     CROSS JOIN (SELECT 'rental-ended' AS kind UNION ALL SELECT 'slice-rented')
     CROSS JOIN made
     CROSS JOIN loaded l
        ON l.n = (terms.term - (kind = 'rental-ended')) * nodes * 10 + p.place + 1;

    INSERT INTO audit (action, actor, account_id, subject, created_at)
    SELECT kind, 'market', renter_id, rental_id, created_at FROM events ORDER BY id;
";

/// Ledger accounts are numbered: funding, platform, then a wallet and earnings for each node, and
/// an escrow for each rental.
const LEDGER: &str = "
    INSERT INTO ledger_accounts (id, kind, owner_id)
    SELECT 1, 'funding', '' UNION ALL SELECT 2, 'platform', '';
    INSERT INTO ledger_accounts (id, kind, owner_id)
    SELECT 2 + id, 'wallet', 'renter ' || (id - 1) FROM nodes;
    INSERT INTO ledger_accounts (id, kind, owner_id)
    SELECT 2 + nodes + id, 'earnings', 'farmer ' || (id - 1)
      FROM nodes CROSS JOIN made WHERE (id - 1) % 10 = 0;
    INSERT INTO ledger_accounts (id, kind, owner_id)
    SELECT 2 + 2 * nodes + n, 'escrow', id FROM loaded CROSS JOIN made;

    INSERT INTO ledger_transactions (kind, reference, reason, created_at)
    SELECT 'credit', 'key ' || id, '', 1704000000 FROM nodes ORDER BY id;

    INSERT INTO ledger_transactions (kind, reference, rental_id, reason, created_at)
    WITH RECURSIVE passed (day) AS (
         SELECT 0 UNION ALL
         SELECT day + 1 FROM passed, made WHERE day < (terms - 1) * days + days / 2)
    SELECT iif(is_start, 'rental', 'earning'), iif(is_start, l.id, l.id || '/' || day), l.id, '',
           1704067200 + day * 86400 + p.place % 80000
      FROM passed
     CROSS JOIN places p
     CROSS JOIN (SELECT 0 AS is_start UNION ALL SELECT 1)
     CROSS JOIN made
     CROSS JOIN loaded l
        ON l.n = (iif(is_start, day, day - 1) / days) * nodes * 10 + p.place + 1
     WHERE iif(is_start, day % days = 0, day > 0);

    INSERT INTO ledger_entries
    SELECT account, id, micros, sum(micros) OVER (PARTITION BY account ORDER BY id)
      FROM (SELECT 1 AS account, id, -1000000000000 AS micros FROM ledger_transactions
             WHERE kind = 'credit'
             UNION ALL
            SELECT 2 + id, id, 1000000000000 FROM ledger_transactions WHERE kind = 'credit'
             UNION ALL
            SELECT 3 + l.place / 10, t.id, -days * 1000000
              FROM ledger_transactions t CROSS JOIN made CROSS JOIN loaded l
                ON l.n = substr(t.rental_id, 8) + 0 WHERE t.kind = 'rental'
             UNION ALL
            SELECT 2 + 2 * nodes + substr(t.rental_id, 8), t.id, days * 1000000
              FROM ledger_transactions t CROSS JOIN made WHERE t.kind = 'rental'
             UNION ALL
            SELECT 2 + 2 * nodes + substr(t.rental_id, 8), t.id, -1000000
              FROM ledger_transactions t CROSS JOIN made WHERE t.kind = 'earning'
             UNION ALL
            SELECT 3 + nodes + l.place / 100 * 10, t.id, 900000
              FROM ledger_transactions t CROSS JOIN made CROSS JOIN loaded l
                ON l.n = substr(t.rental_id, 8) + 0 WHERE t.kind = 'earning'
             UNION ALL
            SELECT 2, id, 100000 FROM ledger_transactions WHERE kind = 'earning');

    UPDATE ledger_accounts
       SET balance_micros = (SELECT balance_after_micros FROM ledger_entries
                              WHERE ledger_account_id = ledger_accounts.id
                              ORDER BY transaction_id DESC LIMIT 1);
";

const SUMS: &str = "
    INSERT INTO ledger_months
    SELECT a.id, strftime('%Y-%m', t.created_at, 'unixepoch') AS month, min(t.id)
      FROM ledger_accounts a
     CROSS JOIN ledger_entries e ON e.ledger_account_id = a.id
     CROSS JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE a.kind IN ('wallet', 'earnings')
     GROUP BY 1, 2;

    INSERT INTO farm_months
    SELECT a.owner_id, strftime('%Y-%m', t.created_at, 'unixepoch') AS month, r.node_id,
           sum(e.amount_micros), 0
      FROM ledger_accounts a
     CROSS JOIN ledger_entries e ON e.ledger_account_id = a.id
     CROSS JOIN ledger_transactions t ON t.id = e.transaction_id
     CROSS JOIN rentals r ON r.id = t.rental_id
     WHERE a.kind = 'earnings'
     GROUP BY 1, 2, 3;

    INSERT INTO farm_days
    SELECT a.owner_id, strftime('%Y-%m-%d', t.created_at, 'unixepoch') AS day,
           sum(e.amount_micros)
      FROM ledger_accounts a
     CROSS JOIN ledger_entries e ON e.ledger_account_id = a.id
     CROSS JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE a.kind = 'earnings'
     GROUP BY 1, 2;

    UPDATE tenures SET earned_micros = (SELECT earned_micros FROM rental_periods
                                         WHERE rental_id = tenures.rental_id);
";
