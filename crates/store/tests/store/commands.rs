//! Random commands for the store and for a model of it in memory: they must answer alike.

use std::collections::BTreeMap;

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::term::Term;
use domain::time::Timestamp;
use proptest::prelude::*;
use store::ledger::{Credit, Credited};
use store::offers::{Filter, Sort};
use store::rentals::RentFailure;
use store::{RusqliteDb, StoreError, ledger, nodes, offers, rentals, sync};

use crate::market::{
    Attempt, account, assert_sound, attempt, balance, carries, earned, email, empty, now,
    open_account, rent, report, states, terms,
};
use crate::model::{ACCOUNTS, FEE_PERCENT, MICROS, Model, ModelNode, Tried};

const NODES: std::ops::RangeInclusive<u32> = 1..=3;

#[derive(Clone, Debug)]
enum Command {
    Register { farmer: u32, node: u32, slices: u32 },
    Offer { farmer: u32, node: u32, dollars: Option<i64>, listing: Listing, is_stale: bool },
    Credit { to: u32, dollars: i64, key: u32 },
    Rent { renter: u32, node: u32, slice: Option<u32>, term: Term, seen: Seen, key: u32 },
    Retry { nth: usize },
    Wait { days: i64, ends_max: u32 },
    Sync { node: u32, slices: u32 },
    Miss { node: u32 },
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
    Credited(Credited),
    Rented(Result<(SliceId, Usd, Timestamp), RentFailure>),
}

fn command() -> impl Strategy<Value = Command> {
    let listing = prop_oneof![
        4 => Just(Listing::Published),
        1 => Just(Listing::Paused),
    ];
    let seen = prop_oneof![2 => Just(Seen::Any), 2 => Just(Seen::Current), 1 => Just(Seen::Former)];
    let term = prop_oneof![
        4 => Just(Term::Month), 2 => Just(Term::Quarter), 1 => Just(Term::HalfYear),
        1 => Just(Term::Year),
    ];
    let dollars = prop_oneof![1 => Just(None), 6 => (1..60_i64).prop_map(Some)];
    prop_oneof![
        2 => (ACCOUNTS, NODES, 0..5_u32)
            .prop_map(|(farmer, node, slices)| Command::Register { farmer, node, slices }),
        4 => (ACCOUNTS, NODES, dollars, listing, prop::bool::weighted(0.1)).prop_map(
            |(farmer, node, dollars, listing, is_stale)| Command::Offer {
                farmer, node, dollars, listing, is_stale,
            }
        ),
        3 => (1..6_u32, 1..300_i64, 0..20_u32)
            .prop_map(|(to, dollars, key)| Command::Credit { to, dollars, key }),
        8 => (ACCOUNTS, 1..5_u32, proptest::option::weighted(0.4, 1..6_u32), term, seen, 0..9_u32)
            .prop_map(|(renter, node, slice, term, seen, key)| Command::Rent {
                renter, node, slice, term, seen, key,
            }),
        1 => any::<usize>().prop_map(|nth| Command::Retry { nth }),
        3 => (0..50_i64, 0..4_u32).prop_map(|(days, ends_max)| Command::Wait { days, ends_max }),
        3 => (1..5_u32, 0..6_u32).prop_map(|(node, slices)| Command::Sync { node, slices }),
        1 => (1..5_u32).prop_map(|node| Command::Miss { node }),
    ]
}

/// The store and its model, and what has been done to both.
struct Both {
    db: RusqliteDb,
    model: Model,
    tried: Vec<Tried>,
    now: Timestamp,
    steps: u32,
}

impl Both {
    fn new() -> Both {
        let db = empty();
        ACCOUNTS.for_each(|number| open_account(&db, number));
        Both { db, model: Model::default(), tried: vec![], now: now(), steps: 0 }
    }

    /// Does the same to both, and returns both answers.
    fn run(&mut self, command: Command) -> (Answer, Answer) {
        self.steps += 1;
        self.now = self.now.plus_seconds(1);
        match command {
            Command::Register { farmer, node, slices } => {
                let (report, capacity) = (report(node), carries(slices));
                let (name, farmer_id) = (format!("Node {node}"), account(farmer));
                let done =
                    nodes::register(&self.db, farmer_id, &name, &report, &capacity, self.now);
                (
                    Answer::IsDone(done),
                    Answer::IsDone(Ok(self.model.register(farmer, node, slices))),
                )
            }
            Command::Offer { farmer, node, dollars, listing, is_stale } => {
                self.offer(farmer, node, dollars, listing, is_stale)
            }
            Command::Credit { to, dollars, key } => {
                let credit = Credit {
                    email: &email(to),
                    amount: Usd::from_micros(dollars * MICROS),
                    reason: "Gift",
                    key: &format!("credit-{key}"),
                };
                let credited = ledger::credit(&self.db, &credit, self.now).unwrap();
                (Answer::Credited(credited), Answer::Credited(self.model.credit(to, dollars, key)))
            }
            Command::Rent { renter, node, slice, term, seen, key } => {
                let version = self.model.nodes.get(&node).map_or(1, |node| node.version);
                let seen = match seen {
                    Seen::Any => None,
                    Seen::Current => Some(version),
                    Seen::Former => Some(version - 1),
                };
                self.tried.push(Tried { renter, key, request: (node, slice, term, seen) });
                self.rent(self.tried.len() - 1)
            }
            Command::Retry { nth } if !self.tried.is_empty() => self.rent(nth % self.tried.len()),
            Command::Retry { .. } => (Answer::Nothing, Answer::Nothing),
            Command::Wait { days, ends_max } => {
                self.now = self.now.plus_seconds(days * 86_400);
                rentals::end_due(&self.db, self.now, ends_max).unwrap();
                self.model.end_due(self.now, ends_max);
                (Answer::Nothing, Answer::Nothing)
            }
            Command::Sync { node, slices } => {
                sync::save_reports(&self.db, &[(report(node), carries(slices))], self.now).unwrap();
                self.carry(node, slices)
            }
            Command::Miss { node } => {
                sync::save_missing(&self.db, &[NodeId(node)], self.now).unwrap();
                self.carry(node, 0)
            }
        }
    }

    fn carry(&mut self, node: u32, slices: u32) -> (Answer, Answer) {
        if let Some(node) = self.model.nodes.get_mut(&node) {
            node.capacity = usize::try_from(slices).unwrap();
            node.fit();
        }
        (Answer::Nothing, Answer::Nothing)
    }

    fn offer(
        &mut self,
        farmer: u32,
        node: u32,
        dollars: Option<i64>,
        listing: Listing,
        is_stale: bool,
    ) -> (Answer, Answer) {
        let version = self.model.nodes.get(&node).map_or(1, |node| node.version);
        let seen = version - i64::from(is_stale);
        let terms = terms(node, dollars.map(|dollars| Usd::from_micros(dollars * MICROS)));
        let (id, whose) = (NodeId(node), account(farmer));
        let done = nodes::set(&self.db, whose, id, seen, &terms, listing, self.now);
        // The constraint speaks for itself; what it says is not the model's to know.
        let done = done.map_err(|_| StoreError::Refused(String::new()));
        let expected = match self.model.nodes.get_mut(&node) {
            Some(node) if node.farmer == farmer && !is_stale => {
                if dollars.is_some() {
                    (node.dollars, node.listing) = (dollars, listing);
                    node.version += 1;
                    Ok(true)
                } else {
                    Err(StoreError::Refused(String::new()))
                }
            }
            Some(_) | None => Ok(false),
        };
        (Answer::IsDone(done), Answer::IsDone(expected))
    }

    fn rent(&mut self, index: usize) -> (Answer, Answer) {
        let tried = self.tried[index].clone();
        let (node, slice, term, offer_version) = tried.request;
        let key = format!("key-{}", tried.key);
        let made = rent(
            &self.db,
            Attempt {
                node,
                slice,
                term,
                offer_version,
                id: self.steps,
                at: self.now,
                fee_percent: FEE_PERCENT,
                ..attempt(tried.renter, &key)
            },
        );
        let made = made.map(|rental| (rental.slice, rental.total, rental.ends_at));
        let expected = self.model.rent(&tried, self.now);
        let expected = expected.map(|r| (r.slice, Usd::from_micros(r.total), r.ends_at));
        (Answer::Rented(made), Answer::Rented(expected))
    }

    /// Both look the same, and everything that must hold does.
    fn compare(&self) -> Result<(), TestCaseError> {
        assert_sound(&self.db);
        for (number, node) in &self.model.nodes {
            let slices: String = node.slices.iter().collect();
            prop_assert_eq!(states(&self.db, *number), slices);
        }
        for number in ACCOUNTS {
            let of = |money: &BTreeMap<u32, i64>| money.get(&number).copied().unwrap_or(0);
            prop_assert_eq!(balance(&self.db, number).micros(), of(&self.model.wallets));
            prop_assert_eq!(earned(&self.db, number).micros(), of(&self.model.earnings));
        }
        let on_offer = offers::slices(&self.db, &Filter::default(), Sort::Price, None, 99).unwrap();
        let on_offer: Vec<SliceId> = on_offer.into_iter().map(|(slice, _)| slice).collect();
        prop_assert_eq!(on_offer, self.slices_on_offer());
        Ok(())
    }

    fn slices_on_offer(&self) -> Vec<SliceId> {
        let published = |(_, node): &(&u32, &ModelNode)| node.listing == Listing::Published;
        let mut nodes: Vec<_> = self.model.nodes.iter().filter(published).collect();
        nodes.sort_by_key(|(number, node)| (node.dollars, **number));
        let slices = nodes.into_iter().flat_map(|(number, node)| {
            let numbered = (1..).zip(&node.slices).filter(|(_, state)| **state == 'a');
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
    fn the_store_does_as_the_model(commands in proptest::collection::vec(command(), 1..60)) {
        let mut both = Both::new();
        for command in commands {
            let (answer, expected) = both.run(command.clone());
            prop_assert_eq!(answer, expected, "to {:?}", command);
            both.compare()?;
        }
    }
}
