//! What holds on machines and on what agents do.

use constcat::concat;

use crate::invariants::histories::{EVENTS, RENTALS};
use crate::invariants::{Check, Invariant, seen};

pub(super) const REMOVED_BEFORE_OFFERED: Invariant = Invariant {
    id: "removed-before-offered",
    claim: "A slice whose old machine is not gone yet is not offered, and is known as that.",
    checks: &[Check::Whole(
        "SELECT (SELECT count(*)
              FROM slices s
              LEFT JOIN jobs j ON j.id = s.removing_job AND j.kind = 'remove'
                              AND j.state <> 'done' AND j.node_id = s.node_id
                              AND j.slice_number = s.number
             WHERE s.removing_job IS NOT NULL AND (j.id IS NULL OR s.state <> 'retired'))
         + (SELECT count(*) FROM jobs j
             WHERE j.kind = 'remove' AND j.state <> 'done'
               AND NOT EXISTS (SELECT 1 FROM slices WHERE removing_job = j.id))",
    )],
};

pub(super) const ACCESS_BEFORE_EARNING: Invariant = Invariant {
    id: "access-before-earning",
    claim: "Nothing is earned with a running rental before its machines are there.",
    // What came from another slice may have earned there, unless access was owed there as
    // well: then it is refunded when that would have been. A term for which nobody gave an SSH
    // key is earned at its end.
    checks: &[Check::Whole(
        "SELECT count(*)
           FROM rentals r
           JOIN jobs j ON j.rental_id = r.id AND j.kind = 'create'
                      AND j.state IN ('needs-key', 'waiting', 'leased', 'failed')
          WHERE r.state = 'active'
            AND (SELECT sum(earned_micros) FROM rental_periods
                  WHERE rental_id = r.id
                    AND (j.state <> 'needs-key'
                         OR number = (SELECT max(number) FROM rental_periods
                                       WHERE rental_id = r.id))) > 0
            AND NOT EXISTS (
                SELECT 1 FROM events e
                 WHERE e.rental_id = r.id AND e.kind = 'rental-moved-out'
                   AND NOT EXISTS (SELECT 1 FROM jobs l
                                    WHERE l.rental_id = r.id AND l.kind = 'create'
                                      AND l.state = 'canceled' AND l.node_id = e.node_id
                                      AND l.slice_number = e.slice_number
                                      AND l.refund_at = j.refund_at))",
    )],
};

pub(super) const ONE_ACCESS_AT_A_TIME: Invariant = Invariant {
    id: "one-access-at-a-time",
    claim: "What a rental waits for is being made on a slice that it has.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM jobs j
          WHERE j.kind = 'create' AND j.state IN ('needs-key', 'waiting', 'leased', 'failed')
            AND NOT EXISTS (SELECT 1 FROM slices
                             WHERE rental_id = j.rental_id AND node_id = j.node_id
                               AND number = j.slice_number)",
    )],
};

pub(super) const MACHINES_ARE_OF_RENTALS: Invariant = Invariant {
    id: "machines-are-of-rentals",
    claim: "A machine is watched from its setup by an agent until its rental leaves the slice.",
    checks: &[Check::Whole(
        "SELECT (SELECT count(*) FROM machines m
                  WHERE NOT EXISTS (
                        SELECT 1 FROM jobs j JOIN rentals r ON r.id = j.rental_id
                         WHERE j.id = m.job_id AND j.kind = 'create' AND j.state = 'done'
                           AND r.state <> 'ended' AND r.node_id = j.node_id
                           AND coalesce(r.slice_number, j.slice_number) = j.slice_number))
              + (SELECT count(*)
                   FROM rentals r
                  CROSS JOIN jobs j ON j.rental_id = r.id AND j.node_id = r.node_id
                        AND j.slice_number = coalesce(r.slice_number, j.slice_number)
                        AND j.kind = 'create' AND j.state = 'done' AND j.is_by_hand = 0
                  WHERE r.state <> 'ended'
                    AND NOT EXISTS (SELECT 1 FROM machines WHERE job_id = j.id))",
    )],
};

pub(super) const NO_ACCESS_NO_PAY: Invariant = Invariant {
    id: "no-access-no-pay",
    claim: "A rental that got no access has ended, and what was not earned was refunded.",
    checks: &[
        Check::Scan(&RENTALS, concat!(seen::RENTALS, WITHOUT_ACCESS)),
        Check::Scan(&EVENTS, concat!(seen::RENTALS_OF_EVENTS, WITHOUT_ACCESS)),
    ],
};

const WITHOUT_ACCESS: &str = "
    SELECT 'rental ' || r.id FROM seen CROSS JOIN rentals r ON r.id = seen.id
     WHERE EXISTS (SELECT 1 FROM jobs WHERE rental_id = r.id AND state = 'refunded')
       AND (r.state <> 'ended'
            OR (SELECT sum(total_micros - earned_micros - refunded_micros)
                  FROM rental_periods WHERE rental_id = r.id) <> 0
            OR (NOT EXISTS (SELECT 1 FROM closed_rentals WHERE id = r.id)
                AND 1 <> (SELECT count(*) FROM events
                           WHERE rental_id = r.id AND kind = 'rental-refunded')))";
