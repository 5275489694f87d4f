//! Payouts, `/dashboard/farm/payouts`, and the operator's page of them, `/operator/payouts`.

use askama::Template;
use domain::money::Usd;
use domain::payout::{Funds, OPEN_MAX, PROVEN_DAYS, PayoutEvent, PayoutState};
use domain::time::Timestamp;
use store::accounts::Grant;
use store::payouts::{Count, Payout, UnprovenFarm};
use strum::VariantArray;
use ui::moment;
use ui::visit::Visit;
use web::api::PageOf;
use web::form::{Form, error_above, sent};
use web::page::{Badge, Fact, Field, Frame, Moment, Section, Tone};
use web::text::{counted, sentence};
use web::{Kind, Problem};

/// What `payouts.html` shows: what can be paid, the form that asks for it, and what was asked for.
#[derive(Clone, Debug, Template)]
#[template(path = "payouts/payouts.html")]
pub(crate) struct Payouts {
    /// What surrounds the page.
    pub frame: Frame,
    /// What can be paid out now, such as `$45.00`.
    pub balance: String,
    /// What is held back of the earnings, because SLAs were not compared yet or are disputed,
    /// such as `$6.00`; `None` for nothing.
    pub withheld: Option<String>,
    /// What is held back for renters of nodes that leave; `None` for nothing.
    pub leaving: Option<String>,
    /// What was earned with payments by card that are not settled yet; `None` if that is nothing.
    pub unsettled: Option<String>,
    /// What is held because farms are not verified, by farm.
    pub unproven: Vec<UnprovenRow>,
    /// How many days of use release it.
    pub proven_days: u32,
    /// Where it is paid to; `None` where nobody has said so.
    pub address: Option<String>,
    /// Whether a second factor has to be shown first.
    pub is_locked: bool,
    /// Why nothing can be asked for now, as a sentence; `None` where it can.
    pub obstacle: Option<String>,
    /// `amount_usd`
    pub amount: Field,
    /// The least, as a sentence.
    pub hint: String,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
    /// Why nothing was requested, when it is not about the amount.
    pub error: Option<String>,
    /// One page of payouts, the newest first.
    pub payouts: Vec<PayoutRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A farm whose earnings are held until it is verified or was used for a month.
#[derive(Clone, Debug)]
pub(crate) struct UnprovenRow {
    /// Such as `farm 1 (Freefarm)`.
    pub farm: String,
    /// Such as `$41.20`.
    pub held: String,
    /// On how many days it was used.
    pub days: String,
    /// Whether another account has verified it.
    pub is_of_another: bool,
}

/// A payout, as its farmer sees it.
#[derive(Clone, Debug)]
pub(crate) struct PayoutRow {
    /// When it was requested.
    pub at: Moment,
    /// Such as `$25.00`.
    pub amount: String,
    /// Such as `requested` or `failed`.
    pub state: Badge,
    /// Where it is paid to.
    pub address: String,
    /// What else is known, such as the reference of the transfer.
    pub notes: Vec<String>,
    /// Where the button posts that takes the request back.
    pub cancel_url: Option<String>,
}

/// What `operator_payouts.html` shows: the payouts in a state, with what can be done to them.
#[derive(Clone, Debug, Template)]
#[template(path = "payouts/operator_payouts.html")]
pub(crate) struct OperatorPayouts {
    /// What surrounds the page.
    pub frame: Frame,
    /// Every state, with how many are in it.
    pub states: Vec<PayoutStateLink>,
    /// What the list is of, such as `requested`.
    pub state: &'static str,
    /// Whether the table to pay from is of what is shown.
    pub has_export: bool,
    /// Why a payout was left as it is.
    pub error: Option<String>,
    /// One page of payouts, those that wait longest first.
    pub payouts: Vec<OperatorPayoutRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A state of payouts, to look at.
#[derive(Clone, Debug)]
pub(crate) struct PayoutStateLink {
    /// Where it leads.
    pub url: String,
    /// Such as `Requested: 3, $75.00`.
    pub text: String,
    /// Whether it is the one that is shown.
    pub is_chosen: bool,
}

/// A payout, as the operator sees it.
#[derive(Clone, Debug)]
pub(crate) struct OperatorPayoutRow {
    /// Its id.
    pub id: String,
    /// Such as `$25.00`.
    pub amount: String,
    /// Whom it pays.
    pub email: String,
    /// Where it is paid to.
    pub address: String,
    /// What has become of it, such as when it was approved.
    pub facts: Vec<Fact>,
    /// What can be done to it.
    pub actions: Vec<PayoutActionForm>,
}

/// A form that does something to a payout.
#[derive(Clone, Debug)]
pub(crate) struct PayoutActionForm {
    /// Where it posts.
    pub url: String,
    /// What its button says.
    pub text: &'static str,
    /// Its field, if it needs words: name, label and id.
    pub field: Option<ActionField>,
    /// Whether it undoes something.
    pub is_quiet: bool,
}

/// The field of a form that does something to a payout.
#[derive(Clone, Debug)]
pub(crate) struct ActionField {
    /// Its name.
    pub name: &'static str,
    /// What it asks for.
    pub label: &'static str,
    /// Its id on the page.
    pub id: String,
}

/// How many payouts one page shows.
pub(crate) const PAYOUTS_PER_PAGE: u32 = 50;

/// Where the operator's list is.
const LIST: &str = "/operator/payouts";

impl Payouts {
    /// A page of payouts: one more than it holds, if there are more; `min` is the least that is
    /// paid out.
    pub(crate) fn new(
        visit: &Visit<'_>,
        funds: Funds,
        unproven: &[UnprovenFarm],
        min: Usd,
        found: Vec<Payout>,
    ) -> Payouts {
        let grant = visit.viewer.map(|viewer| &viewer.identity.grant);
        let is_strong = matches!(grant, Some(Grant::Session { is_strong: true, .. }));
        let place = |payout: &Payout| payout.life.id.to_string();
        let page = PageOf::new(visit.search, found, PAYOUTS_PER_PAGE, place, PayoutRow::new);
        let least = min.for_people();
        Payouts {
            frame: visit.frame("Payouts", Section::Farm),
            balance: funds.payable().for_people(),
            withheld: some(funds.withheld - funds.leaving),
            leaving: some(funds.leaving),
            unsettled: some(funds.unsettled),
            unproven: unproven.iter().map(UnprovenRow::new).collect(),
            proven_days: PROVEN_DAYS,
            obstacle: obstacle(&funds, min, visit.now),
            amount: Field::new(funds.payable().to_string()),
            address: funds.address,
            is_locked: !is_strong,
            hint: format!("Minimum {least}."),
            idempotency_key: visit.request_id.to_owned(),
            error: None,
            payouts: page.items,
            next_page: visit.next_page("/dashboard/farm/payouts", page.next_cursor),
        }
    }

    /// The same after nothing was requested. The key stays where it may have worked all the same.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Payouts {
        self.amount = sent(form, "amount_usd", &problem.fields);
        self.error = error_above(problem, &["amount_usd"]);
        if problem.kind == Kind::Busy {
            form.text("idempotency_key").clone_into(&mut self.idempotency_key);
        }
        self
    }

    /// The same after a request was not taken back.
    pub(crate) fn not_canceled(mut self, problem: &Problem) -> Payouts {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

/// An amount for people; `None` for nothing.
fn some(amount: Usd) -> Option<String> {
    (amount > Usd::ZERO).then(|| amount.to_cents().for_people())
}

/// Why nothing can be asked for now.
fn obstacle(funds: &Funds, min: Usd, now: Timestamp) -> Option<String> {
    if funds.address.is_none() {
        return Some("Set a payout address first.".to_owned());
    }
    if let Some(until) = funds.waits_until(now) {
        let until = moment::to_the_minute(until).text;
        return Some(format!(
            "Your payout address was changed. You can request payouts from {until} on."
        ));
    }
    if funds.wallet < Usd::ZERO {
        let owed = (-funds.wallet).for_people();
        return Some(format!(
            "Your wallet is {owed} below zero: a card payment was reversed. Add credit first."
        ));
    }
    if funds.open >= OPEN_MAX {
        return Some(format!(
            "You have {OPEN_MAX} payouts in progress. Wait until one is completed."
        ));
    }
    let least = min.for_people();
    let is_held = funds.balance >= min;
    (funds.payable() < min).then(|| {
        if is_held {
            format!("The minimum payout is {least}, and less than that is available now.")
        } else {
            format!("The minimum payout is {least}. You haven't earned that much yet.")
        }
    })
}

fn badge(state: PayoutState) -> Badge {
    let tone = match state {
        PayoutState::Requested | PayoutState::Canceled => Tone::Plain,
        PayoutState::Approved | PayoutState::Sent => Tone::Warn,
        PayoutState::Done => Tone::Good,
        PayoutState::Failed => Tone::Bad,
    };
    Badge::new(state.into_str(), tone)
}

impl UnprovenRow {
    fn new(farm: &UnprovenFarm) -> UnprovenRow {
        let name = Some(&farm.name).filter(|name| !name.is_empty());
        let name = name.map_or_else(String::new, |name| format!(" ({name})"));
        UnprovenRow {
            farm: format!("farm {}{name}", farm.farm),
            held: farm.held.to_cents().for_people(),
            days: counted(farm.days, "day"),
            is_of_another: farm.is_of_another,
        }
    }
}

impl PayoutRow {
    pub(crate) fn new(payout: &Payout) -> PayoutRow {
        let reference = payout.reference.as_ref().map(|it| format!("Transfer: {it}"));
        let note = payout.note.as_ref().map(sentence);
        let finished = payout.finished_at.or(payout.sent_at).or(payout.approved_at);
        let last = finished.map(|at| format!("{} on {}", payout.life.state.into_str(), day(at)));
        let url = format!("/dashboard/farm/payouts/{}/cancel", payout.life.id);
        PayoutRow {
            at: moment::to_the_minute(payout.requested_at),
            amount: payout.life.amount.for_people(),
            state: badge(payout.life.state),
            address: payout.address.clone(),
            notes: [last.map(sentence), reference, note].into_iter().flatten().collect(),
            cancel_url: (payout.life.state == PayoutState::Requested).then_some(url),
        }
    }
}

fn day(at: Timestamp) -> String {
    moment::on_day(at).text
}

impl OperatorPayouts {
    /// The payouts in a state: one more than a page holds, if there are more.
    pub(crate) fn new(
        visit: &Visit<'_>,
        state: PayoutState,
        counts: &[Count],
        found: Vec<Payout>,
    ) -> OperatorPayouts {
        let place = |payout: &Payout| payout.life.id.to_string();
        let page =
            PageOf::new(visit.search, found, PAYOUTS_PER_PAGE, place, OperatorPayoutRow::new);
        let link = |other: PayoutState| {
            let found = counts.iter().find(|count| count.state == other);
            let (payouts, amount) = found.map_or((0, Usd::ZERO), |it| (it.payouts, it.amount));
            let name = sentence(other.into_str());
            let name = name.trim_end_matches('.');
            PayoutStateLink {
                url: format!("{LIST}?state={}", other.into_str()),
                text: format!("{name}: {payouts}, {}", amount.for_people()),
                is_chosen: other == state,
            }
        };
        OperatorPayouts {
            frame: visit.frame("Payouts", Section::Operator),
            states: PayoutState::VARIANTS.iter().copied().map(link).collect(),
            state: state.into_str(),
            has_export: state == PayoutState::Approved,
            error: None,
            payouts: page.items,
            next_page: visit.next_page(LIST, page.next_cursor),
        }
    }

    /// The same after a payout was left as it is.
    pub(crate) fn refused(mut self, problem: &Problem) -> OperatorPayouts {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl OperatorPayoutRow {
    pub(crate) fn new(payout: &Payout) -> OperatorPayoutRow {
        let id = payout.life.id.to_string();
        let at = |label, at: Option<Timestamp>| {
            at.map(|at| Fact::new(label, moment::to_the_minute(at).text))
        };
        let said = |label, words: &Option<String>| words.as_ref().map(|it| Fact::new(label, it));
        let facts = [
            at("Requested", Some(payout.requested_at)),
            at("Approved", payout.approved_at),
            at("Sent", payout.sent_at),
            said("Transfer", &payout.reference),
            at("Finished", payout.finished_at),
            said("Reason", &payout.note),
        ];
        let possible =
            PayoutEvent::VARIANTS.iter().copied().filter(|it| payout.life.state.after(*it).is_ok());
        OperatorPayoutRow {
            amount: payout.life.amount.for_people(),
            email: payout.email.clone(),
            address: payout.address.clone(),
            facts: facts.into_iter().flatten().collect(),
            actions: possible.filter_map(|event| PayoutActionForm::new(&id, event)).collect(),
            id,
        }
    }
}

impl PayoutActionForm {
    /// `None` for what only the farmer does.
    pub(crate) fn new(id: &str, event: PayoutEvent) -> Option<PayoutActionForm> {
        let field = |name, label| Some(ActionField { name, label, id: format!("{name}-{id}") });
        let (name, text, field) = match event {
            PayoutEvent::Approve => ("approve", "Approve", None),
            PayoutEvent::Send => ("send", "Sent", field("reference", "Transfer reference")),
            PayoutEvent::Finish => ("done", "Mark as completed", None),
            PayoutEvent::Fail => ("fail", "Reject payout", field("reason", "Reason")),
            PayoutEvent::Cancel => return None,
        };
        let is_quiet = event == PayoutEvent::Fail;
        Some(PayoutActionForm { url: format!("{LIST}/{id}/{name}"), text, field, is_quiet })
    }
}
