//! A year of the marketplace: the real components, the host's clock moved, and a grid whose
//! outages come from a seed, as do those of its index and of the machines of a farm with an agent.
//! Every credit is right to the cent, nothing ends twice, and the books are right.

mod agent;
mod machines;
mod reckoning;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use domain::time::Timestamp;
use e2e::{Client, MORNING, Market, Random};
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

use agent::Agent;
use reckoning::{Life, Month, Observation, Paid, Seen, Window};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// From one run of the jobs to the next; the market does it every five minutes.
const STEP: i64 = 6 * HOUR;
const STEPS: i64 = 365 * DAY / STEP;
/// People act between two runs, and never in the second of one.
const LATER: i64 = HOUR / 2;
/// Each node with its farmer, of whom the first has an agent.
const NODES: [(u32, usize); 7] =
    [(32, 0), (600, 0), (11, 1), (17, 1), (4002, 1), (7001, 1), (7002, 1)];
/// The first of them are rented; the others are there so that the index is seen to stand still.
const RENTED: usize = 3;
/// The one of them that is rented as a whole.
const WHOLE: u32 = 600;
/// A node of the grid that nobody has registered, and that is always up.
const BEACON: u32 = 1;
/// So many nodes were up, at least, where all of them going down is the index.
const INDEX_NODES_MIN: usize = 5;
const FARMERS: [&str; 2] = ["farmer@example.org", "other-farmer@example.org"];
const RENTERS: [&str; 3] = ["ada@example.org", "ben@example.org", "cleo@example.org"];

/// How a node does in a month: how many of a thousand looks find it in trouble, and its speed.
#[derive(Clone, Copy)]
struct Mood {
    trouble: u32,
    mbps: Option<u32>,
}

/// What the grid says of a node.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Up(Option<u32>),
    Down,
    Standby,
    Unhealthy,
    Unlisted,
    /// A document that nobody can use.
    Garbled,
}

/// What of a node that is dead is still there.
#[derive(Clone, Copy)]
enum Outlived {
    /// Its machines: the grid is wrong.
    Machines,
    /// Their host, which cannot reach them.
    Host,
    Nothing,
}

/// A rental, as the one who rented it knows it.
struct Rented {
    id: String,
    renter: usize,
    node: u32,
    /// Several of a whole node.
    slices: usize,
    /// Hundredths of a percent, and Mbit/s.
    sla: (i64, i64),
    canceled: Option<i64>,
}

struct World {
    market: Market,
    random: Random,
    farmers: Vec<Client>,
    renters: Vec<Client>,
    documents: BTreeMap<u32, Value>,
    moods: BTreeMap<u32, Mood>,
    /// The nodes that the grid did not list when it was last asked.
    unlisted: BTreeSet<u32>,
    /// The nodes that the market knows to be up.
    up: BTreeSet<u32>,
    /// The nodes that are dead, and until when.
    dead: BTreeMap<u32, Outlived>,
    dead_until: BTreeMap<u32, i64>,
    /// Until when the grid's index stands still, and since when it has.
    still_until: i64,
    index_at: i64,
    agent: Agent,
    slas: BTreeMap<u32, (i64, i64)>,
    seen: Seen,
    rented: Vec<Rented>,
    /// When the jobs run, and what the market's clock says.
    now: i64,
    market_time: i64,
    tally: Tally,
}

/// What the year has had.
#[derive(Default)]
struct Tally {
    /// Runs in which the index stood still.
    still: usize,
    /// Nodes that were said to be down while a machine answered.
    wrong: usize,
}

/// An amount of money, in cents.
fn cents(amount: &Value) -> i64 {
    amount.as_str().unwrap().replace('.', "").parse().unwrap()
}

fn seconds(time: &Value) -> i64 {
    Timestamp::parse(time.as_str().unwrap()).unwrap().seconds()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

impl World {
    async fn new(seed: u64) -> World {
        let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
        let url = grid.url();
        let variables = [("gridproxy_urls", url.as_str()), ("limit_factor", "10000")];
        let market = Market::start_with(grid, variables).await;
        // What reports, and when, is part of the year.
        market.grid.stand_still();
        let (mut farmers, mut renters) = (vec![], vec![]);
        let mut sessions = vec![];
        for email in FARMERS {
            let session = market.sign_up(email).await;
            farmers.push(session.token(&["read", "farm"]).await);
            sessions.push(session);
        }
        for email in RENTERS {
            let renter = market.sign_up_with(email, "50000").await;
            agent::add_key(&renter).await;
            renters.push(renter.token(&["read", "rent"]).await);
        }
        let recorded = std::fs::read(gridproxy::recorded("server_list_all.json")).unwrap();
        let recorded: Vec<Value> = serde_json::from_slice(&recorded).unwrap();
        let mut documents = BTreeMap::new();
        for (node, farmer) in NODES {
            farmers[farmer].publish(node, "20").await;
            let document = recorded.iter().find(|it| it["nodeId"] == node).unwrap();
            documents.insert(node, document.clone());
        }
        let agent = market.agent_token(&sessions[0], NODES[0].0).await;
        let agent = Agent::new(market.visitor().with_token(&agent));
        let mut world = World {
            market,
            random: Random::new(seed),
            farmers,
            renters,
            documents,
            moods: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            up: NODES.map(|(node, _)| node).into(),
            dead: BTreeMap::new(),
            dead_until: BTreeMap::new(),
            still_until: 0,
            index_at: MORNING,
            agent,
            slas: NODES.map(|(node, _)| (node, (0, 0))).into(),
            seen: Seen::default(),
            rented: vec![],
            now: MORNING,
            market_time: MORNING,
            tally: Tally::default(),
        };
        // From now on the farm has an agent.
        world.work().await;
        world
    }

    fn set_clock(&mut self, at: i64) {
        self.market_time = at;
        self.market.set_clock(at);
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.below(count) == 0
    }

    fn seconds_below(&mut self, below: i64) -> i64 {
        i64::from(self.random.below(u32::try_from(below).unwrap()))
    }

    fn any_node(&mut self) -> (u32, usize) {
        *self.random.one_of(&NODES[..RENTED])
    }

    /// One run of the jobs, with the weather of the grid; or none, for the host is away.
    async fn run(&mut self) {
        let said: Vec<(u32, Says)> =
            NODES.iter().map(|(node, _)| (*node, self.weather(*node))).collect();
        if self.now >= self.still_until && self.up.len() >= INDEX_NODES_MIN && self.one_in(60) {
            self.still_until = self.now + HOUR + self.seconds_below(3 * DAY);
        }
        let chance = self.random.below(100);
        if chance < 3 {
            return;
        }
        self.report_machines().await;
        self.set_clock(self.now);
        if chance < 5 {
            let fault = Fault::new(Effect::Status { code: 500 });
            self.market.grid.set_fault(fault).await.unwrap();
            self.fire().await;
            self.market.grid.clear_fault().await;
        } else if self.now < self.still_until {
            self.stand_still();
            self.fire().await;
            self.tally.still += 1;
        } else {
            self.go_on(&said).await;
        }
        self.seen.runs.push(self.now);
    }

    /// A run in which the index of the grid is what it should be.
    async fn go_on(&mut self, said: &[(u32, Says)]) {
        for (node, says) in said {
            self.say(*node, *says);
        }
        assert!(self.market.grid.patch_node(BEACON, json!({ "updatedAt": self.now })));
        self.index_at = self.now;
        self.fire().await;
        for (node, says) in said {
            let is_wrong =
                !matches!(says, Says::Up(_) | Says::Garbled) && self.answers(*node).await;
            self.look(*node, *says, is_wrong);
        }
    }

    /// The index of the grid says that all nodes are down, for it hears of none any more.
    fn stand_still(&self) {
        for (node, document) in &self.documents {
            let mut document = document.clone();
            document["updatedAt"] = json!(self.index_at);
            document["status"] = json!("down");
            assert!(self.market.grid.put_node(*node, document));
        }
    }

    /// Time does what it does, and the grid is asked.
    async fn fire(&self) {
        for component in ["clock", "grid-sync"] {
            self.market.fire(component).await.unwrap();
        }
    }

    /// What becomes of a node.
    fn weather(&mut self, node: u32) -> Says {
        if !self.moods.contains_key(&node) || self.one_in(150) {
            let trouble = *self.random.one_of(&[0, 8, 25, 40, 300]);
            let mbps = *self.random.one_of(&[None, Some(40), Some(90), Some(150), Some(300)]);
            self.moods.insert(node, Mood { trouble, mbps });
        }
        let mood = self.moods[&node];
        if self.one_in(120) {
            let long = DAY / 2 + self.seconds_below(4 * DAY);
            self.dead_until.insert(node, self.now + long);
            let outlived = [Outlived::Machines, Outlived::Host, Outlived::Nothing];
            self.dead.insert(node, *self.random.one_of(&outlived));
        }
        if self.dead_until.get(&node).is_some_and(|until| self.now < *until) {
            return Says::Down;
        }
        self.dead.remove(&node);
        if self.random.below(1_000) >= mood.trouble {
            let mbps = mood.mbps.map(|mbps| mbps - 20 + self.random.below(40));
            return Says::Up(mbps);
        }
        let states =
            [Says::Down, Says::Down, Says::Standby, Says::Unhealthy, Says::Unlisted, Says::Garbled];
        *self.random.one_of(&states)
    }

    /// Lets the grid say so.
    fn say(&self, node: u32, says: Says) {
        if says == Says::Unlisted {
            self.market.grid.remove_node(node);
            return;
        }
        let mut document = self.documents[&node].clone();
        document["updatedAt"] = json!(self.now);
        match says {
            Says::Up(Some(mbps)) => {
                // Mbit/s are whole, and the slower direction counts.
                let slow = u64::from(mbps) * 1_000_000 + 999_999;
                document["speed"] = json!({ "upload": slow, "download": slow + 50_000_000 });
            }
            Says::Up(None) => document["speed"] = json!({ "upload": 0, "download": 0 }),
            Says::Down => document["status"] = json!("down"),
            Says::Standby => document["status"] = json!("standby"),
            Says::Unhealthy => document["healthy"] = json!(false),
            Says::Garbled => document["total_resources"] = json!("many"),
            Says::Unlisted => {}
        }
        assert!(self.market.grid.put_node(node, document));
    }

    /// What the market must make of it. Where the grid is wrong, because a machine answers, it is
    /// no observation, but the node is not down.
    fn look(&mut self, node: u32, says: Says, is_wrong: bool) {
        let at = self.now;
        if is_wrong {
            self.tally.wrong += 1;
            let look = Observation { node, at, is_up: true, counts: false, mbps: None };
            self.seen.observations.push(look);
            return;
        }
        let (is_up, mbps) = match says {
            Says::Up(mbps) => (true, mbps.map(i64::from)),
            // That it is not listed once says nothing of it, and a document nobody can read nothing
            // at all.
            Says::Unlisted if self.unlisted.insert(node) => {
                self.up.remove(&node);
                return;
            }
            Says::Garbled => return,
            Says::Down | Says::Standby | Says::Unhealthy | Says::Unlisted => (false, None),
        };
        if says != Says::Unlisted {
            self.unlisted.remove(&node);
        }
        if is_up {
            self.up.insert(node);
        } else {
            self.up.remove(&node);
        }
        self.seen.observations.push(Observation { node, at, is_up, counts: true, mbps });
    }

    /// What people do between two runs.
    async fn act(&mut self) {
        self.now += LATER;
        self.set_clock(self.now);
        if self.one_in(18) {
            self.offer().await;
        }
        if self.one_in(10) {
            self.rent().await;
        }
        if self.one_in(20) {
            self.renew().await;
        }
        if self.one_in(30) {
            self.extend().await;
        }
        if self.one_in(30) {
            self.cancel().await;
        }
        if self.one_in(40) {
            self.announce().await;
        }
        if self.one_in(25) {
            self.shut_down().await;
        }
        self.now -= LATER;
    }

    /// Another price, and another SLA.
    async fn offer(&mut self) {
        let (node, farmer) = self.any_node();
        let uptime = *self.random.one_of(&[0, 9_000, 9_500, 9_900, 9_950, 9_999]);
        let mbps = *self.random.one_of(&[0, 50, 100, 200, 300]);
        let price = 1_000 + self.random.below(1_500);
        let mut terms = json!({
            "price_per_month": format!("{}.{:02}", price / 100, price % 100),
            "min_uptime": format!("{}.{:02}", uptime / 100, uptime % 100),
            "min_bandwidth_mbps": mbps,
        });
        let path = format!("/api/farm/nodes/node{node}");
        let mut answer = self.farmers[farmer].patch(&path, &terms).await;
        if answer.status == 409 {
            let problem = answer.problem(409, "sla-above-measured");
            terms["confirm_cost_per_month"] = problem["cost_per_month"].clone();
            answer = self.farmers[farmer].patch(&path, &terms).await;
        }
        answer.ok(200);
        self.slas.insert(node, (uptime, mbps));
    }

    async fn rent(&mut self) {
        let (node, _) = self.any_node();
        let renter = self.random.below(3) as usize;
        let months = *self.random.one_of(&[1, 1, 1, 3]);
        let wish = json!({ "node_id": format!("node{node}"), "duration_months": months });
        let is_whole = node == WHOLE;
        let what = if is_whole { "node" } else { "slice" };
        let path = format!("/api/marketplace/rent-{what}");
        let answer = self.renters[renter].post(&path, &wish).await;
        if answer.status == 409 {
            // It is down, or sold out.
            return;
        }
        let ordered = answer.ok(201);
        let rental = if is_whole { &ordered["rentals"][0] } else { &ordered["rental"] };
        let slices = usize::try_from(rental["slices"].as_u64().unwrap()).unwrap();
        let sla = self.slas[&node];
        assert_eq!(rental["min_bandwidth_mbps"], sla.1);
        let id = text(&rental["id"]);
        self.rented.push(Rented { id, renter, node, slices, sla, canceled: None });
        self.work().await;
    }

    /// One that may be running.
    fn any_rented(&mut self) -> Option<usize> {
        let running: Vec<usize> =
            (0..self.rented.len()).filter(|nth| self.rented[*nth].canceled.is_none()).collect();
        let recent = &running[running.len().saturating_sub(30)..];
        (!recent.is_empty()).then(|| *self.random.one_of(recent))
    }

    async fn renew(&mut self) {
        let Some(nth) = self.any_rented() else { return };
        let Rented { id, renter, .. } = &self.rented[nth];
        let months = *self.random.one_of(&[1, 3]);
        let wish = json!({ "auto_renew": { "duration_months": months, "max_price": "40" } });
        let answer = self.renters[*renter].patch(&format!("/api/rentals/{id}"), &wish).await;
        assert!(matches!(answer.status, 200 | 409), "{answer}");
    }

    async fn extend(&mut self) {
        let Some(nth) = self.any_rented() else { return };
        let Rented { id, renter, .. } = &self.rented[nth];
        let wish = json!({ "duration_months": 1, "max_price": "40" });
        let path = format!("/api/rentals/{id}/extend");
        let answer = self.renters[*renter].post(&path, &wish).await;
        assert!(matches!(answer.status, 201 | 409), "{answer}");
    }

    async fn cancel(&mut self) {
        let Some(nth) = self.any_rented() else { return };
        let Rented { id, renter, .. } = &self.rented[nth];
        let path = format!("/api/rentals/{id}/cancel");
        let answer = self.renters[*renter].post_empty(&path).await;
        if answer.status == 409 {
            answer.problem(409, "rental-ended");
        } else {
            answer.ok(200);
            self.rented[nth].canceled = Some(self.now);
            self.work().await;
        }
    }

    async fn announce(&mut self) {
        let (node, farmer) = self.any_node();
        let from = self.now + DAY + self.seconds_below(20 * DAY);
        let until = from + HOUR + self.seconds_below(7 * HOUR);
        let time = |at: i64| Timestamp::from_seconds(at).to_string();
        let window = json!({ "starts_at": time(from), "ends_at": time(until) });
        let path = format!("/api/farm/nodes/node{node}/maintenance");
        let answer = self.farmers[farmer].post(&path, &window).await;
        // It may overlap with another, or be one too many.
        if answer.status != 409 {
            answer.ok(201);
            self.seen.windows.push(Window { node, from, until });
        }
    }

    async fn play(&mut self) {
        for step in 0..STEPS {
            self.now = MORNING + STEP * step;
            self.run().await;
            if step % (DAY / STEP) == 0 {
                self.market.fire("mailer").await.unwrap();
                self.market.fire("notifier").await.unwrap();
            }
            self.act().await;
            if step % (30 * DAY / STEP) == 0 {
                self.market.check_invariants().await;
            }
        }
        // Everything works again, and what is due by then is done.
        let up: Vec<(u32, Says)> = NODES.map(|(node, _)| (node, Says::Up(None))).into();
        self.dead.clear();
        for step in STEPS..STEPS + 8 {
            self.now = MORNING + STEP * step;
            if step == STEPS {
                self.mend_machines().await;
            }
            self.set_clock(self.now);
            self.go_on(&up).await;
            self.seen.runs.push(self.now);
        }
    }

    /// What became of a rental, and what of it the market has evaluated.
    async fn life_of(&self, rented: &Rented, client: &Client) -> (Life, Value) {
        let path = format!("/api/rentals/{}", rented.id);
        let rental = client.get(&path).await.ok(200);
        let term = |it: &Value| Paid {
            from: seconds(&it["starts_at"]),
            until: seconds(&it["ends_at"]),
            cents: cents(&it["total_cost"]),
            refunded: cents(&it["refunded"]),
        };
        let terms: Vec<Paid> = rental["terms"].as_array().unwrap().iter().map(term).collect();
        let ended = (rental["status"] == "ended").then(|| seconds(&rental["ended_at"]));
        let life = Life {
            rental: rented.id.clone(),
            node: rented.node,
            slices: rented.slices,
            min_uptime: rented.sla.0,
            min_mbps: rented.sla.1,
            terms,
            ended,
        };
        let months = client.get(&format!("{path}/months")).await.ok(200)["items"].clone();
        (life, months)
    }
}

/// What is said of a month that was evaluated.
fn sla_result(month: &Value) -> (String, Month) {
    assert_eq!((&month["paid"], &month["is_owed"]), (&month["credit"], &json!(false)), "{month:#}");
    assert_eq!(month["tenure"], 1);
    let count = |field: &str| month[field].as_i64().unwrap();
    let machine = month["machine_seconds"].as_i64();
    let uptime = month["measured_uptime"].as_f64();
    let found = Month {
        price: cents(&month["price"]),
        percent: count("credit_percent"),
        credit: cents(&month["credit"]),
        observations: (count("observations"), count("observations_excused")),
        machine: machine.map(|seconds| (seconds, count("machine_down_seconds"))),
        #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
        uptime: uptime.map(|percent| (percent * 100.0).round() as i64),
    };
    (text(&month["month"]), found)
}

/// How many events say that a rental has ended: by itself, or early.
fn ends(market: &Market, rental: &str) -> i64 {
    let db = market.open_database();
    let sql = "SELECT count(*) FROM events
                WHERE rental_id = ?1 AND kind IN ('rental-ended', 'rental-refunded')";
    db.connection().query_row(sql, [rental], |row| row.get(0)).unwrap()
}

/// What was credited for missed SLAs to all wallets, in cents.
fn credited(market: &Market) -> i64 {
    let db = market.open_database();
    let sql = "SELECT sum(e.amount_micros) / 10000
                 FROM ledger_entries e
                 JOIN ledger_transactions t ON t.id = e.transaction_id
                 JOIN ledger_accounts a ON a.id = e.ledger_account_id
                WHERE t.kind = 'sla-credit' AND a.kind = 'wallet'";
    db.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_year_of_outages_is_credited_to_the_cent() {
    let began = Instant::now();
    let mut world = World::new(2).await;
    world.play().await;
    world.market.check_invariants().await;
    let mut renters = vec![];
    for email in RENTERS {
        renters.push(world.market.sign_in(email).await);
    }
    let mut tally: BTreeMap<i64, usize> = BTreeMap::new();
    let (mut sum, mut canceled, mut expired, mut longer, mut excused) = (0, 0, 0, 0, 0);
    let (mut dead_days, mut back, mut by_machine, mut of_nodes) = (0, 0, 0, 0);
    for rented in &world.rented {
        let (life, months) = world.life_of(rented, &renters[rented.renter]).await;
        let months: BTreeMap<String, Month> =
            months.as_array().unwrap().iter().map(sla_result).collect();
        assert_eq!(months, world.seen.months(&life), "{}", rented.id);
        for month in months.values() {
            *tally.entry(month.percent).or_default() += 1;
            sum += month.credit;
            excused += usize::from(month.observations.1 > 0);
            by_machine += usize::from(month.machine.is_some_and(|(_, down)| down > 0));
        }
        let (refunds, dead) = world.seen.outage_refunds(&life);
        dead_days += dead / DAY;
        // An early end refunds more than that.
        if rented.canceled.is_none() {
            let refunded: Vec<i64> = life.terms.iter().map(|term| term.refunded).collect();
            assert_eq!(refunded, refunds, "{}", rented.id);
            back += refunds.iter().sum::<i64>();
        }
        if rented.slices > 1 {
            of_nodes += refunds.iter().sum::<i64>();
        }
        let paid_until = life.terms.last().unwrap().until;
        match (rented.canceled, life.ended) {
            (Some(at), ended) => assert_eq!(ended, Some(at), "{}", rented.id),
            (None, Some(ended)) => assert!(ended >= paid_until + 2 * DAY, "{}", rented.id),
            (None, None) => assert!(world.now < paid_until + 2 * DAY, "{}", rented.id),
        }
        assert_eq!(ends(&world.market, &rented.id), i64::from(life.ended.is_some()));
        canceled += usize::from(rented.canceled.is_some());
        expired += usize::from(rented.canceled.is_none() && life.ended.is_some());
        longer += usize::from(life.terms.len() > 1);
    }
    assert_eq!(credited(&world.market), sum);
    let runs = world.seen.runs.len();
    let Tally { still, wrong } = world.tally;
    let figures = format!(
        "{runs} runs, {still} of them while the index stood still, {} looks, {wrong} of them at \
         nodes said to be down while a machine answered, {by_machine} months in which a machine \
         was down, {} rentals, {canceled} ended early, {expired} expired, {longer} \
         extended, {excused} months with maintenance, {dead_days} days of outages that nobody paid \
         for, {} USD of them refunded in rentals that were not ended early, {} USD \
         credited, months by percent {tally:?}, in {:.1} s\n",
        world.seen.observations.len(),
        world.rented.len(),
        back / 100,
        sum / 100,
        began.elapsed().as_secs_f64()
    );
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/year.md");
    std::fs::write(file, figures).unwrap();
    // The year had everything that it was to have.
    assert_eq!(tally.keys().copied().collect::<Vec<_>>(), [0, 10, 20, 25, 35, 50, 60]);
    for count in [canceled, expired, longer, excused] {
        assert!(count > 10, "{canceled} {expired} {longer} {excused}");
    }
    assert!(dead_days > 10 && back > 1_000, "{dead_days} days, {back} cents");
    assert!(of_nodes > 1_000, "{of_nodes} cents");
    assert!(still > 30 && wrong > 30 && by_machine > 30, "{still} {wrong} {by_machine}");
}
