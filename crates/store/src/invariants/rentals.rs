//! What holds on rentals: where they were, since when, and until when.

use constcat::concat;

use crate::invariants::histories::{EVENTS, ORDERS, RENTALS};
use crate::invariants::{Check, Invariant, seen};

pub(super) const NEVER_OVERLAP: Invariant = Invariant {
    id: "rentals-never-overlap",
    claim: "The rentals of a slice follow one another: each ends before the next begins.",
    // By the order of events, because the clocks of two machines differ by more than nothing. Each
    // beginning comes after an end there and each end after a beginning, and where a whole node is
    // rented, nothing begins on it.
    checks: &[Check::Scan(
        &EVENTS,
        "SELECT 'event ' || id FROM (
              SELECT e.id, e.slice_number IS NOT NULL AS is_slice,
                     e.kind IN ('rental-ended', 'rental-moved-out') AS is_end,
                     (SELECT p.kind IN ('rental-ended', 'rental-moved-out') FROM events p
                       WHERE p.node_id = e.node_id AND p.slice_number = e.slice_number
                         AND p.id < e.id
                         AND p.kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                        'rental-moved-in', 'rental-moved-out', 'rental-ended')
                       ORDER BY p.id DESC LIMIT 1) AS after_end,
                     coalesce(
                     (SELECT p.kind IN ('rental-ended', 'rental-moved-out') FROM events p
                       WHERE p.node_id = e.node_id AND p.slice_number IS NULL AND p.id < e.id
                         AND p.kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                        'rental-moved-in', 'rental-moved-out', 'rental-ended')
                       ORDER BY p.id DESC LIMIT 1), 1) AS is_whole_free,
                     e.slice_number IS NULL AND EXISTS (
                         SELECT 1 FROM slices s
                          WHERE s.node_id = e.node_id
                            AND (SELECT p.kind NOT IN ('rental-ended', 'rental-moved-out')
                                   FROM events p
                                  WHERE p.node_id = s.node_id AND p.slice_number = s.number
                                    AND p.id < e.id
                                    AND p.kind IN ('slice-rented', 'node-rented',
                                                   'node-rental-imported', 'rental-moved-in',
                                                   'rental-moved-out', 'rental-ended')
                                  ORDER BY p.id DESC LIMIT 1)) AS has_rented_slice
                FROM events e
               WHERE e.id > ?1 AND e.id <= ?2
                 AND e.kind IN ('slice-rented', 'node-rented', 'node-rental-imported',
                                'rental-moved-in', 'rental-moved-out', 'rental-ended'))
          WHERE (is_slice AND is_end = coalesce(
                     after_end, NOT is_end OR (SELECT event_id = 0 FROM archive_bounds)))
             OR (NOT is_end AND (NOT is_whole_free OR has_rented_slice))",
    )],
};

pub(super) const TERMS_FOLLOW_ONE_ANOTHER: Invariant = Invariant {
    id: "terms-follow-one-another",
    claim: "A rental's terms follow one another from its start to its end.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, TERMS)),
        Check::Scan(&ORDERS, concat!(seen::RENTALS_OF_ORDERS, TERMS)),
    ],
};

const TERMS: &str = "
    SELECT 'rental ' || r.id FROM seen CROSS JOIN rentals r ON r.id = seen.id
     WHERE r.ends_at IS NOT (SELECT max(ends_at) FROM rental_periods WHERE rental_id = r.id)
        OR EXISTS (SELECT 1 FROM (
               SELECT starts_at, number, lag(ends_at, 1, r.started_at) OVER same AS before,
                      row_number() OVER same AS nth
                 FROM rental_periods WHERE rental_id = r.id
               WINDOW same AS (ORDER BY number))
            WHERE starts_at <> before OR number <> nth)";

pub(super) const ARE_EVENTS: Invariant = Invariant {
    id: "rentals-are-events",
    claim: "Each rental has the events of its start, of each move and, once ended, of its end.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, PLACES)),
        Check::Scan(&EVENTS, concat!(seen::RENTALS_OF_EVENTS, PLACES)),
    ],
};

/// Each move is away from where the rental was; it is where the last one went, and is that node's
/// farmer's, or whose it has become since. Not of those whose events may be archived.
/// The condition on `kind` names another table, too: see `seen`.
const PLACES: &str = ",
    places AS (
        SELECT e.id, e.rental_id, e.kind, e.node_id, e.slice_number, e.farmer_id,
               lag(e.kind) OVER same AS from_kind, lag(e.node_id) OVER same AS from_node,
               lag(e.slice_number) OVER same AS from_slice,
               row_number() OVER (PARTITION BY e.rental_id ORDER BY e.id DESC) AS nth
          FROM seen CROSS JOIN events e ON e.rental_id = seen.id
         WHERE iif(seen.id IS NULL, 0, e.kind IN (
                   'slice-rented', 'node-rented', 'node-rental-imported', 'rental-moved-out',
                   'rental-moved-in'))
           AND NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = seen.id)
        WINDOW same AS (PARTITION BY e.rental_id ORDER BY e.id))
    SELECT 'rental ' || r.id FROM seen CROSS JOIN rentals r ON r.id = seen.id
     WHERE NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = r.id)
       AND (1 <> (SELECT count(*) FROM places
                   WHERE rental_id = r.id AND kind NOT LIKE 'rental-moved-%')
            OR 1 <> (SELECT count(*) FROM places
                      WHERE rental_id = r.id AND nth = 1 AND kind <> 'rental-moved-out'
                        AND node_id = r.node_id AND slice_number IS r.slice_number
                        AND r.farmer_id IS coalesce(
                            (SELECT e.farmer_id FROM events e
                              WHERE e.rental_id = r.id AND e.kind = 'farmer-changed'
                                AND e.id > places.id
                              ORDER BY e.id DESC LIMIT 1), farmer_id))
            OR (r.state = 'ended') <> (SELECT count(*) FROM events
                      WHERE rental_id = r.id AND kind = 'rental-ended'
                        AND node_id = r.node_id AND slice_number IS r.slice_number))
     UNION ALL
    SELECT 'event ' || id FROM places
     WHERE (kind = 'rental-moved-in') <> (from_kind IS 'rental-moved-out')
        OR (kind = 'rental-moved-out' AND (node_id <> from_node
                                           OR slice_number IS NOT from_slice))
        OR (kind = 'rental-moved-in' AND node_id = from_node AND slice_number IS from_slice)";

pub(super) const OWN_SLICES_ARE_NOT_RENTED: Invariant = Invariant {
    id: "own-slices-are-not-rented",
    claim: "Nobody rents a slice of their own node.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, OWN_SLICES)),
        Check::Scan(&EVENTS, concat!(seen::RENTALS_OF_EVENTS, OWN_SLICES)),
    ],
};

const OWN_SLICES: &str = "
    SELECT 'rental ' || r.id FROM seen CROSS JOIN rentals r ON r.id = seen.id
     WHERE r.renter_id = r.farmer_id";

pub(super) const STAYS_ARE_THE_RENTAL: Invariant = Invariant {
    id: "stays-are-the-rental",
    claim: "A rental's stays follow one another, and the last one is where and what it is.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, STAYS)),
        Check::Scan(&EVENTS, concat!(seen::RENTALS_OF_EVENTS, STAYS)),
    ],
};

const STAYS: &str = "
    SELECT 'rental ' || seen.id FROM seen
     WHERE EXISTS (SELECT 1 FROM (
               SELECT started_at, number, ended_at, evaluated_until, evaluate_at,
                      lag(ended_at, 1, started_at) OVER same AS before,
                      row_number() OVER same AS nth
                 FROM tenures WHERE rental_id = seen.id
               WINDOW same AS (ORDER BY number))
            WHERE started_at IS NOT before OR number <> nth OR evaluated_until < started_at
               OR evaluated_until > coalesce(ended_at, evaluated_until)
               OR (evaluate_at IS NULL AND evaluated_until IS NOT ended_at))
     UNION ALL
    SELECT 'rental ' || r.id
      FROM seen CROSS JOIN rentals r ON r.id = seen.id
      LEFT JOIN tenures s ON s.rental_id = r.id AND s.ended_at IS NULL
     WHERE (r.state = 'ended') <> (s.rental_id IS NULL)
        OR (s.rental_id IS NOT NULL
            AND (s.node_id <> r.node_id OR s.farmer_id <> r.farmer_id
                 OR s.min_uptime <> r.min_uptime
                 OR s.min_bandwidth_mbps <> r.min_bandwidth_mbps))";
