-- What holds on `sla_months`, and what follows from a change of it.

CREATE TRIGGER sla_evidence_never_updated
BEFORE UPDATE OF rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at,
                 min_uptime, min_bandwidth_mbps, observed, observed_up, excused, measured,
                 measured_uptime, measured_mbps, base_micros, percent, credit_micros, evaluated_at
    ON sla_months
BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;

CREATE TRIGGER sla_evidence_never_deleted BEFORE DELETE ON sla_months BEGIN
    SELECT RAISE(ABORT, 'refused: sla_evidence_append_only');
END;
