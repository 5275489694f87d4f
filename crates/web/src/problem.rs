//! Every failure that a client can see, and its status. Problem details as of RFC 9457.

mod failures;
mod kind;

use std::fmt::Display;

use domain::field::FieldError;
use serde_json::{Map, Value, json};
use store::StoreError;

pub use self::kind::Kind;
use crate::env::NoKeys;

/// A failure, as it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The stable name.
    pub kind: Kind,
    /// What happened, for people.
    pub detail: String,
    /// The fields that were wrong.
    pub fields: Vec<FieldError>,
    /// Further members of the document, such as `missing`.
    pub extra: Map<String, Value>,
    /// What the operator reads in the log; never sent.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem of this kind with a sentence about this case.
    pub fn new(kind: Kind, detail: impl Display) -> Problem {
        Problem {
            kind,
            detail: detail.to_string(),
            fields: Vec::new(),
            extra: Map::new(),
            cause: None,
        }
    }

    /// A problem of this kind that has nothing to add to its title and advice.
    pub fn plain(kind: Kind) -> Problem {
        Problem::new(kind, format!("{}. {}", kind.title(), kind.advice()))
    }

    /// Nothing there, or nothing that this account may know of.
    pub fn not_found() -> Problem {
        Problem::plain(Kind::NotFound)
    }

    /// A failure of our own, whose cause goes to the log.
    pub fn internal(cause: impl Display) -> Problem {
        Problem { cause: Some(cause.to_string()), ..Problem::plain(Kind::Internal) }
    }

    /// Wrong fields, all of them.
    pub fn fields(fields: Vec<FieldError>) -> Problem {
        let list: Vec<String> = fields
            .iter()
            .map(|wrong| format!("{}: expected {}", wrong.field, wrong.rule))
            .collect();
        Problem { fields, ..Problem::new(Kind::InvalidFields, list.join("; ")) }
    }

    /// The document that is sent. `message` repeats the detail for older clients.
    pub fn document(&self, request_id: &str) -> Value {
        let mut document = json!({
            "type": self.kind.uri(),
            "title": self.kind.title(),
            "status": self.kind.status().as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request_id}"),
            "success": false,
            "message": self.detail,
        });
        if let Some(members) = document.as_object_mut() {
            if !self.fields.is_empty() {
                let field = |wrong: &FieldError| json!({"field": wrong.field, "rule": wrong.rule});
                members.insert("errors".into(), self.fields.iter().map(field).collect());
            }
            members.extend(self.extra.clone());
        }
        document
    }
}

impl From<FieldError> for Problem {
    fn from(wrong: FieldError) -> Problem {
        Problem::fields(vec![wrong])
    }
}

impl From<NoKeys> for Problem {
    fn from(error: NoKeys) -> Problem {
        match error {
            NoKeys::Unset => Problem::plain(Kind::NoEncryptionKeys),
            NoKeys::Wrong(_) => Problem::internal(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let cause = Some(error.to_string());
        match error {
            StoreError::Busy => Problem { cause, ..Problem::plain(Kind::Busy) },
            // Somebody was faster, where no handler expects it: the next try sees it.
            StoreError::Refused(refusal) if refusal.is_race() => {
                Problem { cause, ..Problem::plain(Kind::Busy) }
            }
            StoreError::WrongSchema { .. }
            | StoreError::DevelopmentDatabase
            | StoreError::MigrationChanged { .. }
            | StoreError::UpgradeTooLarge { .. } => {
                Problem { cause, ..Problem::plain(Kind::WrongSchema) }
            }
            StoreError::Refused(_)
            | StoreError::Violation(_)
            | StoreError::Corrupt(_)
            | StoreError::Failed(_) => Problem { cause, ..Problem::plain(Kind::Internal) },
        }
    }
}

impl Problem {
    /// The same with another member of the document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.extra.insert(member.into(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use domain::money::Usd;
    use domain::order::RentError;
    use strum::VariantArray;

    use super::*;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        let mut names: Vec<&str> = Kind::VARIANTS.iter().map(Kind::into_str).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::VARIANTS.len());
    }

    #[test]
    fn each_refusal_to_rent_has_its_status() {
        let usd = Usd::from_micros(1_000_000);
        for (error, status) in [
            (RentError::NoSuchNode, 404),
            (RentError::NoSuchSlice, 404),
            (RentError::NotOffered, 409),
            (RentError::SliceTaken, 409),
            (RentError::NodeDown, 409),
            (RentError::SoldOut { wanted: 1, free: 0 }, 409),
            (RentError::OfferChanged, 409),
            (RentError::AboveMaxPrice { price: usd, max: usd }, 409),
            (RentError::TermNotOffered(3), 409),
            (RentError::OverLimit { slices: 1, max: 1 }, 409),
            (RentError::TooManyHolds(3), 409),
            (RentError::HeldTooOften(3), 409),
            (RentError::OwnSlice, 403),
            (RentError::InsufficientFunds { total: usd, missing: usd }, 402),
            (RentError::OverSpendingLimit { total: usd, left: usd }, 403),
        ] {
            assert_eq!(Problem::from(error).kind.status().as_u16(), status, "{error}");
        }
    }

    #[test]
    fn the_cause_is_never_sent() {
        let problem = Problem::from(StoreError::Failed("no such table: secrets".into()));
        assert_eq!(problem.kind, Kind::Internal);
        assert!(!problem.document("id").to_string().contains("secrets"));
    }

    #[test]
    fn missing_money_is_a_member() {
        let total = Usd::from_micros(71_250_000);
        let problem = Problem::from(RentError::InsufficientFunds { total, missing: total });
        let document = problem.document("id");
        assert_eq!(document["missing"], "71.25");
        assert_eq!(document["top_up"], "/dashboard/wallet");
        assert_eq!(document["success"], false);
        assert_eq!(document["status"], 402);
    }
}
