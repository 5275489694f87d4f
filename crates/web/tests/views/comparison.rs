//! A farmer's node beside similar ones, as its page says it.

use domain::comparison::{Similar, TooFew, compare};
use domain::id::NodeId;
use domain::money::{PriceLimits, Usd};
use domain::promise::Uptime;
use domain::region::{Reach, circles};
use domain::simulation::NodeWeek;
use domain::suggestion::Market;
use expect_test::expect;
use store::comparisons::{Found, Picture};
use store::{RusqliteDb, nodes};
use web::api::comparison::MarketView;
use web::comparison::Study;
use web::page::FarmMarket;

use crate::check;
use crate::market::{Who, market, shown, usd, wrong};

/// Fatima's node beside these; it was up 995 times of 1,000.
fn study(db: &RusqliteDb, picture: Picture, asked: Option<Usd>) -> Study {
    let (node, _) = nodes::find(db, Who::Fatima.account(), NodeId(32)).unwrap().unwrap();
    let mut own = node.offer;
    (own.observed, own.observed_up) = (1_000, 995);
    let limits = PriceLimits { min: usd("1"), max: usd("500") };
    Study::new(&own, picture, asked, limits)
}

pub(crate) fn full(db: &RusqliteDb) -> FarmMarket {
    page(db, &study(db, found(), None))
}

fn page(db: &RusqliteDb, study: &Study) -> FarmMarket {
    let path = "/dashboard/farm/nodes/node32/market";
    shown(db, Who::Fatima, path, |_, visit| FarmMarket::new(visit, study, None))
}

/// Six nodes of three farms in Western Europe, and four weeks of each: the dearer, the emptier.
fn found() -> Picture {
    let node = |nth: u32| Similar {
        node: NodeId(100 + nth),
        farm: nth % 3,
        price: Usd::from_micros(i64::from(20 + nth) * 1_000_000),
        uptime: Uptime::from_hundredths(9_900 + i64::from(nth)).filter(|_| nth != 5),
    };
    let nodes: Vec<Similar> = (0..6).map(node).collect();
    let week = |similar: &Similar| NodeWeek {
        node: similar.node,
        price: similar.price,
        offered: 1_680,
        rented: 1_680 - u64::from(similar.node.0 - 100) * 168,
    };
    let weeks: Vec<NodeWeek> = nodes.iter().flat_map(|similar| [week(similar); 4]).collect();
    let comparison = compare(&circles("Belgium")[1], nodes).unwrap();
    let market = Market {
        median: comparison.median,
        offered: weeks.iter().map(|week| week.offered).sum(),
        rented: weeks.iter().map(|week| week.rented).sum(),
        node_weeks: 24,
        wait_seconds: Some(12 * 86_400 + 43_200),
        waits: 9,
        unmet: 4,
    };
    let narrower = TooFew { reach: Reach::Country, name: "Belgium".into(), nodes: 3, farms: 2 };
    Picture { narrower: vec![narrower], found: Some(Found { comparison, weeks, market }) }
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
fn a_market_is_told_with_its_numbers() {
    let db = market();
    check(
        &page(&db, &study(&db, found(), Some(usd("22")))),
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
            Price per slice per month $[text price=22.00]
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
            [hidden version=2] [hidden price_per_month=24.00] [hidden min_uptime=99.5] [hidden
              min_bandwidth_mbps=1000] [hidden name=Canal house]
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
    let db = market();
    let few = |reach, name: &str| TooFew { reach, name: name.into(), nodes: 1, farms: 1 };
    let narrower = vec![
        few(Reach::Country, "Belgium"),
        few(Reach::Region, "Western Europe"),
        few(Reach::World, "the world"),
    ];
    check(
        &page(&db, &study(&db, Picture { narrower, found: None }, None)),
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
    let db = market();
    let study = study(&db, found(), None);
    let path = "/dashboard/farm/nodes/node32/market?price=%3C3%3E";
    let refused = wrong("price", "a price from 1 to 500 dollars");
    let page =
        shown(&db, Who::Fatima, path, |_, visit| FarmMarket::new(visit, &study, Some(&refused)));
    assert_eq!((page.price.value.as_str(), page.around.len(), page.simulated), ("<3>", 0, None));
    assert_eq!(page.price.error.as_deref(), Some("A price from 1 to 500 dollars."));
}

/// Without weeks of observations there is a comparison, and nothing else.
#[test]
fn without_observations_nothing_is_made_up() {
    let db = market();
    let mut picture = found();
    let found = picture.found.as_mut().unwrap();
    found.weeks.clear();
    found.market = Market { offered: 0, rented: 0, node_weeks: 0, ..found.market };
    let view = MarketView::new(&study(&db, picture, None));
    assert!(view.comparison.is_some() && view.suggestion.is_none());
    let why = "Not enough data to suggest a price: there are 0 node-weeks of observations from the \
               last 8 weeks, and 20 are needed.";
    assert_eq!(view.why_no_suggestion.as_deref(), Some(why));
    let simulated = view.simulation.unwrap();
    assert_eq!((simulated.rented_slices, simulated.revenue_per_month), (None, None));
    let words = "At $25: unknown. Within 15% of that price there are 0 \
                 observations of 0 nodes. At least 10 observations of 3 nodes are needed.";
    assert_eq!(simulated.words, words);
    assert!(view.around.iter().all(|around| around.rented_slices.is_none()));
}
