//! The wallet, `/dashboard/wallet`.

use askama::Template;
use domain::money::Usd;
use domain::top_up::{self, TopUpState};
use store::ledger::WalletEntry;
use store::top_ups::TopUp;
use ui::moment;
use ui::money::MoneyEntry;
use ui::visit::Visit;
use web::api::PageOf;
use web::form::{Form, error_of};
use web::page::{Badge, Field, Frame, Moment, Section, Tone};
use web::text::sentence;
use web::{Kind, Problem};

/// What `wallet.html` shows: the balance, and every entry that led to it.
#[derive(Clone, Debug, Template)]
#[template(path = "wallet/wallet.html")]
pub(crate) struct Wallet {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `$28.75`.
    pub balance: String,
    /// One page of entries, latest first.
    pub entries: Vec<MoneyEntry>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// How to pay money in; `None` where the operator adds it.
    pub paying: Option<Paying>,
}

/// The form that begins a top-up, and those that are not credited yet.
#[derive(Clone, Debug)]
pub(crate) struct Paying {
    /// Hidden field `idempotency_key`, so that sending twice begins one.
    pub idempotency_key: String,
    /// How many dollars; with what is wrong where none was begun.
    pub amount: Field,
    /// The latest top-ups that no entry shows, latest first.
    pub open: Vec<OpenTopUp>,
}

/// A top-up that the wallet was not credited for.
#[derive(Clone, Debug)]
pub(crate) struct OpenTopUp {
    /// When it was begun.
    pub at: Moment,
    /// Such as `$25.00`.
    pub amount: String,
    /// Such as `waits for its payment`.
    pub state: Badge,
    /// The page on which it is paid, while it can be.
    pub url: Option<String>,
}

/// How many of the latest top-ups the page looks at, for those that no entry shows.
pub(crate) const TOP_UPS_SHOWN: u32 = 5;

/// How many entries one page shows.
pub(crate) const ENTRIES_PER_PAGE: u32 = 50;

impl Wallet {
    /// A page of a wallet's entries: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<WalletEntry>) -> Wallet {
        let page = PageOf::new(
            visit.search,
            found,
            ENTRIES_PER_PAGE,
            |entry| entry.id.to_string(),
            MoneyEntry::new,
        );
        Wallet {
            frame: visit.frame("Wallet", Section::Wallet),
            balance: visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance).for_people(),
            entries: page.items,
            next_page: visit.next_page("/dashboard/wallet", page.next_cursor),
            paying: None,
        }
    }

    /// The same where money can be paid in; `latest` are the latest top-ups.
    pub(crate) fn paying(mut self, visit: &Visit<'_>, latest: &[TopUp]) -> Wallet {
        let open = latest.iter().filter_map(|top_up| OpenTopUp::new(visit, top_up));
        self.paying = Some(Paying {
            idempotency_key: visit.request_id.to_owned(),
            amount: Field::default(),
            open: open.collect(),
        });
        self
    }

    /// The same after no top-up was begun. The key stays where it may have worked all the same.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Wallet {
        let error = error_of(&problem.fields, "amount_usd");
        let error = error.unwrap_or_else(|| sentence(&problem.detail));
        if let Some(paying) = &mut self.paying {
            paying.amount = Field::refused(form.text("amount_usd"), error);
            if problem.kind == Kind::PaymentProvider {
                form.text("idempotency_key").clone_into(&mut paying.idempotency_key);
            }
        }
        self
    }
}

impl OpenTopUp {
    /// A top-up that no entry shows; `None` for one that is credited, or was never paid.
    pub(crate) fn new(visit: &Visit<'_>, top_up: &TopUp) -> Option<OpenTopUp> {
        let age = visit.now.seconds_since(top_up.created_at);
        let is_payable = age < top_up::PAYABLE_SECONDS;
        let state = match top_up.state {
            TopUpState::Pending if top_up.url.is_none() => return None,
            TopUpState::Pending => Badge::new("awaiting confirmation", Tone::Warn),
            TopUpState::Refused => {
                Badge::new("a different amount was paid; contact the operator", Tone::Bad)
            }
            TopUpState::Paid | TopUpState::Expired => return None,
        };
        let is_waiting = top_up.state == TopUpState::Pending && is_payable;
        Some(OpenTopUp {
            at: moment::to_the_minute(top_up.created_at),
            amount: top_up.amount.for_people(),
            state,
            url: top_up.url.clone().filter(|_| is_waiting),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::id::RentalId;
    use domain::time::Timestamp;

    use super::*;

    fn entry(kind: &str, micros: i64) -> WalletEntry {
        WalletEntry {
            id: 7,
            kind: kind.to_owned(),
            reason: "bank transfer".to_owned(),
            amount: Usd::from_micros(micros),
            balance_after: Usd::from_micros(1_028_750_000),
            created_at: Timestamp::from_seconds(1_785_326_400),
            rental: Some(RentalId::from_bytes([1; 16])).filter(|_| kind == "rental"),
        }
    }

    #[test]
    fn money_that_came_in_is_told_from_money_that_went() {
        let credit = MoneyEntry::new(&entry("credit", 100_000_000));
        assert_eq!((credit.description.as_str(), credit.url), ("Credit: bank transfer", None));
        assert_eq!((credit.amount.as_str(), credit.is_credit), ("+$100.00", true));
        assert_eq!(credit.balance_after, "$1,028.75");
        let rental = MoneyEntry::new(&entry("rental", -71_250_000));
        assert_eq!((rental.amount.as_str(), rental.is_credit), ("\u{2212}$71.25", false));
        let url = format!("/dashboard/slices/{}", RentalId::from_bytes([1; 16]));
        assert_eq!(rental.url.as_deref(), Some(url.as_str()));
    }
}
