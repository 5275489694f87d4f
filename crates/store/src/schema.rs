//! The files of `migrations/`: tables, which only go forward, and guards and commands, which are
//! code.

use sha2::{Digest, Sha256};

include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// The schema that this version of the program needs.
pub const SCHEMA: Schema =
    Schema { release: RELEASE, tables: TABLES, guards: GUARDS, commands: COMMANDS };

/// What a database has to be.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// Which of two schemas is the newer one.
    pub release: Release,
    /// Table migrations, in order: each is applied once.
    pub tables: &'static [File],
    /// What holds on each table: the triggers of a table in a file of its name.
    pub guards: &'static [File],
    /// The commands: each a view with its triggers in a file of its name.
    pub commands: &'static [File],
}

impl Schema {
    /// The files that are code, in the order in which they are created.
    pub fn code(&self) -> impl Iterator<Item = &'static File> {
        self.guards.iter().chain(self.commands)
    }
}

/// A line of `migrations/releases`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Rises with every change of the schema.
    pub number: i64,
    /// SHA-256 of `schema.sql`, in hexadecimal.
    pub hash: &'static str,
}

/// A file of `migrations/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Its path there, such as `commands/rent.sql`.
    pub path: &'static str,
    /// Its contents.
    pub sql: &'static str,
}

impl File {
    /// SHA-256 of its contents.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.sql).into()
    }

    /// Its statements, without the comments before them. `Db` takes one at a time, and a trigger
    /// has semicolons inside; so a statement ends with a semicolon before an empty line or the end.
    pub fn statements(&self) -> impl Iterator<Item = &'static str> {
        self.sql.split(";\n\n").map(without_comments).filter(|statement| !statement.is_empty())
    }

    /// The views and triggers that it creates.
    pub fn objects(&self) -> impl Iterator<Item = Object<'static>> {
        self.statements().filter_map(Object::parse)
    }

    /// The files of code that a table migration needs dropped first, because what it does would
    /// drop or break them: from its line `-- drops: guards/nodes.sql commands/rent.sql`. They are
    /// created again afterwards.
    pub fn drops(&self) -> impl Iterator<Item = &'static str> {
        let lines = self.sql.lines().filter_map(|line| line.strip_prefix("-- drops:"));
        lines.flat_map(str::split_whitespace)
    }
}

/// A statement without the comments before it and the semicolon behind it.
fn without_comments(statement: &'static str) -> &'static str {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest.trim_start());
    }
    rest.trim_end().trim_end_matches(';')
}

/// A view or a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    /// `VIEW` or `TRIGGER`.
    pub kind: &'a str,
    /// Its name.
    pub name: &'a str,
    /// The statement that creates it, as SQLite keeps it.
    pub sql: &'a str,
}

impl<'a> Object<'a> {
    /// The view or trigger that a statement creates.
    pub fn parse(sql: &'a str) -> Option<Object<'a>> {
        let mut words = sql.split_whitespace();
        let (create, kind, name) = (words.next()?, words.next()?, words.next()?);
        let is_code = create == "CREATE" && matches!(kind, "VIEW" | "TRIGGER");
        is_code.then_some(Object { kind, name, sql })
    }
}
