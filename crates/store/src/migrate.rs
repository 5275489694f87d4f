//! Applies `migrations/` in order, once each and whole.
//!
//! The app migrates itself: real Spin has no step for it. An instance's first connection compares
//! versions with one `SELECT`; what is missing is applied inside of one `BEGIN IMMEDIATE`, so that
//! of many instances and processes one does it and the others wait and find it done.

use domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::db::{Db, StoreError, Value};

/// A file of `migrations/`.
pub struct Migration {
    /// The number in its name, from 1 without gaps.
    pub number: i64,
    /// Its name without number and ending.
    pub name: &'static str,
    /// Its contents.
    pub sql: &'static str,
}

/// Every migration, in order.
pub const MIGRATIONS: [Migration; 24] = [
    Migration {
        number: 1,
        name: "accounts",
        sql: include_str!("../../../migrations/0001_accounts.sql"),
    },
    Migration {
        number: 2,
        name: "ledger",
        sql: include_str!("../../../migrations/0002_ledger.sql"),
    },
    Migration { number: 3, name: "nodes", sql: include_str!("../../../migrations/0003_nodes.sql") },
    Migration {
        number: 4,
        name: "rentals",
        sql: include_str!("../../../migrations/0004_rentals.sql"),
    },
    Migration {
        number: 5,
        name: "security",
        sql: include_str!("../../../migrations/0005_security.sql"),
    },
    Migration { number: 6, name: "audit", sql: include_str!("../../../migrations/0006_audit.sql") },
    Migration { number: 7, name: "mail", sql: include_str!("../../../migrations/0007_mail.sql") },
    Migration {
        number: 8,
        name: "factors",
        sql: include_str!("../../../migrations/0008_factors.sql"),
    },
    Migration {
        number: 9,
        name: "changes",
        sql: include_str!("../../../migrations/0009_changes.sql"),
    },
    Migration {
        number: 10,
        name: "rentals",
        sql: include_str!("../../../migrations/0010_rentals.sql"),
    },
    Migration {
        number: 11,
        name: "event_indexes",
        sql: include_str!("../../../migrations/0011_event_indexes.sql"),
    },
    Migration {
        number: 12,
        name: "ledger_seals",
        sql: include_str!("../../../migrations/0012_ledger_seals.sql"),
    },
    Migration {
        number: 13,
        name: "ledger_months",
        sql: include_str!("../../../migrations/0013_ledger_months.sql"),
    },
    Migration {
        number: 14,
        name: "payments",
        sql: include_str!("../../../migrations/0014_payments.sql"),
    },
    Migration {
        number: 15,
        name: "event_subjects",
        sql: include_str!("../../../migrations/0015_event_subjects.sql"),
    },
    Migration {
        number: 16,
        name: "farms",
        sql: include_str!("../../../migrations/0016_farms.sql"),
    },
    Migration {
        number: 17,
        name: "offering",
        sql: include_str!("../../../migrations/0017_offering.sql"),
    },
    Migration {
        number: 18,
        name: "leaving",
        sql: include_str!("../../../migrations/0018_leaving.sql"),
    },
    Migration {
        number: 19,
        name: "comparison",
        sql: include_str!("../../../migrations/0019_comparison.sql"),
    },
    Migration {
        number: 20,
        name: "revenue",
        sql: include_str!("../../../migrations/0020_revenue.sql"),
    },
    Migration {
        number: 21,
        name: "notices",
        sql: include_str!("../../../migrations/0021_notices.sql"),
    },
    Migration {
        number: 22,
        name: "provisioning",
        sql: include_str!("../../../migrations/0022_provisioning.sql"),
    },
    Migration { number: 23, name: "sync", sql: include_str!("../../../migrations/0023_sync.sql") },
    Migration {
        number: 24,
        name: "levels",
        sql: include_str!("../../../migrations/0024_levels.sql"),
    },
];

/// What the database says of itself: how many migrations were applied, and the last one's number.
/// Fails where the table is not there yet.
const APPLIED: &str = "SELECT number, hash FROM schema_migrations ORDER BY number LIMIT 10000";

/// Whether the table of migrations is there.
const HAS_TABLE: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'";

const CREATE_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS schema_migrations (
        number     INTEGER PRIMARY KEY,
        name       TEXT    NOT NULL,
        -- SHA-256 of the file.
        hash       BLOB    NOT NULL CHECK (length(hash) = 32),
        applied_at INTEGER NOT NULL
    ) STRICT";

/// Records a migration: `?1` number, `?2` name, `?3` hash, `?4` when.
const RECORD: &str =
    "INSERT INTO schema_migrations (number, name, hash, applied_at) VALUES (?1, ?2, ?3, ?4)";

/// Whether the database is just as this program needs it: true if nothing is missing.
pub fn is_current(db: &dyn Db) -> Result<bool, StoreError> {
    Ok(applied(db)? == MIGRATIONS.len())
}

/// Applies what is missing, on a connection that is used for nothing else meanwhile. Returns how
/// many migrations were applied by this call.
pub fn apply(db: &dyn Db, now: Timestamp) -> Result<usize, StoreError> {
    if is_current(db)? {
        return Ok(0);
    }
    db.run("BEGIN IMMEDIATE", &[])?;
    let outcome = apply_missing(db, now).and_then(|count| db.run("COMMIT", &[]).map(|_| count));
    if outcome.is_err() {
        // The first error is the one to tell; a rollback that fails has nothing to add, and the
        // caller drops the connection.
        let _ = db.run("ROLLBACK", &[]);
    }
    outcome
}

fn apply_missing(db: &dyn Db, now: Timestamp) -> Result<usize, StoreError> {
    db.run(CREATE_TABLE, &[])?;
    let done = applied(db)?;
    for migration in &MIGRATIONS[done..] {
        for statement in statements(migration.sql) {
            db.run(statement, &[])?;
        }
        let hash = migration.hash();
        let record =
            [migration.number.into(), migration.name.into(), Value::from(&hash[..]), now.into()];
        db.run(RECORD, &record)?;
    }
    Ok(MIGRATIONS.len() - done)
}

/// How many of `MIGRATIONS` are applied; an error if the database has others.
fn applied(db: &dyn Db) -> Result<usize, StoreError> {
    if !db.one(HAS_TABLE, &[])? {
        return Ok(0);
    }
    let applied: Vec<(i64, Vec<u8>)> = db.all(APPLIED, &[])?;
    let known = MIGRATIONS[MIGRATIONS.len() - 1].number;
    for (index, (number, hash)) in applied.iter().enumerate() {
        let number = *number;
        let migration = MIGRATIONS.get(index).ok_or(StoreError::TooNew { found: number, known })?;
        if number != migration.number || *hash != migration.hash() {
            return Err(StoreError::MigrationChanged { number });
        }
    }
    Ok(applied.len())
}

impl Migration {
    /// SHA-256 of its contents.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.sql).into()
    }
}

/// The statements of a migration. `Db` takes one at a time, and a trigger's body has semicolons of
/// its own; so in `migrations/` a statement ends with a semicolon before an empty line or the end.
pub fn statements(sql: &'static str) -> impl Iterator<Item = &'static str> {
    sql.split(";\n\n").map(|statement| statement.trim().trim_end_matches(';')).filter(|statement| {
        statement.lines().any(|line| !line.trim().is_empty() && !line.trim().starts_with("--"))
    })
}
