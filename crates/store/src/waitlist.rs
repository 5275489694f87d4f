//! The lines for slices of full nodes, and whose turn it is.

use domain::id::{AccountId, NodeId, QuoteId};
use domain::listing::Listing;
use domain::recurring::SWEEP_WAITLIST;
use domain::term::Term;
use domain::time::Timestamp;
use domain::waitlist::{self, ENTRIES_MAX, JoinError, LINE_MAX, Line, WAITING_SECONDS};

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::rentals::SAVE_ATTEMPTS;
use crate::row::{row, select};

row! {
    /// A node's line, as an account finds it.
    struct FoundLine {
        listing: Listing = "n.listing",
        available: u32 = "n.available_slices",
        is_leaving: bool = "n.leaves_at IS NOT NULL",
        is_own: bool = "n.farmer_id = ?2",
        is_waiting: bool = "EXISTS (SELECT 1 FROM waitlist
              WHERE node_id = n.id AND account_id = ?2 AND quote_id IS NULL)",
        is_offered: bool = "EXISTS (SELECT 1 FROM waitlist
              WHERE node_id = n.id AND account_id = ?2 AND quote_id IS NOT NULL)",
        waiting: u32 = "n.waiting",
        entries: u32 = "(SELECT count(*) FROM waitlist WHERE account_id = ?2)",
    }
}

/// The line of the node `?1`, as the account `?2` finds it. Served by the primary key, by
/// `waitlist_by_account` and by the key of node and account.
const LINE: &str = select!(FoundLine, "FROM nodes n WHERE n.id = ?1");

/// A node's line, as an account finds it; `None` for a node that there is not.
pub fn line(db: &dyn Db, account: AccountId, node: NodeId) -> Result<Option<Line>, StoreError> {
    let found: Option<FoundLine> = db.first(LINE, &[node.0.into(), Value::text(account)])?;
    let line = |it: FoundLine| Line {
        listing: it.listing,
        available: it.available,
        is_leaving: it.is_leaving,
        is_own: it.is_own,
        is_waiting: it.is_waiting,
        is_offered: it.is_offered,
        waiting: it.waiting,
        entries: it.entries,
    };
    Ok(found.map(line))
}

/// The account `?2` joins the line of the node `?1` at its end, for `?3` months, at `?4`; or
/// changes the months that it waits for, and keeps its place. `?5` how many may wait, `?6` in how
/// many lines an account may be. No row: the line is not as it was seen.
const JOIN: &str = "
    INSERT INTO waitlist (node_id, account_id, months, joined_at)
    SELECT n.id, ?2, ?3, ?4
      FROM nodes n
     WHERE n.id = ?1 AND n.listing = 'published' AND n.leaves_at IS NULL AND n.farmer_id <> ?2
       AND (EXISTS (SELECT 1 FROM waitlist WHERE node_id = ?1 AND account_id = ?2)
            OR n.available_slices = 0 AND n.waiting < ?5
               AND (SELECT count(*) FROM waitlist WHERE account_id = ?2) < ?6)
        ON CONFLICT (node_id, account_id) DO UPDATE SET months = excluded.months
     WHERE quote_id IS NULL
 RETURNING number";

/// Joins a line at its end; or changes the term that is waited for, and keeps the place.
pub fn join(
    db: &dyn Db,
    account: AccountId,
    node: NodeId,
    term: Term,
    now: Timestamp,
) -> Result<Result<(), JoinError>, StoreError> {
    for _ in 0..SAVE_ATTEMPTS {
        let Some(line) = line(db, account, node)? else { return Ok(Err(JoinError::NoSuchNode)) };
        if let Err(why) = waitlist::join(&line) {
            return Ok(Err(why));
        }
        let params = [
            node.0.into(),
            Value::text(account),
            term.months().into(),
            now.into(),
            LINE_MAX.into(),
            ENTRIES_MAX.into(),
        ];
        if db.has_row(JOIN, &params)? {
            return Ok(Ok(()));
        }
    }
    Err(StoreError::Busy)
}

/// Leaves a line: the columns of the command view, in order.
const LEAVE: &str = "INSERT INTO leave_waitlist (node_id, account_id, left_at) VALUES (?1, ?2, ?3)";

/// Leaves a line, and gives back what is held; `false` if the account is not in it.
pub fn leave(
    db: &dyn Db,
    account: AccountId,
    node: NodeId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    match db.run(LEAVE, &[node.0.into(), Value::text(account), now.into()]) {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(Refusal::WaitlistChanged)) => Ok(false),
        Err(error) => Err(error),
    }
}

row! {
    /// An account's place in a line.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        /// The node.
        pub node: NodeId = "w.node_id",
        /// What its farmer calls it.
        pub name: String = "n.name",
        /// For how long a slice is wanted.
        pub term: Term = "w.months",
        /// The place, from 1; 0 once a slice is held.
        pub position: u32 = "(SELECT count(*) FROM waitlist b
              WHERE b.node_id = w.node_id AND b.quote_id IS NULL AND b.number <= w.number
                AND w.quote_id IS NULL)",
        /// How many wait for the node.
        pub waiting: u32 = "n.waiting",
        /// The quote that holds a slice.
        pub quote: Option<QuoteId> = "w.quote_id",
        /// Until when it does.
        pub held_until: Option<Timestamp> = "q.held_until",
        /// Since when the account is in line.
        pub joined_at: Timestamp = "w.joined_at",
    }
}

impl Entry {
    /// When the place is lost.
    pub fn expires_at(&self) -> Timestamp {
        self.joined_at.plus_seconds(WAITING_SECONDS)
    }
}

/// The places of the account `?1`, the first one first; at most `?2`. Served by
/// `waitlist_by_account`.
const OF_ACCOUNT: &str = select!(
    Entry,
    "FROM waitlist w
       JOIN nodes n ON n.id = w.node_id
       LEFT JOIN quotes q ON q.id = w.quote_id
      WHERE w.account_id = ?1 ORDER BY w.number LIMIT ?2"
);

/// The places of an account, the first one first.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Vec<Entry>, StoreError> {
    db.all(OF_ACCOUNT, &[Value::text(account), ENTRIES_MAX.into()])
}

row! {
    /// Whose turn it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Turn {
        /// The place in line.
        pub entry: i64 = "w.number",
        /// The node.
        pub node: NodeId = "w.node_id",
        /// Who waits.
        pub account: AccountId = "w.account_id",
        /// For how long a slice is wanted.
        pub term: Term = "w.months",
    }
}

/// The first in line for the next node from `?1` on of which a slice is free. Served by
/// `nodes_wanted` and `waitlist_by_node`.
const NEXT: &str = select!(
    Turn,
    "FROM nodes n INDEXED BY nodes_wanted
      CROSS JOIN waitlist w ON w.number = (SELECT min(number) FROM waitlist
                                            WHERE node_id = n.id AND quote_id IS NULL)
      WHERE n.id >= ?1 AND n.waiting > 0 AND n.available_slices > 0 AND n.listing = 'published'
      ORDER BY n.id LIMIT 1"
);

/// Whose turn it is for the next node from `from` on of which a slice is free.
pub fn next(db: &dyn Db, from: NodeId) -> Result<Option<Turn>, StoreError> {
    db.first(NEXT, &[from.0.into()])
}

/// Passes over the first in line: the columns of the command view, in order.
const PASS: &str = "INSERT INTO pass_waitlist_turn (entry, why, passed_at) VALUES (?1, ?2, ?3)";

/// Tells the first in line why no slice is held, and the next one has a turn. Nothing, where the
/// line has changed.
pub fn pass(db: &dyn Db, turn: &Turn, why: &str, now: Timestamp) -> Result<(), StoreError> {
    match db.run(PASS, &[turn.entry.into(), why.into(), now.into()]) {
        Ok(_) | Err(StoreError::Refused(Refusal::WaitlistChanged)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Deletes up to `?2` places that are waited in since `?1` or longer. Served by `waitlist_by_age`.
const SWEEP: &str = "
    DELETE FROM waitlist WHERE number IN (
        SELECT number FROM waitlist WHERE quote_id IS NULL AND joined_at <= ?1 LIMIT ?2)";

/// Deletes the places of those who have waited for too long.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let params = [now.plus_seconds(-WAITING_SECONDS).into(), SWEEP_WAITLIST.limit().into()];
    db.run(SWEEP, &params).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 6] = [
    (LINE, "waitlist_by_account"),
    (OF_ACCOUNT, "waitlist_by_account"),
    (OF_ACCOUNT, "waitlist_by_node"),
    (NEXT, "nodes_wanted"),
    (NEXT, "waitlist_by_node"),
    (SWEEP, "waitlist_by_age"),
];
