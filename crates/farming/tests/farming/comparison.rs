//! A farmer's node beside similar ones, as its page says it.

use domain::node::{NodeReport, capacity};
use expect_test::expect;
use serde_json::Value;
use stage::{Answer, BEN, Stage, report};
use store::{Db, nodes};

use crate::{NODE, ask};

fn compare(stage: &Stage, query: &str) -> Answer {
    ask(stage, &format!("{NODE}/market{query}"))
}

/// A node of another farmer with ten slices.
fn register(stage: &Stage, node: u32, farm_id: u32, country: &str) {
    let report = NodeReport { farm_id, country: country.into(), ..report(node, 10) };
    let (farmer, slices) = (BEN.account(), capacity(&report));
    assert!(nodes::register(&stage.db, farmer, "x", &report, &slices, stage.now()).unwrap());
}

/// The farmer's node, which was up 995 times of 1,000, beside six nodes of three farms in Western
/// Europe: the dearer, the emptier.
fn market() -> Stage {
    let stage = Stage::three_slices();
    for (nth, country) in [
        (0, "Belgium"),
        (1, "Belgium"),
        (2, "Germany"),
        (3, "Belgium"),
        (4, "Germany"),
        (5, "Germany"),
    ] {
        register(&stage, 100 + nth, 10 + nth % 3, country);
    }
    for statement in [
        "UPDATE nodes SET observed = 1000, observed_up = 995 WHERE id = 32",
        "UPDATE nodes SET price_micros = (id - 80) * 1000000, listing = 'published'
          WHERE id >= 100",
        "UPDATE nodes SET observed = 10000, observed_up = 9900 + id - 100
          WHERE id BETWEEN 100 AND 104",
    ] {
        stage.db.run(statement, &[]).unwrap();
    }
    stage
}

/// The same with four weeks of each of them, 9 rentals, and 4 searches that found nothing.
pub(crate) fn observed() -> Stage {
    let stage = market();
    let now = stage.now();
    let today = (now.seconds() / 86_400).into();
    let days = "
        WITH RECURSIVE days (day) AS (
            SELECT ?1 - 28 UNION ALL SELECT day + 1 FROM days WHERE day < ?1 - 1)
        INSERT INTO node_days (node_id, day, price_micros, samples, offered, rented)
        SELECT id, day, price_micros, 24, 240, 240 - (id - 100) * 24 FROM nodes, days
         WHERE id >= 100";
    // What was rented of them is not played: only how long it waited.
    let waits = "
        WITH RECURSIVE nth (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM nth WHERE n < 9)
        INSERT INTO rentals_begun (rental_id, node_id, began_at, waited_seconds)
        SELECT n, 100, ?1, 1080000 FROM nth";
    let unmet = "
        INSERT INTO unmet_searches (country, certified, day, count, last_at)
        VALUES ('Belgium', 0, ?1, 4, 0)";
    stage.db.run("PRAGMA foreign_keys = OFF", &[]).unwrap();
    stage.db.run(days, &[today]).unwrap();
    stage.db.run(waits, &[now.into()]).unwrap();
    let today = (now.seconds() / 86_400).into();
    stage.db.run(unmet, &[today]).unwrap();
    stage
}

#[test]
fn a_market_is_told_with_its_numbers() {
    compare(&observed(), "?price=22").reads(
        200,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Price comparison
            Similar nodes in Western Europe cost $21.25–23.75 (median $22.50, 6 nodes).
            Similar nodes
            The range is the middle half: a quarter of them cost less, a quarter more.
            Similar are only 3 nodes of 2 farms in Belgium, so: Western Europe.
            Similar nodes are on the market or rented, are not certified, like yours, and belong
              to other farmers: at least 5 nodes of 3 farms, in your country, else in your
              region, else in the world.
            Price and measured uptime of nodes like Canal house
            5 similar nodes; yours costs $25.00 at 99.5%. The table below has the same figures.
            99.0%
            99.1%
            99.2%
            99.3%
            99.4%
            99.5%
            $20
            $21
            $22
            $23
            $24
            $25
            Price per slice per month
            Measured uptime
            yours
            Show as table
            Price and measured uptime of each node in the plot
            | Price per slice per month | Measured uptime | Owner
            | $20.00 | 99% | Another farmer
            | $21.00 | 99.01% | Another farmer
            | $22.00 | 99.02% | Another farmer
            | $23.00 | 99.03% | Another farmer
            | $24.00 | 99.04% | Another farmer
            | $25.00 | 99.5% | You
            Price simulator
            get /dashboard/farm/nodes/node32/market
            Price per slice per month $[text price=22]
            (Simulate price)
            At $22: 2.4 of 3 rented, $53/month, from these 24 observations.
            Estimates for nearby prices
            | Price | Rented | Per month | Observations
            | $17.50 </dashboard/farm/nodes/node32/market?price=17.50> | unknown | unknown | 4
            | $20.00 </dashboard/farm/nodes/node32/market?price=20.00> | 3.0 of 3 | $60.00 | 16
            | $24.00 </dashboard/farm/nodes/node32/market?price=24.00> | 1.8 of 3 | $43.20 | 20
            | $26.50 </dashboard/farm/nodes/node32/market?price=26.50> | 1.5 of 3 | $39.75 | 12
            An observation is one week of a similar node in the last 8 weeks: its price, and the
              share of its slices that was rented. The simulator fits a line to them that never
              rises with the price. Amounts are before the platform fee.
            Suggested price: $24.00
            Half of the similar nodes cost less than: $22.50
            75% of similar nodes&#39; capacity in the last 8 weeks was rented (1,260 of 1,680
              slice-days); 60% is neutral: +6%
            Their slices took 12.5 days to rent (median of 9 rentals); 14 days is neutral: +0.53%
            4 searches of the market for such a slice found nothing: +1%
            Result: $24.19
            Rounded to half a dollar where possible: $24.
            post /dashboard/farm/nodes/node32
            [hidden offer_version=2] [hidden price_per_month=24.00] [hidden min_uptime=99.5]
              [hidden min_bandwidth_mbps=1000] [hidden name=Canal house]
            (Set price to $24.00)
            The median of similar nodes, plus 40% of the utilization above 60% (or minus, below
              it); plus up to 5% if slices rent in under 14 days, or minus up to 5% if they take
              longer; plus 0.25% per search without results, up to 20 searches. Limited to 15%
              from your current price and to the platform&#39;s limits, and rounded to half a
              dollar."#]],
    );
}

#[test]
fn an_empty_market_says_that_it_does_not_know() {
    let stage = Stage::three_slices();
    register(&stage, 100, 10, "Belgium");
    let offer = "UPDATE nodes SET price_micros = 20000000, listing = 'published' WHERE id = 100";
    stage.db.run(offer, &[]).unwrap();
    compare(&stage, "").reads(
        200,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Price comparison
            There are too few similar nodes to compare prices.
            Similar nodes
            Similar are only 1 node of 1 farm in Belgium, 1 node of 1 farm in Western Europe and
              1 node of 1 farm in the world. That is too few for a comparison.
            Similar nodes are on the market or rented, are not certified, like yours, and belong
              to other farmers: at least 5 nodes of 3 farms, in your country, else in your
              region, else in the world.
            Price simulator
            get /dashboard/farm/nodes/node32/market
            Price per slice per month $[text price=25.00]
            (Simulate price)
            At $25: unknown. Within 15% of that price there are 0 observations of 0 nodes. At
              least 10 observations of 3 nodes are needed.
            Estimates for nearby prices
            | Price | Rented | Per month | Observations
            | $20.00 </dashboard/farm/nodes/node32/market?price=20.00> | unknown | unknown | 0
            | $22.50 </dashboard/farm/nodes/node32/market?price=22.50> | unknown | unknown | 0
            | $27.50 </dashboard/farm/nodes/node32/market?price=27.50> | unknown | unknown | 0
            | $30.00 </dashboard/farm/nodes/node32/market?price=30.00> | unknown | unknown | 0
            An observation is one week of a similar node in the last 8 weeks: its price, and the
              share of its slices that was rented. The simulator fits a line to them that never
              rises with the price. Amounts are before the platform fee.
            No suggested price
            There are too few similar nodes to suggest a price.
            The median of similar nodes, plus 40% of the utilization above 60% (or minus, below
              it); plus up to 5% if slices rent in under 14 days, or minus up to 5% if they take
              longer; plus 0.25% per search without results, up to 20 searches. Limited to 15%
              from your current price and to the platform&#39;s limits, and rounded to half a
              dollar."#]],
    );
}

#[test]
fn a_price_that_is_none_is_refused_at_its_field() {
    let page = compare(&observed(), "?price=%3C3%3E");
    let page = stage::reading(&page.html(400));
    expect![[r#"
        get /dashboard/farm/nodes/node32/market
        Price per slice per month $[text price=&#60;3&#62;]
        A price per slice per month from 1.00 to 500.00 dollars, with at most two decimals.
        (Simulate price)
        An observation is one week of a similar node in the last 8 weeks: its price, and the
          share of its slices that was rented. The simulator fits a line to them that never
          rises with the price. Amounts are before the platform fee.
    "#]]
    .assert_eq(crate::between(&page, "Price simulator\n", "Suggested price"));
}

/// Without weeks of observations there is a comparison, and nothing else.
#[test]
fn without_observations_nothing_is_made_up() {
    let view = ask(&market(), "/api/farm/market?node=node32").ok(200);
    assert!(!view["comparison"].is_null() && view["suggestion"].is_null(), "{view}");
    let why = "Not enough data to suggest a price: there are 0 node-weeks of observations from the \
               last 8 weeks, and 20 are needed.";
    assert_eq!(view["no_suggestion_reason"], why);
    let simulated = &view["simulation"];
    assert_eq!(simulated["rented_slices"], Value::Null);
    assert_eq!(simulated["revenue_per_month"], Value::Null);
    let words = "At $25: unknown. Within 15% of that price there are 0 \
                 observations of 0 nodes. At least 10 observations of 3 nodes are needed.";
    assert_eq!(simulated["summary"], words);
    let nearby_prices = view["nearby_prices"].as_array().unwrap();
    assert!(
        !nearby_prices.is_empty()
            && nearby_prices.iter().all(|nearby_prices| nearby_prices["rented_slices"].is_null())
    );
}
