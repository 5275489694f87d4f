-- What ending each rental would cost its farmer at most, from now on, if its node leaves before
-- what was paid for is over. Of each term that is the part of its discount that belongs to what is
-- neither earned nor refunded, and never more than so many percent of a month's price: the
-- discounts of shorter terms make up for the rest. A test of `domain::leaving` shows both. Each
-- term is rounded up, by a cent at most.
CREATE VIEW leaving_costs AS
    SELECT r.id AS rental_id, r.node_id, r.farmer_id, r.ends_at,
           (SELECT coalesce(sum(min(
                       (p.total_micros - p.earned_micros - p.refunded_micros) / 10000
                       * ((p.months * p.price_micros * r.slices - p.total_micros) / 10000)
                       / (p.total_micros / 10000) * 10000,
                       CASE p.months WHEN 3 THEN 15 WHEN 6 THEN 29 ELSE 57 END
                       * (p.price_micros * r.slices / 100)) + 10000), 0)
              FROM rental_periods p
             WHERE p.rental_id = r.id AND p.total_micros >= 10000
               AND p.total_micros < p.months * p.price_micros * r.slices
               AND p.earned_micros + p.refunded_micros < p.total_micros) AS micros
      FROM rentals r
     WHERE r.state <> 'ended';
