-- What holds on `sla_months`, and what follows from a change of it.

CREATE TRIGGER evidence_stays
BEFORE UPDATE OF rental_id, month, stay, node_id, renter_id, farmer_id, from_at, until_at,
                 min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                 measured_uptime, measured_mbps, base_micros, percent, credit_micros, judged_at
    ON sla_months
BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

CREATE TRIGGER evidence_is_kept BEFORE DELETE ON sla_months BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;
