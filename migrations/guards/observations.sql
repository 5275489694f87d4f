-- What holds on `observations`, and what follows from a change of it.

CREATE TRIGGER observation_counts_for_day AFTER INSERT ON observations BEGIN
    INSERT INTO observation_days
           (day, node_id, observed, observed_up, healthy, unhealthy, measured, upload_mbps,
            download_mbps)
    SELECT NEW.at / 86400, NEW.node_id, 1, NEW.is_up, NEW.healthy IS 1, NEW.healthy IS 0,
           is_measured, iif(is_measured, NEW.upload_mbps, 0),
           iif(is_measured, NEW.download_mbps, 0)
      FROM (SELECT NEW.upload_mbps IS NOT NULL AND NEW.download_mbps IS NOT NULL AS is_measured)
     WHERE true
        ON CONFLICT (day, node_id) DO UPDATE
       SET observed = observed + 1, observed_up = observed_up + excluded.observed_up,
           healthy = healthy + excluded.healthy, unhealthy = unhealthy + excluded.unhealthy,
           measured = measured + excluded.measured,
           upload_mbps = upload_mbps + excluded.upload_mbps,
           download_mbps = download_mbps + excluded.download_mbps;
END;
