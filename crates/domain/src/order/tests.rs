//! The rules of an order: what may be rented, at which price, and which slices it is.

use alloc::string::ToString;

use proptest::prelude::*;

use super::*;
use crate::time::Timestamp;

const NODE: NodeId = NodeId(32);

fn account(byte: u8) -> AccountId {
    AccountId::from_random(Timestamp::from_seconds(1_795_367_321), [byte; 10])
}

fn usd(text: &str) -> Usd {
    Usd::parse("amount", text).unwrap()
}

fn offer(node: u32) -> Offer {
    Offer {
        node: NodeId(node),
        farmer: account(1),
        farm: i64::from(node / 10),
        country: "Belgium".into(),
        listing: Listing::Published,
        is_up: true,
        version: 4,
        price: Some(usd("25")),
        terms: Terms::ALL,
        min_uptime: Uptime::FULL,
        min_bandwidth: Bandwidth::from_mbps(100),
        available: 3,
        taken: 2,
        is_overfull: false,
        slice: Some(SliceState::Available),
    }
}

fn request(wanted: Wanted) -> RentRequest {
    RentRequest { wanted, term: Term::Quarter, offer_version: Some(4), max_price: None }
}

fn decide(offers: &[Offer], request: &RentRequest) -> Result<Vec<Item>, RentError> {
    choose(offers, request, account(2), Percent::whole(10))
}

fn renter() -> Renter {
    Renter { account: account(2), balance: usd("100"), spendable: None, slices: 4, slices_max: 5 }
}

#[test]
fn three_months_at_25_dollars_cost_71_25() {
    let items = decide(&[offer(32)], &request(Wanted::OfNode(NODE, 2))).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0].total, usd("71.25"));
    assert_eq!(items[0].fee, usd("7.12"), "10 % is 7.125, and half rounds to even");
    assert_eq!(total(&items), usd("142.50"));
}

#[test]
fn a_whole_node_is_one_rental_of_all_its_slices() {
    let node = Offer { taken: 0, ..offer(32) };
    let items = decide(&[node], &request(Wanted::WholeNode(NODE))).unwrap();
    assert_eq!((items.len(), items[0].slices(), items[0].total), (1, 3, usd("213.75")));
}

#[track_caller]
fn check_refused(expected: RentError, change: fn(&mut Offer, &mut RentRequest)) {
    let (mut offer, mut request) = (offer(32), request(Wanted::OfNode(NODE, 1)));
    change(&mut offer, &mut request);
    assert_eq!(decide(&[offer], &request), Err(expected));
}

const SLICE: Wanted = Wanted::Slice(SliceId { node: NODE, number: 7 });

#[test]
fn each_refusal_has_its_reason() {
    let check = check_refused;
    check(RentError::NoSuchNode, |offer, _| offer.listing = Listing::Draft);
    check(RentError::NoSuchNode, |offer, _| offer.price = None);
    check(RentError::NotOffered, |offer, _| offer.listing = Listing::Paused);
    check(RentError::OwnSlice, |offer, _| offer.farmer = account(2));
    check(RentError::OfferChanged, |_, request| request.offer_version = Some(3));
    check(RentError::TermNotOffered(3), |offer, _| {
        offer.terms = Terms::of([Term::Month, Term::Year]).unwrap();
    });
    let (price, max) = (usd("25"), usd("24.99"));
    check(RentError::AboveMaxPrice { price, max }, |_, request| {
        request.max_price = Some(usd("24.99"));
    });
    check(RentError::SoldOut { wanted: 1, free: 0 }, |offer, _| offer.available = 0);
    check(RentError::SoldOut { wanted: 4, free: 3 }, |_, request| {
        request.wanted = Wanted::OfNode(NODE, 4);
    });
    check(RentError::SoldOut { wanted: 5, free: 3 }, |_, request| {
        request.wanted = Wanted::WholeNode(NODE);
    });
    check(RentError::NodeDown, |offer, _| (offer.available, offer.is_up) = (0, false));
    check(RentError::NodeDown, |offer, request| {
        (offer.available, offer.is_up) = (0, false);
        (offer.slice, request.wanted) = (Some(SliceState::Retired), SLICE);
    });
    check(RentError::NoSuchSlice, |offer, request| {
        (offer.slice, request.wanted) = (None, SLICE);
    });
    for state in [SliceState::Allocated, SliceState::Reserved, SliceState::Retired] {
        let mut offer = offer(32);
        offer.slice = Some(state);
        assert_eq!(decide(&[offer], &request(SLICE)), Err(RentError::SliceTaken));
    }
    assert_eq!(decide(&[], &request(SLICE)), Err(RentError::NoSuchNode));
}

#[test]
fn what_cannot_be_paid_is_refused() {
    let items = decide(&[offer(32)], &request(Wanted::OfNode(NODE, 1))).unwrap();
    let afford = |change: fn(&mut Renter)| {
        let mut renter = renter();
        change(&mut renter);
        super::afford(&items, &renter)
    };
    assert_eq!(afford(|_| ()), Ok(()));
    let (total, missing) = (usd("71.25"), usd("0.01"));
    let poor = RentError::InsufficientFunds { total, missing };
    assert_eq!(afford(|renter| renter.balance = usd("71.24")), Err(poor));
    let over = RentError::OverSpendingLimit { total, left: usd("71") };
    assert_eq!(afford(|renter| renter.spendable = Some(usd("71"))), Err(over));
    let over = RentError::OverLimit { slices: 5, max: 5 };
    assert_eq!(afford(|renter| renter.slices = 5), Err(over));
}

/// The nodes that `count` slices are spread over.
fn spread(count: u32, spread: Spread) -> Result<Vec<u32>, RentError> {
    let country = |node, country: &str, available| Offer {
        country: country.into(),
        available,
        ..offer(node)
    };
    let offers = [
        country(10, "Belgium", 2),
        country(11, "belgium", 3),
        country(20, "Belgium", 5),
        country(30, "", 1),
        country(31, "Austria", 1),
        Offer { farmer: account(2), ..offer(41) },
        Offer { is_up: false, ..offer(42) },
    ];
    let filter = Filter::default();
    let request =
        RentRequest { offer_version: None, ..request(Wanted::OnMarket { filter, count, spread }) };
    let items = decide(&offers, &request)?;
    Ok(items.iter().map(|item| item.node.0).collect())
}

#[test]
fn slices_are_spread_as_wanted() {
    let sold_out = |wanted, free| Err(RentError::SoldOut { wanted, free });
    assert_eq!(spread(4, Spread::Any), Ok(alloc::vec![10, 10, 11, 11]));
    assert_eq!(spread(13, Spread::Any), sold_out(13, 12));
    assert_eq!(spread(3, Spread::SameNode), Ok(alloc::vec![11, 11, 11]));
    assert_eq!(spread(6, Spread::SameNode), sold_out(6, 0));
    assert_eq!(spread(3, Spread::Nodes), Ok(alloc::vec![10, 11, 20]));
    assert_eq!(spread(6, Spread::Nodes), sold_out(6, 5));
    assert_eq!(spread(3, Spread::Farms), Ok(alloc::vec![10, 20, 30]));
    assert_eq!(spread(4, Spread::Farms), sold_out(4, 3));
    assert_eq!(spread(2, Spread::Countries), Ok(alloc::vec![10, 31]));
    assert_eq!(spread(3, Spread::Countries), sold_out(3, 2));
    for &spread in Spread::VARIANTS {
        assert_eq!(spread.into_str().parse(), Ok(spread));
    }
}

#[test]
fn slices_are_the_lowest_free_ones_or_random_ones() {
    let numbers = |wanted, start| {
        let items = decide(&[offer(32)], &request(wanted)).unwrap();
        let free = |node| if node == NODE { alloc::vec![2, 5, 7] } else { Vec::new() };
        let items = assign(items, free, start)?;
        Some(items.iter().map(|item| item.slice).collect::<Vec<_>>())
    };
    let two = || Wanted::OfNode(NODE, 2);
    assert_eq!(numbers(two(), None), Some(alloc::vec![Some(2), Some(5)]));
    assert_eq!(numbers(two(), Some(302)), Some(alloc::vec![Some(7), Some(2)]));
    assert_eq!(numbers(SLICE, Some(1)), Some(alloc::vec![Some(7)]), "it was named");
    let items = decide(&[offer(32)], &request(two())).unwrap();
    assert_eq!(assign(items.clone(), |_| alloc::vec![1], None), None);
    assert_eq!(assign(items, |_| Vec::new(), Some(1)), None);
    let whole = decide(&[Offer { taken: 0, ..offer(32) }], &request(Wanted::WholeNode(NODE)));
    assert_eq!(assign(whole.clone().unwrap(), |_| Vec::new(), None), whole.ok());
}

#[test]
fn keys_are_short_and_visible() {
    assert!(IdempotencyKey::parse("0199f0a0-7e2b").is_ok());
    for text in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
        assert!(IdempotencyKey::parse(text).is_err(), "{text}");
    }
    assert_eq!(RentError::NoSuchSlice.to_string(), "this node has no such slice");
}

proptest! {
    #[test]
    fn no_node_gives_more_than_it_has(
        free in prop::collection::vec((0..6_u32, 0..3_i64), 0..6),
        count in 1..12_u32,
        spread in prop::sample::select(Spread::VARIANTS),
    ) {
        let offers: Vec<Offer> = (1..)
            .zip(&free)
            .map(|(node, (available, farm))| Offer {
                available: *available, farm: *farm, ..offer(node)
            })
            .collect();
        let filter = Filter::default();
        let request = request(Wanted::OnMarket { filter, count, spread });
        if let Ok(items) = decide(&offers, &request) {
            prop_assert_eq!(u32::try_from(items.len()).unwrap(), count);
            for offer in &offers {
                let taken = items.iter().filter(|item| item.node == offer.node).count();
                prop_assert!(taken <= offer.available as usize);
            }
        }
    }
}
