-- What a renewal that a token with a ceiling has set counts against: the token, and what one
-- renewal costs at most. NULL where no ceiling binds whoever set it.
ALTER TABLE rentals ADD COLUMN renew_token_id TEXT
    CONSTRAINT rental_renew_token_renews
    CHECK (renew_token_id IS NULL OR renew_months IS NOT NULL);

ALTER TABLE rentals ADD COLUMN renew_most_micros INTEGER
    CONSTRAINT rental_renew_token_has_most
    CHECK ((renew_most_micros IS NULL) = (renew_token_id IS NULL));

CREATE INDEX rentals_by_renewal_token ON rentals (renew_token_id)
 WHERE renew_token_id IS NOT NULL AND state <> 'ended';

-- How often an account has held a slice of late.
CREATE INDEX quotes_unused ON quotes (account_id, expires_at) WHERE used_at IS NULL;

-- The token with a ceiling that made the offer: what is paid ahead counts against it once somebody
-- takes the rental.
ALTER TABLE transfers ADD COLUMN token_id TEXT;
