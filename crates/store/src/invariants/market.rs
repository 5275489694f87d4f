//! What holds on nodes, slices and offers.

use crate::invariants::histories::MAINTENANCE;
use crate::invariants::{Check, Invariant};

pub(super) const ONE_RENTAL_PER_SLICE: Invariant = Invariant {
    id: "one-rental-per-slice",
    claim: "A slice has at most one live rental, and a node that is rented whole has no other.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM (
              SELECT 1 FROM rentals WHERE state <> 'ended'
               GROUP BY node_id, slice_number HAVING count(*) > 1
              UNION ALL
              SELECT 1 FROM rentals w
                CROSS JOIN rentals r ON r.node_id = w.node_id AND r.id <> w.id
               WHERE w.slice_number IS NULL AND w.state <> 'ended' AND r.state <> 'ended')",
    )],
};

pub(super) const ALLOCATED_MEANS_RENTED: Invariant = Invariant {
    id: "allocated-means-rented",
    claim: "A slice is allocated if and only if a live rental has it.",
    checks: &[Check::Whole(
        "SELECT (SELECT count(*)
              FROM slices s
              LEFT JOIN rentals r ON r.id = s.rental_id AND r.state <> 'ended'
                                 AND r.node_id = s.node_id
                                 AND coalesce(r.slice_number, s.number) = s.number
             WHERE (s.state = 'allocated') <> (r.id IS NOT NULL))
         + (SELECT count(*)
              FROM rentals r
              LEFT JOIN slices s ON s.node_id = r.node_id AND s.number = r.slice_number
             WHERE r.state <> 'ended' AND r.slice_number IS NOT NULL
               AND s.rental_id IS NOT r.id)
         + (SELECT count(*) FROM nodes n
             WHERE n.whole_rental_id IS NOT
                   (SELECT id FROM rentals
                     WHERE node_id = n.id AND slice_number IS NULL AND state <> 'ended'))",
    )],
};

pub(super) const RESERVED_MEANS_HELD: Invariant = Invariant {
    id: "reserved-means-held",
    claim: "A slice is reserved if and only if a quote that was not used holds it.",
    checks: &[Check::Whole(
        "SELECT (SELECT count(*) FROM slices s
              LEFT JOIN quotes q ON q.id = s.quote_id AND q.held_until IS NOT NULL
                                AND q.used_at IS NULL
             WHERE (s.state = 'reserved') <> (q.id IS NOT NULL))
         + (SELECT count(*) FROM quotes q
             WHERE q.held_until IS NOT NULL
               AND json_array_length(q.items)
                   <> (SELECT count(*) FROM slices WHERE quote_id = q.id))",
    )],
};

pub(super) const TURNS_ARE_HOLDS: Invariant = Invariant {
    id: "turns-are-holds",
    claim: "A turn on a waitlist is a hold of the same account and node, and a node counts who \
            waits for it.",
    checks: &[Check::Whole(
        "SELECT (SELECT count(*)
              FROM waitlist w
              LEFT JOIN quotes q ON q.id = w.quote_id AND q.account_id = w.account_id
                                AND q.held_until IS NOT NULL
                                AND q.items ->> '$[0].node' = w.node_id
             WHERE w.quote_id IS NOT NULL AND q.id IS NULL)
         + (SELECT count(*) FROM nodes n
             WHERE n.waiting <> (SELECT count(*) FROM waitlist
                                  WHERE node_id = n.id AND quote_id IS NULL))",
    )],
};

pub(super) const COUNTERS_ARE_COUNTS: Invariant = Invariant {
    id: "counters-are-counts",
    claim: "A node's counters equal the count of its slices.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM nodes n
           WHERE n.available_slices <> (SELECT count(*) FROM slices
                                         WHERE node_id = n.id AND state = 'available')
              OR n.reserved_slices <> (SELECT count(*) FROM slices
                                        WHERE node_id = n.id AND state = 'reserved')
              OR n.allocated_slices <> (SELECT count(*) FROM slices
                                         WHERE node_id = n.id AND state = 'allocated')",
    )],
};

pub(super) const CAPACITY_IS_KEPT: Invariant = Invariant {
    id: "capacity-is-kept",
    claim: "A node offers no slice beyond what its last report allows and its farmer does.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM nodes
           WHERE available_slices > 0
             AND available_slices + reserved_slices + allocated_slices
                 > max(0, capacity - kept_slices)",
    )],
};

pub(super) const OFFERS_HAVE_A_HISTORY: Invariant = Invariant {
    id: "offers-have-a-history",
    claim: "The newest version in the history of an offer is the offer.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM nodes n
           WHERE NOT EXISTS (
                 SELECT 1 FROM offer_history h
                  WHERE h.node_id = n.id AND h.version = n.offer_version
                    AND h.changed_at = n.offer_changed_at AND h.name = n.name
                    AND h.price_micros IS n.price_micros
                    AND h.pending_price_micros IS n.pending_price_micros
                    AND h.pending_price_at IS n.pending_price_at
                    AND h.min_uptime = n.min_uptime
                    AND h.min_bandwidth_mbps = n.min_bandwidth_mbps
                    AND h.terms = n.terms AND h.kept_slices = n.kept_slices
                    AND h.listing = n.listing)
              OR n.offer_version < (SELECT max(version) FROM offer_history
                                     WHERE node_id = n.id)",
    )],
};

pub(super) const MAINTENANCE_IS_APART: Invariant = Invariant {
    id: "maintenance-is-apart",
    claim: "No two windows of maintenance of a node are at the same time.",
    // None is longer than eight hours.
    checks: &[Check::Scan(
        &MAINTENANCE,
        "SELECT 'maintenance window ' || a.id FROM maintenance a
          WHERE a.rowid > ?1 AND a.rowid <= ?2 AND a.canceled_at IS NULL
            AND EXISTS (SELECT 1 FROM maintenance b
                         WHERE b.node_id = a.node_id AND b.id <> a.id
                           AND b.starts_at > a.starts_at - 28800 AND b.starts_at < a.ends_at
                           AND b.ends_at > a.starts_at AND b.canceled_at IS NULL)",
    )],
};

pub(super) const WHO_LEAVES_OFFERS_NOTHING: Invariant = Invariant {
    id: "who-leaves-offers-nothing",
    claim: "A node that leaves is off the market; once it has left, nothing of it is there.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM nodes
           WHERE (leaves_at IS NOT NULL AND listing = 'published')
              OR (left_at IS NOT NULL
                  AND (leaves_at IS NULL OR leaves_at > left_at OR available_slices > 0
                       OR reserved_slices > 0 OR allocated_slices > 0
                       OR whole_rental_id IS NOT NULL))",
    )],
};

pub(super) const FARMS_ARE_OFFERED_BY_OWNERS: Invariant = Invariant {
    id: "farms-are-offered-by-owners",
    claim: "Nodes of a verified farm are offered by its owner only.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM farms f JOIN nodes n ON n.farm_id = f.id
          WHERE n.listing = 'published' AND n.farmer_id <> f.owner_id",
    )],
};

pub(super) const RENTALS_EARN_FOR_THE_FARMER: Invariant = Invariant {
    id: "rentals-earn-for-the-farmer",
    claim: "What runs on a node earns for the farmer of the node.",
    checks: &[Check::Whole(
        "SELECT count(*) FROM rentals r JOIN nodes n ON n.id = r.node_id
          WHERE r.state <> 'ended' AND r.farmer_id <> n.farmer_id",
    )],
};
