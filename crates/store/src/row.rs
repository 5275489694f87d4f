//! Rows with named fields: the list that makes the columns of a statement also makes the struct.
//!
//! Columns are read by position, because libSQL changes the case of their names.

use domain::account::Scopes;
use domain::evaluation::DisputeSide;
use domain::event::EventKind;
use domain::health::Part;
use domain::id::{
    AccountId, ActionId, DeliveryId, DisputeId, IncidentId, JobId, MailId, MaintenanceId, NodeId,
    OrderId, PayoutId, QuoteId, RentalId, SavedSearchId, SessionId, SliceId, SshKeyId, TokenId,
    TopUpId, WebhookId,
};
use domain::listing::Listing;
use domain::machine::MachineState;
use domain::machine_action::{ActionState, MachineAction};
use domain::money::Usd;
use domain::month::Month;
use domain::node::{NodeStatus, Refusal};
use domain::notification::{Channel, NotificationCategory};
use domain::offering::Locker;
use domain::outlook::Observations;
use domain::payout::PayoutState;
use domain::provisioning::{JobKind, JobState, Step};
use domain::rental::RentalState;
use domain::slice::SliceState;
use domain::term::{Term, Terms};
use domain::time::Timestamp;
use domain::top_up::{Mismatch, ReversalKind, TopUpState};
use domain::uptime::{Bandwidth, Uptime};
use serde::de::DeserializeOwned;

use crate::db::{Db, Row, StoreError, Value};

/// What is read from a row: from one column, or from several in order.
pub trait FromRow: Sized {
    /// How many columns it takes.
    const WIDTH: usize;

    /// Reads its columns, which are the next ones.
    fn from_row(columns: &mut Columns<'_>) -> Result<Self, StoreError>;
}

/// What names its own columns.
pub trait Select: FromRow {
    /// What stands behind `SELECT` or `RETURNING`.
    const COLUMNS: &'static str;
}

/// The columns of a row that are still to be read.
pub struct Columns<'a> {
    values: &'a [Value],
    /// What is read, for errors.
    field: &'static str,
}

impl<'a> Columns<'a> {
    /// Reads a field.
    pub fn field<T: FromRow>(&mut self, name: &'static str) -> Result<T, StoreError> {
        self.field = name;
        T::from_row(self)
    }

    /// Reads the next column; `read` gives `None` for a value of another form.
    fn column<T>(&mut self, read: impl FnOnce(&'a Value) -> Option<T>) -> Result<T, StoreError> {
        let field = self.field;
        let Some((value, rest)) = self.values.split_first() else {
            return Err(StoreError::Corrupt(format!("{field} is missing")));
        };
        self.values = rest;
        read(value).ok_or_else(|| StoreError::Corrupt(format!("{field} holds {}", kind(value))))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Integer(_) => "an integer out of range",
        Value::Text(_) => "a text of another form",
        Value::Blob(_) => "bytes of another form",
    }
}

impl Row {
    /// Reads all columns.
    pub fn read<T: FromRow>(&self) -> Result<T, StoreError> {
        let mut columns = Columns { values: &self.0, field: "a column" };
        let row = T::from_row(&mut columns)?;
        match columns.values.len() {
            0 => Ok(row),
            more => Err(StoreError::Corrupt(format!("{more} columns are not read"))),
        }
    }

    /// Reads the first columns alone.
    pub fn head<T: FromRow>(&self) -> Result<T, StoreError> {
        T::from_row(&mut Columns { values: &self.0, field: "a column" })
    }
}

impl dyn Db + '_ {
    /// Every row of an answer.
    pub fn all<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Vec<T>, StoreError> {
        self.run(sql, params)?.iter().map(Row::read).collect()
    }

    /// The first row of an answer; `None` if there is none.
    pub fn first<T: FromRow>(
        &self,
        sql: &'static str,
        params: &[Value],
    ) -> Result<Option<T>, StoreError> {
        self.run(sql, params)?.first().map(Row::read).transpose()
    }

    /// The row of a statement that always has one.
    pub fn one<T: FromRow>(&self, sql: &'static str, params: &[Value]) -> Result<T, StoreError> {
        self.first(sql, params)?.ok_or_else(|| StoreError::Corrupt("a row is missing".into()))
    }

    /// Whether a row comes back.
    pub fn has_row(&self, sql: &'static str, params: &[Value]) -> Result<bool, StoreError> {
        Ok(!self.run(sql, params)?.is_empty())
    }
}

/// Makes a struct whose fields name their columns, such as `pub id: RentalId = "r.id"`. A field
/// without a text has the columns of its type. `impl` does the same for a struct that exists.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$doc:meta])* $field_vis:vis $field:ident: $type:ty $(= $sql:expr)?),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$doc])* $field_vis $field: $type),+
        }
        $crate::row::row! { impl $name { $($field: $type $(= $sql)?),+ } }
    };
    (impl $name:ty { $($field:ident: $type:ty $(= $sql:expr)?),+ $(,)? }) => {
        $crate::row::fields! { $name { $($field: $type),+ } }

        impl $crate::row::Select for $name {
            const COLUMNS: &'static str =
                constcat::concat!($(", ", $crate::row::columns!($type $(, $sql)?)),+)
                    .split_at(", ".len())
                    .1;
        }
    };
}
pub(crate) use row;

/// The columns of a field: its text, or those of its type.
macro_rules! columns {
    ($type:ty) => {
        <$type as $crate::row::Select>::COLUMNS
    };
    ($type:ty, $sql:expr) => {
        $sql
    };
}
pub(crate) use columns;

/// Reads a struct from the columns of its fields, in the order of this list.
macro_rules! fields {
    ($name:ty { $($field:ident: $type:ty),+ $(,)? }) => {
        impl $crate::row::FromRow for $name {
            const WIDTH: usize = 0 $(+ <$type as $crate::row::FromRow>::WIDTH)+;

            fn from_row(
                columns: &mut $crate::row::Columns<'_>,
            ) -> Result<Self, $crate::db::StoreError> {
                Ok(Self {
                    $($field: columns.field::<$type>(
                        concat!(stringify!($name), ".", stringify!($field))
                    )?),+
                })
            }
        }
    };
}
pub(crate) use fields;

/// A statement that reads rows of a type: `select!(Rental, "FROM rentals r WHERE …")`.
macro_rules! select {
    ($row:ty $(, $rest:expr)* $(,)?) => {
        constcat::concat!("SELECT ", <$row as $crate::row::Select>::COLUMNS, " " $(, $rest)*)
    };
}
pub(crate) use select;

/// A change that answers rows of a type: `returning!("UPDATE jobs SET …", Leased)`.
macro_rules! returning {
    ($change:expr, $row:ty) => {
        constcat::concat!($change, " RETURNING ", <$row as $crate::row::Select>::COLUMNS)
    };
}
pub(crate) use returning;

/// Reads types from one column each, which holds an integer, text or bytes.
macro_rules! column {
    ($($type:ty: $kind:ident($read:expr)),+ $(,)?) => {$(
        impl $crate::row::FromRow for $type {
            const WIDTH: usize = 1;

            fn from_row(
                columns: &mut $crate::row::Columns<'_>,
            ) -> Result<Self, $crate::db::StoreError> {
                columns.$kind($read)
            }
        }
    )+};
}
pub(crate) use column;

/// Reads enums from columns that hold their names.
macro_rules! names {
    ($($type:ty),+ $(,)?) => {
        $crate::row::column! { $($type: text(|name| name.parse().ok())),+ }
    };
}
pub(crate) use names;

impl Columns<'_> {
    /// Reads a column that holds an integer.
    pub(crate) fn integer<T>(
        &mut self,
        read: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.column(|value| if let Value::Integer(value) = value { read(*value) } else { None })
    }

    /// Reads a column that holds text.
    pub(crate) fn text<T>(
        &mut self,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.column(|value| if let Value::Text(value) = value { read(value) } else { None })
    }

    /// Reads a column that holds bytes.
    pub(crate) fn blob<T>(
        &mut self,
        read: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.column(|value| if let Value::Blob(value) = value { read(value) } else { None })
    }
}

column! {
    i64: integer(Some),
    u8: integer(|value| value.try_into().ok()),
    u16: integer(|value| value.try_into().ok()),
    u32: integer(|value| value.try_into().ok()),
    u64: integer(|value| value.try_into().ok()),
    bool: integer(|value| [false, true].get(usize::try_from(value).ok()?).copied()),
    Timestamp: integer(|value| Some(Timestamp::from_seconds(value))),
    Usd: integer(|value| Some(Usd::from_micros(value))),
    NodeId: integer(|value| value.try_into().ok().map(NodeId)),
    Uptime: integer(Uptime::from_hundredths),
    Bandwidth: integer(|value| value.try_into().ok().map(Bandwidth::from_mbps)),
    Term: integer(|value| Term::from_months(value).ok()),
    Terms: integer(Terms::from_bits),
    String: text(|value| Some(value.to_owned())),
    AccountId: text(AccountId::parse),
    ActionId: text(ActionId::parse),
    DeliveryId: text(DeliveryId::parse),
    DisputeId: text(DisputeId::parse),
    IncidentId: text(IncidentId::parse),
    JobId: text(JobId::parse),
    MailId: text(MailId::parse),
    MaintenanceId: text(MaintenanceId::parse),
    Month: text(Month::parse),
    OrderId: text(OrderId::parse),
    PayoutId: text(PayoutId::parse),
    QuoteId: text(QuoteId::parse),
    RentalId: text(RentalId::parse),
    SavedSearchId: text(SavedSearchId::parse),
    Scopes: text(|value| Scopes::parse(value.split(' ')).ok()),
    SessionId: text(SessionId::parse),
    SshKeyId: text(SshKeyId::parse),
    TokenId: text(TokenId::parse),
    TopUpId: text(TopUpId::parse),
    WebhookId: text(WebhookId::parse),
    Vec<String>: text(|value| serde_json::from_str(value).ok()),
    Vec<u8>: blob(|value| Some(value.to_owned())),
    [u8; 32]: blob(|value| value.try_into().ok()),
}

names! {
    ActionState,
    Channel,
    DisputeSide,
    Part,
    EventKind,
    JobKind,
    JobState,
    Listing,
    Locker,
    MachineAction,
    MachineState,
    Mismatch,
    NodeStatus,
    NotificationCategory,
    PayoutState,
    Refusal,
    RentalState,
    ReversalKind,
    SliceState,
    Step,
    TopUpState,
}

fields! { SliceId { node: NodeId, number: u32 } }
fields! { Observations { observed: u64, up: u64 } }

/// `None` where the first column is NULL.
impl<T: FromRow> FromRow for Option<T> {
    const WIDTH: usize = T::WIDTH;

    fn from_row(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        if columns.values.first() == Some(&Value::Null) {
            columns.values = columns.values.get(T::WIDTH..).unwrap_or_default();
            return Ok(None);
        }
        T::from_row(columns).map(Some)
    }
}

impl<T: Select> Select for Option<T> {
    const COLUMNS: &'static str = T::COLUMNS;
}

impl<A: FromRow, B: FromRow> FromRow for (A, B) {
    const WIDTH: usize = A::WIDTH + B::WIDTH;

    fn from_row(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok((A::from_row(columns)?, B::from_row(columns)?))
    }
}

impl<A: FromRow, B: FromRow, C: FromRow> FromRow for (A, B, C) {
    const WIDTH: usize = A::WIDTH + B::WIDTH + C::WIDTH;

    fn from_row(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok((A::from_row(columns)?, B::from_row(columns)?, C::from_row(columns)?))
    }
}

/// An item of a list that a statement gives in one column, as a JSON array. Its first value is its
/// key: lists are in the order of keys.
pub(crate) trait FromJson: Sized {
    /// Its form in JSON.
    type Json: DeserializeOwned + Ord;

    /// Reads it; `None` if it is of another form.
    fn from_json(json: Self::Json) -> Option<Self>;
}

impl<T: FromJson> FromRow for Vec<T> {
    const WIDTH: usize = 1;

    fn from_row(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        columns.text(|text| {
            let mut list: Vec<T::Json> = serde_json::from_str(text).ok()?;
            list.sort_unstable();
            list.into_iter().map(T::from_json).collect()
        })
    }
}

impl FromJson for u32 {
    type Json = u32;

    fn from_json(json: u32) -> Option<u32> {
        Some(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    row! {
        #[derive(Debug, PartialEq)]
        struct Named {
            id: NodeId = "n.id",
            free: Free,
            slice: Option<SliceId> = "s.node_id, s.number",
            name: Option<String> = "n.name",
        }
    }

    row! {
        #[derive(Debug, PartialEq)]
        struct Free {
            is_up: bool = "n.is_up",
        }
    }

    fn named(values: [Value; 5]) -> Result<Named, StoreError> {
        Row(values.to_vec()).read()
    }

    #[test]
    fn one_list_makes_the_columns_and_the_struct() {
        let expected = "SELECT n.id, n.is_up, s.node_id, s.number, n.name FROM nodes n";
        assert_eq!(select!(Named, "FROM nodes n"), expected);
        let returning = returning!("UPDATE nodes SET name = ?1", Free);
        assert_eq!(returning, "UPDATE nodes SET name = ?1 RETURNING n.is_up");
        let found = named([32_u32.into(), true.into(), Value::Null, Value::Null, "x".into()]);
        let name = Some("x".to_owned());
        let free = Free { is_up: true };
        assert_eq!(found, Ok(Named { id: NodeId(32), free, slice: None, name }));
    }

    #[test]
    fn a_value_of_another_form_is_corrupt_and_named() {
        let check = |values: [Value; 5], expected: &str| {
            assert_eq!(named(values), Err(StoreError::Corrupt(expected.to_owned())));
        };
        let id = || Value::from(32_u32);
        check([Value::Null, id(), id(), id(), id()], "Named.id holds NULL");
        check([(-1_i64).into(), id(), id(), id(), id()], "Named.id holds an integer out of range");
        check([id(), id(), id(), id(), id()], "Free.is_up holds an integer out of range");
        check([id(), true.into(), id(), Value::Null, id()], "SliceId.number holds NULL");
        let bytes = Value::Blob(vec![1]);
        check([id(), true.into(), id(), id(), bytes], "Named.name holds bytes of another form");
    }

    #[test]
    fn every_column_is_read() {
        let row = |count: usize| Row(vec![Value::from(1_u32); count]);
        let corrupt = |what: &str| Some(StoreError::Corrupt(what.to_owned()));
        assert_eq!(row(2).read(), Ok((1_i64, 1_i64)));
        assert_eq!(row(2).head(), Ok(1_i64));
        assert_eq!(row(2).read::<i64>().err(), corrupt("1 columns are not read"));
        assert_eq!(row(1).read::<(i64, i64)>().err(), corrupt("a column is missing"));
    }

    #[test]
    fn a_list_is_in_the_order_of_its_keys() {
        let row = |json: &str| Row(vec![json.into()]);
        let id = |end: char| format!("018f0000-0000-7000-8000-00000000000{end}");
        let found: Result<Vec<WebhookId>, _> =
            row(&format!(r#"["{}","{}"]"#, id('2'), id('1'))).read();
        let expected = ['1', '2'].map(|end| WebhookId::parse(&id(end)).unwrap());
        assert_eq!(found, Ok(expected.to_vec()));
        let corrupt = Err(StoreError::Corrupt("a column holds a text of another form".into()));
        assert_eq!(row("[1]").read::<Vec<WebhookId>>(), corrupt);
    }
}
