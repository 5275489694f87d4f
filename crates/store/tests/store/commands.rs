//! Random commands for the store and for a model of it in memory: they must answer alike.

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::NodeReport;
use domain::offering::Offering;
use domain::order::{Filter, RentRequest, Spread, Wanted};
use domain::payout::{PayoutEvent, PayoutState};
use domain::rental::{RenewError, Renewal};
use domain::term::Term;
use domain::time::Timestamp;
use proptest::prelude::*;
use store::leaving::{self, Destination, LeaveFailure, MoveFailure};
use store::ledger::CreditFailure;
use store::offers::Sort;
use store::payouts::{PayoutAction, RequestFailure};
use store::rentals::{ChangeFailure, RenewalSetter, RentalSettings, SettingsFailure};
use store::renting::{Basis, RentFailure};
use store::transfers::{self, TransferFailure};
use store::{
    RusqliteDb, StoreError, accounts, due, nodes, offering, offers, payouts, quotes, rentals, sync,
};
use strum::VariantArray;

use crate::NO_MACHINES;
use crate::market::{
    Attempt, account, assert_sound, attempt, balance, carries, count, credit, earned, email, empty,
    extend_once, last_week, now, open_account, order_id, order_once, pass, prove_farm, quote_id,
    quote_up_to, rental_id, rental_of, report, set_up_nothing_by_hand, states, terms,
};
use crate::model::{ACCOUNTS, FEE_PERCENT, MICROS, Model, ModelNode, RENTED_MAX, Slot, dollars};
use crate::model_pay::{PAID_ACCOUNTS_MAX, PROVEN_FARMS_MAX};
use crate::model_rent::Asked;
use crate::payouts::{ask_once, payout_id};
use crate::trigger_order::{self, Order};

/// The nodes; the first three are there from the beginning, with four slices each.
const NODES: std::ops::RangeInclusive<u32> = 1..=4;

#[derive(Clone, Debug)]
enum Command {
    Register {
        farmer: u32,
        node: u32,
        slices: u32,
    },
    Offer {
        by: Option<u32>,
        node: u32,
        dollars: Option<i64>,
        listing: Listing,
        kept: u32,
        is_stale: bool,
    },
    Credit {
        to: u32,
        dollars: i64,
        key: u32,
    },
    Quote {
        of: u32,
        request: RentRequest,
        seen: Seen,
        is_held: bool,
    },
    Release {
        of: u32,
        nth: usize,
    },
    Rent {
        renter: u32,
        request: RentRequest,
        seen: Seen,
        key: u32,
    },
    UseQuote {
        nth: usize,
        key: u32,
    },
    Retry {
        nth: usize,
    },
    Extend {
        by: Option<u32>,
        nth: usize,
        term: Term,
        max: Option<i64>,
        key: u32,
    },
    End {
        by: Option<u32>,
        nth: usize,
    },
    Renewal {
        nth: usize,
        renewal: Option<(Term, i64)>,
    },
    Transfer {
        nth: usize,
        to: u32,
    },
    Accept {
        by: Option<u32>,
        nth: usize,
    },
    Wait {
        seconds: i64,
        does_jobs: bool,
    },
    /// Until so many seconds after the end of a rental.
    WaitFor {
        nth: usize,
        seconds: i64,
        does_jobs: bool,
    },
    Sync {
        node: u32,
        slices: u32,
    },
    Miss {
        node: u32,
    },
    Withdraw {
        by: Option<u32>,
        node: u32,
        days: Option<i64>,
    },
    CancelLeave {
        by: Option<u32>,
        node: u32,
    },
    /// To a node, and to a slice of it, where there is one.
    Move {
        by: Option<u32>,
        nth: usize,
        node: u32,
        slice: Option<u32>,
        is_stale: bool,
        /// Whether its node is withdrawn just before, and the other one is cheap.
        is_told: bool,
    },
    AskPayout {
        of: u32,
        dollars: i64,
        key: u32,
    },
    Payout {
        nth: usize,
        event: PayoutEvent,
        by: Option<u32>,
    },
}

/// The version of the offer that a renter says to have seen.
#[derive(Clone, Copy, Debug)]
enum Seen {
    Any,
    Current,
    Former,
}

#[derive(Debug, PartialEq)]
enum Answer {
    Nothing,
    IsDone(Result<bool, StoreError>),
    Credited(Result<String, CreditFailure>),
    Quoted(Result<Usd, RentFailure>),
    Rented(Result<String, RentFailure>),
    Extended(Result<String, ChangeFailure>),
    Ended(Result<Usd, ChangeFailure>),
    Changed(Result<(), SettingsFailure>),
    Offered(Result<bool, TransferFailure>),
    Taken(Result<(), TransferFailure>),
    Renewed(Vec<Option<RenewError>>),
    Withdrawn(Result<(), LeaveFailure>),
    Moved(Result<(u32, Option<u32>), MoveFailure>),
    Asked(Result<String, RequestFailure>),
    Paid(Result<PayoutState, payouts::ChangeFailure>),
}

const NOTHING: (Answer, Answer) = (Answer::Nothing, Answer::Nothing);

fn term() -> impl Strategy<Value = Term> {
    prop_oneof![
        4 => Just(Term::Month), 2 => Just(Term::Quarter), 1 => Just(Term::HalfYear),
        1 => Just(Term::Year),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let spread = prop::sample::select(vec![Spread::Any, Spread::SameNode, Spread::Nodes]);
    prop_oneof![
        3 => (1..5_u32, 0..6_u32)
            .prop_map(|(node, number)| Wanted::Slice(SliceId { node: NodeId(node), number })),
        5 => (1..5_u32, 1..4_u32).prop_map(|(node, count)| Wanted::OfNode(NodeId(node), count)),
        2 => (1..5_u32).prop_map(|node| Wanted::WholeNode(NodeId(node))),
        2 => (1..4_u32, spread).prop_map(|(count, spread)| {
            Wanted::OnMarket { filter: Filter::default(), count, spread }
        }),
    ]
}

fn request() -> impl Strategy<Value = RentRequest> {
    let max = proptest::option::weighted(0.3, 10..60_i64);
    (wanted(), term(), max).prop_map(|(wanted, term, max)| RentRequest {
        wanted,
        term,
        offer_version: None,
        max_price: max.map(dollars),
    })
}

fn seen() -> impl Strategy<Value = Seen> {
    prop_oneof![4 => Just(Seen::Any), 2 => Just(Seen::Current), 1 => Just(Seen::Former)]
}

/// Whoever it belongs to, or somebody else.
fn by() -> impl Strategy<Value = Option<u32>> {
    proptest::option::weighted(0.15, ACCOUNTS)
}

fn wait() -> impl Strategy<Value = Command> {
    let seconds = prop_oneof![
        2 => 0..400_i64, 2 => 0..200_000_i64, 2 => 0..4_000_000_i64, 1 => 0..30_000_000_i64,
    ];
    let does_jobs = || prop::bool::weighted(0.8);
    prop_oneof![
        1 => (seconds, does_jobs())
            .prop_map(|(seconds, does_jobs)| Command::Wait { seconds, does_jobs }),
        1 => (any::<usize>(), -90_000..190_000_i64, does_jobs()).prop_map(
            |(nth, seconds, does_jobs)| Command::WaitFor { nth, seconds, does_jobs }
        ),
    ]
}

fn market_command() -> impl Strategy<Value = Command> {
    let listing = prop_oneof![5 => Just(Listing::Published), 1 => Just(Listing::Paused)];
    let kept = prop_oneof![3 => Just(0_u32), 1 => 0..6_u32];
    let price = prop_oneof![1 => Just(None), 8 => (1..50_i64).prop_map(Some)];
    prop_oneof![
        1 => (ACCOUNTS, NODES, 0..5_u32)
            .prop_map(|(farmer, node, slices)| Command::Register { farmer, node, slices }),
        4 => (by(), NODES, price, listing, kept, prop::bool::weighted(0.1)).prop_map(
            |(by, node, dollars, listing, kept, is_stale)| Command::Offer {
                by, node, dollars, listing, kept, is_stale,
            }
        ),
        3 => (1..6_u32, 1..900_i64, 0..30_u32)
            .prop_map(|(to, dollars, key)| Command::Credit { to, dollars, key }),
        3 => (1..6_u32, 0..6_u32).prop_map(|(node, slices)| Command::Sync { node, slices }),
        1 => (1..5_u32).prop_map(|node| Command::Miss { node }),
        3 => (by(), NODES, proptest::option::of(0..90_i64))
            .prop_map(|(by, node, days)| Command::Withdraw { by, node, days }),
        1 => (by(), NODES).prop_map(|(by, node)| Command::CancelLeave { by, node }),
    ]
}

fn rental_command() -> impl Strategy<Value = Command> {
    let max = || proptest::option::weighted(0.5, 1..60_i64);
    let renewal = proptest::option::weighted(0.9, (term(), 10..60_i64));
    prop_oneof![
        4 => (ACCOUNTS, request(), seen(), prop::bool::weighted(0.7)).prop_map(
            |(of, request, seen, is_held)| Command::Quote { of, request, seen, is_held }
        ),
        1 => (ACCOUNTS, any::<usize>()).prop_map(|(of, nth)| Command::Release { of, nth }),
        8 => (ACCOUNTS, request(), seen(), 0..20_u32).prop_map(
            |(renter, request, seen, key)| Command::Rent { renter, request, seen, key }
        ),
        4 => (any::<usize>(), 0..20_u32).prop_map(|(nth, key)| Command::UseQuote { nth, key }),
        1 => any::<usize>().prop_map(|nth| Command::Retry { nth }),
        4 => (by(), any::<usize>(), term(), max(), 0..20_u32).prop_map(
            |(by, nth, term, max, key)| Command::Extend { by, nth, term, max, key }
        ),
        2 => (by(), any::<usize>()).prop_map(|(by, nth)| Command::End { by, nth }),
        3 => (any::<usize>(), renewal)
            .prop_map(|(nth, renewal)| Command::Renewal { nth, renewal }),
        2 => (any::<usize>(), ACCOUNTS).prop_map(|(nth, to)| Command::Transfer { nth, to }),
        2 => (by(), any::<usize>()).prop_map(|(by, nth)| Command::Accept { by, nth }),
        6 => (by(), any::<usize>(), NODES, proptest::option::weighted(0.3, 0..6_u32), 0..10_u32)
            .prop_map(|(by, nth, node, slice, dice)| {
                let (is_stale, is_told) = (dice == 0, dice % 2 == 1);
                Command::Move { by, nth, node, slice, is_stale, is_told }
            }),
    ]
}

fn payout_command() -> impl Strategy<Value = Command> {
    let event = prop::sample::select(PayoutEvent::VARIANTS);
    prop_oneof![
        2 => (ACCOUNTS, 3..40_i64, 0..20_u32)
            .prop_map(|(of, dollars, key)| Command::AskPayout { of, dollars, key }),
        3 => (any::<usize>(), event, by())
            .prop_map(|(nth, event, by)| Command::Payout { nth, event, by }),
    ]
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => market_command(), 10 => rental_command(), 3 => wait(), 4 => payout_command(),
    ]
}

/// A report of a node that is a farm of its own.
fn farm_report(node: u32) -> NodeReport {
    NodeReport { farm_id: node, ..report(node) }
}

/// The store and its model, and what has been done to both.
struct Both {
    db: RusqliteDb,
    model: Model,
    tried: Vec<(u32, u32, Asked)>,
    now: Timestamp,
    steps: u32,
}

impl Both {
    fn new() -> Both {
        let db = empty();
        set_up_nothing_by_hand(&db);
        ACCOUNTS.for_each(|number| open_account(&db, number));
        let model = Model::default();
        let mut both = Both { db, model, tried: vec![], now: now(), steps: 0 };
        for number in 1..=3 {
            let listing = Listing::Published;
            let price = Some(10 + i64::from(number));
            both.run(Command::Register { farmer: number, node: number, slices: 4 });
            both.run(Command::Offer {
                by: None,
                node: number,
                dollars: price,
                listing,
                kept: 0,
                is_stale: false,
            });
        }
        for number in 1..=PROVEN_FARMS_MAX {
            prove_farm(&both.db, number, number);
        }
        for number in 1..=PAID_ACCOUNTS_MAX {
            accounts::set_payout(&both.db, account(number), "BE71", None, last_week()).unwrap();
        }
        ACCOUNTS.for_each(|to| drop(both.run(Command::Credit { to, dollars: 400, key: 90 + to })));
        both
    }

    /// Does the same to both, and returns both answers.
    #[expect(clippy::too_many_lines, reason = "a list with a line or two for each command")]
    fn run(&mut self, command: Command) -> (Answer, Answer) {
        self.steps += 1;
        self.now = self.now.plus_seconds(1);
        self.model.today = self.now.date();
        let rental = |nth: usize, both: &Both| match both.model.rentals.len() {
            0 => None,
            all => Some(nth % all),
        };
        match command {
            Command::Register { .. }
            | Command::Offer { .. }
            | Command::Credit { .. }
            | Command::Sync { .. }
            | Command::Miss { .. } => self.run_market(command),
            Command::Withdraw { by, node, days } => self.withdraw(by, node, days),
            Command::CancelLeave { by, node } => self.cancel_leave(by, node),
            Command::Quote { of, request, seen, is_held } => {
                let request = self.with_version(request, seen);
                let made =
                    quote_up_to(RENTED_MAX, &self.db, self.steps, of, &request, is_held, self.now);
                let expected = self.model.quote(of, &request, is_held, self.now);
                if expected.is_ok() {
                    self.model.quotes.last_mut().unwrap().id = self.steps;
                }
                (Answer::Quoted(made.map(|quote| quote.total())), Answer::Quoted(expected))
            }
            Command::Release { of, nth } => self.release(of, nth),
            Command::Rent { renter, request, seen, key } => {
                let request = self.with_version(request, seen);
                self.tried.push((renter, key, Asked::Request(request)));
                self.rent(self.tried.len() - 1)
            }
            Command::UseQuote { nth, key } if !self.model.quotes.is_empty() => {
                let quote = nth % self.model.quotes.len();
                let who = self.model.quotes[quote].account;
                self.tried.push((who, key, Asked::Quote(quote)));
                self.rent(self.tried.len() - 1)
            }
            Command::Retry { nth } if !self.tried.is_empty() => self.rent(nth % self.tried.len()),
            Command::UseQuote { .. } | Command::Retry { .. } => NOTHING,
            Command::Extend { by, nth, term, max, key } => match rental(nth, self) {
                Some(rental) => self.extend(by, rental, term, max, key),
                None => NOTHING,
            },
            Command::AskPayout { of, dollars: amount, key } => {
                let asked = ask_once(&self.db, of, self.steps, key, &amount.to_string());
                let withheld = payouts::funds(&self.db, account(of), self.now).unwrap().withheld;
                let amount = dollars(amount);
                let expected = self.model.request_payout(of, self.steps, key, amount, withheld);
                (Answer::Asked(asked), Answer::Asked(expected))
            }
            Command::Payout { nth, event, by } => match self.model.payouts.len() {
                0 => NOTHING,
                all => self.change_payout(nth % all, event, by),
            },
            Command::Wait { seconds, does_jobs } => {
                self.now = self.now.plus_seconds(seconds);
                self.model.today = self.now.date();
                if does_jobs { self.pass() } else { NOTHING }
            }
            Command::WaitFor { nth, seconds, does_jobs } => match rental(nth, self) {
                Some(rental) => {
                    let end = self.model.rentals[rental].ends_at.plus_seconds(seconds);
                    self.now = self.now.max(end);
                    self.model.today = self.now.date();
                    if does_jobs { self.pass() } else { NOTHING }
                }
                None => NOTHING,
            },
            Command::End { nth, .. }
            | Command::Renewal { nth, .. }
            | Command::Transfer { nth, .. }
            | Command::Accept { nth, .. }
            | Command::Move { nth, .. } => match rental(nth, self) {
                Some(rental) => self.run_rental(command, rental),
                None => NOTHING,
            },
        }
    }

    fn run_market(&mut self, command: Command) -> (Answer, Answer) {
        match command {
            Command::Register { farmer, node, slices } => {
                let (report, capacity) = (farm_report(node), carries(slices));
                let (name, farmer_id) = (format!("Node {node}"), account(farmer));
                let done =
                    nodes::register(&self.db, farmer_id, &name, &report, &capacity, self.now);
                let expected = self.model.register(farmer, node, slices);
                (Answer::IsDone(done), Answer::IsDone(Ok(expected)))
            }
            Command::Offer { by, node, dollars: price, listing, kept, is_stale } => {
                let own = self.model.nodes.get(&node).map_or(1, |node| node.farmer);
                let farmer = by.unwrap_or(own);
                let version = self.model.nodes.get(&node).map_or(1, |node| node.version);
                let seen = version - i64::from(is_stale);
                let terms =
                    Offering { withheld_slices: kept, ..terms(node, price.map(dollars), listing) };
                let (id, whose) = (NodeId(node), account(farmer));
                let done = offering::save(&self.db, whose, id, seen, &terms, self.now);
                // The constraint speaks for itself; what it says is not the model's to know.
                let refused = || StoreError::Violation(String::new());
                let done = done.map_err(|_| refused());
                let expected = self.model.offer(farmer, node, price, (listing, kept), is_stale);
                (Answer::IsDone(done), Answer::IsDone(expected.ok_or_else(refused)))
            }
            Command::Credit { to, dollars, key } => {
                let amount = Usd::from_micros(dollars * MICROS);
                let credited = credit(&self.db, to, amount, &format!("credit-{key}"), self.now);
                (Answer::Credited(credited), Answer::Credited(self.model.credit(to, dollars, key)))
            }
            Command::Sync { node, slices } => {
                sync::save_reports(&self.db, &[(farm_report(node), carries(slices))], self.now)
                    .unwrap();
                self.model.carry(node, slices, true);
                NOTHING
            }
            Command::Miss { node } => {
                sync::save_missing(&self.db, &[NodeId(node)], self.now).unwrap();
                self.model.carry(node, 0, false);
                NOTHING
            }
            other => unreachable!("not of the market: {other:?}"),
        }
    }

    fn run_rental(&mut self, command: Command, rental: usize) -> (Answer, Answer) {
        if let Command::Move { is_told: true, node, .. } = command {
            let (withdrawn, expected) = self.withdraw(None, self.model.rentals[rental].node, None);
            assert_eq!(withdrawn, expected);
            let (listing, dollars) = (Listing::Published, Some(10));
            let cheap =
                Command::Offer { by: None, node, dollars, listing, kept: 0, is_stale: false };
            let (offered, expected) = self.run_market(cheap);
            assert_eq!(offered, expected);
        }
        let of = &self.model.rentals[rental];
        let (id, renter) = (rental_id(of.id), of.renter);
        match command {
            Command::End { by, .. } => {
                let who = by.unwrap_or(renter);
                let ended = rentals::end(&self.db, account(who), id, None, self.now);
                let expected = self.model.end(who, rental, self.now);
                (Answer::Ended(ended.map(|(_, refund)| refund)), Answer::Ended(expected))
            }
            Command::Renewal { renewal, .. } => {
                let wish = renewal.map(|(term, max)| (term, dollars(max)));
                let renewal = wish.map(|(term, max_price)| Renewal { term, max_price });
                let own = RentalSettings {
                    name: "mine".into(),
                    labels: vec!["a".into()],
                    renewal,
                    renewal_by: RenewalSetter::Renter,
                    auto_start: false,
                };
                let done = rentals::change_settings(&self.db, account(renter), id, &own);
                self.model.rentals[rental].renewal = wish;
                (Answer::Changed(done), Answer::Changed(Ok(())))
            }
            Command::Transfer { to, .. } => {
                let offered =
                    transfers::offer(&self.db, account(renter), id, &email(to), None, self.now);
                let expected = self.model.offer_transfer(renter, rental, to, self.now);
                (Answer::Offered(offered), Answer::Offered(Ok(expected)))
            }
            Command::Accept { by, .. } => {
                let who = by.or(of.transfer.map(|(to, _)| to)).unwrap_or(renter);
                let taken = transfers::accept(
                    &self.db,
                    account(who),
                    id,
                    RENTED_MAX,
                    &NO_MACHINES,
                    self.now,
                );
                (Answer::Taken(taken), Answer::Taken(self.model.accept(who, rental, self.now)))
            }
            Command::Move { by, node, slice, is_stale, .. } => {
                let who = by.unwrap_or(renter);
                let seen = self.model.nodes.get(&node).map_or(1, |node| node.version);
                let offer_version = seen - i64::from(is_stale);
                let to = Destination { node: NodeId(node), slice, offer_version };
                let moved = leaving::move_rental(&self.db, account(who), id, &to, self.now);
                let moved = moved.map(|rental| (rental.life.node.0, rental.life.slice));
                let expected =
                    self.model.relocate(who, rental, (node, slice), offer_version, self.now);
                (Answer::Moved(moved), Answer::Moved(expected))
            }
            other => unreachable!("not of a rental: {other:?}"),
        }
    }

    fn withdraw(&mut self, by: Option<u32>, node: u32, days: Option<i64>) -> (Answer, Answer) {
        let own = self.model.nodes.get(&node).map_or(1, |node| node.farmer);
        let (farmer, id) = (by.unwrap_or(own), NodeId(node));
        let wanted = days.map(|days| self.now.plus_seconds(days * 86_400));
        let done = leaving::withdraw(&self.db, account(farmer), id, wanted, self.now);
        let expected = self.model.withdraw(farmer, node, days, self.now);
        (Answer::Withdrawn(done), Answer::Withdrawn(expected))
    }

    fn cancel_leave(&mut self, by: Option<u32>, node: u32) -> (Answer, Answer) {
        let own = self.model.nodes.get(&node).map_or(1, |node| node.farmer);
        let farmer = by.unwrap_or(own);
        let done = leaving::cancel_leave(&self.db, account(farmer), NodeId(node), self.now);
        (Answer::IsDone(done), Answer::IsDone(Ok(self.model.cancel_leave(farmer, node))))
    }

    fn change_payout(
        &mut self,
        nth: usize,
        event: PayoutEvent,
        by: Option<u32>,
    ) -> (Answer, Answer) {
        let payout = &self.model.payouts[nth];
        let (id, who) = (payout_id(payout.id), by.unwrap_or(payout.account));
        let action = match event {
            PayoutEvent::Approve => PayoutAction::Approve,
            PayoutEvent::Send => PayoutAction::Send("SEPA"),
            PayoutEvent::Finish => PayoutAction::Finish,
            PayoutEvent::Fail => PayoutAction::Fail("It came back"),
            PayoutEvent::Cancel => PayoutAction::Cancel(account(who)),
        };
        let done = payouts::change(&self.db, id, action, self.now);
        let expected = self.model.change_payout(nth, action, who);
        (Answer::Paid(done.map(|payout| payout.life.state)), Answer::Paid(expected))
    }

    /// The request, with the version that the renter says to have seen of the node.
    fn with_version(&self, request: RentRequest, seen: Seen) -> RentRequest {
        let node = request.wanted.node().and_then(|node| self.model.nodes.get(&node.0));
        let version = node.map_or(1, |node| node.version);
        let offer_version = match seen {
            Seen::Any => None,
            Seen::Current => Some(version),
            Seen::Former => Some(version - 1),
        };
        RentRequest { offer_version, ..request }
    }

    fn release(&mut self, of: u32, nth: usize) -> (Answer, Answer) {
        if let Some(quote) = nth.checked_rem(self.model.quotes.len()) {
            let id = quote_id(self.model.quotes[quote].id);
            quotes::release(&self.db, account(of), id, self.now).unwrap();
            if self.model.quotes[quote].account == of {
                self.model.release(quote, self.now);
            }
        }
        NOTHING
    }

    fn rent(&mut self, index: usize) -> (Answer, Answer) {
        let (renter, key, asked) = self.tried[index].clone();
        let name = format!("key-{key}");
        let attempt = Attempt {
            id: self.steps,
            at: self.now,
            fee_percent: FEE_PERCENT,
            slices_max: RENTED_MAX,
            ..attempt(renter, &name)
        };
        let ordered = match &asked {
            Asked::Request(request) => order_once(&self.db, &attempt, Basis::Request(request)),
            Asked::Quote(quote) => {
                let id = quote_id(self.model.quotes[*quote].id);
                let found = quotes::find(&self.db, account(renter), id).unwrap().unwrap();
                order_once(&self.db, &attempt, Basis::Quote(&found))
            }
            Asked::Extension { .. } => unreachable!("it is extended elsewhere"),
        };
        let expected = self.model.rent(renter, key, &asked, self.steps, self.now);
        (Answer::Rented(ordered), Answer::Rented(expected))
    }

    fn extend(
        &mut self,
        by: Option<u32>,
        rental: usize,
        term: Term,
        max: Option<i64>,
        key: u32,
    ) -> (Answer, Answer) {
        let of = &self.model.rentals[rental];
        let who = by.unwrap_or(of.renter);
        let name = format!("key-{key}");
        let attempt = Attempt {
            id: self.steps,
            term,
            at: self.now,
            fee_percent: FEE_PERCENT,
            ..attempt(who, &name)
        };
        let limit = max.map(|max| max.to_string());
        let extended = extend_once(&self.db, &attempt, rental_id(of.id), limit.as_deref());
        let asked = Asked::Extension { rental, term, max };
        let expected = self.model.extend(who, key, &asked, self.now);
        (Answer::Extended(extended), Answer::Extended(expected))
    }

    /// Everything that time does by itself: the store says in which order it renews.
    fn pass(&mut self) -> (Answer, Answer) {
        let due = due::renewing(&self.db, self.now, 1000).unwrap();
        let of_id = |id| {
            let is_it = |rental: &usize| rental_id(self.model.rentals[*rental].id) == id;
            (0..self.model.rentals.len()).find(is_it).unwrap()
        };
        let due: Vec<_> =
            due.into_iter().map(|notice| (of_id(notice.rental.life.id), notice)).collect();
        let mut which: Vec<usize> = due.iter().map(|(rental, _)| *rental).collect();
        which.sort_unstable();
        assert_eq!(which, self.model.renewing(self.now));
        let (mut renewed, mut expected) = (vec![], vec![]);
        for (nth, (rental, notice)) in (0..).zip(due) {
            // Another wallet may be empty by the time that it is this one's turn.
            let order = order_id(10_000 + self.steps * 100 + nth);
            let why = due::renew(&self.db, &notice, Percent::whole(FEE_PERCENT), order, self.now);
            renewed.push(why.unwrap());
            expected.push(self.model.renew(rental, self.now));
        }
        pass(&self.db, self.now, 1000);
        quotes::release_due(&self.db, self.now).unwrap();
        transfers::sweep(&self.db, self.now).unwrap();
        self.model.pass(self.now);
        (Answer::Renewed(renewed), Answer::Renewed(expected))
    }

    /// Both look the same, and everything that must hold does.
    fn compare(&self) -> Result<(), TestCaseError> {
        assert_sound(&self.db);
        for (number, node) in &self.model.nodes {
            prop_assert_eq!(states(&self.db, *number), node.letters(), "node {}", number);
        }
        for number in ACCOUNTS {
            prop_assert_eq!(balance(&self.db, number), self.model.wallet(number));
            let earnings = self.model.earnings.get(&number).copied().unwrap_or(Usd::ZERO);
            prop_assert_eq!(earned(&self.db, number), earnings);
            let held = format!(
                "SELECT coalesce(sum(micros), 0) FROM unproven_earnings WHERE owner_id = '{}'",
                account(number)
            );
            prop_assert_eq!(count(&self.db, &held), self.model.unproven(number).micros());
        }
        let kept = "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts
                     WHERE kind = 'platform'";
        prop_assert_eq!(count(&self.db, kept), self.model.platform_micros);
        // All money is somewhere: what came in and has not left again is in the other accounts.
        let outside = "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts
                        WHERE kind = 'funding'";
        prop_assert_eq!(count(&self.db, outside), -self.model.inside_micros());
        let all = "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts";
        prop_assert_eq!(count(&self.db, all), 0);
        let held = "SELECT coalesce(sum(a.balance_micros), 0) FROM ledger_accounts a
                      JOIN payouts p ON a.kind = 'escrow' AND a.owner_id = p.id";
        prop_assert_eq!(count(&self.db, held), self.model.held_micros());
        for of in &self.model.rentals {
            let rental = rental_of(&self.db, of.renter, rental_id(of.id));
            let life = rental.life;
            prop_assert_eq!((life.state, life.ends_at), (of.state, of.ends_at));
            prop_assert_eq!((life.price, life.price_until), (of.price, of.price_until));
            prop_assert_eq!(&life.periods, &of.periods);
            let renewal = rental.renewal.map(|renewal| (renewal.term, renewal.max_price));
            prop_assert_eq!(renewal, of.renewal);
            prop_assert_eq!((life.node.0, life.slice), (of.node, of.slice));
            prop_assert_eq!(life.farmer, account(of.farmer));
        }
        let on_offer =
            offers::slices(&self.db, &Filter::default(), Sort::Price, None, 99, now()).unwrap();
        let on_offer: Vec<SliceId> = on_offer.into_iter().map(|(slice, _)| slice).collect();
        prop_assert_eq!(on_offer, self.slices_on_offer());
        Ok(())
    }

    fn slices_on_offer(&self) -> Vec<SliceId> {
        let published = |(_, node): &(&u32, &ModelNode)| node.listing == Listing::Published;
        let mut nodes: Vec<_> = self.model.nodes.iter().filter(published).collect();
        nodes.sort_by_key(|(number, node)| (node.dollars, **number));
        let slices = nodes.into_iter().flat_map(|(number, node)| {
            let numbered = (1..).zip(&node.slices).filter(|(_, slot)| **slot == Slot::Free);
            numbered.map(|(slice, _)| SliceId { node: NodeId(*number), number: slice })
        });
        slices.collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_store_does_as_the_model(
        order in proptest::sample::select(&Order::ALL[..]),
        commands in proptest::collection::vec(command(), 1..60),
    ) {
        let mut both = trigger_order::with(order, Both::new);
        for command in commands {
            let (answer, expected) = both.run(command.clone());
            prop_assert_eq!(answer, expected, "to {:?}", command);
            both.compare()?;
        }
    }
}
