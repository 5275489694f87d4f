-- What farmers owe their renters in SLA credits, or may owe them because a renter disputes a month.
CREATE VIEW owed_credits AS
    SELECT a.id AS farmer_id,
           (SELECT coalesce(sum(m.credit_micros), 0)
              FROM sla_months m WHERE m.farmer_id = a.id AND m.owed_at IS NOT NULL)
         + (SELECT coalesce(sum(m.base_micros - m.paid_micros), 0)
              FROM sla_disputes d
              JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month
                               AND m.tenure = d.tenure
             WHERE m.farmer_id = a.id AND d.side = 'renter' AND d.decided_at IS NULL)
           AS micros
      FROM accounts a;
