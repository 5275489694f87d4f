-- What went through each machine's network since its start, as it says itself and as its agent
-- reported it last.
ALTER TABLE machines ADD COLUMN network_in_bytes
    INTEGER
    CONSTRAINT machine_network_in_not_negative
    CHECK (network_in_bytes >= 0);

ALTER TABLE machines ADD COLUMN network_out_bytes
    INTEGER
    CONSTRAINT machine_network_out_not_negative
    CHECK (network_out_bytes >= 0);
