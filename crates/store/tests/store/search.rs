//! The market: filters, orders, and pages that show every offer once.

use std::collections::BTreeMap;

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::offering::Offering;
use domain::place::Places;
use domain::slice::SliceState;
use domain::term::{Term, Terms};
use domain::uptime::{Bandwidth, Uptime};
use proptest::prelude::*;
use store::farms::{self, GridFarm, VerificationMethod};
use store::jobs::{self, Agent};
use store::offers::{
    self, Condition, Cursor, Filter, Offer, Sort, countries, find, nodes, nodes_before, relaxed,
    slices,
};
use store::{RusqliteDb, nodes as farm, sync};
use strum::VariantArray;

use crate::market::{
    Attempt, FARMER, NODE, OMAR, account, attempt, by_hand, carries, empty, market, now,
    open_account, publish, register, rent, report, set, states, usd,
};

/// A node to put on the market.
#[derive(Clone, Debug)]
struct Sample {
    country: &'static str,
    city: &'static str,
    cents: i64,
    uptime: i64,
    bandwidth: u32,
    certified: bool,
    slices: u32,
    listing: Listing,
    /// The uptime that was measured, in hundredths of a percent.
    proven: i64,
    /// How many days it has been known.
    age: i64,
    /// Whether an agent of its farm has asked for jobs.
    has_agent: bool,
    /// Whether its farmer has shown that they own its farm.
    is_verified: bool,
    /// The shortest terms that it is offered for, so many.
    terms: usize,
}

const SAMPLE: Sample = Sample {
    country: "Belgium",
    city: "Ghent",
    cents: 2_500,
    uptime: 9_900,
    bandwidth: 100,
    certified: false,
    slices: 2,
    listing: Listing::Published,
    proven: 0,
    age: 0,
    has_agent: false,
    is_verified: false,
    terms: 4,
};

/// A market of these nodes, numbered from 1.
fn market_of(samples: &[Sample]) -> RusqliteDb {
    let db = empty();
    open_account(&db, FARMER);
    with_farms(&db);
    for (node, sample) in (1..).zip(samples) {
        let mut report = report(node);
        report.country = sample.country.into();
        report.city = sample.city.into();
        report.certified = sample.certified;
        report.farm_id = farm_of(sample);
        let (farmer, capacity) = (account(FARMER), carries(sample.slices));
        assert!(farm::register(&db, farmer, "Node", &report, &capacity, now()).unwrap());
        let terms = Offering {
            name: "Node".into(),
            price: Some(domain::money::Usd::from_micros(sample.cents * 10_000)),
            min_uptime: Uptime::from_hundredths(sample.uptime).unwrap(),
            min_bandwidth: Bandwidth::from_mbps(sample.bandwidth),
            terms: Terms::of(Term::VARIANTS.iter().copied().take(sample.terms)).unwrap(),
            ..crate::market::terms(node, None, sample.listing)
        };
        assert!(crate::market::save(&db, farmer, node, 1, &terms));
        let Sample { proven, age, .. } = sample;
        let sql = format!(
            "UPDATE nodes SET proven_uptime = {proven}, created_at = created_at - {age} * 86400
              WHERE id = {node}"
        );
        by_hand(&db, &sql).unwrap();
    }
    db
}

/// Farms 2 and 4 have an agent, 3 and 4 a verified owner.
fn farm_of(sample: &Sample) -> u32 {
    1 + u32::from(sample.has_agent) + 2 * u32::from(sample.is_verified)
}

fn with_farms(db: &RusqliteDb) {
    for farm in [2, 4] {
        let (farmer, token) = (account(FARMER), None);
        jobs::see(db, &Agent { farmer, farm, name: "rack-7", token }, now()).unwrap();
    }
    for id in [3, 4] {
        let farm = GridFarm { id, name: "Freefarm".into(), twin: id, account: "5Grwva".into() };
        let method = VerificationMethod::Signature;
        farms::verify(db, &farm, account(FARMER), method, now()).unwrap();
    }
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
        behind = Some(Cursor::after(last, sort, 0));
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
        behind = Some(Cursor::after(offer, sort, slice.number));
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
    let behind = Some(Cursor::after(&page[1], Sort::Price, 0));
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
    let city = prop_oneof![Just("Ghent"), Just("Ålst"), Just("")];
    let numbers = (1..4_i64, 0..3_i64, 0..3_u32, 0..4_u32, 0..3_i64, 0..3_i64, 1..5_usize);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (country, city, numbers, flags, listing).prop_map(
        |(country, city, numbers, (certified, has_agent, is_verified), listing)| {
            let (price, uptime, bandwidth, slices, proven, age, terms) = numbers;
            Sample {
                country,
                city,
                cents: price * 1_000,
                uptime: uptime * 5_000,
                bandwidth: bandwidth * 100,
                certified,
                slices,
                listing,
                proven: proven * 5_000,
                age,
                has_agent,
                is_verified,
                terms,
            }
        },
    )
}

/// Most conditions are left out, so that some searches find something.
fn maybe<T: std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.3, some)
}

fn places() -> impl Strategy<Value = Places> {
    let name = prop_oneof![
        Just("be"),
        Just("Africa"),
        Just("alst"),
        Just("Ghent, Egypt"),
        Just("gh"),
        Just("Mars"),
    ];
    let market: Vec<(String, String)> = ["Belgium", "Egypt", ""]
        .iter()
        .flat_map(|country| ["Ghent", "Ålst", ""].map(|city| ((*country).into(), city.into())))
        .collect();
    proptest::collection::vec(name, 1..3).prop_map(move |names| {
        let mut places = Places::default();
        for name in names {
            places.extend(Places::named(name, &market));
        }
        places
    })
}

fn filter() -> impl Strategy<Value = Filter> {
    let country = prop_oneof![
        4 => Just(None),
        1 => Just(Some("belgium".to_owned())),
        1 => Just(Some("Egypt".to_owned())),
    ];
    let numbers = (maybe(1..4_i64), maybe(0..3_i64), maybe(0..3_u32), maybe(0..4_u32));
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let term = maybe(proptest::sample::select(Term::VARIANTS));
    (country, numbers, (maybe(0..3_i64), term), flags, maybe(places())).prop_map(
        |(country, (price, uptime, bandwidth, min_free), (proven, term), flags, places)| Filter {
            term,
            automatic_setup: flags.0,
            verified_farm: flags.1,
            country,
            max_price: price.map(|price| usd(&format!("{}", price * 10))),
            min_uptime: uptime.and_then(|uptime| Uptime::from_hundredths(uptime * 5_000)),
            min_bandwidth: bandwidth.map(|bandwidth| Bandwidth::from_mbps(bandwidth * 100)),
            certified_only: flags.2,
            min_free,
            min_measured: proven.and_then(|proven| Uptime::from_hundredths(proven * 5_000)),
            places,
        },
    )
}

/// The conditions of a filter that a node does not meet.
fn failed(sample: &Sample, filter: &Filter) -> Vec<Condition> {
    let country = filter.country.as_ref();
    let is_there = country.is_none_or(|country| country.eq_ignore_ascii_case(sample.country))
        && filter.places.as_ref().is_none_or(|it| it.has(sample.country, sample.city));
    let price = sample.cents * 10_000;
    [
        (Condition::MaxPrice, filter.max_price.is_none_or(|most| price <= most.micros())),
        (Condition::MinUptime, filter.min_uptime.is_none_or(|it| sample.uptime >= it.hundredths())),
        (
            Condition::MinBandwidth,
            filter.min_bandwidth.is_none_or(|it| sample.bandwidth >= it.mbps()),
        ),
        (Condition::Certified, sample.certified || !filter.certified_only),
        (Condition::AutomaticSetup, sample.has_agent || !filter.automatic_setup),
        (Condition::VerifiedFarm, sample.is_verified || !filter.verified_farm),
        (Condition::MinFree, filter.min_free.is_none_or(|it| sample.slices >= it)),
        (
            Condition::MinMeasured,
            filter.min_measured.is_none_or(|it| sample.proven >= it.hundredths()),
        ),
        (
            Condition::Term,
            filter.term.is_none_or(|term| {
                Term::VARIANTS.iter().take(sample.terms).any(|offered| *offered == term)
            }),
        ),
        (Condition::Places, is_there),
    ]
    .into_iter()
    .filter_map(|(condition, is_met)| (!is_met).then_some(condition))
    .collect()
}

fn listed(samples: &[Sample]) -> impl Iterator<Item = (u32, &Sample)> {
    (1..).zip(samples).filter(|(_, it)| it.listing == Listing::Published && it.slices > 0)
}

/// What a search must find, in its order.
fn expected(samples: &[Sample], filter: &Filter, sort: Sort) -> Vec<u32> {
    let mut found: Vec<(u32, &Sample)> =
        listed(samples).filter(|(_, sample)| failed(sample, filter).is_empty()).collect();
    found.sort_by_key(|(node, sample)| {
        let rank = match sort {
            Sort::Price | Sort::Place => 0,
            Sort::Uptime => -(sample.proven * 10_001 + sample.uptime),
            Sort::Newest => sample.age,
            Sort::Free => -i64::from(sample.slices),
        };
        let place = if sort == Sort::Place { (sample.country, sample.city) } else { ("", "") };
        (place, rank, sample.cents, *node)
    });
    found.into_iter().map(|(node, _)| node).collect()
}

/// Every page of a search for nodes, from the last one to the first.
fn all_nodes_backward(db: &RusqliteDb, filter: &Filter, sort: Sort, limit: u32) -> Vec<u32> {
    let whole = nodes(db, filter, sort, None, 100, now()).unwrap();
    let mut found: Vec<u32> = vec![];
    let Some(last) = whole.last() else { return found };
    found.push(last.node.0);
    let mut before = Cursor::after(last, sort, 0);
    loop {
        let page = nodes_before(db, filter, sort, before, limit, now()).unwrap();
        let Some(first) = page.first() else { return found };
        before = Cursor::after(first, sort, 0);
        found.splice(0..0, page.iter().map(|offer| offer.node.0));
        assert!(found.len() <= FOUND_MAX, "pages do not end");
    }
}

#[track_caller]
fn check_search(db: &RusqliteDb, samples: &[Sample], filter: &Filter, (sort, limit): (Sort, u32)) {
    let expected = expected(samples, filter, sort);
    assert_eq!(&all_nodes(db, filter, sort, limit), &expected, "{sort:?} {filter:?}");
    assert_eq!(all_nodes_backward(db, filter, sort, limit), expected, "{sort:?} {filter:?}");
    let slices: Vec<(u32, u32)> = expected
        .iter()
        .flat_map(|node| {
            let index = usize::try_from(node - 1).unwrap();
            (1..=samples[index].slices).map(move |number| (*node, number))
        })
        .collect();
    assert_eq!(all_slices(db, filter, sort, limit), slices, "{sort:?} {filter:?}");
}

/// The counts beside a search are those of the searches that they speak of.
#[track_caller]
fn check_counts(db: &RusqliteDb, samples: &[Sample], filter: &Filter) {
    let (relaxed, on_offer) = relaxed(db, filter, now()).unwrap();
    assert_eq!(usize::try_from(on_offer).unwrap(), listed(samples).count());
    let helping = Condition::VARIANTS.iter().filter_map(|condition| {
        let alone = |(_, sample): &(u32, &Sample)| failed(sample, filter) == [*condition];
        let count = u32::try_from(listed(samples).filter(alone).count()).unwrap();
        (count > 0).then_some((*condition, count))
    });
    assert_eq!(relaxed, helping.collect::<Vec<_>>(), "{filter:?}");
    let found = offers::places(db, filter, now()).unwrap();
    let mut counts = BTreeMap::<(&str, &str), u32>::new();
    for (_, sample) in listed(samples) {
        let failed = failed(sample, filter);
        let matches = failed.is_empty() || failed == [Condition::Places];
        *counts.entry((sample.country, sample.city)).or_default() += u32::from(matches);
    }
    let found = found.iter().map(|it| ((&*it.country, &*it.city), it.matching));
    assert_eq!(found.collect::<Vec<_>>(), counts.into_iter().collect::<Vec<_>>(), "{filter:?}");
}

/// How many filters each market is searched by: with 200 markets, 10,000 in all.
const FILTERS: usize = 50;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 200, failure_persistence: None, ..ProptestConfig::default()
    })]

    /// A search answers as a look at every node does, for 10,000 filters.
    #[test]
    fn pages_show_every_offer_once_and_in_order(
        samples in proptest::collection::vec(sample(), 0..25),
        filters in proptest::collection::vec(filter(), FILTERS),
        limit in 1..8_u32,
    ) {
        let db = market_of(&samples);
        for (filter, sort) in filters.iter().zip(Sort::VARIANTS.iter().cycle()) {
            check_search(&db, &samples, filter, (*sort, limit));
            check_counts(&db, &samples, filter);
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
        farm: 1,
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
        created_at: now(),
        farmer: account(FARMER),
        reported_at: now(),
        synced_at: now().plus_seconds(9),
        agent_seen_at: Some(now()),
    };
    assert_eq!(offer, &expected);
}
