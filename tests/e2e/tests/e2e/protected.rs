//! Accounts that nobody else gets into. Tests are named after the items of the table in
//! `SECURITY.md`.

mod audit;
mod by_mail;
mod limits;
mod operators;
mod passwords;
mod sessions;
mod tokens;

use e2e::{Market, PASSWORD};
use serde_json::{Value, json};

/// Email and the password of everybody.
fn credentials(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD })
}

/// What the database says to a query with one column, as text; a row on each line.
fn query(market: &Market, sql: &str) -> String {
    let db = market.open_database();
    let mut statement = db.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
}
