-- What farmers owe their renters, or may owe them: `sla_micros` in SLA credits, also because a
-- renter disputes a month; `leaving_micros` in compensations for leaving the market, also because a
-- node of theirs is going to leave; and `micros` in both.
CREATE VIEW owed_credits AS
    SELECT farmer_id, sla_micros, leaving_micros, sla_micros + leaving_micros AS micros
      FROM (SELECT a.id AS farmer_id,
                   (SELECT coalesce(sum(m.credit_micros), 0)
                      FROM sla_months m WHERE m.farmer_id = a.id AND m.owed_at IS NOT NULL)
                 + (SELECT coalesce(sum(m.base_micros - m.paid_micros), 0)
                      FROM sla_disputes d
                      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month
                                       AND m.tenure = d.tenure
                     WHERE m.farmer_id = a.id AND d.side = 'renter' AND d.decided_at IS NULL)
                   AS sla_micros,
                   (SELECT coalesce(sum(micros), 0)
                      FROM leaving_compensations
                     WHERE farmer_id = a.id AND owed_at IS NOT NULL)
                 + (SELECT coalesce(sum(c.micros), 0)
                      FROM nodes n
                      JOIN leaving_costs c ON c.node_id = n.id AND c.ends_at > n.leaves_at
                     WHERE n.farmer_id = a.id AND n.leaves_at IS NOT NULL AND n.left_at IS NULL)
                   AS leaving_micros
              FROM accounts a);
