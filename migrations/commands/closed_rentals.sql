-- Rentals that had ended before the last archived year did. Of all others every event and booking
-- stays, because pages, receipts and integrity checks look at all of them. Without archives it is
-- none.
CREATE VIEW closed_rentals AS
    SELECT id FROM rentals WHERE ended_at < (SELECT closed_at FROM archive_bounds);
