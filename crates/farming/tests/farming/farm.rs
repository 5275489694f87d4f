//! What a farmer sees: the farm, and a node of it.

use domain::disk::ServerDisk;
use domain::id::{RANDOM_ID_BYTES, SshKeyId};
use domain::listing::Listing;
use domain::machine::{Observation, Usage};
use domain::node::{NodeReport, NodeStatus};
use domain::provisioning::Report;
use domain::reconciliation::{Seen, reconcile};
use domain::ssh::SshKey;
use expect_test::expect;
use serde_json::json;
use stage::{ADA, BEN, FARMER, Stage, report};
use store::agents;
use store::jobs::{self, Agent, JobReport, Leased};
use store::{machines, rentals, ssh_keys, sync};

use crate::{FARM, NODE, ask, between, read_node, send};

/// The grid says something else of node 32.
fn look(stage: &Stage, report: &NodeReport) {
    let known = sync::registered(&stage.db, None, 1, stage.now()).unwrap();
    let look = reconcile(&known[0], Seen::Listed(report), stage.now());
    sync::save(&stage.db, &[look], None, stage.now()).unwrap();
}

#[test]
fn a_farmer_reads_that_too_much_is_rented() {
    let stage = Stage::three_slices();
    stage.rent();
    let said = || ask(&stage, NODE).page(200);
    let oversold = "1 of 1 rented slices no longer fit on the node; restore its capacity, or leave \
                    the market so these renters can move. Existing rentals continue, and no more \
                    slices are sold.";
    let rented_whole = "The whole node is rented on the grid while 1 of its slices are rented \
                        here; end the grid rental, or leave the market so these renters can move.";
    let is_well = || {
        let said = said();
        !said.contains("no longer fit") && !said.contains("is rented on the grid")
    };
    assert!(is_well());
    look(&stage, &report(32, 0));
    assert!(said().contains(oversold), "{}", said());
    look(&stage, &NodeReport { rented_whole: true, ..report(32, 3) });
    assert!(said().contains(rented_whole), "{}", said());
    look(&stage, &report(32, 3));
    assert!(is_well());
}

#[test]
fn a_farmer_reads_what_an_outage_means_for_renters() {
    let stage = Stage::three_slices();
    let down = NodeReport { status: NodeStatus::Down, ..report(32, 3) };
    let said = || ask(&stage, NODE).page(200);
    look(&stage, &down);
    let words = "Renters aren't charged for an outage of 24 hours or more.";
    assert!(said().contains("The grid reports the node as down") && !said().contains(words));
    look(&stage, &report(32, 3));
    stage.rent();
    assert!(!said().contains(words));
    look(&stage, &down);
    assert!(said().contains(words), "{}", said());
}

#[test]
fn a_farm_is_a_list_of_nodes_and_their_sums() {
    let stage = Stage::three_slices();
    stage.rent();
    let mut down = report(33, 2);
    (down.status, down.city, down.country) = (NodeStatus::Down, String::new(), String::new());
    stage.register("node33", &down);
    ask(&stage, FARM).reads(
        200,
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Verified farms </dashboard/farm/claims> SLA credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            What to do next
            Set a price for node33 </dashboard/farm/nodes/node33#offer> Only you can see a node
              until it has a price and you publish it.
            Start an agent for node32 </dashboard/farm/nodes/node32#agents-title> Without one,
              you set up every machine by hand within a day.
            Verify the farm of node32 and 1 more </dashboard/farm/claims> Renters see an
              unverified farm, and you are paid after a month of use.
            Nodes: 2
            Slices rented: 1 of 3, 2 free, 33% rented
            Earned this month: $0.00
            In escrow: $64.13
            Not paid out yet: $0.00
            Paid out: $0.00
            Revenue
            No revenue in the last twelve months. You earn rental payments day by day.
            Download CSV: revenue by month and node </dashboard/farm/revenue.csv>, slices and
              renters </dashboard/farm/slices.csv>, uptime and bandwidth
              </dashboard/farm/uptime.csv>.
            Nodes
            Canal house </dashboard/farm/nodes/node32>
            Grid node 32,
            Ghent, Belgium
            published up
            1 of 3 rented
            $25.00 per slice per month
            1 rented, 2 available
            Slice 1: o&#39;ada&#38;co@example.org until 29 October 2026
            Earned this month: $0.00. In escrow: $64.13. Uptime: not measured yet; guaranteed
              99.5%. Bandwidth: 940 Mbit/s measured; guaranteed 1,000 Mbit/s below SLA.
            node33 </dashboard/farm/nodes/node33>
            Grid node 33,
            Unknown location
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
fn who_rents_what_until_when_is_in_sight() {
    let stage = Stage::three_slices();
    stage.rent();
    let html = ask(&stage, FARM).html(200);
    let list = between(&html, "class=\"farm-nodes\"", "</section>");
    assert!(list.contains("co@example.org") && list.contains("29 October 2026"), "{list}");
    assert!(!list.contains("<details"), "{list}");
}

#[test]
fn a_node_that_was_not_added_is_explained_at_the_field() {
    let stage = Stage::three_slices();
    let add = |node| {
        let fields = [("grid_node_id", node)];
        stage.as_user(BEN).form(farming::ROUTES, "/dashboard/farm/nodes", &fields)
    };
    add(" 32b").reads(
        400,
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
    let page = stage::reading(&add("33").html(502));
    expect![[r#"
        [text grid_node_id=33]
        The grid is not responding. Nothing was changed. Try again in a few minutes.
    "#]]
    .assert_eq(between(&page, "Grid node ID ", "(Add node)"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a whole page, as it is read")]
fn a_draft_shows_what_it_could_earn() {
    let stage = Stage::without_nodes();
    stage.register("node32", &report(32, 9));
    ask(&stage, NODE).reads(
        200,
        expect![[r#"
            Farm </dashboard/farm>
            node32
            Grid node 32, Ghent, Belgium draft Compare prices
              </dashboard/farm/nodes/node32/market>
            This node can provide 9 slices. At $25.00 each, that is up to $225.00 per month.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: At least 120 GB free, enough for 30 slices
            SSD: At least 1,800 GB free, enough for 9 slices limiting
            Price and SLA
            There are too few similar nodes to compare prices. Compare prices
              </dashboard/farm/nodes/node32/market>
            post /dashboard/farm/nodes/node32
            [hidden offer_version=1]
            Terms for new rentals
            Price per slice per month
            Between $1.00 and $500.00. $[text price_per_month=25.00]
            At $25.00, you earn up to $202.50 a month after the fee if all slices are rented. If
              a month misses your guarantee, renters are credited at least 10% of the price:
              $2.50 for each slice, $22.50 if all are rented.
            Guaranteed uptime
            Not measured yet. [text min_uptime=]%
            Guaranteed bandwidth
            Not measured yet. [text min_bandwidth_mbps=]Mbit/s
            If a month misses the uptime SLA, the renter is credited 10% of its price: 25% below
              99% uptime, and 50% below 95%. Missing the bandwidth SLA adds 10%.
            (Save and publish node)
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6 checked] 6 months
            [checkbox terms=12 checked] 12 months
            Withheld slices
            Not offered for rent. Rented slices are not affected. [text withheld_slices=0]
            Name in the marketplace [text name=node32]
            (Save offer)
            Offer history </dashboard/farm/nodes/node32/history>
            Slices
            9 available.
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
            This farm has no agent, so you set up and remove machines by hand. Each setup has to
              be confirmed within a day, or the renter is refunded in full. An agent does that
              within minutes, and also sets up what waits.
            post /dashboard/farm/nodes/node32/agent
            (Create token and start command)
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
#[expect(clippy::too_many_lines, reason = "a whole page, as it is read")]
fn a_published_node_shows_who_rents_what() {
    let stage = Stage::three_slices();
    stage.rent();
    ask(&stage, NODE).reads(
        200,
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
            1 rented, 2 available.
            node32_slice_1: o&#39;ada&#38;co@example.org renter has no SSH key until 29 October
              2026 View: node32_slice_1 </dashboard/farm/nodes/node32/slices/1/setup>
            node32_slice_2: available
            node32_slice_3: available
            Agents
            This farm has no agent, so you set up and remove machines by hand. Each setup has to
              be confirmed within a day, or the renter is refunded in full. An agent does that
              within minutes, and also sets up what waits.
            post /dashboard/farm/nodes/node32/agent
            (Create token and start command)
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
            [hidden offer_version=2]
            (Pause node)
            Leave the market </dashboard/farm/nodes/node32/leave>
            Price and SLA
            post /dashboard/farm/nodes/node32
            [hidden offer_version=2]
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
            Withheld slices
            Not offered for rent. Rented slices are not affected. [text withheld_slices=0]
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
    let stage = Stage::without_nodes();
    stage.register("node32", &report(32, 0));
    stage.offer(32, "node32", Listing::Draft);
    let page = read_node(&stage);
    expect![[r#"
        , Ghent, Belgium draft Compare prices
          </dashboard/farm/nodes/node32/market>
        This node can&#39;t provide any slices right now.
        Less than 200 GB of SSD storage is free; hard disks cannot hold a slice.
        Processor: 32 vCPU free, enough for 32 slices
        Memory: At least 120 GB free, enough for 30 slices
        SSD: Less than 200 GB free, enough for 0 slices limiting
        Price and SLA
        post /dashboard/farm/nodes/node32
        [hidden offer_version=2]
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
        (Save and publish node)
        Rental terms offered [hidden terms=]
        [checkbox terms=1 checked] 1 month
        [checkbox terms=3 checked] 3 months
        [checkbox terms=6 checked] 6 months
        [checkbox terms=12 checked] 12 months
        Withheld slices
        Not offered for rent. Rented slices are not affected. [text withheld_slices=0]
        Name in the marketplace [text name=node32]
        (Save offer)
        Offer history </dashboard/farm/nodes/node32/history>
        Slices
        This node has no slices yet.
    "#]]
    .assert_eq(between(&page, "Grid node 32", "Agents"));
    let hint = "Slices appear once the node has capacity for them.";
    assert!(ask(&stage, NODE).page(200).contains(hint), "{page}");

    let stage = Stage::without_nodes();
    stage.register("node32", &NodeReport { status: NodeStatus::Down, ..report(32, 9) });
    let page = read_node(&stage);
    assert!(!page.contains("limiting"), "{page}");
}

#[test]
fn what_can_be_done_follows_the_listing() {
    let can = |stage: &Stage| {
        let html = ask(stage, NODE).html(200);
        let has_form = |form: &str| html.contains(&format!("action=\"{NODE}/{form}\""));
        let is_on_market = html.contains("href=\"/marketplace/compute/node32\"");
        (has_form("publish"), has_form("pause"), is_on_market)
    };
    for (listing, expected) in [
        (Listing::Draft, (true, false, false)),
        (Listing::Published, (false, true, true)),
        (Listing::Paused, (true, false, false)),
    ] {
        let stage = Stage::without_nodes();
        stage.register("node32", &report(32, 9));
        stage.offer(32, "Canal house", listing);
        assert_eq!(can(&stage), expected, "{listing:?}");
    }
    let stage = Stage::without_nodes();
    stage.register("node32", &report(32, 9));
    assert_eq!(can(&stage), (false, false, false), "a draft without a price");
    // An SLA is made by whoever keeps it: nothing is filled in for them.
    let page = read_node(&stage);
    let is_empty = |field: &str| page.contains(&format!("[text {field}=]"));
    assert!(is_empty("min_uptime") && is_empty("min_bandwidth_mbps"), "{page}");
}

#[test]
fn a_change_that_was_refused_stays_in_the_form() {
    let stage = Stage::three_slices();
    let change = |version, price, bandwidth| {
        let fields = [
            ("offer_version", version),
            ("price_per_month", price),
            ("min_uptime", "99.5"),
            ("min_bandwidth_mbps", bandwidth),
            ("name", "a"),
        ];
        send(&stage, NODE, &fields)
    };
    let page = stage::reading(&change("2", "900", "x").html(400));
    expect![[r#"
        post /dashboard/farm/nodes/node32
        [hidden offer_version=2]
        Terms for new rentals
        Price per slice per month $[text price_per_month=900]
        A price per slice per month from 1.00 to 500.00 dollars, with at most two decimals.
        You earn $22.50 of $25.00 after the 10% fee.
        Guaranteed uptime
        Not measured yet. [text min_uptime=99.5]%
        Guaranteed bandwidth [text min_bandwidth_mbps=x]Mbit/s
        A whole number of Mbit/s, 0 to 1000000.
    "#]]
    .assert_eq(between(&page, "Price and SLA\n", "If a month misses"));
    assert!(page.contains("[text name=a]"), "{page}");

    // The form is for the offer as it is now.
    let page = stage::reading(&change("1", "26", "1000").html(409));
    expect![[r#"
        post /dashboard/farm/nodes/node32
        [hidden offer_version=2]
        The node was changed in the meantime, so nothing was saved. Review the current values
          and try again.
        Terms for new rentals
        Price per slice per month
        Between $1.00 and $500.00. $[text price_per_month=26]
        You earn $22.50 of $25.00 after the 10% fee.
    "#]]
    .assert_eq(between(&page, "Price and SLA\n", "Guaranteed uptime"));

    let stage = Stage::without_nodes();
    stage.register("node32", &report(32, 9));
    let page = send(&stage, &format!("{NODE}/publish"), &[("offer_version", "1")]);
    assert!(page.page(409).contains("The node has no price."), "{page}");
}

/// ADA has a key, without which nothing is set up, and the farm has an agent.
fn begin_setups(stage: &Stage, agent: &Agent<'_>) {
    jobs::see(&stage.db, agent, stage.now()).unwrap();
    add_key(stage);
}

#[test]
fn a_farmer_reads_what_to_do_about_a_machine_that_a_full_disk_has_paused() {
    let stage = Stage::without_nodes();
    stage.register("Canal house", &report(32, 7));
    stage.offer(32, "Canal house", Listing::Published);
    let rack = Agent { farmer: FARMER.account(), farm: 1, name: "rack-7", token: None };
    begin_setups(&stage, &rack);
    stage.rent();
    report_to(&stage, &rack, Report::Complete);
    assert!(!read_node(&stage).contains("disk is full"));
    let [watched] = &machines::watched(&stage.db, &rack).unwrap()[..] else { panic!() };
    let (observation, usage) = (Observation::Paused, Usage::default());
    let paused = machines::Report { watched, observation, can: None, usage };
    machines::report(&stage.db, &[paused], stage.now()).unwrap();
    let page = read_node(&stage);
    let (_, slice) = page.split_once("node32_slice_1: ").unwrap();
    let (slice, _) = slice.split_once("node32_slice_2").unwrap();
    for words in ["paused", "The server&#39;s disk is full.", "Free some space"] {
        assert!(slice.contains(words), "{slice}");
    }
}

/// ADA rents a slice; its machine is set up, and the rental ends.
fn remove_one(stage: &Stage, agent: &Agent<'_>, nth: u8) {
    let rental = stage.rent_another(nth).life.id;
    report_to(stage, agent, Report::Complete);
    rentals::end(&stage.db, ADA.account(), rental, None, stage.now()).unwrap();
}

/// The agent takes the next job, and says what came of it.
fn report_to(stage: &Stage, agent: &Agent<'_>, report: Report) {
    let job: Leased = jobs::lease(&stage.db, agent, stage.now()).unwrap().unwrap();
    let sealed = (report == Report::Complete).then_some(&b"sealed"[..]);
    let told =
        JobReport { job: &job.id, fence: job.fence, report, sealed, reason: None, log: None };
    jobs::report(&stage.db, agent, &told, stage.now()).unwrap();
}

/// ADA registers an SSH key.
fn add_key(stage: &Stage) {
    let id = SshKeyId::from_random(stage.now(), [0; RANDOM_ID_BYTES]);
    let key = SshKey {
        line: "ssh-ed25519 AAAA".into(),
        fingerprint: "SHA256:A".into(),
        comment: String::new(),
    };
    let added = ssh_keys::add(&stage.db, ADA.account(), id, "laptop", &key, stage.now());
    added.unwrap().unwrap();
}

#[test]
fn a_farmer_sees_what_is_to_be_set_up_and_removed_by_hand() {
    let stage = Stage::three_slices();
    stage.credit(ADA, "200.00");
    add_key(&stage);
    let confirm = |nth: u8| {
        let rental = stage.rent_another(nth).life.id;
        let job = jobs::machines(&stage.db, rental, stage.now()).unwrap().remove(0).job;
        let farmer = FARMER.account();
        assert!(jobs::confirm_setup(&stage.db, farmer, &job, b"sealed", stage.now()).unwrap());
        rental
    };
    let first = confirm(1);
    confirm(2);
    stage.rent_another(3);
    rentals::end(&stage.db, ADA.account(), first, None, stage.now()).unwrap();
    let page = read_node(&stage);
    expect![[r#"
        2 rented, 1 being removed.
        node32_slice_1: being removed since 29 July 2026, 12:00 UTC: remove it by hand
        post /dashboard/farm/nodes/node32/slices/1/confirm-removed
        (Confirm removal: node32_slice_1)
        node32_slice_2: o&#39;ada&#38;co@example.org set up by hand until 29 October 2026
          Change access: node32_slice_2 </dashboard/farm/nodes/node32/slices/2/setup>
        node32_slice_3: o&#39;ada&#38;co@example.org waits for you by 30 July 2026, 11:50
          UTC, or the renter is refunded until 29 October 2026 Set up: node32_slice_3
          </dashboard/farm/nodes/node32/slices/3/setup>
        Agents
        This farm has no agent, so you set up and remove machines by hand. Each setup has to
          be confirmed within a day, or the renter is refunded in full. An agent does that
          within minutes, and also sets up what waits.
        post /dashboard/farm/nodes/node32/agent
        (Create token and start command)
    "#]]
    .assert_eq(between(&page, "Slices\n", "Revenue"));
}

#[test]
fn a_farmer_sees_agents_and_says_what_is_gone() {
    let stage = Stage::without_nodes();
    stage.register("Canal house", &report(32, 7));
    stage.offer(32, "Canal house", Listing::Published);
    let agent = |name| Agent { farmer: FARMER.account(), farm: 1, name, token: None };
    let rack = agent("rack-7");
    jobs::see(&stage.db, &agent("<old>"), stage.now().plus_seconds(-30 * 86_400)).unwrap();
    begin_setups(&stage, &rack);
    remove_one(&stage, &rack, 1);
    report_to(&stage, &rack, Report::Fail { retry: false });
    remove_one(&stage, &rack, 2);
    stage.rent();
    stage.pass_seconds(120);
    let page = read_node(&stage);
    expect![[r#"
        1 rented, 4 available, 2 being removed.
        node32_slice_1: being removed since 29 July 2026, 12:00 UTC: the agent failed
        post /dashboard/farm/nodes/node32/slices/1/confirm-removed
        (Confirm removal: node32_slice_1)
        node32_slice_2: being removed since 29 July 2026, 12:00 UTC
        post /dashboard/farm/nodes/node32/slices/2/confirm-removed
        (Confirm removal: node32_slice_2)
        node32_slice_3: o&#39;ada&#38;co@example.org until 29 October 2026
        node32_slice_4: available
        node32_slice_5: available
        node32_slice_6: available
        node32_slice_7: available
        Agents
        Agent rack-7, last seen 2 minutes ago
        Agent &#60;old&#62;, last seen 30 days ago: offline, so it gets no jobs
        post /dashboard/farm/nodes/node32/agent
        (Create another start command)
        Revenue
        Earned this month: $0.00
        In escrow: $64.13
        Rented: 20%
        Uptime: not measured yet; guaranteed 99.5%
        Bandwidth: 940 Mbit/s measured; guaranteed 1,000 Mbit/s below SLA
    "#]]
    .assert_eq(between(&page, "Slices\n", "Latest grid report"));
    // What is being removed is shown, whatever the grid says of the node's capacity.
    look(&stage, &report(32, 0));
    let page = read_node(&stage);
    assert!(page.contains("(Confirm removal: node32_slice_1)"), "{page}");
    assert!(page.contains("(Confirm removal: node32_slice_2)"), "{page}");
    let gone = format!("{NODE}/slices/1/confirm-removed");
    let path = send(&stage, &gone, &[]).see_other();
    assert!(path.starts_with(NODE), "{path}");
    assert!(!read_node(&stage).contains(&gone));

    let page = read_node(&Stage::three_slices());
    assert!(page.contains("This farm has no agent"), "{page}");
}

#[test]
fn a_farmer_sees_how_full_the_disks_of_agents_are() {
    let stage = Stage::three_slices();
    let agent = Agent { farmer: FARMER.account(), farm: 1, name: "rack-7", token: None };
    jobs::see(&stage.db, &agent, stage.now()).unwrap();
    let report = |free: u64| {
        stage.pass_seconds(60);
        let (bytes, free_bytes) = (1000 << 30, free << 30);
        let disk = ServerDisk { bytes, free_bytes, growth_bytes: None };
        agents::report_disk(&stage.db, &agent, disk, stage.now()).unwrap();
    };
    let seen = || {
        let answer = stage.as_user(FARMER).get(farming::ROUTES, "/api/farm/nodes/node32").ok(200);
        let agent = &answer["agents"][0];
        (agent["name"] == "rack-7", agent["disk_free_bytes"].clone(), agent["is_disk_low"].clone())
    };
    let warning = "This disk is almost full. Make room on it";
    let says = |words: &str| ask(&stage, NODE).page(200).contains(words);
    assert_eq!(seen(), (true, json!(null), json!(false)));
    assert!(!says("Free on its server's disk"));
    report(500);
    assert_eq!(seen(), (true, json!(500_u64 << 30), json!(false)));
    assert!(says("Free on its server's disk: 500 GB of 1000 GB") && !says(warning));
    report(50);
    assert_eq!(seen(), (true, json!(50_u64 << 30), json!(true)));
    assert!(says("Free on its server's disk: 50 GB of 1000 GB") && says(warning));
    report(149);
    assert!(says(warning), "there is no room yet");
    report(150);
    assert!(!says(warning));
    stage.check_invariants();
}

/// T11: each change of an offer is kept for good, in three tables.
#[test]
fn an_offer_is_changed_only_so_often() {
    let stage = Stage::three_slices();
    let change = |nth: u32| {
        let body = json!({ "name": format!("Canal house {nth}") });
        let path = "/api/farm/nodes/node32";
        stage.as_user(FARMER).call(farming::ROUTES, http::Method::PATCH, path, body).status()
    };
    for nth in 0..120 {
        assert_eq!(change(nth), 200, "{nth}");
    }
    let versions = || {
        let sql = "SELECT count(*) FROM offer_history";
        stage.db.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let kept = versions();
    for nth in 120..1_000 {
        assert_eq!(change(nth), 429, "{nth}");
    }
    assert_eq!(versions(), kept);
    stage.pass_seconds(30);
    assert_eq!(change(1_000), 200);
}
