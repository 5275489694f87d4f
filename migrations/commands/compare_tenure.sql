-- Command: a tenure was compared with its SLA commitment from `from_at` to `until_at`. It aborts
-- unless the tenure was evaluated up to `from_at` and its rental is at the `version` that was seen.
-- Where nothing of it was paid for, `month` is NULL, and it only goes on. `booking` is what is
-- credited; NULL where nothing is, or the farmer's earnings do not suffice: then `owed_at` says
-- when it is tried again.
CREATE VIEW compare_tenure AS
    SELECT s.rental_id, s.number AS tenure, r.version, s.ended_at AS seen_end, m.month, m.from_at,
           m.until_at, s.evaluated_until, s.evaluate_at, m.observed, m.observed_up, m.excused,
           m.measured, m.measured_uptime, m.measured_mbps, m.base_micros, m.percent,
           m.credit_micros, m.machine_seconds, m.machine_down_seconds,
           '' AS booking, m.owed_at, m.evaluated_at
      FROM tenures s
      JOIN rentals r ON r.id = s.rental_id
      JOIN sla_months m ON m.rental_id = s.rental_id AND m.tenure = s.number;

CREATE TRIGGER compare_tenure_does INSTEAD OF INSERT ON compare_tenure BEGIN
    UPDATE tenures
       SET evaluated_until = NEW.evaluated_until, evaluate_at = NEW.evaluate_at,
           evaluated_micros = evaluated_micros + coalesce(NEW.base_micros, 0)
     WHERE rental_id = NEW.rental_id AND number = NEW.tenure AND evaluated_until = NEW.from_at
       AND ended_at IS NEW.seen_end AND evaluate_at IS NOT NULL
       AND (SELECT version FROM rentals WHERE id = NEW.rental_id) = NEW.version;
    SELECT RAISE(ABORT, 'refused: tenure_changed') WHERE changes() = 0;
    INSERT INTO sla_months
           (rental_id, month, tenure, node_id, renter_id, farmer_id, from_at, until_at, min_uptime,
            min_bandwidth_mbps, observed, observed_up, excused, measured, measured_uptime,
            measured_mbps, base_micros, percent, credit_micros, evaluated_at, paid_micros, owed_at,
            machine_seconds, machine_down_seconds)
    SELECT s.rental_id, NEW.month, s.number, s.node_id, r.renter_id, s.farmer_id, NEW.from_at,
           NEW.until_at, s.min_uptime, s.min_bandwidth_mbps, NEW.observed, NEW.observed_up,
           NEW.excused, NEW.measured, NEW.measured_uptime, NEW.measured_mbps, NEW.base_micros,
           NEW.percent, NEW.credit_micros, NEW.evaluated_at,
           iif(NEW.booking IS NULL, 0, NEW.credit_micros), NEW.owed_at, NEW.machine_seconds,
           NEW.machine_down_seconds
      FROM tenures s JOIN rentals r ON r.id = s.rental_id
     WHERE s.rental_id = NEW.rental_id AND s.number = NEW.tenure AND NEW.month IS NOT NULL;
    INSERT INTO notify_credit (rental_id, month, tenure, booking, notified_at)
    SELECT NEW.rental_id, NEW.month, NEW.tenure, NEW.booking, NEW.evaluated_at
     WHERE NEW.booking IS NOT NULL;
END;
