//! Months that were compared with their SLA: the evidence, the credits, and disputes.

use domain::evaluation::parse_words;
use domain::field::FieldError;
use domain::id::RentalId;
use domain::month::Month;
use domain::uptime::{Bandwidth, Uptime};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::disputes::{Dispute, Key};
use store::sla_results::{Cursor, SlaResult};
use web::Problem;
use web::api::CURRENCY;

use crate::ids::rental_id;

/// What somebody says against an SLA result.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeBody {
    /// What was wrong: 1 to 1,000 characters. The other side and the operator read it.
    #[schemars(length(min = 1, max = 1000))]
    pub text: String,
    /// Which of the month's stays, where the rental moved to another node; the last one if left
    /// out.
    #[serde(default, deserialize_with = "web::json::optional_whole")]
    #[schemars(with = "Option<i64>", range(min = 1))]
    pub tenure: Option<i64>,
}

impl DisputeBody {
    /// Reads the text.
    pub fn read(&self) -> Result<String, FieldError> {
        parse_words("text", &self.text)
    }

    /// The stay that is meant, if one is named.
    pub fn tenure(&self) -> Option<u32> {
        self.tenure.map(|tenure| u32::try_from(tenure).unwrap_or(0))
    }
}

/// A month of a rental that was compared with its SLA.
#[derive(Serialize, JsonSchema)]
pub struct SlaResultView {
    /// The rental.
    pub rental_id: String,
    /// Such as `2026-11`, of UTC.
    pub month: String,
    /// Counts the nodes and SLAs that the rental had; 1 for most.
    pub tenure: u32,
    /// Such as `node32_slice_1`.
    pub place: String,
    /// The part of the month that the rental lived there, and was paid for: from when (RFC 3339).
    pub from: String,
    /// Up to when (RFC 3339).
    pub until: String,
    /// The guaranteed uptime, as it was sold, in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth, as it was sold, in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// How long its machines were there, without announced maintenance, in seconds; of several,
    /// together. Null where it had none.
    pub machine_seconds: Option<u64>,
    /// How long of that they could not be used through the farm's side, in seconds.
    pub machine_down_seconds: Option<u64>,
    /// The measured uptime in percent, of the node or of the machines, whichever is lower, rounded
    /// down; null where too little was seen to say.
    pub measured_uptime: Option<f64>,
    /// The average bandwidth in Mbit/s, rounded down; null where too little was seen to say.
    pub measured_bandwidth_mbps: Option<u32>,
    /// How many looks count.
    pub observations: u64,
    /// At how many of them the node was up.
    pub observations_up: u64,
    /// How many looks were left out because of announced maintenance.
    pub observations_excused: u64,
    /// What that part of the month has cost, as decimal text.
    pub price: String,
    /// The share of it that is credited by the published scale, in percent.
    pub credit_percent: u8,
    /// That in money, as decimal text.
    pub credit: String,
    /// What the renter has of it by now, as decimal text.
    pub paid: String,
    /// Whether the credit is still owed, because the farmer's earnings do not suffice yet.
    pub is_owed: bool,
    /// Of every amount here.
    pub currency: &'static str,
    /// When it was evaluated (RFC 3339).
    pub evaluated_at: String,
    /// What was said against it.
    pub disputes: Vec<DisputeView>,
}

impl SlaResultView {
    /// Shows an SLA result.
    pub fn new(sla_result: &SlaResult) -> SlaResultView {
        SlaResultView {
            rental_id: sla_result.subject.rental.to_string(),
            month: sla_result.subject.month.to_string(),
            tenure: sla_result.subject.tenure,
            place: sla_result.subject.place.clone(),
            from: sla_result.from.to_string(),
            until: sla_result.until.to_string(),
            min_uptime: sla_result.sla.uptime.percent(),
            min_bandwidth_mbps: sla_result.sla.bandwidth.mbps(),
            machine_seconds: sla_result.machines.map(|time| time.seconds),
            machine_down_seconds: sla_result.machines.map(|time| time.down_seconds),
            measured_uptime: sla_result.uptime.map(Uptime::percent),
            measured_bandwidth_mbps: sla_result.bandwidth.map(Bandwidth::mbps),
            observations: sla_result.observations.observed,
            observations_up: sla_result.observations.up,
            observations_excused: sla_result.excused,
            price: sla_result.base.to_string(),
            credit_percent: sla_result.percent,
            credit: sla_result.credit.to_string(),
            paid: sla_result.paid.to_string(),
            is_owed: sla_result.is_owed,
            currency: CURRENCY,
            evaluated_at: sla_result.evaluated_at.to_string(),
            disputes: sla_result.disputes.iter().map(DisputeView::new).collect(),
        }
    }
}

/// What somebody said against an SLA result.
#[derive(Serialize, JsonSchema)]
pub struct DisputeView {
    /// Its id.
    pub id: String,
    /// `renter` or `farmer`.
    pub side: &'static str,
    /// What they said.
    pub text: String,
    /// When (RFC 3339).
    pub created_at: String,
    /// When it was decided (RFC 3339); null while it is open.
    pub decided_at: Option<String>,
    /// What the operator said to it; null while it is open.
    pub answer: Option<String>,
    /// What the renter got of the month then, as decimal text; null while it is open.
    pub credit: Option<String>,
}

impl DisputeView {
    /// Shows a dispute.
    pub fn new(dispute: &Dispute) -> DisputeView {
        let decision = dispute.decision.as_ref();
        DisputeView {
            id: dispute.id.to_string(),
            side: dispute.side.into_str(),
            text: dispute.words.clone(),
            created_at: dispute.created_at.to_string(),
            decided_at: decision.map(|decision| decision.at.to_string()),
            answer: decision.map(|decision| decision.answer.clone()),
            credit: decision.map(|decision| decision.credit.to_string()),
        }
    }
}

/// Which SLA result the path is about; what is not one does not exist.
pub fn key(rental: &str, month: &str, tenure: u32) -> Result<Key, Problem> {
    let month = Month::parse(month).ok_or_else(Problem::not_found)?;
    Ok(Key { rental: rental_id(rental)?, month, tenure })
}

/// A place in a farmer's list, as text.
pub fn print_cursor(cursor: Cursor) -> String {
    let Cursor { evaluated_at, rental, month, tenure } = cursor;
    format!("{evaluated_at}.{rental}.{month}.{tenure}")
}

/// Reads a place in a farmer's list.
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let cursor = Cursor {
        evaluated_at: parts.next()?.parse().ok()?,
        rental: RentalId::parse(parts.next()?)?,
        month: Month::parse(parts.next()?)?,
        tenure: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(cursor)
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_printed() {
        let cursor = Cursor {
            evaluated_at: 1_795_367_321,
            rental: RentalId::from_random(Timestamp::from_seconds(5), [7; 10]),
            month: Month::parse("2026-11").unwrap(),
            tenure: 2,
        };
        assert_eq!(parse_cursor(&print_cursor(cursor)), Some(cursor));
        for text in ["", "1", "1.x.2026-11.1", &format!("{}.1", print_cursor(cursor))] {
            assert_eq!(parse_cursor(text), None, "{text}");
        }
    }
}
