-- Farms whose owner has proven it, and what follows: nobody else offers their nodes, nodes are
-- taken over with what is rented on them, and a farm that changes hands on the grid is noticed.

INSERT INTO event_kinds (kind)
VALUES ('farm-proven'), ('farm-lost'), ('farm-moved'), ('farm-revoked'), ('node-claimed'),
       ('node-moved'), ('node-taken-over'), ('node-lost'), ('farmer-changed');

-- Challenges may be a claim to a farm. The table is made anew under its name.

CREATE TABLE copied_challenges AS SELECT * FROM challenges;

DROP TABLE challenges;

-- A secret that is good for one thing, once, and for minutes: the code in a mail, the question that
-- an authenticator signs, the pause between a password and the second factor, the message that the
-- owner of a farm signs.
CREATE TABLE challenges (
    -- SHA-256 of the secret.
    hash       BLOB    PRIMARY KEY CHECK (length(hash) = 32),
    kind       TEXT    NOT NULL CHECK (kind IN (
                   'sign-up', 'email-change', 'password-reset', 'second-factor',
                   'passkey-new', 'passkey-sign-in', 'farm-claim')),
    -- Whose it is; empty where there is no account yet.
    account_id TEXT    REFERENCES accounts (id),
    -- What to go on with, in the form that its kind has.
    payload    BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL CHECK (expires_at > created_at)
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_by_end ON challenges (expires_at);

CREATE INDEX challenges_by_account ON challenges (account_id, kind);

INSERT INTO challenges (hash, kind, account_id, payload, created_at, expires_at)
SELECT hash, kind, account_id, payload, created_at, expires_at FROM copied_challenges;

DROP TABLE copied_challenges;

-- The farms that somebody has proven to own: one owner each. Without a proof there is no row.
CREATE TABLE farms (
    -- The grid's number.
    id           INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 4294967295),
    name         TEXT    NOT NULL CHECK (length(name) <= 80),
    -- Whose it is on the grid: the twin, and the account of the chain that the twin belongs to.
    twin_id      INTEGER NOT NULL CHECK (twin_id BETWEEN 1 AND 4294967295),
    twin_account TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL REFERENCES accounts (id),
    -- By a signature of that account, or by the operator's word.
    how          TEXT    NOT NULL CHECK (how IN ('signature', 'operator')),
    proven_at    INTEGER NOT NULL,
    -- When the grid was last asked whether it still belongs to that twin.
    checked_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX farms_by_owner ON farms (owner_id, id);

CREATE INDEX farms_by_twin ON farms (twin_id);

CREATE INDEX farms_by_check ON farms (checked_at);

CREATE INDEX nodes_by_farm ON nodes (farm_id, id);

-- A node of a farm that somebody has proven is registered and published by nobody else, whatever
-- the code above does.
CREATE TRIGGER nodes_are_registered_by_owners BEFORE INSERT ON nodes
  WHEN EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'stale farm: another account has proven to own it');
END;

CREATE TRIGGER nodes_are_published_by_owners BEFORE UPDATE OF listing ON nodes
  WHEN NEW.listing = 'published'
   AND EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id <> NEW.farmer_id)
BEGIN
    SELECT RAISE(ABORT, 'stale farm: another account has proven to own it');
END;

-- A node that the grid moves to another farm goes off the market, unless its farmer has proven that
-- one, too. Rentals run on. A document that does not say of which farm a node is moves nothing.
CREATE TRIGGER nodes_move AFTER UPDATE OF farm_id ON nodes
  WHEN NEW.farm_id <> OLD.farm_id AND NEW.farm_id <> 0
   AND NOT EXISTS (SELECT 1 FROM farms WHERE id = NEW.farm_id AND owner_id = NEW.farmer_id)
BEGIN
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-moved', who.account_id, NEW.id, 'farm' || NEW.farm_id, NEW.synced_at
      FROM (SELECT NEW.farmer_id AS account_id
             UNION ALL SELECT owner_id FROM farms WHERE id = NEW.farm_id) who;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.synced_at
     WHERE id = NEW.id AND listing = 'published';
END;

-- Command: an account has proven to own a farm, in place of who did before. Published nodes of it
-- that are not this account's go off the market.
CREATE VIEW prove_farm AS
    SELECT id, name, twin_id, twin_account, owner_id, how, proven_at FROM farms;

CREATE TRIGGER prove_farm_does INSTEAD OF INSERT ON prove_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT 'farm-lost', owner_id, 'farm' || id, NEW.proven_at
      FROM farms WHERE id = NEW.id AND owner_id <> NEW.owner_id;
    INSERT INTO farms (id, name, twin_id, twin_account, owner_id, how, proven_at, checked_at)
    VALUES (NEW.id, NEW.name, NEW.twin_id, NEW.twin_account, NEW.owner_id, NEW.how, NEW.proven_at,
            NEW.proven_at)
        ON CONFLICT (id) DO UPDATE
       SET name = excluded.name, twin_id = excluded.twin_id, twin_account = excluded.twin_account,
           owner_id = excluded.owner_id, how = excluded.how, proven_at = excluded.proven_at,
           checked_at = excluded.checked_at;
    INSERT INTO events (kind, farmer_id, subject, created_at)
    VALUES ('farm-proven', NEW.owner_id, 'farm' || NEW.id, NEW.proven_at);
    INSERT INTO events (kind, farmer_id, node_id, subject, created_at)
    SELECT 'node-claimed', farmer_id, id, 'farm' || NEW.id, NEW.proven_at
      FROM nodes WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.proven_at
     WHERE farm_id = NEW.id AND farmer_id <> NEW.owner_id AND listing = 'published';
END;

-- Command: a proof no longer counts. `event` says to its owner why. The owner's published nodes of
-- that farm go off the market; rentals run on.
CREATE VIEW void_farm AS SELECT id, '' AS event, checked_at AS voided_at FROM farms;

CREATE TRIGGER void_farm_does INSTEAD OF INSERT ON void_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT NEW.event, owner_id, 'farm' || id, NEW.voided_at FROM farms WHERE id = NEW.id;
    UPDATE nodes
       SET listing = 'paused', offer_version = offer_version + 1, offer_changed_at = NEW.voided_at
     WHERE farm_id = NEW.id AND listing = 'published'
       AND farmer_id = (SELECT owner_id FROM farms WHERE id = NEW.id);
    DELETE FROM farms WHERE id = NEW.id;
END;

-- Command: the grid was asked, at `checked_at`, whose a proven farm is. `twin_id` is NULL where it
-- knows none such. If that is another twin than was proven, the proof is void, and who has proven a
-- farm of the new twin is told as well. An answer that was overtaken by a proof changes nothing.
CREATE VIEW check_farm AS SELECT id, name, twin_id, checked_at FROM farms;

CREATE TRIGGER check_farm_does INSTEAD OF INSERT ON check_farm BEGIN
    INSERT INTO events (kind, farmer_id, subject, created_at)
    SELECT DISTINCT 'farm-moved', other.owner_id, 'farm' || f.id, NEW.checked_at
      FROM farms f JOIN farms other ON other.twin_id = NEW.twin_id AND other.id <> f.id
     WHERE f.id = NEW.id AND f.twin_id <> NEW.twin_id AND f.checked_at < NEW.checked_at
       AND other.owner_id <> f.owner_id;
    INSERT INTO void_farm (id, event, voided_at)
    SELECT id, 'farm-moved', NEW.checked_at
      FROM farms
     WHERE id = NEW.id AND twin_id IS NOT NEW.twin_id AND checked_at < NEW.checked_at;
    UPDATE farms SET checked_at = NEW.checked_at, name = coalesce(NEW.name, name)
     WHERE id = NEW.id AND checked_at < NEW.checked_at;
END;

-- Command: who has proven a farm takes over a node of it that somebody else has registered, with
-- the rentals that run on it. It aborts unless the node's offer is at the version that was seen,
-- and while its new farmer rents on it. What was earned stays with whom it was earned by; what the
-- new farmer held there is free again.
CREATE VIEW take_over_node AS
    SELECT id, farmer_id, offer_version, offer_changed_at AS taken_at FROM nodes;

CREATE TRIGGER take_over_node_does INSTEAD OF INSERT ON take_over_node BEGIN
    SELECT RAISE(ABORT, 'stale farm')
     WHERE NOT EXISTS (SELECT 1 FROM nodes n JOIN farms f ON f.id = n.farm_id
                        WHERE n.id = NEW.id AND f.owner_id = NEW.farmer_id
                          AND n.farmer_id <> NEW.farmer_id
                          AND n.offer_version = NEW.offer_version);
    SELECT RAISE(ABORT, 'stale rental: its new farmer rents on the node')
     WHERE EXISTS (SELECT 1 FROM rentals
                    WHERE node_id = NEW.id AND renter_id = NEW.farmer_id AND state <> 'ended');
    INSERT INTO release_hold (quote_id, released_at)
    SELECT DISTINCT q.id, NEW.taken_at
      FROM slices s JOIN quotes q ON q.id = s.quote_id
     WHERE s.node_id = NEW.id AND q.account_id = NEW.farmer_id;
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    SELECT 'node-lost', farmer_id, id, NEW.taken_at FROM nodes WHERE id = NEW.id;
    UPDATE nodes
       SET farmer_id = NEW.farmer_id, offer_version = offer_version + 1,
           offer_changed_at = NEW.taken_at,
           listing = CASE listing WHEN 'published' THEN 'paused' ELSE listing END
     WHERE id = NEW.id;
    UPDATE rentals SET farmer_id = NEW.farmer_id, version = version + 1
     WHERE node_id = NEW.id AND state <> 'ended';
    INSERT INTO events (kind, farmer_id, node_id, created_at)
    VALUES ('node-taken-over', NEW.farmer_id, NEW.id, NEW.taken_at);
    INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id, created_at)
    SELECT 'farmer-changed', renter_id, farmer_id, node_id, slice_number, id, NEW.taken_at
      FROM rentals WHERE node_id = NEW.id AND state <> 'ended';
END;

-- With an account its proofs go. Its nodes are off the market already.
CREATE TRIGGER deleted_accounts_own_no_farm AFTER UPDATE OF deleted_at ON accounts
  WHEN NEW.deleted_at IS NOT NULL
BEGIN
    DELETE FROM farms WHERE owner_id = NEW.id;
END;
