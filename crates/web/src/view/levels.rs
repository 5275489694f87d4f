//! Fills what was measured against what was promised: records, months, credits and disputes.

use domain::confidence::lower_bound;
use domain::id::NodeId;
use domain::level::{DISPUTED_WITHIN_SECONDS, DisputeSide};
use domain::money::Usd;
use domain::outlook::Looks;
use domain::promise::Uptime;
use domain::time::Timestamp;
use store::disputes::{Case, Dispute};
use store::levels::{Cursor, Judged};
use store::looks::{MonthRecord, Record};

use crate::api::PageOf;
use crate::api::levels::print_cursor;
use crate::form::Form;
use crate::page::{
    Badge, CaseRow, Credits, DisputeForm, Fact, Field, JudgedRow, MeasuredRecord, MeasuredRow,
    Node, OperatorDisputes, Remark, Rental, Section, Tone,
};
use crate::problem::Problem;
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::{bandwidth, error_above, grouped, mbps, sent, sentence, uptime};

/// How many months a page of credits, and how many disputes the operator's page has.
pub const CREDITS_PER_PAGE: u32 = 30;
/// How many months of a node its page shows.
pub const MONTHS_PER_NODE: u32 = 6;

/// Where the operator's list is.
const DISPUTES: &str = "/operator/disputes";
/// Where the farmer's list is.
const CREDITS: &str = "/dashboard/farm/credits";

impl Node {
    /// The same with what was measured of it: over a day, over 30 days, and by month.
    #[must_use]
    pub fn with_record(
        mut self,
        node: NodeId,
        [day, thirty]: [Record; 2],
        months: &[MonthRecord],
    ) -> Node {
        let windows = [("Last 24 hours", day), ("Last 30 days", thirty)];
        let mut rows: Vec<MeasuredRow> =
            windows.into_iter().map(|(what, record)| of_record(what, &record)).collect();
        rows.extend(months.iter().map(|it| row(moment::month(it.month), it.looks)));
        let samples_url = format!("/api/marketplace/nodes/{node}/samples");
        self.record = Some(MeasuredRecord { rows, samples_url });
        self
    }
}

fn row(what: String, looks: Looks) -> MeasuredRow {
    let Looks { observed, up } = looks;
    MeasuredRow {
        what,
        uptime: Uptime::measured(up, observed).map_or("No checks".to_owned(), uptime),
        at_least: lower_bound(up, observed).map(uptime).unwrap_or_default(),
        observations: grouped(observed),
        bandwidth: String::new(),
    }
}

fn of_record(what: &str, record: &Record) -> MeasuredRow {
    let slower = record.upload_mbps.min(record.download_mbps);
    let bandwidth = if record.speeds > 0 { mbps(slower) } else { String::new() };
    MeasuredRow { bandwidth, ..row(what.to_owned(), record.looks) }
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
    fn new(judged: &Judged) -> JudgedRow {
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
    fn for_side(judged: &Judged, side: DisputeSide, now: Timestamp) -> JudgedRow {
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

/// Puts what was sent, and what is wrong with it, into the form that sent it.
fn refuse(months: &mut [JudgedRow], form: &Form, problem: &Problem, url: &str) {
    let is_it = |it: &&mut DisputeForm| it.url == url && it.stay.to_string() == form.text("stay");
    let forms = months.iter_mut().filter_map(|month| month.dispute.as_mut());
    for it in forms.filter(is_it) {
        it.text = sent(form, "text", &problem.fields);
    }
}

impl Rental {
    /// The same with the months that were compared with the promise.
    #[must_use]
    pub fn with_months(mut self, visit: &Visit<'_>, judged: &[Judged]) -> Rental {
        let row = |it: &Judged| JudgedRow::for_side(it, DisputeSide::Renter, visit.now);
        self.months = judged.iter().map(row).collect();
        self
    }

    /// The same after a month was not disputed.
    #[must_use]
    pub fn not_disputed(mut self, form: &Form, problem: &Problem, month: &str) -> Rental {
        let url = format!("{}/months/{month}/dispute", self.url);
        refuse(&mut self.months, form, problem, &url);
        self.months_error = error_above(problem, &["text"]);
        self
    }
}

impl Credits {
    /// A page of months for which renters were credited: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Judged>) -> Credits {
        let place = |judged: &Judged| print_cursor(Cursor::after(judged));
        let row = |it: &Judged| JudgedRow::for_side(it, DisputeSide::Farmer, visit.now);
        let page = PageOf::new(found, CREDITS_PER_PAGE, place, row);
        Credits {
            frame: visit.frame("SLA credits", Section::Farm),
            error: None,
            months: page.items,
            next_page: visit.next_page(CREDITS, page.next_cursor),
        }
    }

    /// The same after a month was not disputed.
    #[must_use]
    pub fn not_disputed(mut self, form: &Form, problem: &Problem, path: &str) -> Credits {
        refuse(&mut self.months, form, problem, path);
        self.error = error_above(problem, &["text"]);
        self
    }
}

impl OperatorDisputes {
    /// A page of the disputes that are open: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Case>) -> OperatorDisputes {
        let place = |case: &Case| case.dispute.id.to_string();
        let page = PageOf::new(found, CREDITS_PER_PAGE, place, CaseRow::new);
        OperatorDisputes {
            frame: visit.frame("Disputes", Section::Operator),
            error: None,
            cases: page.items,
            next_page: visit.next_page(DISPUTES, page.next_cursor),
        }
    }

    /// The same after a dispute was not decided.
    #[must_use]
    pub fn refused(mut self, problem: &Problem) -> OperatorDisputes {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl CaseRow {
    fn new(case: &Case) -> CaseRow {
        let id = case.dispute.id.to_string();
        CaseRow {
            judged: JudgedRow::new(&case.judged),
            url: format!("{DISPUTES}/{id}/decide"),
            credit: case.judged.paid.to_string(),
            most: case.judged.base.for_people(),
            id,
        }
    }
}
