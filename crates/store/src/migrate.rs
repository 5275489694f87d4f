//! Brings a database to the schema of this version.
//!
//! The app does so itself: real Spin has no step for it. An instance compares its release with the
//! database's in one `SELECT`. A database that is behind is brought forward inside of one `BEGIN
//! IMMEDIATE`, so that of many instances and processes one does it and the others wait and find it
//! done; whoever dies meanwhile leaves nothing. A database that is ahead is left alone.
//!
//! Tables go forward by migrations, once each. Guards and commands are code: the database itself
//! says which of them it has, and a file that differs from that is replaced, whole.

use std::collections::HashSet;

use domain::event::EventKind;
use domain::notification::Side;
use domain::time::Timestamp;
use serde_json::json;
use strum::VariantArray;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};
use crate::schema::{File, Object, Release, SCHEMA, Schema};

/// How many statements a database is kept from others for while it is in use. A server of libSQL
/// ends a transaction after five seconds.
pub const STATEMENTS_MAX: usize = 100;

/// What was done to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Nothing: it is at this release.
    Nothing,
    /// Everything: it was empty.
    Created,
    /// It was at an older release.
    Upgraded {
        /// The release that it was at.
        from: i64,
    },
}

/// Whether the database is just as this program needs it; false if it has to be brought there.
pub fn is_current(db: &dyn Db) -> Result<bool, StoreError> {
    SCHEMA.is_current(db)
}

/// Brings the database to the schema of this program, on a connection that is used for nothing else
/// meanwhile.
pub fn apply(db: &dyn Db, now: Timestamp) -> Result<Applied, StoreError> {
    SCHEMA.apply(db, now, STATEMENTS_MAX)
}

/// The same for a database that nobody else uses, however much there is to do.
pub fn apply_offline(db: &dyn Db, now: Timestamp) -> Result<Applied, StoreError> {
    SCHEMA.apply(db, now, usize::MAX)
}

/// Fails if the database is at a higher release than this program.
pub(crate) fn check_release(found: i64) -> Result<(), StoreError> {
    let known = SCHEMA.release.number;
    if found <= known { Ok(()) } else { Err(StoreError::WrongSchema { found, known }) }
}

/// The release that the database is at. Fails where the table is not there yet.
const RELEASE: &str = "SELECT number, hash FROM schema_releases ORDER BY number DESC LIMIT 1";

/// Which tables are there that say what a database is: `schema_migrations` is of the versions
/// before the first release.
const MARKS: &str = "
    SELECT name FROM sqlite_schema
     WHERE type = 'table' AND name IN ('schema_migrations', 'schema_releases')
     ORDER BY name LIMIT 2";

/// What says what a database is.
const CREATE_RECORDS: [&str; 2] = [
    "CREATE TABLE schema_releases (
        number     INTEGER PRIMARY KEY,
        -- SHA-256 of schema.sql, in hexadecimal.
        hash       TEXT    NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT",
    "CREATE TABLE schema_tables (
        number     INTEGER PRIMARY KEY,
        path       TEXT    NOT NULL,
        -- SHA-256 of the file.
        hash       BLOB    NOT NULL,
        applied_at INTEGER NOT NULL
    ) STRICT",
];

/// The table migrations that were applied.
const TABLES: &str = "SELECT number, hash FROM schema_tables ORDER BY number LIMIT 10000";

/// Records a table migration: `?1` number, `?2` path, `?3` hash, `?4` when.
const RECORD_TABLE: &str =
    "INSERT INTO schema_tables (number, path, hash, applied_at) VALUES (?1, ?2, ?3, ?4)";

/// Records a release: `?1` number, `?2` hash, `?3` when.
const RECORD_RELEASE: &str =
    "INSERT INTO schema_releases (number, hash, applied_at) VALUES (?1, ?2, ?3)";

/// Writes every kind of event, each with whom it may concern: the JSON array `?1`.
const WRITE_EVENT_KINDS: &str = "
    INSERT INTO event_kinds (kind, for_renter, for_farmer)
    SELECT value ->> 'kind', value ->> 'for_renter', value ->> 'for_farmer'
      FROM json_each(?1) WHERE true
        ON CONFLICT (kind) DO UPDATE
       SET for_renter = excluded.for_renter, for_farmer = excluded.for_farmer";

/// The views and triggers that the database has.
const OBJECTS: &str = select!(
    Present,
    "FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY name LIMIT 10000"
);

impl Schema {
    /// See [`is_current`].
    pub fn is_current(&self, db: &dyn Db) -> Result<bool, StoreError> {
        Ok(!self.is_ahead_of(found(db)?.as_ref())?)
    }

    /// See [`apply`]. An upgrade of more than `statements_max` statements is refused.
    pub fn apply(
        &self,
        db: &dyn Db,
        now: Timestamp,
        statements_max: usize,
    ) -> Result<Applied, StoreError> {
        if self.is_current(db)? {
            return Ok(Applied::Nothing);
        }
        db.run("BEGIN IMMEDIATE", &[])?;
        let outcome = self
            .apply_missing(db, now, statements_max)
            .and_then(|applied| db.run("COMMIT", &[]).map(|_| applied));
        if outcome.is_err() {
            // The first error is the one to tell; a rollback that fails has nothing to add, and the
            // caller drops the connection.
            let _ = db.run("ROLLBACK", &[]);
        }
        outcome
    }

    fn apply_missing(
        &self,
        db: &dyn Db,
        now: Timestamp,
        statements_max: usize,
    ) -> Result<Applied, StoreError> {
        let found = found(db)?;
        if !self.is_ahead_of(found.as_ref())? {
            return Ok(Applied::Nothing);
        }
        if found.is_none() {
            for statement in CREATE_RECORDS {
                db.run(statement, &[])?;
            }
        }
        let pending = &self.tables[self.applied_tables(db)?..];
        let upgrade = self.upgrade(pending, &db.all(OBJECTS, &[])?);
        if found.is_some() && upgrade.len() > statements_max {
            return Err(StoreError::UpgradeTooLarge { statements: upgrade.len() });
        }
        for statement in upgrade {
            db.run(statement, &[])?;
        }
        let done = self.tables.len() - pending.len();
        for (number, file) in (1_i64..).zip(self.tables).skip(done) {
            let hash = file.hash();
            let record = [number.into(), file.path.into(), Value::from(&hash[..]), now.into()];
            db.run(RECORD_TABLE, &record)?;
        }
        self.check_objects(&db.all(OBJECTS, &[])?)?;
        db.run(WRITE_EVENT_KINDS, &[Value::Text(event_kinds())])?;
        let Release { number, hash } = self.release;
        db.run(RECORD_RELEASE, &[number.into(), hash.into(), now.into()])?;
        Ok(found.map_or(Applied::Created, |found| Applied::Upgraded { from: found.number }))
    }

    /// Whether this schema is the newer one; an error if the other one is.
    fn is_ahead_of(&self, found: Option<&Found>) -> Result<bool, StoreError> {
        let Some(found) = found else { return Ok(true) };
        let Release { number, hash } = self.release;
        if found.number < number {
            Ok(true)
        } else if found.number == number && found.hash == hash {
            Ok(false)
        } else {
            Err(StoreError::WrongSchema { found: found.number, known: number })
        }
    }

    /// How many table migrations are applied; an error if the database has others.
    fn applied_tables(&self, db: &dyn Db) -> Result<usize, StoreError> {
        let applied: Vec<(i64, Vec<u8>)> = db.all(TABLES, &[])?;
        for (index, (number, hash)) in applied.iter().enumerate() {
            if self.tables.get(index).is_none_or(|file| file.hash() != hash[..]) {
                return Err(StoreError::MigrationChanged { number: *number });
            }
        }
        Ok(applied.len())
    }

    /// The statements that lead from a database with these objects to this schema.
    fn upgrade(&self, pending: &[File], present: &[Present]) -> Vec<&'static str> {
        let dropped: HashSet<&str> = pending.iter().flat_map(File::drops).collect();
        let is_present = |object: Object<'_>| present.iter().any(|it| it.is(object));
        let changed: Vec<&File> = self
            .code()
            .filter(|file| dropped.contains(file.path) || !file.objects().all(is_present))
            .collect();
        let names = |files: Vec<&'static File>| -> HashSet<&str> {
            files.into_iter().flat_map(File::objects).map(|object| object.name).collect()
        };
        let changed_paths: HashSet<&str> = changed.iter().map(|file| file.path).collect();
        let kept = names(self.code().filter(|it| !changed_paths.contains(it.path)).collect());
        let gone: Vec<&Present> =
            present.iter().filter(|it| !kept.contains(it.name.as_str())).collect();
        let views: HashSet<&str> =
            gone.iter().filter(|it| it.kind == "VIEW").map(|it| it.name.as_str()).collect();
        // A view takes its triggers with it.
        let drops = gone
            .iter()
            .filter(|it| it.kind == "VIEW" || !views.contains(it.table.as_str()))
            .map(|it| it.drop());
        let tables = pending.iter().flat_map(File::statements);
        let code = changed.iter().flat_map(|file| file.statements());
        drops.chain(tables).chain(code).collect()
    }

    /// Every view and trigger is there as its file says, and no other.
    fn check_objects(&self, present: &[Present]) -> Result<(), StoreError> {
        let expected: Vec<Object<'_>> = self.code().flat_map(File::objects).collect();
        let missing = expected.iter().find(|object| !present.iter().any(|it| it.is(**object)));
        let missing = missing.map(|object| object.name);
        let stray = present.iter().find(|it| !expected.iter().any(|object| it.is(*object)));
        match missing.or(stray.map(|it| it.name.as_str())) {
            None => Ok(()),
            Some(name) => Err(StoreError::Failed(format!(
                "{name} is not as its file says after the upgrade: does a table migration lack \
                 the line `-- drops:`?"
            ))),
        }
    }
}

/// Every kind of event, as `WRITE_EVENT_KINDS` takes them.
fn event_kinds() -> String {
    let row = |kind: &EventKind| {
        let audience = kind.audience();
        json!({
            "kind": kind.into_str(),
            "for_renter": audience.has(Side::Renter),
            "for_farmer": audience.has(Side::Farmer),
        })
    };
    EventKind::VARIANTS.iter().map(row).collect::<serde_json::Value>().to_string()
}

/// The release of a database.
struct Found {
    number: i64,
    hash: String,
}

/// The release of the database; `None` where it is empty.
fn found(db: &dyn Db) -> Result<Option<Found>, StoreError> {
    match release(db) {
        Err(StoreError::Failed(_)) => {}
        found => return found,
    }
    let mark: Option<String> = db.first(MARKS, &[])?;
    match mark.as_deref() {
        None => Ok(None),
        Some("schema_migrations") => Err(StoreError::DevelopmentDatabase),
        // Another instance has made it meanwhile; or something else is wrong.
        Some(_) => release(db),
    }
}

fn release(db: &dyn Db) -> Result<Option<Found>, StoreError> {
    let found: Option<(i64, String)> = db.first(RELEASE, &[])?;
    Ok(found.map(|(number, hash)| Found { number, hash }))
}

row! {
    /// A view or trigger of a database.
    struct Present {
        kind: String = "upper(type)",
        name: String = "name",
        /// What a trigger is on.
        table: String = "tbl_name",
        sql: String = "sql",
    }
}

impl Present {
    fn is(&self, object: Object<'_>) -> bool {
        self.kind == object.kind && self.name == object.name && self.sql == object.sql
    }

    /// The statement that drops it. It is leaked, because every other statement is a constant; this
    /// one is made in an upgrade only.
    fn drop(&self) -> &'static str {
        format!("DROP {} \"{}\"", self.kind, self.name.replace('"', "\"\"")).leak()
    }
}
