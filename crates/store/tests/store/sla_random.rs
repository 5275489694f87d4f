//! A market of random rentals, observations, maintenance and ends: every credit is right to the
//! cent, against a calculation that shares nothing with the code but the published scale's numbers.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::{MaintenanceId, NodeId, RentalId};
use domain::maintenance::Window;
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use proptest::prelude::*;
use store::{Db, RusqliteDb, maintenance, nodes, offering, rentals};

use crate::market::{
    AIDA, Attempt, FARMER, OMAR, OTHER_FARMER, account, assert_sound, attempt, empty, evaluate,
    fund, now, open_account, pass, random, register, rent, rental_id, set_up_nothing_by_hand,
    terms, usd,
};
use crate::observations::{Seen, observe};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// From one observation to the next.
const STEP: i64 = 3 * HOUR;
/// How many observations: 100 days of them.
const STEPS: i64 = 800;
const NODES: [u32; 2] = [71, 72];

/// Random numbers from a seed: `SplitMix64`.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn seconds(&mut self, below: i64) -> i64 {
        i64::try_from(self.roll(u64::try_from(below).unwrap())).unwrap()
    }
}

/// What a rental is, as the test knows it.
struct Rented {
    id: RentalId,
    renter: u32,
    node: u32,
    sla: (i64, i64),
    cents: i64,
    refund_cents: i64,
    from: i64,
    paid_until: i64,
    ended: Option<i64>,
}

#[derive(Default)]
struct Seens {
    /// Node, when, whether up, and the slower direction.
    observations: Vec<(u32, i64, bool, Option<i64>)>,
    /// Node, from, until.
    windows: Vec<(u32, i64, i64)>,
}

struct World {
    db: RusqliteDb,
    dice: Dice,
    rented: Vec<Rented>,
    seen: Seens,
    /// The nodes that the grid did not list at the last look at them.
    unlisted: BTreeSet<u32>,
    /// Since when nodes have been down. None is for a day: that is not paid for, and tested
    /// elsewhere.
    down_since: BTreeMap<u32, Timestamp>,
    now: Timestamp,
}

impl World {
    fn new(seed: u64) -> World {
        let db = empty();
        set_up_nothing_by_hand(&db);
        for number in [FARMER, OTHER_FARMER, OMAR, AIDA] {
            open_account(&db, number);
            fund(&db, number, "100000");
        }
        for (node, farmer) in NODES.into_iter().zip([FARMER, OTHER_FARMER]) {
            register(&db, farmer, node, 9);
        }
        World {
            db,
            dice: Dice(seed),
            rented: vec![],
            seen: Seens::default(),
            unlisted: BTreeSet::new(),
            down_since: BTreeMap::new(),
            now: now(),
        }
    }

    /// Another price and another SLA from now on.
    fn offer(&mut self, node: u32) {
        let farmer = nodes::farmer_of(&self.db, NodeId(node)).unwrap().unwrap();
        let (found, _) = nodes::find(&self.db, farmer, NodeId(node)).unwrap().unwrap();
        let uptime = [0, 9_000, 9_500, 9_900, 9_950, 9_999][self.index(6)];
        let mbps = [0, 50, 200][self.index(3)];
        // Never more than before, for a raise would have to wait.
        let price = found.offer.price.map_or(9_999, |price| price.micros() / 10_000);
        let price = (price - self.dice.seconds(300)).max(101);
        let mut offering = terms(node, None, domain::listing::Listing::Published);
        offering.price = Some(domain::money::Usd::from_micros(price * 10_000));
        offering.min_uptime = Uptime::from_hundredths(uptime).unwrap();
        offering.min_bandwidth = Bandwidth::from_mbps(mbps);
        let version = found.offer.version;
        let done =
            offering::save(&self.db, farmer, NodeId(node), version, &offering, self.now).unwrap();
        assert!(done);
    }

    fn index(&mut self, below: u64) -> usize {
        usize::try_from(self.dice.roll(below)).unwrap()
    }

    fn rent(&mut self) {
        let node = NODES[self.index(2)];
        let renter = [OMAR, AIDA][self.index(2)];
        let term = [Term::Month, Term::Quarter][self.index(2)];
        let number = u32::try_from(self.rented.len()).unwrap() + 100;
        let key = format!("key-{number}");
        let at = self.now.plus_seconds(self.dice.seconds(STEP));
        let attempt = Attempt { id: number, node, term, at, ..attempt(renter, &key) };
        // All may be taken.
        let Ok(rental) = rent(&self.db, attempt) else { return };
        let sla = (rental.min_uptime.hundredths(), i64::from(rental.min_bandwidth.mbps()));
        self.rented.push(Rented {
            id: rental_id(number),
            renter,
            node,
            sla,
            cents: rental.life.periods[0].total.micros() / 10_000,
            refund_cents: 0,
            from: at.seconds(),
            paid_until: rental.life.ends_at.seconds(),
            ended: None,
        });
    }

    /// Ends a rental early.
    fn end(&mut self) {
        let at = self.now.plus_seconds(self.dice.seconds(STEP));
        let running: Vec<usize> = (0..self.rented.len())
            .filter(|nth| {
                let it = &self.rented[*nth];
                it.ended.is_none() && it.paid_until > at.seconds() && it.from < at.seconds()
            })
            .collect();
        if running.is_empty() {
            return;
        }
        let nth = running[self.index(u64::try_from(running.len()).unwrap())];
        let rented = &mut self.rented[nth];
        let ended = rentals::end(&self.db, account(rented.renter), rented.id, None, at).unwrap();
        rented.ended = Some(at.seconds());
        rented.refund_cents = ended.1.micros() / 10_000;
    }

    fn announce(&mut self, number: u32) {
        let node = NODES[self.index(2)];
        let from = self.now.plus_seconds(DAY + self.dice.seconds(20 * DAY));
        let until = from.plus_seconds(60 + self.dice.seconds(8 * HOUR - 60));
        let farmer = nodes::farmer_of(&self.db, NodeId(node)).unwrap().unwrap();
        let window = Window::announce(from, until, "", self.now).unwrap();
        let id = MaintenanceId::from_random(self.now, random(number));
        // It may overlap with another, or be one too many.
        if maintenance::announce(&self.db, farmer, NodeId(node), id, window, self.now).is_ok() {
            self.seen.windows.push((node, from.seconds(), until.seconds()));
        }
    }

    fn observe(&mut self, node: u32, trouble: u64) {
        let seen = match self.dice.roll(1_000) {
            // Nobody looked.
            0..40 => return,
            roll if roll < 40 + trouble => Seen::Down,
            roll if roll < 45 + trouble => Seen::Unhealthy,
            roll if roll < 50 + trouble => Seen::Missing,
            roll if roll < 500 => Seen::Up,
            roll => Seen::Fast(u32::try_from(roll / 5).unwrap()),
        };
        let down_since = self.down_since.get(&node).map_or(0, |at| self.now.seconds_since(*at));
        let seen = if down_since > 20 * HOUR { Seen::Up } else { seen };
        if matches!(seen, Seen::Up | Seen::Fast(_)) {
            self.down_since.remove(&node);
        } else {
            self.down_since.entry(node).or_insert(self.now);
        }
        observe(&self.db, node, self.now, seen);
        if !matches!(seen, Seen::Missing) {
            self.unlisted.remove(&node);
        } else if self.unlisted.insert(node) {
            // An index that lacks a node once says nothing of it.
            return;
        }
        let speed = if let Seen::Fast(mbps) = seen { Some(i64::from(mbps)) } else { None };
        let is_up = matches!(seen, Seen::Up | Seen::Fast(_));
        self.seen.observations.push((node, self.now.seconds(), is_up, speed));
    }

    fn run(&mut self) {
        for node in NODES {
            self.offer(node);
        }
        let mut trouble = [0, 0];
        for step in 0..STEPS {
            self.now = now().plus_seconds(step * STEP);
            for (nth, node) in NODES.into_iter().enumerate() {
                if self.dice.one_in(80) {
                    trouble[nth] = [0, 0, 5, 20, 400][self.index(5)];
                }
                self.observe(node, trouble[nth]);
                if self.dice.one_in(50) {
                    self.offer(node);
                }
            }
            if self.dice.one_in(20) {
                self.rent();
            }
            if self.dice.one_in(90) {
                self.end();
            }
            if self.dice.one_in(60) {
                self.announce(u32::try_from(step).unwrap());
            }
            // The jobs run, though not always.
            if self.dice.one_in(3) {
                let at = self.now.plus_seconds(STEP - 1);
                pass(&self.db, at, 100);
                evaluate(&self.db, at);
            }
        }
        let over = self.now.plus_seconds(200 * DAY);
        pass(&self.db, over, 100);
        evaluate(&self.db, over);
    }
}

/// The first second of the month of an instant, and that of the next.
fn month_of(at: i64) -> (i64, i64) {
    let name = Timestamp::from_seconds(at).date();
    let first = Timestamp::of_day(&format!("{}-01", &name[..7])).unwrap();
    (first.seconds(), first.plus_months(1).seconds())
}

/// What a month is expected to come to: the rental, the month, base and credit in cents.
type Line = (String, String, i64, i64);

fn expected(
    rented: &Rented,
    seen: &Seens,
    evaluated_with_refund: impl Fn(i64) -> bool,
) -> Vec<Line> {
    let mut lines = vec![];
    let end = rented.ended.unwrap_or(i64::MAX).min(rented.paid_until);
    let mut from = rented.from;
    while from < end {
        let (first, next) = month_of(from);
        let until = end.min(next);
        // Eight hours of the month's windows do not count, the first ones.
        let mut allowance = 8 * HOUR;
        let mut spans = vec![];
        let mut windows: Vec<_> =
            seen.windows.iter().filter(|(node, ..)| *node == rented.node).collect();
        windows.sort();
        for (_, start, stop) in windows {
            let (start, stop) = (*start.max(&first), *stop.min(&next));
            let length = (stop - start).clamp(0, allowance);
            allowance -= length;
            spans.push((start, start + length));
        }
        let counted: Vec<_> = seen
            .observations
            .iter()
            .filter(|(node, at, ..)| *node == rented.node && *at >= from && *at < until)
            .filter(|(_, at, ..)| !spans.iter().any(|(start, stop)| start <= at && at < stop))
            .collect();
        let percent = scale(rented.sla, &counted);
        let base = base(rented, from, until, evaluated_with_refund(next));
        // Half a cent goes to the even one.
        let (whole, rest) = (base * percent / 100, base * percent % 100);
        let up = rest > 50 || (rest == 50 && whole % 2 == 1);
        let month = Timestamp::from_seconds(from).date()[..7].to_owned();
        lines.push((rented.id.to_string(), month, base, whole + i64::from(up)));
        from = until;
    }
    lines
}

fn scale(
    (min_uptime, min_mbps): (i64, i64),
    observations: &[&(u32, i64, bool, Option<i64>)],
) -> i64 {
    let all = i64::try_from(observations.len()).unwrap();
    let up = i64::try_from(observations.iter().filter(|(_, _, up, _)| *up).count()).unwrap();
    let speeds: Vec<i64> = observations.iter().filter_map(|(.., speed)| *speed).collect();
    let known = i64::try_from(speeds.len()).unwrap();
    let mut percent = 0;
    if all >= 12 && up * 10_000 < min_uptime * all {
        percent = match () {
            () if up * 100 < 95 * all => 50,
            () if up * 100 < 99 * all => 25,
            () => 10,
        };
    }
    if known >= 12 && speeds.iter().sum::<i64>() < min_mbps * known {
        percent += 10;
    }
    percent
}

/// What the time costs: the price by the second, from the start, in whole cents at both ends.
fn base(rented: &Rented, from: i64, until: i64, with_refund: bool) -> i64 {
    let (cents, end) = match rented.ended {
        Some(ended) if with_refund => {
            (rented.cents - rented.refund_cents, ended.min(rented.paid_until))
        }
        _ => (rented.cents, rented.paid_until),
    };
    let length = i128::from(end - rented.from);
    let up_to = |at: i64| i128::from(cents) * i128::from(at.min(end) - rented.from) / length;
    i64::try_from(up_to(until) - up_to(from)).unwrap()
}

fn check(seed: u64) {
    let mut world = World::new(seed);
    world.run();
    assert_sound(&world.db);
    let sql = "SELECT rental_id, month, base_micros, credit_micros, evaluated_at, paid_micros
                 FROM sla_months ORDER BY rental_id, month";
    let db: &dyn Db = &world.db;
    let rows = db.all::<((String, String), (i64, i64), (i64, i64))>(sql, &[]).unwrap();
    let mut lines = vec![];
    for ((rental, month), (base, credit), (_, paid)) in &rows {
        assert_eq!((base % 10_000, credit % 10_000), (0, 0));
        assert_eq!(paid, credit, "the farmers have earned enough");
        lines.push((rental.clone(), month.clone(), base / 10_000, credit / 10_000));
    }
    let evaluated_at = |rented: &Rented, next: i64| {
        let month = Timestamp::from_seconds(next - 1).date()[..7].to_owned();
        let key = (rented.id.to_string(), month);
        let row = rows.iter().find(|(found, ..)| *found == key);
        let (_, _, (evaluated_at, _)) = row.expect("every month is judged");
        *evaluated_at
    };
    let mut wanted = vec![];
    for rented in &world.rented {
        wanted.extend(expected(rented, &world.seen, |next| {
            rented.ended.is_some_and(|ended| ended <= evaluated_at(rented, next))
        }));
    }
    wanted.sort();
    assert_eq!(lines, wanted, "seed {seed}");
    let credits = lines.iter().filter(|(.., credit)| *credit > 0).count();
    assert!(lines.len() > 30 && credits > 5, "{} {credits}", lines.len());
    // What the renters have got is what left the farmers' earnings.
    let total: i64 = lines.iter().map(|(.., credit)| credit * 10_000).sum();
    let booked = "SELECT coalesce(-sum(e.amount_micros), 0)
                    FROM ledger_entries e
                    JOIN ledger_transactions t ON t.id = e.transaction_id
                    JOIN ledger_accounts a ON a.id = e.ledger_account_id
                   WHERE t.kind = 'sla-credit' AND a.kind = 'earnings'";
    assert_eq!(db.one(booked, &[]), Ok(total));
    assert!(usd("100000").micros() > total);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    #[test]
    fn every_credit_is_right_to_the_cent(seed in any::<u64>()) {
        check(seed);
    }
}
