//! The market and the page of a node, as each person reads them who may look.

use domain::listing::Listing;
use domain::node::NodeReport;
use expect_test::expect;
use stage::{ADA, Answer, BEN, Caller, FARMER, Stage, reading, report};
use store::Db;
use store::farms::{self, GridFarm};

use crate::servers::Server;

const MARKET: &str = "/marketplace/compute";
const NODE: &str = "/marketplace/compute/node32";

fn ask(who: &Caller<'_>, path: &str) -> Answer {
    who.get(renting::ROUTES, path)
}

#[test]
fn the_market_shows_what_is_on_offer() {
    let path = "/marketplace/compute?country=be&sort=free";
    let stage = Stage::three_slices();
    ask(&stage.as_visitor().header("cookie", "done=signed-up"), path).reads(
        200,
        expect![[r#"
            Your account is ready.
            Slices for rent
            A slice is a Linux machine of your own on a farmer's server, with root access over
              SSH. Every slice has the same size:
            1 vCPU
            4 GB memory
            200 GB SSD
            get /marketplace/compute
            I need
            Number of slices[text count=] slices in
            Place[text place=Belgium] for
            Term
            any term1 month3 months6 months12 months, running
            Software
            anythingPlain LinuxDockerKubernetes (k3s)PostgreSQLWeb server, under $
            Maximum monthly price per slice[text max_price=] a month each.
            More filters
            Minimum guaranteed uptime [text min_uptime=]%
            Minimum measured uptime [text min_measured_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            [checkbox automatic_setup=true] Ready in minutes (automatic setup)
            [checkbox verified_farm=true] Owner verified
            [checkbox certified=true] Hardware certified by the grid
            Places:
            Belgium
            Europe
            [checkbox place=Europe] All of Europe 1
            [checkbox place=Belgium]
            Belgium 1
            [checkbox place=Ghent, Belgium]
            Ghent 1
            Sort by
            Cheapest first Most reliable first Newest first Most free slices first By place
            (Show slices) Clear </marketplace/compute>
            1 node, most free slices first
            Canal house </marketplace/compute/node32?country=be&#38;sort=free>
            Ghent, Belgium
            manual setup unverified farm new
            [checkbox node=node32] Compare Canal house
            Not measured yet; 99.5% guaranteed
            3 of 3 slices free
            1 vCPU · 4 GB · 200 GB SSD
            $25.00 per month $0.034 per hour
            Rent </marketplace/compute/node32?country=be&#38;sort=free#rent>
            get /marketplace/compute/compare
            Select two to four nodes.
            (Compare nodes)
            Get notified when more nodes fit. Sign in to save this search
              </login?next=%2Fmarketplace%2Fcompute%3Fcountry%3Dbe%26sort%3Dfree>"#]],
    );
}

#[test]
fn a_filter_that_cannot_be_used_says_so_beside_the_field() {
    let stage = Stage::three_slices();
    let path = "/marketplace/compute?max_price=cheap&min_uptime=101&certified=true";
    ask(&stage.as_visitor(), path).reads(
        400,
        expect![[r#"
            Slices for rent
            A slice is a Linux machine of your own on a farmer's server, with root access over
              SSH. Every slice has the same size:
            1 vCPU
            4 GB memory
            200 GB SSD
            get /marketplace/compute
            I need
            Number of slices[text count=] slices in
            Place[text place=] for
            Term
            any term1 month3 months6 months12 months, running
            Software
            anythingPlain LinuxDockerKubernetes (k3s)PostgreSQLWeb server, under $
            Maximum monthly price per slice[text max_price=cheap] a month each.
            An amount of dollars with at most two decimals, above 0, such as 25.00.
            More filters
            Minimum guaranteed uptime [text min_uptime=101]%
            A percentage from 0 to 100, such as 99.5.
            Minimum measured uptime [text min_measured_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            [checkbox automatic_setup=true] Ready in minutes (automatic setup)
            [checkbox verified_farm=true] Owner verified
            [checkbox certified=true checked] Hardware certified by the grid
            Places
            Europe
            [checkbox place=Europe] All of Europe 1
            [checkbox place=Belgium]
            Belgium 1
            Sort by
            Cheapest first Most reliable first Newest first Most free slices first By place
            (Show slices) Clear </marketplace/compute>
            Invalid filter
            Some filter values are invalid. Correct the highlighted fields and search again."#]],
    );
    let page = ask(&stage.as_visitor(), "/marketplace/compute?cursor=x&sort=luck").page(400);
    assert!(page.contains("The URL has an invalid sort."), "{page}");
}

#[test]
fn a_long_market_has_a_next_page() {
    let stage = Stage::without_nodes();
    for number in 1..=25 {
        stage.register("x", &report(number, 1));
        stage.offer(number, "x", Listing::Published);
    }
    let first = ask(&stage.as_visitor(), "/marketplace/compute?min_uptime=99&cursor=");
    let html = first.html(200);
    assert!(html.contains("25 nodes, lowest price first"), "{html}");
    let link = "/marketplace/compute?min_uptime=99&#38;cursor=";
    let (_, rest) = html.split_once(&format!("href=\"{link}")).unwrap();
    let (cursor, _) = rest.split_once('"').unwrap();
    let second = ask(&stage.as_visitor(), &format!("{MARKET}?min_uptime=99&cursor={cursor}"));
    let html = second.html(200);
    let back = format!("href=\"/marketplace/compute/node25?min_uptime=99&#38;cursor={cursor}\"");
    assert!(html.contains(&back) && !html.contains("node24"), "{html}");
    assert!(html.contains("Previous page") && !html.contains("Next page"), "{html}");
    // The place of another search is none in this one.
    let other = ask(&stage.as_visitor(), &format!("{MARKET}?min_uptime=98&cursor={cursor}"));
    other.html(400);
}

#[test]
fn a_farm_that_nobody_has_verified_says_so() {
    let stage = Stage::three_slices();
    let seen = || {
        let ada = stage.as_user(ADA);
        let (market, node) = (ask(&ada, MARKET).html(200), ask(&ada, NODE).html(200));
        let filtered = ask(&ada, "/api/marketplace/slices?verified_farm=true").ok(200);
        let shown = ask(&ada, "/api/marketplace/nodes/node32").ok(200)["verified_farm"].clone();
        let warned = node.contains("the farmer has not shown that they own it");
        (
            [market, node].map(|page| page.contains("unverified farm")),
            warned,
            filtered["items"].as_array().unwrap().len(),
            shown == true,
        )
    };
    assert_eq!(seen(), ([true, true], true, 0, false));
    let farm = GridFarm { id: 1, name: "Freefarm".into(), twin: 2, account: "5Grwva".into() };
    let method = farms::VerificationMethod::Signature;
    farms::verify(&stage.db, &farm, FARMER.account(), method, stage.now()).unwrap();
    assert_eq!(seen(), ([false, false], false, 3, true));
}

#[test]
fn a_filter_that_does_not_exist_is_refused_in_the_api() {
    let stage = Stage::three_slices();
    let slices =
        |query: &str| ask(&stage.as_visitor(), &format!("/api/marketplace/slices?{query}"));
    let problem = slices("contry=Belgium").problem(400, "malformed-request");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("unknown field `contry`") && detail.contains("`country`"), "{detail}");
    slices("limit=5&limit=6").problem(400, "malformed-request");
    // Links to pages carry more than the page reads.
    ask(&stage.as_visitor(), &format!("{MARKET}?utm_source=letter")).html(200);
}

#[test]
fn a_country_is_found_by_name_and_code() {
    let stage = Stage::without_nodes();
    for (number, country) in [(1, "Curaçao"), (2, "Россия"), (3, "Belgium")] {
        stage.register("x", &NodeReport { country: country.to_owned(), ..report(number, 1) });
        stage.offer(number, "x", Listing::Published);
    }
    for (wanted, node) in [
        ("be", "node3"),
        ("BEL", "node3"),
        ("BELGIUM", "node3"),
        ("CURACAO", "node1"),
        ("cw", "node1"),
        ("россия", "node2"),
    ] {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("country", wanted)
            .finish();
        let path = format!("/api/marketplace/nodes?{query}");
        let found = ask(&stage.as_visitor(), &path).ok(200);
        let nodes = found["items"].as_array().unwrap();
        assert_eq!((nodes.len(), nodes[0]["id"].as_str()), (1, Some(node)), "{wanted}");
        ask(&stage.as_visitor(), &format!("{MARKET}?{query}")).html(200).contains(node);
    }
}

#[test]
fn a_visitor_signs_in_first() {
    ask(&Stage::three_slices().as_visitor(), NODE).reads(
        200,
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up unverified farm Freefarm </farms/1>
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Sign in to rent </login?next=%2Fmarketplace%2Fcompute%2Fnode32%23rent>
            You'll return to this page.
            Uptime and bandwidth
            Last 30 days: no checks.
            Guaranteed uptime: 99.5%
            Measured uptime: Not measured yet
            Guaranteed bandwidth: 1,000 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | No checks | | 0 |
            | Last 30 days | No checks | | 0 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/sla>
            Slices
            3 of 3 free. All slices are identical, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Farm owner: not verified
            Machine setup: by hand
            Country: Belgium
            City: Ghent
            Measured upload: 940 Mbit/s
            Last updated from the grid: 29 July 2026, 12:00 UTC"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page, as it is read")]
fn a_renter_sees_what_each_term_costs() {
    let page = ask(&Stage::three_slices().as_user(ADA), NODE);
    page.reads(
        200,
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up unverified farm Freefarm </farms/1>
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Uptime and bandwidth
            Last 30 days: no checks.
            Guaranteed uptime: 99.5%
            Measured uptime: Not measured yet
            Guaranteed bandwidth: 1,000 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | No checks | | 0 |
            | Last 30 days | No checks | | 0 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/sla>
            Slices
            3 of 3 free. All slices are identical, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Farm owner: not verified
            Machine setup: by hand
            Country: Belgium
            City: Ghent
            Measured upload: 940 Mbit/s
            Last updated from the grid: 29 July 2026, 12:00 UTC
            post /dashboard/slices
            [hidden node_id=node32] [hidden offer_version=2] [hidden
              idempotency_key=019fadbe-f200-7fcd-9d7b-39a820e2f465] [hidden total=25.00]
            Rent a slice
            Canal house,
            Ghent, Belgium <#content>
            You'll get
            Each slice: 1 dedicated vCPU, 4 GB memory, 200 GB SSD
            Access: set up by the farmer, by hand; if you have none within 24 hours, you are
              refunded in full
            Guarantee: 99.5% uptime and 1,000 Mbit/s, with credits if they fall short
            Login: SSH with your key; address and port are shown on the rental&#39;s page
            Size
            [radio whole_node= checked] Individual slices $25.00 per slice per month, on a shared
              node
            [radio whole_node=yes] The whole node (3 slices) $75.00 per month, as one rental on a
              dedicated node
            Number of slices
            1 slice 2 slices 3 slices
            Doesn't apply to the whole node.
            This farm has no automatic setup: the farmer sets up your machine by hand, without
              templates or open ports, and nobody watches it afterwards. Your term starts now; if
              you have no access within a day, you are refunded in full. You can end the rental
              at any time; unused time is refunded.
            This farm is unverified: the farmer has not shown that they own it.
            Term
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 per slice per month,
              until 29 August 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 per slice per month,
              until 29 October 2026 Saves $3.75
            [radio duration_months=6 required] 6 months 10% off $135.00 $22.50 per slice per
              month, until 29 January 2027 Saves $15.00
            [radio duration_months=12 required] 12 months 15% off $255.00 $21.25 per slice per
              month, until 29 July 2027 Saves $45.00
            Your SSH key
            Public key
            One line, such as ssh-ed25519 AAAA… you@laptop. It is saved in your account. You can
              also add it later: your machine is set up once you have.
            The farmer sees you as o&#39;ada&#38;co@example.org, as set in your profile. The
              rental ends on its last day unless you extend it.
            Total now: $25.00
            Your balance: $100.00
            (Rent for $25.00)
            (Update total) Cancel <#content>"#]],
    );
    let html = page.html(200);
    for text in ["o&#39;ada&#38;co@example.org", "$100.00", "/logout"] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("/login"));
}

#[test]
fn who_cannot_pay_for_a_term_sees_what_is_missing() {
    let page = reading(&ask(&Stage::three_slices().as_user(BEN), NODE).html(200));
    let (_, form) = page.split_once("Term\n").unwrap();
    expect![[r#"
        [radio duration_months=1 checked required] 1 month $25.00 $25.00 per slice per month,
          until 29 August 2026
        [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 per slice per month,
          until 29 October 2026 Saves $3.75
        [radio duration_months=6 required] 6 months 10% off $135.00 $22.50 per slice per
          month, until 29 January 2027 Saves $15.00
        [radio duration_months=12 required] 12 months 15% off $255.00 $21.25 per slice per
          month, until 29 July 2027 Saves $45.00
        Your SSH key
        Public key
        One line, such as ssh-ed25519 AAAA… you@laptop. It is saved in your account. You can
          also add it later: your machine is set up once you have.
        The farmer sees you as ben@example.org, as set in your profile. The rental ends on
          its last day unless you extend it.
        Total now: $25.00
        Your balance: $0.00
        Your balance is $25.00 short of this total. You can pay it by card now.
        (Pay $25.00 by card and rent)
        (Update total) Cancel <#content>"#]]
    .assert_eq(form);
}

/// Why a slice cannot be rented by `who`.
#[track_caller]
#[test]
fn a_template_and_ports_are_chosen_where_machines_are_set_up_automatically() {
    let stage = Stage::market();
    let shown = || ask(&stage.as_user(ADA), NODE).page(200);
    let page = shown();
    assert!(!page.contains("Image setup") && !page.contains("Open ports"), "{page}");
    Server::new(&stage);
    let page = shown();
    assert!(page.contains("Image setup") && page.contains("Open ports (optional)"), "{page}");
}

fn check_closed(who: &Caller<'_>, expected: &str) {
    let page = ask(who, NODE);
    assert!(page.page(200).contains(expected), "{page}");
    assert!(!page.text().contains("action=\"/dashboard/slices\""), "{page}");
}

#[test]
fn where_nothing_can_be_rented_the_page_says_why() {
    let stage = Stage::three_slices();
    check_closed(&stage.as_user(FARMER), "This is your own node, so you can't rent its slices.");
    stage.offer(32, "Canal house", Listing::Paused);
    let paused = "This node is no longer on the market; choose another node.";
    check_closed(&stage.as_visitor(), paused);
    check_closed(&stage.as_user(ADA), paused);

    let stage = Stage::without_nodes();
    stage.register("Canal house", &report(32, 1));
    stage.offer(32, "Canal house", Listing::Published);
    stage.rent();
    let sold_out = "All slices of this node are rented; choose another node.";
    check_closed(&stage.as_visitor(), sold_out);

    let stage = Stage::without_nodes();
    stage.register("Canal house", &report(32, 0));
    stage.offer(32, "Canal house", Listing::Published);
    let empty = "This node has no capacity right now; choose another node.";
    check_closed(&stage.as_user(ADA), empty);
}

#[test]
fn a_refusal_is_said_where_the_offer_is() {
    let stage = Stage::three_slices();
    let rent = |user, version| {
        let fields = [
            ("node_id", "node32"),
            ("offer_version", version),
            ("duration_months", "3"),
            ("idempotency_key", "k"),
        ];
        stage.as_user(user).form(renting::ROUTES, "/dashboard/slices", &fields)
    };
    let page = rent(BEN, "2");
    let error = "Nothing was rented or charged: your balance is $71.25 short of \
                 the total of $71.25; add credit and try again.";
    assert!(page.page(402).contains(error), "{page}");
    assert!(page.text().contains("action=\"/dashboard/slices\""), "the offer stands");

    stage.offer(32, "Canal house", Listing::Paused);
    let page = rent(ADA, "3");
    assert!(page.page(409).contains("Nothing was rented or charged: this node"), "{page}");
}

#[test]
fn observations_are_counted() {
    let stage = Stage::three_slices();
    let counts = "UPDATE nodes SET observed = 2016, observed_up = 2015 WHERE id = 32";
    stage.db.run(counts, &[]).unwrap();
    let page = reading(&ask(&stage.as_visitor(), NODE).html(200));
    let measured = page.lines().find(|line| line.starts_with("Measured uptime")).unwrap();
    expect!["Measured uptime: 99.95% at least 99.71%, from 2,016 checks"].assert_eq(measured);
}

#[test]
fn an_error_page_offers_to_sign_in_once_the_session_is_over() {
    let stage = Stage::market();
    let missing = "/marketplace/compute/node999";
    let page = stage.as_visitor().header("cookie", "session=over").get(renting::ROUTES, missing);
    assert!(page.page(404).contains("Sign in"), "{page}");
    let page = stage.as_user(ADA).get(renting::ROUTES, missing);
    assert!(page.page(404).contains("Sign out"), "{page}");
}

#[test]
fn an_order_that_is_refused_keeps_what_was_chosen() {
    let stage = Stage::market();
    let chosen = |token| {
        [("form_token", token), ("node_id", "node32"), ("duration_months", "3"), ("count", "2")]
    };
    let is_kept = |page: &str| {
        for field in ["data-node-saved=\"3375\" checked", "<option value=\"2\" selected>"] {
            assert!(page.contains(field), "{field}: {page}");
        }
    };
    // The session ended before it was sent, and somebody signed in again.
    let page = stage
        .as_user(ADA)
        .form(renting::ROUTES, "/dashboard/slices", &chosen("of before"))
        .html(403);
    assert!(page.contains("so nothing was sent") && page.contains("Check your order"), "{page}");
    is_kept(&page);
    // A field is wrong: there is no key.
    let page = stage
        .as_user(ADA)
        .form(renting::ROUTES, "/dashboard/slices", &chosen("of before")[1..])
        .html(400);
    is_kept(&page);
    assert_eq!(stage.balance(ADA), "100.00");
}

#[test]
fn up_to_four_nodes_are_compared() {
    let stage = Stage::three_slices();
    for number in 41..=44 {
        stage.register("Attic", &report(number, 1));
        stage.offer(number, "Attic", Listing::Published);
    }
    let visitor = stage.as_visitor();
    let compare = |query: &str| ask(&visitor, &format!("{MARKET}/compare{query}")).page(200);
    let list = ask(&visitor, MARKET).html(200);
    assert!(list.contains(r#"name="node" value="node41" form="compare""#), "{list}");
    let two = compare("?node=node41&node=node32&node=node41");
    assert!(two.find("Attic").unwrap() < two.find("Canal house").unwrap(), "{two}");
    assert!(two.contains("99.5% guaranteed") && !two.contains("Only the first four"), "{two}");
    let five = compare("?node=41&node=42&node=43&node=44&node=32");
    assert!(five.contains("Only the first four") && !five.contains("Canal house"), "{five}");
    let gone = compare("?node=node32&node=node99&node=x");
    assert!(gone.contains("not on the market") && gone.contains("Canal house"), "{gone}");
    assert!(compare("").contains("Select two to four nodes"));
    ask(&visitor, &format!("{MARKET}/compare?node=node32&node=node41")).html(200);
}
