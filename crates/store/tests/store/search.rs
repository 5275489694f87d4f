//! The market: filters, orders, and pages that show every offer once.

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::offering::Offering;
use domain::slice::SliceState;
use domain::uptime::{Bandwidth, Uptime};
use proptest::prelude::*;
use store::jobs::{self, Agent};
use store::offers::{Cursor, Filter, Offer, Sort, countries, find, nodes, slices};
use store::{RusqliteDb, nodes as farm, sync};

use crate::market::{
    Attempt, FARMER, NODE, OMAR, account, attempt, carries, empty, market, now, open_account,
    publish, register, rent, report, set, states, usd,
};

/// A node to put on the market.
#[derive(Clone, Debug)]
struct Sample {
    country: &'static str,
    cents: i64,
    uptime: i64,
    bandwidth: u32,
    certified: bool,
    slices: u32,
    listing: Listing,
}

const SAMPLE: Sample = Sample {
    country: "Belgium",
    cents: 2_500,
    uptime: 9_900,
    bandwidth: 100,
    certified: false,
    slices: 2,
    listing: Listing::Published,
};

/// A market of these nodes, numbered from 1.
fn market_of(samples: &[Sample]) -> RusqliteDb {
    let db = empty();
    open_account(&db, FARMER);
    for (node, sample) in (1..).zip(samples) {
        let mut report = report(node);
        report.country = sample.country.into();
        report.certified = sample.certified;
        let (farmer, capacity) = (account(FARMER), carries(sample.slices));
        assert!(farm::register(&db, farmer, "Node", &report, &capacity, now()).unwrap());
        let terms = Offering {
            name: "Node".into(),
            price: Some(domain::money::Usd::from_micros(sample.cents * 10_000)),
            min_uptime: Uptime::from_hundredths(sample.uptime).unwrap(),
            min_bandwidth: Bandwidth::from_mbps(sample.bandwidth),
            ..crate::market::terms(node, None, sample.listing)
        };
        assert!(crate::market::save(&db, farmer, node, 1, &terms));
    }
    db
}

/// More than any market here has on offer.
const FOUND_MAX: usize = 200;

/// Every page of a search for nodes, one behind the other.
fn all_nodes(db: &RusqliteDb, filter: &Filter, sort: Sort, limit: u32) -> Vec<u32> {
    let mut found = vec![];
    let mut behind = None;
    loop {
        let page = nodes(db, filter, sort, behind, limit, now()).unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        found.extend(page.iter().map(|offer| offer.node.0));
        assert!(found.len() <= FOUND_MAX, "pages do not end");
        let Some(last) = page.last() else { return found };
        behind = Some(Cursor::after(last, 0));
    }
}

/// Every page of a search for slices, one behind the other.
fn all_slices(db: &RusqliteDb, filter: &Filter, sort: Sort, limit: u32) -> Vec<(u32, u32)> {
    let mut found = vec![];
    let mut behind = None;
    loop {
        let page = slices(db, filter, sort, behind, limit, now()).unwrap();
        assert!(page.len() <= usize::try_from(limit).unwrap());
        found.extend(page.iter().map(|(slice, _)| (slice.node.0, slice.number)));
        assert!(found.len() <= FOUND_MAX, "pages do not end");
        let Some((slice, offer)) = page.last() else { return found };
        behind = Some(Cursor::after(offer, slice.number));
    }
}

#[test]
fn a_filter_narrows_a_search() {
    let db = market_of(&[
        SAMPLE,
        Sample { country: "Côte d'Ivoire", cents: 1_000, ..SAMPLE },
        Sample { uptime: 9_999, cents: 3_000, ..SAMPLE },
        Sample { bandwidth: 1_000, cents: 4_000, ..SAMPLE },
        Sample { certified: true, cents: 5_000, ..SAMPLE },
        Sample { slices: 0, ..SAMPLE },
        Sample { listing: Listing::Draft, ..SAMPLE },
        Sample { listing: Listing::Paused, ..SAMPLE },
    ]);
    let check = |filter: Filter, by_price: &[u32], by_uptime: &[u32]| {
        for limit in [1, 2, 100] {
            assert_eq!(all_nodes(&db, &filter, Sort::Price, limit), by_price);
            assert_eq!(all_nodes(&db, &filter, Sort::Uptime, limit), by_uptime);
        }
    };
    let all = Filter::default();
    let country = |name: &str| Filter { country: Some(name.into()), ..Filter::default() };
    check(all.clone(), &[2, 1, 3, 4, 5], &[3, 2, 1, 4, 5]);
    check(country("Belgium"), &[1, 3, 4, 5], &[3, 1, 4, 5]);
    check(country("bELGIUM"), &[1, 3, 4, 5], &[3, 1, 4, 5]);
    check(country("Côte d'Ivoire"), &[2], &[2]);
    check(country("%"), &[], &[]);
    check(Filter { max_price: Some(usd("25")), ..all.clone() }, &[2, 1], &[2, 1]);
    check(Filter { max_price: Some(usd("24.99")), ..all.clone() }, &[2], &[2]);
    check(Filter { min_uptime: Uptime::from_hundredths(9_901), ..all.clone() }, &[3], &[3]);
    let fast = Some(Bandwidth::from_mbps(101));
    check(Filter { min_bandwidth: fast, ..all.clone() }, &[4], &[4]);
    check(Filter { certified_only: true, ..all.clone() }, &[5], &[5]);
    check(Filter { certified_only: true, min_bandwidth: fast, ..all }, &[], &[]);
    assert_eq!(countries(&db).unwrap(), ["Belgium", "Côte d'Ivoire"]);
}

#[test]
fn only_free_slices_are_shown() {
    let db = market();
    rent(&db, Attempt { slice: Some(2), ..attempt(OMAR, "key") }).unwrap();
    sync::save_reports(&db, &[(report(NODE), carries(4))], now()).unwrap();
    assert_eq!(states(&db, NODE), "aRaa-----");
    let all = Filter::default();
    for sort in [Sort::Price, Sort::Uptime] {
        let found = slices(&db, &all, sort, None, 100, now()).unwrap();
        let ids: Vec<String> = found.iter().map(|(slice, _)| slice.to_string()).collect();
        assert_eq!(ids, ["node32_slice_1", "node32_slice_3", "node32_slice_4"]);
        assert_eq!((found[0].1.available_slices, found[0].1.total_slices()), (3, 4));
    }
    // A node leaves the market with its last free slice.
    sync::save_reports(&db, &[(report(NODE), carries(1))], now()).unwrap();
    assert_eq!(all_nodes(&db, &all, Sort::Price, 10), [0; 0]);
    assert_eq!(countries(&db).unwrap(), [""; 0]);
}

#[test]
fn one_node_is_found_by_its_number() {
    let db = market();
    rent(&db, Attempt { slice: Some(2), ..attempt(OMAR, "key") }).unwrap();
    sync::save_reports(&db, &[(report(NODE), carries(3))], now()).unwrap();
    let (offer, found) = find(&db, NodeId(NODE)).unwrap().unwrap();
    assert_eq!(offer.price, Some(usd("25")));
    let free = SliceState::Available;
    assert_eq!(found, [(1, free), (2, SliceState::Allocated), (3, free)]);
    assert_eq!(find(&db, NodeId(99)), Ok(None));
    // A paused node stays known to those who have its address.
    set(&db, NODE, Some(usd("25")), Listing::Paused);
    assert_eq!(find(&db, NodeId(NODE)).unwrap().unwrap().0.listing, Listing::Paused);
    assert_eq!(nodes(&db, &Filter::default(), Sort::Price, None, 10, now()), Ok(vec![]));
}

/// A page goes on behind its cursor, though the node that it ended with has left the market.
#[test]
fn a_cursor_outlives_its_offer() {
    let db = market_of(&[SAMPLE, SAMPLE, SAMPLE]);
    let page = nodes(&db, &Filter::default(), Sort::Price, None, 2, now()).unwrap();
    let behind = Some(Cursor::after(&page[1], 0));
    set(&db, 2, Some(usd("25")), Listing::Paused);
    let rest = nodes(&db, &Filter::default(), Sort::Price, behind, 2, now()).unwrap();
    assert_eq!(rest.iter().map(|offer| offer.node.0).collect::<Vec<_>>(), [3]);
    register(&db, FARMER, 9, 1);
    publish(&db, 9, "24");
    assert_eq!(nodes(&db, &Filter::default(), Sort::Price, behind, 2, now()), Ok(rest));
}

/// Few values for each field, so that most orders are ties.
fn sample() -> impl Strategy<Value = Sample> {
    let listing = prop_oneof![4 => Just(Listing::Published), 1 => Just(Listing::Paused)];
    let country = prop_oneof![Just("Belgium"), Just("Egypt"), Just("")];
    (country, 1..4_i64, 0..3_i64, 0..3_u32, any::<bool>(), 0..4_u32, listing).prop_map(
        |(country, price, uptime, bandwidth, certified, slices, listing)| Sample {
            country,
            cents: price * 1_000,
            uptime: uptime * 5_000,
            bandwidth: bandwidth * 100,
            certified,
            slices,
            listing,
        },
    )
}

fn filter() -> impl Strategy<Value = Filter> {
    let country = prop_oneof![
        2 => Just(None),
        1 => Just(Some("belgium".to_owned())),
        1 => Just(Some("Egypt".to_owned())),
    ];
    let price = prop_oneof![2 => Just(None), 1 => (1..4_i64).prop_map(Some)];
    let uptime = prop_oneof![2 => Just(None), 1 => (0..3_i64).prop_map(Some)];
    let bandwidth = prop_oneof![2 => Just(None), 1 => (0..3_u32).prop_map(Some)];
    (country, price, uptime, bandwidth, any::<bool>()).prop_map(
        |(country, price, uptime, bandwidth, certified_only)| Filter {
            automatic_setup: false,
            verified_farm: false,
            country,
            max_price: price.map(|price| usd(&format!("{}", price * 10))),
            min_uptime: uptime.and_then(|uptime| Uptime::from_hundredths(uptime * 5_000)),
            min_bandwidth: bandwidth.map(|bandwidth| Bandwidth::from_mbps(bandwidth * 100)),
            certified_only,
        },
    )
}

/// What a search must find, in its order.
fn expected(samples: &[Sample], filter: &Filter, sort: Sort) -> Vec<u32> {
    let mut found: Vec<(u32, &Sample)> = (1..)
        .zip(samples)
        .filter(|(_, sample)| {
            sample.listing == Listing::Published
                && sample.slices > 0
                && filter.country.as_ref().is_none_or(|c| c.eq_ignore_ascii_case(sample.country))
                && filter.max_price.is_none_or(|price| sample.cents * 10_000 <= price.micros())
                && filter.min_uptime.is_none_or(|uptime| sample.uptime >= uptime.hundredths())
                && filter.min_bandwidth.is_none_or(|mbps| sample.bandwidth >= mbps.mbps())
                && (sample.certified || !filter.certified_only)
        })
        .collect();
    found.sort_by_key(|(node, sample)| {
        let uptime = if sort == Sort::Uptime { -sample.uptime } else { 0 };
        (uptime, sample.cents, *node)
    });
    found.into_iter().map(|(node, _)| node).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn pages_show_every_offer_once_and_in_order(
        samples in proptest::collection::vec(sample(), 0..25),
        filter in filter(),
        limit in 1..8_u32,
    ) {
        let db = market_of(&samples);
        for sort in [Sort::Price, Sort::Uptime] {
            let expected = expected(&samples, &filter, sort);
            prop_assert_eq!(&all_nodes(&db, &filter, sort, limit), &expected);
            let slices: Vec<(u32, u32)> = expected
                .iter()
                .flat_map(|node| {
                    let index = usize::try_from(node - 1).unwrap();
                    (1..=samples[index].slices).map(move |number| (*node, number))
                })
                .collect();
            prop_assert_eq!(all_slices(&db, &filter, sort, limit), slices);
        }
    }
}

#[test]
fn every_field_of_an_offer_is_read() {
    let db = market();
    let mut report = report(NODE);
    report.certified = true;
    sync::save_reports(&db, &[(report, carries(9))], now().plus_seconds(9)).unwrap();
    let (farmer, token) = (account(FARMER), None);
    jobs::see(&db, &Agent { farmer, farm: 1, name: "rack-7", token }, now()).unwrap();
    let [(slice, offer)] =
        &slices(&db, &Filter::default(), Sort::Price, None, 1, now()).unwrap()[..]
    else {
        panic!("one slice was asked for")
    };
    assert_eq!(*slice, SliceId { node: NodeId(NODE), number: 1 });
    let expected = Offer {
        node: NodeId(NODE),
        name: "Node 32".into(),
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        certified: true,
        is_farm_verified: false,
        status: domain::node::NodeStatus::Up,
        listing: Listing::Published,
        version: 2,
        price: Some(usd("25")),
        raise: None,
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(100),
        uptime_rank: 9_950,
        observed: 1,
        observed_up: 1,
        upload_mbps: Some(940),
        download_mbps: Some(810),
        available_slices: 9,
        reserved_slices: 0,
        allocated_slices: 0,
        withheld_slices: 0,
        terms: domain::term::Terms::ALL,
        is_rented_whole: false,
        farmer: account(FARMER),
        reported_at: now(),
        synced_at: now().plus_seconds(9),
        agent_seen_at: Some(now()),
    };
    assert_eq!(offer, &expected);
}
