//! What was measured against the SLA: a node's record, the months of a rental, a farmer's
//! credits, `/dashboard/farm/credits`, and the operator's page of disputes, `/operator/disputes`.

use domain::evaluation::{DISPUTED_WITHIN_SECONDS, DisputeSide};
use domain::money::Usd;
use domain::time::Timestamp;
use store::disputes::Dispute;
use store::sla_results::SlaResult;
use web::Problem;
use web::form::{Form, sent};
use web::page::{Badge, Fact, Field, Moment, Tone};
use web::text::{counted, grouped};

use crate::moment;
use crate::wording::{bandwidth, uptime};

/// A month of a rental that was compared with its SLA.
#[derive(Clone, Debug)]
pub struct SlaResultRow {
    /// Such as `November 2026`.
    pub month: String,
    /// The slice, such as `node32_slice_1`.
    pub place: String,
    /// Such as `kept`, `credited $2.50` or `not measured`.
    pub outcome: Badge,
    /// The evidence.
    pub facts: Vec<Fact>,
    /// What was said against it, and what the operator said.
    pub remarks: Vec<Remark>,
    /// The form that disputes it, where that can be done.
    pub dispute: Option<DisputeForm>,
}

/// Something that was said about an SLA result.
#[derive(Clone, Debug)]
pub struct Remark {
    /// Who says it, such as `The renter`.
    pub actor: String,
    /// What.
    pub text: String,
    /// When.
    pub at: Moment,
}

/// The form that disputes an SLA result.
#[derive(Clone, Debug)]
pub struct DisputeForm {
    /// Where it posts.
    pub url: String,
    /// The id of its field on the page.
    pub id: String,
    /// Hidden field `tenure`.
    pub tenure: u32,
    /// `text`
    pub text: Field,
}

/// What came of a month.
fn outcome(sla_result: &SlaResult) -> Badge {
    if sla_result.paid > Usd::ZERO {
        Badge::new(format!("credited {}", sla_result.paid.for_people()), Tone::Warn)
    } else if sla_result.is_owed {
        Badge::new(format!("owed {}", sla_result.credit.for_people()), Tone::Bad)
    } else if sla_result.uptime.is_none() {
        Badge::new("not measured", Tone::Plain)
    } else if sla_result.percent > 0 {
        Badge::new("no credit", Tone::Plain)
    } else {
        Badge::new("kept", Tone::Good)
    }
}

fn facts(sla_result: &SlaResult) -> Vec<Fact> {
    let span = |at: Timestamp| moment::to_the_minute(at).text;
    let unknown = || "not enough checks".to_owned();
    let observations = format!(
        "{} of {} up",
        grouped(sla_result.observations.up),
        grouped(sla_result.observations.observed)
    );
    let mut facts = vec![
        Fact::new("From", span(sla_result.from)),
        Fact::new("Until", span(sla_result.until)),
        Fact::new(
            "Uptime",
            format!(
                "{}, guaranteed {}",
                sla_result.uptime.map_or_else(unknown, uptime),
                uptime(sla_result.sla.uptime)
            ),
        ),
        Fact::new("Checks", observations),
        Fact::new(
            "Bandwidth",
            format!(
                "{}, guaranteed {}",
                sla_result.bandwidth.map_or_else(unknown, bandwidth),
                bandwidth(sla_result.sla.bandwidth)
            ),
        ),
        Fact::new("Rental cost", sla_result.base.for_people()),
    ];
    if let Some(machines) = sla_result.machines {
        let minutes = i64::try_from(machines.down_seconds / 60).unwrap_or(i64::MAX);
        facts.insert(4, Fact::new("Machine down", counted(minutes, "minute")));
    }
    if sla_result.excused > 0 {
        facts.push(Fact::new("Checks excluded for maintenance", grouped(sla_result.excused)));
    }
    if sla_result.percent > 0 {
        let credit = format!(
            "{}% of the rental cost: {}",
            sla_result.percent,
            sla_result.credit.for_people()
        );
        facts.push(Fact::new("SLA credit", credit));
    }
    facts
}

fn remarks(dispute: &Dispute) -> Vec<Remark> {
    let actor = match dispute.side {
        DisputeSide::Renter => "Renter",
        DisputeSide::Farmer => "Farmer",
    };
    let mut remarks = vec![Remark {
        actor: actor.to_owned(),
        text: dispute.words.clone(),
        at: moment::to_the_minute(dispute.created_at),
    }];
    if let Some(decision) = &dispute.decision {
        remarks.push(Remark {
            actor: format!("Operator (credit: {})", decision.credit.for_people()),
            text: decision.answer.clone(),
            at: moment::to_the_minute(decision.at),
        });
    }
    remarks
}

impl SlaResultRow {
    pub fn new(sla_result: &SlaResult) -> SlaResultRow {
        SlaResultRow {
            month: sla_result.subject.month.for_people(),
            place: sla_result.subject.place.clone(),
            outcome: outcome(sla_result),
            facts: facts(sla_result),
            remarks: sla_result.disputes.iter().flat_map(remarks).collect(),
            dispute: None,
        }
    }

    /// The same with the form of a side, where it can dispute the month now.
    pub fn for_side(sla_result: &SlaResult, side: DisputeSide, now: Timestamp) -> SlaResultRow {
        let said = sla_result.disputes.iter().any(|dispute| dispute.side == side);
        let is_late = now.seconds_since(sla_result.evaluated_at) > DISPUTED_WITHIN_SECONDS;
        let subject = &sla_result.subject;
        let url = match side {
            DisputeSide::Renter => {
                format!("/dashboard/slices/{}/months/{}", subject.rental, subject.month)
            }
            DisputeSide::Farmer => format!("{CREDITS}/{}/{}", subject.rental, subject.month),
        };
        let form = DisputeForm {
            url: format!("{url}/dispute"),
            id: format!("text-{}-{}-{}", subject.rental, subject.month, subject.tenure),
            tenure: subject.tenure,
            text: Field::default(),
        };
        SlaResultRow {
            dispute: (!said && !is_late).then_some(form),
            ..SlaResultRow::new(sla_result)
        }
    }
}

/// Where the list of a farmer's SLA credits is.
pub const CREDITS: &str = "/dashboard/farm/credits";

/// Puts what was sent, and what is wrong with it, into the form that sent it.
pub fn refuse(months: &mut [SlaResultRow], form: &Form, problem: &Problem, url: &str) {
    let is_it =
        |it: &&mut DisputeForm| it.url == url && it.tenure.to_string() == form.text("tenure");
    let forms = months.iter_mut().filter_map(|month| month.dispute.as_mut());
    for it in forms.filter(is_it) {
        it.text = sent(form, "text", &problem.fields);
    }
}

/// How many months a page of credits, and how many disputes the operator's page has.
pub const CREDITS_PER_PAGE: u32 = 30;
