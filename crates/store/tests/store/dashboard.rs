//! The farmer's dashboard and revenue: figures against what the ledger has been told.

use std::cell::Cell;

use domain::id::NodeId;
use domain::money::Usd;
use domain::month::Month;
use domain::rental::GRACE_SECONDS;
use domain::term::Term;
use store::dashboard::{figures, load, node, nodes};
use store::farm_pages::{self, Credits};
use store::farm_tasks::{self, TaskNodes};
use store::jobs::Agent;
use store::revenue::{Line, by_day, of_farm, of_node};
use store::{Db, Rows, RusqliteDb, StoreError, Value, accounts};

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, SLICES, account, assert_sound, attempt,
    credit_sla, earned, evaluate, fund, market, now, pass, publish, register, rent, slice, usd,
};
use crate::payouts;

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// Two nodes of the farmer, each with a rental of a quarter that began on 22 November 2026.
fn two_nodes() -> RusqliteDb {
    let db = market();
    register(&db, FARMER, 33, 2);
    publish(&db, 33, "10");
    let quarter = Attempt { term: Term::Quarter, ..attempt(OMAR, "a") };
    rent(&db, quarter).unwrap();
    rent(&db, Attempt { node: 33, id: 50, term: Term::Quarter, ..attempt(AIDA, "b") }).unwrap();
    db
}

fn lines(found: Vec<Line>) -> Vec<(String, u32, String)> {
    let show = |line: Line| (line.month.to_string(), line.node.0, line.earned.to_string());
    found.into_iter().map(show).collect()
}

#[test]
fn revenue_is_by_month_node_and_day() {
    let db = two_nodes();
    let day = 86_400;
    // 22 November to 22 February are 92 days; the quarters cost 71.25 and 28.50, and a tenth is
    // the platform's.
    for days in 1..=10 {
        pass(&db, now().plus_seconds(days * day), 10);
    }
    assert_sound(&db);
    let all = of_farm(&db, account(FARMER), month("2026-01"), month("2026-12")).unwrap();
    let by_month: Vec<_> = all.iter().map(|line| line.month.to_string()).collect();
    assert_eq!(by_month, ["2026-12", "2026-12", "2026-11", "2026-11"]);
    let sum = all.iter().fold(Usd::ZERO, |sum, line| sum + line.earned);
    assert_eq!(sum, earned(&db, FARMER));
    // In ten of the 92 days, each total in cents that are over: 7.74 and 3.09 of the whole.
    let parts = [usd("71.25").part(10, 92), usd("28.50").part(10, 92)];
    let near = |one: Usd, other: Usd| (one - other).micros().abs() < 20_000;
    let of = |node: u32| {
        let own = all.iter().filter(|line| line.node.0 == node);
        own.fold(Usd::ZERO, |sum, line| sum + line.earned)
    };
    let share = |usd: Usd| usd.part(9, 10);
    assert!(near(of(NODE), share(parts[0])), "{}", of(NODE));
    assert!(near(of(33), share(parts[1])), "{}", of(33));
    let own = of_node(&db, account(FARMER), NodeId(33), month("2026-12"), month("2026-12"));
    assert_eq!(lines(own.unwrap()), lines(vec![all[0].clone()]));
    assert!(
        of_farm(&db, account(OTHER_FARMER), month("2026-01"), month("2026-12")).unwrap().is_empty()
    );
    let november = figures(&db, account(FARMER), month("2026-11")).unwrap();
    let days: Vec<&str> = november.days.iter().map(|(day, _)| day.as_str()).collect();
    assert_eq!(days.first(), Some(&"2026-11-23"));
    assert_eq!((days.len(), days.last()), (8, Some(&"2026-11-30")));
    let by_day = november.days.iter().fold(Usd::ZERO, |sum, (_, earned)| sum + *earned);
    assert_eq!(by_day, november.money.earned);
}

#[test]
fn what_was_given_back_is_shown_beside_what_was_earned() {
    let db = two_nodes();
    pass(&db, now().plus_seconds(20 * 86_400), 10);
    let rental = store::rentals::of_renter(&db, account(OMAR), store::rentals::Which::All, None, 1);
    let at = now().plus_seconds(20 * 86_400);
    credit_sla(&db, rental.unwrap()[0].life.id, "2.50", "sla", at).unwrap();
    let found = of_node(&db, account(FARMER), NodeId(NODE), month("2026-12"), month("2026-12"));
    assert_eq!(found.unwrap()[0].credited, usd("2.50"));
    let figures = figures(&db, account(FARMER), month("2026-12")).unwrap();
    assert_eq!(figures.money.credited, usd("2.50"));
    assert_eq!(figures.money.balance, figures.money.earned - usd("2.50"));
    assert_sound(&db);
}

#[test]
fn a_dashboard_shows_money_wherever_it_is() {
    let db = two_nodes();
    let now_month = month("2026-11");
    let first = figures(&db, account(FARMER), now_month).unwrap();
    assert_eq!((first.nodes, first.allocated_slices, first.available_slices), (2, 2, SLICES));
    // All of both quarters but the platform's tenth: 64.13 of 71.25, 25.65 of 28.50.
    assert_eq!(first.money.pending, usd("89.78"));
    let end = now().plus_months(3).plus_seconds(GRACE_SECONDS);
    pass(&db, end, 10);
    evaluate(&db, end);
    let last = figures(&db, account(FARMER), month("2027-02")).unwrap();
    assert_eq!((last.money.pending, last.money.balance), (Usd::ZERO, usd("89.78")));
    payouts::one_of_each(&db);
    let paid = payouts::ask(&db, 8, "20").unwrap().life.id;
    for action in [
        store::payouts::PayoutAction::Approve,
        store::payouts::PayoutAction::Send("SEPA"),
        store::payouts::PayoutAction::Finish,
    ] {
        store::payouts::change(&db, paid, action, now()).unwrap();
    }
    let money = figures(&db, account(FARMER), month("2027-02")).unwrap().money;
    assert_eq!((money.paid, money.in_payout, money.balance), (usd("20"), usd("10"), usd("59.78")));
    let page = nodes(&db, account(FARMER), now_month, None, 50).unwrap();
    assert_eq!(page.iter().map(|it| it.slices.len()).collect::<Vec<_>>(), [9, 2]);
    assert!(page.iter().all(|it| it.pending == Usd::ZERO));
}

/// A connection that counts statements.
struct Counted<'a>(&'a RusqliteDb, Cell<u32>);

impl Db for Counted<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        self.1.set(self.1.get() + 1);
        self.0.run(sql, params)
    }
}

#[test]
fn a_farm_of_any_size_is_three_statements() {
    let db = market();
    for node in 100..300 {
        register(&db, FARMER, node, 16);
    }
    let counted = Counted(&db, Cell::new(0));
    let farm = load(&counted, account(FARMER), month("2026-11"), 12, None, 200).unwrap();
    assert_eq!((counted.1.get(), farm.nodes.len(), farm.months.len()), (3, 200, 12));
    assert_eq!((farm.figures.nodes, farm.figures.available_slices), (201, 3_209));
    let behind = farm.nodes.last().map(|it| it.node.offer.node);
    let rest = load(&counted, account(FARMER), month("2026-11"), 12, behind, 200).unwrap();
    assert_eq!((counted.1.get(), rest.nodes.len()), (6, 1));
}

#[test]
fn a_renter_is_seen_as_they_chose() {
    let db = market();
    fund(&db, OMAR, "50");
    let rented = slice(&rent(&db, attempt(OMAR, "key")).unwrap());
    let seen = || {
        let found = node(&db, account(FARMER), month("2026-11"), NodeId(NODE)).unwrap().unwrap();
        let (_, other) = store::nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
        assert_eq!(found.slices, other);
        assert!(found.pending > Usd::ZERO);
        found.slices[usize::try_from(rented).unwrap() - 1].renter.clone().unwrap()
    };
    assert_eq!(seen(), "account3@example.org");
    accounts::set_display_name(&db, account(OMAR), Some("Omar's lab")).unwrap();
    assert_eq!(seen(), "Omar's lab");
    accounts::set_display_name(&db, account(OMAR), None).unwrap();
    assert_eq!(seen(), "account3@example.org");
    assert!(node(&db, account(OTHER_FARMER), month("2026-11"), NodeId(NODE)).unwrap().is_none());
}

#[test]
fn income_by_day_has_every_day() {
    let db = two_nodes();
    for days in 1..=10 {
        pass(&db, now().plus_seconds(days * 86_400), 10);
    }
    let at = now().plus_seconds(10 * 86_400);
    let days = by_day(&db, account(FARMER), 30, at).unwrap();
    let sum = days.iter().fold(Usd::ZERO, |sum, (_, earned)| sum + *earned);
    assert_eq!((days.len(), sum), (30, earned(&db, FARMER)));
    assert_eq!(days.first().unwrap().1, Usd::ZERO);
    assert_eq!(days.last().unwrap().0, at);
    assert!(days[20..].iter().all(|(_, earned)| *earned > Usd::ZERO), "{days:?}");
    assert!(by_day(&db, account(OTHER_FARMER), 2, at).unwrap().iter().all(|it| it.1 == Usd::ZERO));
}

#[test]
fn what_waits_for_a_farmer_is_counted() {
    let db = two_nodes();
    register(&db, FARMER, 40, 2);
    let tasks = || farm_tasks::of(&db, account(FARMER), now()).unwrap();
    let nodes = |count, first| TaskNodes { count, first: Some(NodeId(first)) };
    let first = tasks();
    assert_eq!((first.unpriced, first.without_agent), (nodes(1, 40), nodes(2, NODE)));
    assert_eq!(first.unproven.count, 3);
    assert_eq!((first.down, first.quiet_agent), (TaskNodes::default(), TaskNodes::default()));
    assert!(first.lacks_address && first.token_ends_at.is_none());

    let agent = Agent { farmer: account(FARMER), farm: 1, name: "rack-7", token: None };
    store::jobs::see(&db, &agent, now()).unwrap();
    assert_eq!((tasks().without_agent.count, tasks().quiet_agent.count), (0, 0));
    let later = now().plus_seconds(farm_tasks::AGENT_QUIET_SECONDS + 60);
    let quiet = farm_tasks::of(&db, account(FARMER), later).unwrap().quiet_agent;
    assert_eq!(quiet, nodes(2, NODE));
    let other = farm_tasks::of(&db, account(OTHER_FARMER), now()).unwrap();
    assert_eq!((other.unpriced.count, other.without_agent.count), (0, 0));
}

#[test]
fn a_farms_page_has_what_is_on_the_market() {
    let db = two_nodes();
    register(&db, FARMER, 40, 2);
    let offers = farm_pages::nodes(&db, 1).unwrap();
    let numbers: Vec<u32> = offers.iter().map(|offer| offer.node.0).collect();
    assert_eq!(numbers, [NODE.min(33), NODE.max(33)]);
    let credits = || farm_pages::credits(&db, 1, &offers, now()).unwrap();
    assert_eq!(credits(), Credits { months: 0, paid: Usd::ZERO });
    let ids: Vec<NodeId> = offers.iter().map(|offer| offer.node).collect();
    assert!(farm_pages::prices(&db, &ids, now()).unwrap().is_empty());
    assert!(farm_pages::months(&db, &ids, now()).unwrap().is_empty());
}
