//! What was measured against what was promised: a node's record, the months of a rental, a farmer's
//! credits, `/dashboard/farm/credits`, and the operator's page of disputes, `/operator/disputes`.

use domain::level::{DISPUTED_WITHIN_SECONDS, DisputeSide};
use domain::money::Usd;
use domain::time::Timestamp;
use store::disputes::Dispute;
use store::levels::Judged;
use web::Problem;
use web::form::{Form, sent};
use web::page::{Badge, Fact, Field, Moment, Tone};
use web::text::grouped;

use crate::moment;
use crate::wording::{bandwidth, uptime};

/// A month of a rental that was compared with its promise.
#[derive(Clone, Debug)]
pub struct JudgedRow {
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

/// Something that was said about a judgement.
#[derive(Clone, Debug)]
pub struct Remark {
    /// Who says it, such as `The renter`.
    pub who: String,
    /// What.
    pub text: String,
    /// When.
    pub at: Moment,
}

/// The form that disputes a judgement.
#[derive(Clone, Debug)]
pub struct DisputeForm {
    /// Where it posts.
    pub url: String,
    /// The id of its field on the page.
    pub id: String,
    /// Hidden field `stay`.
    pub stay: u32,
    /// `text`
    pub text: Field,
}

/// What came of a month.
fn outcome(judged: &Judged) -> Badge {
    if judged.paid > Usd::ZERO {
        Badge::new(format!("credited {}", judged.paid.for_people()), Tone::Warn)
    } else if judged.is_owed {
        Badge::new(format!("owed {}", judged.credit.for_people()), Tone::Bad)
    } else if judged.uptime.is_none() {
        Badge::new("not measured", Tone::Plain)
    } else if judged.percent > 0 {
        Badge::new("no credit", Tone::Plain)
    } else {
        Badge::new("kept", Tone::Good)
    }
}

fn facts(judged: &Judged) -> Vec<Fact> {
    let span = |at: Timestamp| moment::to_the_minute(at).text;
    let unknown = || "not enough checks".to_owned();
    let looks = format!("{} of {} up", grouped(judged.looks.up), grouped(judged.looks.observed));
    let mut facts = vec![
        Fact::new("From", span(judged.from)),
        Fact::new("Until", span(judged.until)),
        Fact::new(
            "Uptime",
            format!(
                "{}, guaranteed {}",
                judged.uptime.map_or_else(unknown, uptime),
                uptime(judged.promise.uptime)
            ),
        ),
        Fact::new("Checks", looks),
        Fact::new(
            "Bandwidth",
            format!(
                "{}, guaranteed {}",
                judged.bandwidth.map_or_else(unknown, bandwidth),
                bandwidth(judged.promise.bandwidth)
            ),
        ),
        Fact::new("Rental cost", judged.base.for_people()),
    ];
    if judged.excused > 0 {
        facts.push(Fact::new("Checks excluded for maintenance", grouped(judged.excused)));
    }
    if judged.percent > 0 {
        let credit =
            format!("{}% of the rental cost: {}", judged.percent, judged.credit.for_people());
        facts.push(Fact::new("SLA credit", credit));
    }
    facts
}

fn remarks(dispute: &Dispute) -> Vec<Remark> {
    let who = match dispute.side {
        DisputeSide::Renter => "Renter",
        DisputeSide::Farmer => "Farmer",
    };
    let mut remarks = vec![Remark {
        who: who.to_owned(),
        text: dispute.words.clone(),
        at: moment::to_the_minute(dispute.created_at),
    }];
    if let Some(decision) = &dispute.decision {
        remarks.push(Remark {
            who: format!("Operator (credit: {})", decision.credit.for_people()),
            text: decision.answer.clone(),
            at: moment::to_the_minute(decision.at),
        });
    }
    remarks
}

impl JudgedRow {
    pub fn new(judged: &Judged) -> JudgedRow {
        JudgedRow {
            month: moment::month(judged.subject.month),
            place: judged.subject.place.clone(),
            outcome: outcome(judged),
            facts: facts(judged),
            remarks: judged.disputes.iter().flat_map(remarks).collect(),
            dispute: None,
        }
    }

    /// The same with the form of a side, where it can dispute the month now.
    pub fn for_side(judged: &Judged, side: DisputeSide, now: Timestamp) -> JudgedRow {
        let said = judged.disputes.iter().any(|dispute| dispute.side == side);
        let is_late = now.seconds_since(judged.judged_at) > DISPUTED_WITHIN_SECONDS;
        let subject = &judged.subject;
        let url = match side {
            DisputeSide::Renter => {
                format!("/dashboard/slices/{}/months/{}", subject.rental, subject.month)
            }
            DisputeSide::Farmer => format!("{CREDITS}/{}/{}", subject.rental, subject.month),
        };
        let form = DisputeForm {
            url: format!("{url}/dispute"),
            id: format!("text-{}-{}-{}", subject.rental, subject.month, subject.stay),
            stay: subject.stay,
            text: Field::default(),
        };
        JudgedRow { dispute: (!said && !is_late).then_some(form), ..JudgedRow::new(judged) }
    }
}

/// Where the list of a farmer's SLA credits is.
pub const CREDITS: &str = "/dashboard/farm/credits";

/// Puts what was sent, and what is wrong with it, into the form that sent it.
pub fn refuse(months: &mut [JudgedRow], form: &Form, problem: &Problem, url: &str) {
    let is_it = |it: &&mut DisputeForm| it.url == url && it.stay.to_string() == form.text("stay");
    let forms = months.iter_mut().filter_map(|month| month.dispute.as_mut());
    for it in forms.filter(is_it) {
        it.text = sent(form, "text", &problem.fields);
    }
}

/// How many months a page of credits, and how many disputes the operator's page has.
pub const CREDITS_PER_PAGE: u32 = 30;
