-- What farmers may still owe their renters. Of what was not judged it is the most that the
-- published scale takes, which is `domain::sla::PERCENT_MAX`; a test compares them. Of what is owed
-- or disputed by its renter, it is what that may come to.
CREATE VIEW withheld AS
    SELECT a.id AS farmer_id,
           (SELECT coalesce(sum((max(s.earned_micros - s.judged_micros, 0) * 60 + 99) / 100), 0)
              FROM rental_stays s
             WHERE s.farmer_id = a.id AND s.judge_at IS NOT NULL)
         + (SELECT coalesce(sum(m.credit_micros), 0)
              FROM sla_months m WHERE m.farmer_id = a.id AND m.owed_at IS NOT NULL)
         + (SELECT coalesce(sum(m.base_micros - m.paid_micros), 0)
              FROM sla_disputes d
              JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month
                               AND m.stay = d.stay
             WHERE m.farmer_id = a.id AND d.side = 'renter' AND d.decided_at IS NULL)
           AS micros
      FROM accounts a;
