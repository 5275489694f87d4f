//! Incremental checks over history: new rows at once, and all rows again and again.

use crate::db::{Db, StoreError};
use crate::invariants::Violations;
use crate::invariants::histories::History;
use crate::row::{row, select};

row! {
    /// How far a check has come in a history.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) struct Cursor {
        /// New rows are checked up to this one.
        new_after: i64 = "new_after",
        /// The pass over all rows has come up to this one.
        old_after: i64 = "old_after",
    }
}

/// The cursor of the check `?1` in the history `?2`. No row: the check has not run yet.
const CURSOR: &str = select!(Cursor, "FROM integrity_scans WHERE invariant = ?1 AND history = ?2");

/// Moves the cursor of the check `?1` in the history `?2` to `?3` for new rows and to `?4` for the
/// pass over all rows.
const MOVE_CURSOR: &str = "
    INSERT INTO integrity_scans (invariant, history, new_after, old_after)
    VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (invariant, history) DO UPDATE
       SET new_after = excluded.new_after, old_after = excluded.old_after";

/// Checks the rows after one number, up to another.
type CheckRows<'a> = &'a dyn Fn(i64, i64) -> Result<Violations, StoreError>;

/// The scan of a history by a check.
pub(super) struct Scan<'a> {
    /// The invariant's id.
    pub(super) invariant: &'static str,
    pub(super) history: &'static History,
    pub(super) check: CheckRows<'a>,
    /// Whether another check of the invariant makes the pass over all rows.
    pub(super) is_new_only: bool,
}

impl Scan<'_> {
    /// Checks all rows, window by window.
    pub(super) fn everything(&self, db: &dyn Db) -> Result<Violations, StoreError> {
        let last = self.history.last(db)?;
        let (mut violations, mut after) = (Violations::default(), 0);
        while after < last {
            let until = self.history.window_end(db, after, last)?;
            violations.add((self.check)(after, until)?);
            after = until;
        }
        Ok(violations)
    }

    /// Checks the next window of new rows and the next one of all rows. Returns where the next run
    /// continues: a window with violations is checked again until it has none.
    pub(super) fn next(&self, db: &dyn Db) -> Result<(Violations, Cursor), StoreError> {
        let last = self.history.last(db)?;
        let params = [self.invariant.into(), self.history.name.into()];
        // In the first run every row is an old one, so that new rows never wait for a whole pass.
        let first = Cursor { new_after: last, old_after: 0 };
        let mut cursor = db.first(CURSOR, &params)?.unwrap_or(first);
        let mut violations = Violations::default();
        if cursor.new_after < last {
            let (found, new_after) = self.window(db, cursor.new_after, last)?;
            violations.add(found);
            cursor.new_after = new_after;
        }
        if !self.is_new_only {
            let (found, old_after) = self.next_old(db, cursor.old_after, last)?;
            violations.add(found);
            cursor.old_after = old_after;
        }
        Ok((violations, cursor))
    }

    /// Checks the next window of the pass over all rows. The last window of a pass is followed by
    /// the first one of the next pass in the same run, so that a short history is checked
    /// completely in each run.
    fn next_old(
        &self,
        db: &dyn Db,
        after: i64,
        last: i64,
    ) -> Result<(Violations, i64), StoreError> {
        let after = if after < last { after } else { 0 };
        let (violations, until) = self.window(db, after, last)?;
        if !violations.is_empty() || until < last || after == 0 {
            return Ok((violations, until));
        }
        self.window(db, 0, last)
    }

    /// Checks the window after a row. Returns where the scan continues.
    fn window(&self, db: &dyn Db, after: i64, last: i64) -> Result<(Violations, i64), StoreError> {
        let until = self.history.window_end(db, after, last)?;
        let violations = (self.check)(after, until)?;
        let next = if violations.is_empty() { until } else { after };
        Ok((violations, next))
    }

    /// Saves where the next run continues.
    pub(super) fn save(&self, db: &dyn Db, cursor: Cursor) -> Result<(), StoreError> {
        let Cursor { new_after, old_after } = cursor;
        let params =
            [self.invariant.into(), self.history.name.into(), new_after.into(), old_after.into()];
        db.run(MOVE_CURSOR, &params).map(drop)
    }
}
