//! What a farmer sees: the farm, and a node of it.

use askama::Template;
use domain::id::NodeId;
use domain::listing::Listing;
use domain::month::Month;
use domain::node::{NodeReport, NodeStatus};
use domain::provisioning::JobState;
use domain::reconciliation::{Seen, reconcile};
use expect_test::expect;
use store::dashboard::NodeStanding;
use store::jobs::{Removal, SeenAgent};
use store::{RusqliteDb, dashboard, revenue, sync};
use web::page;
use web::{Kind, Problem};

use crate::market::{Who, empty, form, market, now, offer, register, rent, report, shown, wrong};
use crate::{check, html};

pub(crate) fn farm(db: &RusqliteDb, who: Who) -> page::Farm {
    let farm = dashboard::load(db, who.account(), Month::of(now()), 12, None, 100).unwrap();
    shown(db, who, "/dashboard/farm", |_, visit| {
        page::Farm::new(visit, &farm.figures, farm.nodes, &farm.months, &farm.lines)
    })
}

fn standing(db: &RusqliteDb) -> NodeStanding {
    let (farmer, month) = (Who::Fatima.account(), Month::of(now()));
    dashboard::node(db, farmer, month, NodeId(32)).unwrap().unwrap()
}

pub(crate) fn node(db: &RusqliteDb) -> page::FarmNode {
    let (farmer, month) = (Who::Fatima.account(), Month::of(now()));
    let found = standing(db);
    let months: Vec<Month> = month.last(12).collect();
    let lines = revenue::of_node(db, farmer, NodeId(32), months[0], month).unwrap();
    shown(db, Who::Fatima, "/dashboard/farm/nodes/32", |_, visit| {
        page::FarmNode::new(visit, &found, &months, &lines)
    })
}

/// The grid says something else of node 32.
fn look(db: &RusqliteDb, report: &NodeReport) {
    let known = sync::registered(db, None, 1, now()).unwrap();
    let look = reconcile(&known[0], Seen::Listed(report), now());
    sync::save(db, &[look], None, now()).unwrap();
}

#[test]
fn a_farmer_reads_that_too_much_is_rented() {
    let db = market();
    rent(&db);
    let said = || node(&db).reason.unwrap_or_default();
    assert_eq!(said(), "");
    look(&db, &report(32, 0));
    assert_eq!(
        said(),
        "1 of 1 rented slices no longer fit on the node; restore its capacity, or leave the market \
         so these renters can move. Existing rentals continue, and no more slices are sold."
    );
    look(&db, &NodeReport { rented_whole: true, ..report(32, 3) });
    assert_eq!(
        said(),
        "The whole node is rented on the grid while 1 of its slices are rented here; end the grid \
         rental, or leave the market so these renters can move."
    );
    look(&db, &report(32, 3));
    assert_eq!(said(), "");
}

#[test]
fn a_farm_is_a_list_of_nodes_and_their_sums() {
    let db = market();
    rent(&db);
    let mut down = report(33, 2);
    (down.status, down.city, down.country) = (NodeStatus::Down, String::new(), String::new());
    register(&db, "node33", &down);
    check(
        &farm(&db, Who::Fatima),
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Verified farms </dashboard/farm/claims> SLA credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes: 2
            Slices rented: 1 of 3, 2 free, 33% rented
            Earned this month: $0.00
            In escrow: $64.13
            Available for payout: $0.00
            Paid out: $0.00
            Revenue
            No revenue in the last twelve months. You earn rental payments day by day.
            Download CSV: revenue by month and node </dashboard/farm/revenue.csv>, slices and
              renters </dashboard/farm/slices.csv>, uptime and bandwidth
              </dashboard/farm/uptime.csv>.
            Nodes
            Canal house </dashboard/farm/nodes/node32>
            Grid node 32, Ghent, Belgium
            published up
            1 of 3 rented
            $25.00 per slice per month
            1 rented, 2 available
            Slice 1: o&#39;mar&#38;co@example.org until 29 October 2026
            Earned this month: $0.00. In escrow: $64.13. Uptime: not measured yet; guaranteed
              99.5%. Bandwidth: 940 Mbit/s measured; guaranteed 1,000 Mbit/s below SLA.
            node33 </dashboard/farm/nodes/node33>
            Grid node 33, Unknown location
            draft down
            0 of 0 rented
            No price yet
            no slices
            Earned this month: $0.00. In escrow: $0.00.
            The grid reports the node as down; slices appear once it is up.
            Add a node
            post /dashboard/farm/nodes
            Grid node ID
            Your node&#39;s ID on the grid. [text grid_node_id=]
            (Add node)
            We read the node's capacity from the grid. Nodes stay private until you set a price
              and publish them."#]],
    );
}

#[test]
fn a_node_that_was_not_added_is_explained_at_the_field() {
    let sent = form("grid_node_id=+32b");
    let problem = Problem::from(web::view::read_node(&sent).err().unwrap());
    let page = farm(&market(), Who::Aida).refused(&sent, &problem);
    check(
        &page,
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Verified farms </dashboard/farm/claims> SLA credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes
            No nodes yet
            Enter your node's grid ID to see how many slices it can provide.
            Add a node
            post /dashboard/farm/nodes
            Grid node ID [text grid_node_id= 32b]
            A positive whole number, such as 32.
            (Add node)
            We read the node's capacity from the grid. Nodes stay private until you set a price
              and publish them."#]],
    );
    let problem = Problem::plain(Kind::GridUnreachable);
    let page = farm(&market(), Who::Aida).refused(&form("grid_node_id=32"), &problem);
    let error = "The grid is not responding. Nothing was changed. Try again in a few minutes.";
    assert_eq!(page.grid_node_id, page::Field::refused("32", error));
}

#[test]
fn a_draft_shows_what_it_could_earn() {
    let db = empty();
    register(&db, "node32", &report(32, 9));
    check(
        &node(&db),
        expect![[r#"
            Farm </dashboard/farm>
            node32
            Grid node 32, Ghent, Belgium draft Compare prices
              </dashboard/farm/nodes/node32/market>
            This node can provide 9 slices. At $25.00 each, that is up to $225.00 per month.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: At least 120 GB free, enough for 30 slices
            SSD: At least 1,800 GB free, enough for 9 slices limiting
            Slices
            0 of 9 rented. 9 available.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            node32_slice_4: available
            node32_slice_5: available
            node32_slice_6: available
            node32_slice_7: available
            node32_slice_8: available
            node32_slice_9: available
            Agents
            This farm has no agent, so you set up and remove machines by hand. To run an agent,
              see crates/agent/README.md.
            Revenue
            Earned this month: $0.00
            In escrow: $0.00
            Rented: 0%
            Latest grid report
            Status: up
            Health: healthy
            Updated: 29 July 2026, 12:00 UTC
            Offer draft
            Only you can see this node. Set a price to publish it.
            Leave the market </dashboard/farm/nodes/node32/leave>
            Price and SLA
            post /dashboard/farm/nodes/node32
            [hidden version=1]
            Terms for new rentals
            Price per slice per month
            Between $1.00 and $500.00. $[text price_per_month=]
            Guaranteed uptime
            Not measured yet. [text min_uptime=]%
            Guaranteed bandwidth
            Not measured yet. [text min_bandwidth_mbps=]Mbit/s
            If a month misses the uptime SLA, the renter is credited 10% of its price: 25% below
              99% uptime, and 50% below 95%. Missing the bandwidth SLA adds 10%.
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6 checked] 6 months
            [checkbox terms=12 checked] 12 months
            Reserved slices
            Not offered for rent. Rented slices are not affected. [text kept_slices=0]
            Name in the marketplace [text name=node32]
            (Save offer)
            Offer history </dashboard/farm/nodes/node32/history>
            Scheduled maintenance
            No maintenance scheduled. Renters get at least 24 hours' notice.
            Manage maintenance </dashboard/farm/nodes/node32/maintenance>
            Offer lock
            post /dashboard/farm/nodes/node32/lock
            While the offer is locked, nobody can change it, on this site or through the API.
            (Lock offer)"#]],
    );
}

#[test]
fn a_published_node_shows_who_rents_what() {
    let db = market();
    rent(&db);
    check(
        &node(&db),
        expect![[r#"
            Farm </dashboard/farm>
            Canal house
            Grid node 32, Ghent, Belgium published View in marketplace
              </marketplace/compute/node32> Compare prices </dashboard/farm/nodes/node32/market>
            This node can provide 3 slices, up to $75.00 per month at your price.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: At least 120 GB free, enough for 30 slices
            SSD: At least 600 GB free, enough for 3 slices limiting
            Slices
            1 of 3 rented. 1 rented, 2 available.
            node32_slice_1: o&#39;mar&#38;co@example.org until 29 October 2026
            node32_slice_2: available
            node32_slice_3: available
            Agents
            This farm has no agent, so you set up and remove machines by hand. To run an agent,
              see crates/agent/README.md.
            Revenue
            Earned this month: $0.00
            In escrow: $64.13
            Rented: 33%
            Uptime: not measured yet; guaranteed 99.5%
            Bandwidth: 940 Mbit/s measured; guaranteed 1,000 Mbit/s below SLA
            Latest grid report
            Status: up
            Health: healthy
            Updated: 29 July 2026, 12:00 UTC
            Offer published
            This node is on the market. Pausing hides it; existing rentals continue.
            post /dashboard/farm/nodes/node32/pause
            [hidden version=2]
            (Pause node)
            Leave the market </dashboard/farm/nodes/node32/leave>
            Price and SLA
            post /dashboard/farm/nodes/node32
            [hidden version=2]
            Terms for new rentals
            Price per slice per month
            Between $1.00 and $500.00. $[text price_per_month=25.00]
            You earn $22.50 of $25.00 after the 10% fee.
            Guaranteed uptime
            Not measured yet. [text min_uptime=99.5]%
            Guaranteed bandwidth
            Not measured yet. [text min_bandwidth_mbps=1000]Mbit/s
            If a month misses the uptime SLA, the renter is credited 10% of its price: 25% below
              99% uptime, and 50% below 95%. Missing the bandwidth SLA adds 10%.
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6 checked] 6 months
            [checkbox terms=12 checked] 12 months
            Reserved slices
            Not offered for rent. Rented slices are not affected. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save offer)
            Offer history </dashboard/farm/nodes/node32/history>
            Scheduled maintenance
            No maintenance scheduled. Renters get at least 24 hours' notice.
            Manage maintenance </dashboard/farm/nodes/node32/maintenance>
            Offer lock
            post /dashboard/farm/nodes/node32/lock
            While the offer is locked, nobody can change it, on this site or through the API.
            (Lock offer)"#]],
    );
}

#[test]
fn a_node_that_can_provide_nothing_says_why() {
    let db = empty();
    register(&db, "node32", &report(32, 0));
    offer(&db, 32, "node32", Listing::Draft);
    let page = node(&db);
    assert_eq!(page.headline, "This node can't provide any slices right now.");
    let ssd = "Less than 200 GB of SSD storage is free; hard disks cannot hold a slice.";
    assert_eq!(page.reason.as_deref(), Some(ssd));
    let free: Vec<_> = page.limits.iter().map(|limit| limit.free.as_str()).collect();
    assert_eq!(free, ["32 vCPU", "At least 120 GB", "Less than 200 GB"]);
    assert!(page.limits[2].is_limiting && !page.limits[1].is_limiting);
    assert!(page.publish_hint.ends_with("Slices appear once the node has capacity for them."));

    let db = empty();
    let mut down = report(32, 9);
    down.status = NodeStatus::Down;
    register(&db, "node32", &down);
    assert!(node(&db).limits.iter().all(|limit| !limit.is_limiting));
}

#[test]
fn what_can_be_done_follows_the_listing() {
    let check = |listing, expected: (bool, bool, bool)| {
        let db = empty();
        register(&db, "node32", &report(32, 9));
        offer(&db, 32, "Canal house", listing);
        let page = node(&db);
        assert_eq!((page.can_publish, page.can_pause, page.market_url.is_some()), expected);
    };
    check(Listing::Draft, (true, false, false));
    check(Listing::Published, (false, true, true));
    check(Listing::Paused, (true, false, false));
    let db = empty();
    register(&db, "node32", &report(32, 9));
    let page = node(&db);
    assert!(!page.can_publish, "a draft without a price");
    // A promise is made by whoever keeps it: nothing is filled in for them.
    assert_eq!((page.form.min_uptime, page.form.min_bandwidth_mbps), Default::default());
}

#[test]
fn a_change_that_was_refused_stays_in_the_form() {
    let sent = form("version=2&price_per_month=900&min_uptime=99.5&min_bandwidth_mbps=x&name=a");
    let problem = Problem::fields(vec![
        wrong("price_per_month", "from 1.00 to 500.00 dollars"),
        wrong("min_bandwidth_mbps", "a whole number"),
    ]);
    let page = node(&market()).refused(&sent, &problem).form;
    let price = page::Field::refused("900", "From 1.00 to 500.00 dollars.");
    assert_eq!((page.price_per_month, page.error), (price, None));
    assert_eq!(page.name, page::Field::new("a"));
    assert_eq!(page.min_bandwidth_mbps.error.as_deref(), Some("A whole number."));
    assert_eq!(page.version, "2", "of the offer as it is now");

    let page = node(&market()).refused(&sent, &Problem::plain(Kind::OfferChanged));
    assert!(page.form.error.unwrap().starts_with("The node was changed in the meantime"));
    let page = node(&market()).not_listed(&Problem::plain(Kind::PriceMissing));
    assert!(page.form.error.unwrap().starts_with("The node has no price."));
    assert_eq!(page.form.price_per_month.value, "25.00");
}

#[test]
fn the_form_sends_every_field_and_what_was_seen() {
    let change = web::view::read_change(&form("version=7&name=&price_per_month=")).unwrap();
    assert_eq!((change.offer_version, change.name.as_deref()), (Some(7), Some("")));
    assert_eq!(change.price_per_month.unwrap().text(), "");
    assert_eq!(web::view::read_change(&form("name=a")).err().unwrap().field, "version");
}

#[test]
fn a_farmer_sees_agents_and_says_what_is_gone() {
    let db = market();
    rent(&db);
    let removal = |number, state| Removal { number, state, since: now().plus_seconds(-7_200) };
    let removals = [removal(7, JobState::Failed), removal(2, JobState::Waiting)];
    let agent = |name: &str, seconds: i64| SeenAgent {
        name: name.into(),
        seen_at: now().plus_seconds(-seconds),
    };
    let agents = [agent("rack-7", 120), agent("<old>", 30 * 86_400)];
    let page = shown(&db, Who::Fatima, "/dashboard/farm/nodes/32", |_, visit| {
        let found = standing(&db);
        node(&db).with_agents(visit, &found, &agents, &removals)
    });
    let html = page.render().unwrap();
    html::check_form("page", &html);
    let read = html::reading(&html);
    let (_, read) = read.split_once("Slices\n").unwrap();
    let (read, _) = read.split_once("Latest grid report").unwrap();
    expect![[r#"
        1 of 3 rented. 1 rented, 2 available, 2 being removed.
        node32_slice_1: o&#39;mar&#38;co@example.org until 29 October 2026
        node32_slice_2: available
        node32_slice_2: being removed since 29 July 2026, 10:00 UTC
        post /dashboard/farm/nodes/node32/slices/2/gone
        (Confirm removal: node32_slice_2)
        node32_slice_3: available
        node32_slice_7: being removed since 29 July 2026, 10:00 UTC: the agent failed
        post /dashboard/farm/nodes/node32/slices/7/gone
        (Confirm removal: node32_slice_7)
        Agents
        Agent rack-7, last seen 2 minutes ago
        Agent &#60;old&#62;, last seen 30 days ago: offline, so it gets no jobs
        Revenue
        Earned this month: $0.00
        In escrow: $64.13
        Rented: 33%
        Uptime: not measured yet; guaranteed 99.5%
        Bandwidth: 940 Mbit/s measured; guaranteed 1,000 Mbit/s below SLA
    "#]]
    .assert_eq(read);
    let without = html::reading(&node(&db).render().unwrap());
    assert!(without.contains("This farm has no agent"), "{without}");
}
