-- What rentals were promised, what was measured, and what follows.

-- A rental has a stay for each node, farmer and promise that it had, one after the other.
CREATE TABLE rental_stays (
    rental_id          TEXT    NOT NULL REFERENCES rentals (id),
    number             INTEGER NOT NULL CONSTRAINT tenure_number_positive CHECK (number >= 1),
    node_id            INTEGER NOT NULL,
    -- Where it began; NULL for the whole node.
    slice_number       INTEGER,
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The promise as it was sold.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER CONSTRAINT tenure_ends_after_start CHECK (ended_at >= started_at),
    -- Up to when it was compared with what was measured, and when that is done next: two days after
    -- the month, when all of it is earned, or at once where the stay is over; NULL once all is
    -- done.
    judged_until       INTEGER NOT NULL,
    judge_at           INTEGER
                       CONSTRAINT tenure_evaluated_until_end
                       CHECK (judge_at IS NOT NULL OR ended_at IS NOT NULL),
    -- What was earned during it, the platform's part and all, and what of that was judged. Of the
    -- rest, a part may still go back to the renter.
    earned_micros      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_earned_not_negative CHECK (earned_micros >= 0),
    judged_micros      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_judged_not_negative CHECK (judged_micros >= 0),
    PRIMARY KEY (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX rental_stays_by_judgement ON rental_stays (judge_at, node_id, judged_until)
 WHERE judge_at IS NOT NULL;

CREATE INDEX rental_stays_by_farmer ON rental_stays (farmer_id, earned_micros, judged_micros)
 WHERE judge_at IS NOT NULL;

-- What was measured of a stay in a month, against what was promised: the evidence, and what
-- follows. One for each stay and month.
CREATE TABLE sla_months (
    rental_id          TEXT    NOT NULL,
    -- Such as `2026-11`.
    month              TEXT    NOT NULL
                       CONSTRAINT sla_month_month_is_month
                       CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    stay               INTEGER NOT NULL,
    node_id            INTEGER NOT NULL,
    renter_id          TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The part of the month that it lived and was paid for.
    from_at            INTEGER NOT NULL,
    until_at           INTEGER NOT NULL
                       CONSTRAINT sla_month_ends_after_start CHECK (until_at > from_at),
    -- The promise.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    -- The looks that count, and how often it was up then; those that were left out because of
    -- announced maintenance; and those that knew its speed.
    observed           INTEGER NOT NULL
                       CONSTRAINT sla_month_observed_not_negative CHECK (observed >= 0),
    observed_up        INTEGER NOT NULL
                       CONSTRAINT sla_month_observed_up_at_most_observed
                       CHECK (observed_up BETWEEN 0 AND observed),
    excused            INTEGER NOT NULL
                       CONSTRAINT sla_month_excused_not_negative CHECK (excused >= 0),
    measured           INTEGER NOT NULL
                       CONSTRAINT sla_month_measured_at_most_observed
                       CHECK (measured BETWEEN 0 AND observed),
    -- NULL where too little was seen to say.
    measured_uptime    INTEGER
                       CONSTRAINT sla_month_measured_uptime_in_range
                       CHECK (measured_uptime BETWEEN 0 AND 10000),
    measured_mbps      INTEGER
                       CONSTRAINT sla_month_measured_mbps_not_negative CHECK (measured_mbps >= 0),
    -- What that part of the month costs, what of it is credited by the published scale, and that
    -- in money.
    base_micros        INTEGER NOT NULL
                       CONSTRAINT sla_month_base_not_negative CHECK (base_micros >= 0),
    percent            INTEGER NOT NULL
                       CONSTRAINT sla_month_percent_in_range CHECK (percent BETWEEN 0 AND 100),
    credit_micros      INTEGER NOT NULL
                       CONSTRAINT sla_month_credit_at_most_base
                       CHECK (credit_micros BETWEEN 0 AND base_micros),
    judged_at          INTEGER NOT NULL,
    -- What the renter has of it by now: less while it is owed, and something else where a dispute
    -- was decided.
    paid_micros        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT sla_month_paid_at_most_base
                       CHECK (paid_micros BETWEEN 0 AND base_micros),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at            INTEGER,
    PRIMARY KEY (rental_id, month, stay),
    FOREIGN KEY (rental_id, stay) REFERENCES rental_stays (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sla_months_owed ON sla_months (owed_at) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_owed_by_farmer ON sla_months (farmer_id) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_by_farmer ON sla_months (farmer_id, judged_at, rental_id, month, stay)
 WHERE credit_micros > 0;

-- Somebody says that a judgement is wrong; the operator decides. Each side does so once.
CREATE TABLE sla_disputes (
    id            TEXT    PRIMARY KEY,
    rental_id     TEXT    NOT NULL,
    month         TEXT    NOT NULL,
    stay          INTEGER NOT NULL,
    side          TEXT    NOT NULL
                  CONSTRAINT sla_dispute_side_is_known CHECK (side IN ('renter', 'farmer')),
    account_id    TEXT    NOT NULL REFERENCES accounts (id),
    words         TEXT    NOT NULL
                  CONSTRAINT sla_dispute_words_length_in_range
                  CHECK (length(words) BETWEEN 1 AND 1000),
    created_at    INTEGER NOT NULL,
    decided_at    INTEGER,
    -- What the operator says to it, and what the renter has of the month then.
    answer        TEXT
                  CONSTRAINT sla_dispute_decided_has_answer
                  CHECK ((answer IS NULL) = (decided_at IS NULL)
                                 AND length(answer) BETWEEN 1 AND 1000),
    credit_micros INTEGER
                  CONSTRAINT sla_dispute_decided_has_credit
                  CHECK ((credit_micros IS NULL) = (decided_at IS NULL)),
    UNIQUE (rental_id, month, stay, side),
    FOREIGN KEY (rental_id, month, stay) REFERENCES sla_months (rental_id, month, stay)
) STRICT;

CREATE INDEX sla_disputes_open ON sla_disputes (id) WHERE decided_at IS NULL;

CREATE INDEX sla_disputes_by_account ON sla_disputes (account_id, id);
