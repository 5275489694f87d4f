//! What nodes offered and rented, how long slices waited, and a node beside similar ones.

use domain::id::NodeId;
use domain::listing::Listing;
use domain::money::{PriceLimits, Usd};
use domain::node::NodeReport;
use domain::region::Reach;
use domain::time::Timestamp;
use store::comparisons::{self, Picture};
use store::offers::{self, Offer};
use store::{Db, RusqliteDb, nodes, rentals, samples};

use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand,
    carries, count, empty, fund, furnish, market, now, publish, register, rent, rent_all, report,
    set, usd, whole,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const LIMITS: PriceLimits = PriceLimits { min: Usd::whole(1), max: Usd::whole(500) };

/// A published node of `farmer` with ten slices.
fn offer(db: &dyn Db, farmer: u32, report: &NodeReport, price: &str) {
    let name = report.id.to_string();
    assert!(nodes::register(db, account(farmer), &name, report, &carries(10), now()).unwrap());
    publish(db, report.id.0, price);
}

/// A node of the other farmer, in a country and a farm.
fn similar(db: &dyn Db, node: u32, farm: u32, country: &str, price: &str) {
    let report = NodeReport { farm_id: farm, country: country.into(), ..report(node) };
    offer(db, OTHER_FARMER, &report, price);
}

fn own(db: &dyn Db) -> Offer {
    offers::find(db, NodeId(NODE)).unwrap().unwrap().0
}

fn picture(db: &dyn Db, at: Timestamp) -> Picture {
    comparisons::of_node(db, &own(db), at).unwrap()
}

#[test]
fn the_circle_grows_until_it_holds_enough() {
    let db = market();
    let check = |narrower: &[(&str, u32, u32)], found: Option<(Reach, usize, u32)>| {
        let picture = picture(&db, now());
        let too_few: Vec<_> =
            picture.narrower.iter().map(|few| (few.name.as_str(), few.nodes, few.farms)).collect();
        assert_eq!(too_few, narrower);
        let comparison = picture.found.map(|found| found.comparison);
        assert_eq!(comparison.map(|c| (c.reach, c.nodes.len(), c.farms)), found);
    };
    let nowhere = [("Belgium", 0, 0), ("Western Europe", 0, 0), ("the world", 0, 0)];
    check(&nowhere, None);
    // Not similar: the farmer's own, a certified one, a draft, and one without a price.
    for node in 100..110 {
        offer(&db, FARMER, &NodeReport { farm_id: node, ..report(node) }, "20");
        let certified = NodeReport { certified: true, farm_id: node, ..report(node + 100) };
        offer(&db, OTHER_FARMER, &certified, "20");
        register(&db, OTHER_FARMER, node + 200, 3);
    }
    check(&nowhere, None);
    for (node, farm) in [(1, 1), (2, 1), (3, 2)] {
        similar(&db, node, farm, "belgium", "22");
    }
    check(&[("Belgium", 3, 2), ("Western Europe", 3, 2), ("the world", 3, 2)], None);
    similar(&db, 4, 3, "Tanzania", "9");
    similar(&db, 5, 3, "Unknown", "9");
    check(&[("Belgium", 3, 2), ("Western Europe", 3, 2)], Some((Reach::World, 5, 3)));
    similar(&db, 6, 3, "Germany", "30");
    similar(&db, 7, 3, "The Netherlands", "30");
    check(&[("Belgium", 3, 2)], Some((Reach::Region, 5, 3)));
    similar(&db, 8, 4, "Belgium", "31");
    similar(&db, 9, 4, "Belgium", "32");
    check(&[], Some((Reach::Country, 5, 3)));
    // Off the market it counts as long as a slice is rented.
    rent(&db, Attempt { node: 9, ..attempt(OMAR, "of-9") }).unwrap();
    set(&db, 9, Some(usd("32")), Listing::Paused);
    check(&[], Some((Reach::Country, 5, 3)));
    set(&db, 8, Some(usd("31")), Listing::Paused);
    check(&[("Belgium", 4, 3)], Some((Reach::Region, 6, 4)));
}

/// The sums of a node over all days: samples, offered and rented.
fn sums(db: &RusqliteDb, node: u32) -> (i64, i64, i64) {
    let sum = |column: &str| {
        let sql =
            format!("SELECT coalesce(sum({column}), 0) FROM node_days WHERE node_id = {node}");
        count(db, &sql)
    };
    (sum("samples"), sum("offered"), sum("rented"))
}

#[test]
fn each_hour_is_sampled_once() {
    let db = market();
    register(&db, FARMER, 33, 5);
    similar(&db, 34, 2, "Belgium", "10");
    assert_eq!(samples::sample(&db, now()), Ok(true));
    assert_eq!(samples::sample(&db, now()), Ok(false));
    assert_eq!(samples::sample(&db, now().plus_seconds(-HOUR)), Ok(false), "a clock that lags");
    assert_eq!([sums(&db, NODE), sums(&db, 33), sums(&db, 34)], [(1, 9, 0), (0, 0, 0), (1, 10, 0)]);
    rent(&db, attempt(OMAR, "one")).unwrap();
    set(&db, NODE, Some(usd("26")), Listing::Published);
    set(&db, 34, Some(usd("10")), Listing::Paused);
    assert_eq!(samples::sample(&db, now().plus_seconds(HOUR)), Ok(true));
    assert_eq!([sums(&db, NODE), sums(&db, 34)], [(2, 18, 1), (1, 10, 0)]);
    assert_eq!(count(&db, "SELECT price_micros FROM node_days WHERE node_id = 32"), 26_000_000);
    // What is down offers nothing, whatever is rented of it.
    by_hand(&db, "UPDATE nodes SET status = 'down' WHERE id = 32").unwrap();
    assert_eq!(samples::sample(&db, now().plus_seconds(2 * HOUR)), Ok(true));
    assert_eq!(sums(&db, NODE), (2, 18, 1));
    by_hand(&db, "UPDATE nodes SET status = 'up'").unwrap();
    assert_eq!(samples::sample(&db, now().plus_seconds(DAY)), Ok(true));
    assert_eq!(count(&db, "SELECT count(*) FROM node_days WHERE node_id = 32"), 2);
    assert_sound(&db);
}

#[test]
fn of_two_machines_one_samples() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        store::migrate::apply(&db, now()).unwrap();
        furnish(&db);
        let start = std::sync::Barrier::new(8);
        let run = || {
            let db = disk.open();
            start.wait();
            samples::sample(&db, now()).unwrap()
        };
        let sampled: Vec<bool> = std::thread::scope(|scope| {
            let runs = [(); 8].map(|()| scope.spawn(run));
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        assert_eq!(sampled.iter().filter(|is_first| **is_first).count(), 1, "{journal_mode}");
        assert_eq!(sums(&db, NODE), (1, 9, 0));
    }
}

#[test]
fn a_slice_waits_from_its_offer_or_the_end_of_its_last_rental() {
    let db = market();
    fund(&db, AIDA, "900");
    let waited = |id: u32| {
        let sql = "SELECT waited_seconds FROM rentals_begun WHERE rental_id = ?1";
        let rows = db.run(sql, &[crate::market::rental_id(id).to_string().as_str().into()]);
        rows.unwrap().first().map(|row| row.read::<i64>().unwrap())
    };
    let at = |days: i64| now().plus_seconds(days * DAY);
    let of = |id, day| Attempt { id, at: at(day), slice: Some(1), ..attempt(OMAR, "") };
    rent(&db, Attempt { key: "first", ..of(10, 3) }).unwrap();
    assert_eq!(waited(10), Some(3 * DAY));
    rentals::end(&db, account(OMAR), crate::market::rental_id(10), None, at(5)).unwrap();
    rent(&db, Attempt { key: "again", ..of(11, 9) }).unwrap();
    assert_eq!(waited(11), Some(4 * DAY));
    // Another slice has waited since the node came on the market.
    rent(&db, Attempt { key: "other", slice: Some(2), ..of(12, 9) }).unwrap();
    assert_eq!(waited(12), Some(9 * DAY));
    // A whole node waits for the end of other rentals, and its slices for the end of its.
    register(&db, FARMER, 33, 3);
    publish(&db, 33, "20");
    let all = Attempt { id: 13, at: at(9), ..attempt(AIDA, "whole") };
    rent_all(&db, &all, &whole(33)).unwrap();
    assert_eq!(waited(13), None);
    rentals::end(&db, account(AIDA), crate::market::rental_id(13), None, at(12)).unwrap();
    let one = Attempt { id: 14, node: 33, at: at(13), ..attempt(AIDA, "one") };
    rent(&db, one).unwrap();
    assert_eq!(waited(14), Some(DAY));
    assert_sound(&db);
}

/// Five farms with six similar nodes from $18 to $28, of which fewer are rented the dearer they
/// are, sampled for so many weeks from `now` on.
fn observed(weeks: i64) -> RusqliteDb {
    let db = market();
    for (nth, price) in ["18", "20", "22", "24", "26", "28"].iter().enumerate() {
        let nth = u32::try_from(nth).unwrap();
        similar(&db, 100 + nth, nth % 5, "Belgium", price);
        let rented = format!(
            "UPDATE nodes SET allocated_slices = {0}, available_slices = 10 - {0} WHERE id = {1}",
            9 - nth,
            100 + nth
        );
        by_hand(&db, &rented).unwrap();
    }
    for hour in 0..weeks * 7 * 24 {
        assert!(samples::sample(&db, midnight(0).plus_seconds(hour * HOUR)).unwrap());
    }
    db
}

/// The first midnight after `now`, or so many days after it.
fn midnight(days: i64) -> Timestamp {
    Timestamp::from_seconds((samples::day_of(now()) + 1 + days) * DAY)
}

#[test]
fn weeks_of_similar_nodes_are_what_is_observed() {
    let db = observed(4);
    let found = picture(&db, midnight(28)).found.unwrap();
    assert_eq!(found.comparison.median, usd("23"));
    let market = found.market;
    assert_eq!((market.node_weeks, market.waits, market.unmet), (24, 0, 0));
    assert_eq!((market.offered, market.rented), (6 * 10 * 28 * 24, 39 * 28 * 24));
    let first = found.weeks.iter().find(|week| week.node == NodeId(100)).unwrap();
    assert_eq!((first.price, first.offered, first.rented), (usd("18"), 1_680, 1_512));
    // 65 % are rented: 2 % more than the median.
    let suggested = found.suggest(Some(usd("25")), LIMITS).unwrap();
    assert_eq!((suggested.target, suggested.price), (usd("23.46"), usd("23.50")));

    // Half a week is one, less is none; today is not over; what is older than eight weeks is past.
    let weeks = |days| picture(&db, midnight(days)).found.unwrap().market.node_weeks;
    assert_eq!([weeks(0), weeks(3), weeks(4), weeks(7)], [0, 0, 6, 6]);
    assert_eq!([weeks(56), weeks(63), weeks(84)], [24, 18, 0]);
    let too_few = picture(&db, midnight(14)).found.unwrap().suggest(None, LIMITS);
    assert_eq!(too_few.unwrap_err().node_weeks, 12);
}

#[test]
fn a_search_in_vain_is_counted_once_a_minute() {
    let db = market();
    let search = |country, certified, seconds| {
        samples::count_unmet(&db, country, certified, now().plus_seconds(seconds)).unwrap();
    };
    let rows = || {
        let sql = "SELECT group_concat(country || certified || ':' || count, ' ')
                     FROM (SELECT * FROM unmet_searches ORDER BY country, certified, day)";
        db.connection().query_row(sql, [], |row| row.get::<_, Option<String>>(0)).unwrap()
    };
    search(Some("belgium"), false, 0);
    search(Some("Belgium"), false, 59);
    assert_eq!(rows().unwrap(), "Belgium0:1");
    search(Some("Belgium"), false, 60);
    search(Some("Belgium"), true, 60);
    search(Some("<script>"), false, 60);
    search(Some("Atlantis"), false, 61);
    search(None, false, 62);
    assert_eq!(rows().unwrap(), "0:1 Belgium0:2 Belgium1:1");
    search(Some("Germany"), false, DAY);
    assert_eq!(rows().unwrap(), "0:1 Belgium0:2 Belgium1:1 Germany0:1");

    // What a node could have met: a search for its country or any, certified only if it is.
    for (node, farm) in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 3)] {
        similar(&db, node, farm, "Belgium", "20");
    }
    let unmet = |at| picture(&db, at).found.unwrap().market.unmet;
    assert_eq!(unmet(now()), 3);
    assert_eq!(unmet(now().plus_seconds(57 * DAY)), 0);

    samples::sample(&db, now()).unwrap();
    samples::sweep(&db, now().plus_seconds(samples::KEPT_DAYS * DAY)).unwrap();
    assert_eq!(rows().unwrap(), "0:1 Belgium0:2 Belgium1:1 Germany0:1");
    samples::sweep(&db, now().plus_seconds((samples::KEPT_DAYS + 1) * DAY)).unwrap();
    assert_eq!(rows().unwrap(), "Germany0:1");
    assert_eq!(count(&db, "SELECT count(*) FROM node_days"), 0);
}

#[test]
fn a_farmer_is_told_of_another_price_once_a_week() {
    let db = observed(4);
    let told = "SELECT count(*) FROM events WHERE kind = 'price-suggested'";
    let run = |days: i64| comparisons::suggest_prices(&db, LIMITS, midnight(days)).unwrap();
    // $25 is 6 % away from $23.50: not worth a word. Those of the other farmer compare with nobody.
    assert_eq!((run(28), count(&db, told)), (0, 0));
    publish(&db, NODE, "30");
    assert_eq!(run(28), 0, "looked at today already");
    assert_eq!((run(29), count(&db, told)), (1, 1));
    let subject = "SELECT subject FROM events WHERE kind = 'price-suggested'";
    let subject: String = db.connection().query_row(subject, [], |row| row.get(0)).unwrap();
    // 15 % less than $30 is $25.50; the target is lower.
    assert_eq!(subject, "node32: $25.50");
    assert_eq!([run(30), run(31), run(35)], [0; 3], "told this week");
    assert_eq!((run(36), count(&db, told)), (1, 2));
    // Off the market nothing is looked at.
    set(&db, NODE, Some(usd("30")), Listing::Paused);
    assert_eq!((run(50), count(&db, told)), (0, 2));
    set(&db, NODE, Some(usd("30")), Listing::Published);
    assert_eq!((run(50), count(&db, told)), (1, 3));
}

#[test]
fn of_two_runs_one_tells() {
    let db = observed(4);
    publish(&db, NODE, "30");
    let other = RusqliteDbThatComesFirst { db: &db, at: midnight(29) };
    assert_eq!(comparisons::suggest_prices(&other, LIMITS, midnight(29)), Ok(0));
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'price-suggested'"), 1);
}

/// A connection on which another run does everything right before this one writes.
struct RusqliteDbThatComesFirst<'a> {
    db: &'a RusqliteDb,
    at: Timestamp,
}

impl Db for RusqliteDbThatComesFirst<'_> {
    fn run(
        &self,
        sql: &'static str,
        params: &[store::Value],
    ) -> Result<store::Rows, store::StoreError> {
        if sql.trim_start().starts_with("UPDATE") {
            comparisons::suggest_prices(self.db, LIMITS, self.at)?;
        }
        self.db.run(sql, params)
    }
}

#[test]
fn weeks_are_read_by_node_and_day() {
    let db = empty();
    let sql = format!("EXPLAIN QUERY PLAN {}", comparisons::GROUPED);
    let mut statement = db.connection().prepare(&sql).unwrap();
    let mut rows = statement.raw_query();
    let mut plan = String::new();
    while let Some(row) = rows.next().unwrap() {
        plan += &row.get::<_, String>(3).unwrap();
        plan.push('\n');
    }
    let by_key = "SEARCH d USING PRIMARY KEY (node_id=? AND day>? AND day<?)";
    assert!(plan.contains(by_key), "{plan}");
}
