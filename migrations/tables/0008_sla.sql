-- SLA commitments of rentals, what was measured, and the credits that follow.

-- A rental has a tenure for each node, farmer and SLA commitment that it had, one after the other.
CREATE TABLE tenures (
    rental_id          TEXT    NOT NULL REFERENCES rentals (id),
    number             INTEGER NOT NULL CONSTRAINT tenure_number_positive CHECK (number >= 1),
    node_id            INTEGER NOT NULL,
    -- Where it began; NULL for the whole node.
    slice_number       INTEGER,
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The SLA commitment as sold.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    ended_at           INTEGER CONSTRAINT tenure_ends_after_start CHECK (ended_at >= started_at),
    -- Up to when it was compared with what was measured, and when that is done next: two days after
    -- the month, when all of it is earned, or at once where the tenure is over; NULL once all is
    -- done.
    evaluated_until    INTEGER NOT NULL,
    evaluate_at        INTEGER
                       CONSTRAINT tenure_evaluated_until_end
                       CHECK (evaluate_at IS NOT NULL OR ended_at IS NOT NULL),
    -- What was earned during it, the platform's part and all, and what of that was evaluated. Of
    -- the rest, a part may still go back to the renter.
    earned_micros      INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_earned_not_negative CHECK (earned_micros >= 0),
    evaluated_micros   INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT tenure_evaluated_not_negative CHECK (evaluated_micros >= 0),
    PRIMARY KEY (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenures_by_evaluation ON tenures (evaluate_at, node_id, evaluated_until)
 WHERE evaluate_at IS NOT NULL;

CREATE INDEX tenures_by_farmer ON tenures (farmer_id, earned_micros, evaluated_micros)
 WHERE evaluate_at IS NOT NULL;

-- What was measured of a tenure in a month against its SLA commitment: the evidence, and what
-- follows. One for each tenure and month.
CREATE TABLE sla_months (
    rental_id          TEXT    NOT NULL,
    -- Such as `2026-11`.
    month              TEXT    NOT NULL
                       CONSTRAINT sla_month_month_is_month
                       CHECK (month GLOB '[1-9][0-9][0-9][0-9]-[01][0-9]'),
    tenure             INTEGER NOT NULL,
    node_id            INTEGER NOT NULL,
    renter_id          TEXT    NOT NULL REFERENCES accounts (id),
    farmer_id          TEXT    NOT NULL REFERENCES accounts (id),
    -- The part of the month that it lived and was paid for.
    from_at            INTEGER NOT NULL,
    until_at           INTEGER NOT NULL
                       CONSTRAINT sla_month_ends_after_start CHECK (until_at > from_at),
    -- The SLA commitment.
    min_uptime         INTEGER NOT NULL,
    min_bandwidth_mbps INTEGER NOT NULL,
    -- The observations that count, and how often it was up then; those that were left out because
    -- of announced maintenance; and those that knew its speed.
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
    evaluated_at       INTEGER NOT NULL,
    -- What the renter has of it by now: less while it is owed, and something else where a dispute
    -- was decided.
    paid_micros        INTEGER NOT NULL DEFAULT 0
                       CONSTRAINT sla_month_paid_at_most_base
                       CHECK (paid_micros BETWEEN 0 AND base_micros),
    -- When it is tried next to pay what the farmer's earnings did not suffice for; NULL where
    -- nothing is owed.
    owed_at            INTEGER,
    PRIMARY KEY (rental_id, month, tenure),
    FOREIGN KEY (rental_id, tenure) REFERENCES tenures (rental_id, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX sla_months_owed ON sla_months (owed_at) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_owed_by_farmer ON sla_months (farmer_id) WHERE owed_at IS NOT NULL;

CREATE INDEX sla_months_by_farmer ON sla_months (farmer_id, evaluated_at, rental_id, month, tenure)
 WHERE credit_micros > 0;

-- Somebody says that an evaluation is wrong; the operator decides. Each side does so once.
CREATE TABLE sla_disputes (
    id            TEXT    PRIMARY KEY,
    rental_id     TEXT    NOT NULL,
    month         TEXT    NOT NULL,
    tenure        INTEGER NOT NULL,
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
    UNIQUE (rental_id, month, tenure, side),
    FOREIGN KEY (rental_id, month, tenure) REFERENCES sla_months (rental_id, month, tenure)
) STRICT;

CREATE INDEX sla_disputes_open ON sla_disputes (id) WHERE decided_at IS NULL;

CREATE INDEX sla_disputes_by_account ON sla_disputes (account_id, id);
