//! The list of the market: what it is narrowed by, its pages, and what it says where nothing is
//! found.

use domain::listing::Listing;
use domain::node::NodeReport;
use expect_test::expect;
use stage::{ADA, Answer, BEN, Stage, reading, report};
use store::Db;

const MARKET: &str = "/marketplace/compute";

fn ask(stage: &Stage, query: &str) -> Answer {
    stage.as_visitor().get(renting::ROUTES, &format!("{MARKET}?{query}"))
}

/// The nodes of a page, in its order.
#[track_caller]
fn nodes(answer: &Answer) -> Vec<u32> {
    let html = answer.html(200);
    let links = html.split("<h2 dir=\"auto\"><a href=\"/marketplace/compute/node").skip(1);
    let number = |rest: &str| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    };
    links.map(number).collect()
}

/// Nodes of several places: Ghent, Lochristi, Berlin, Cairo and one that nobody knows.
fn world() -> Stage {
    let stage = Stage::without_nodes();
    for (number, country, city) in [
        (1, "Belgium", "Ghent"),
        (2, "Belgium", "Lochristi"),
        (3, "Germany", "Berlin"),
        (4, "Egypt", "القاهرة"),
        (5, "Atlantis", ""),
    ] {
        let place = (country.to_owned(), city.to_owned());
        let report = NodeReport { country: place.0, city: place.1, ..report(number, 2) };
        stage.register("x", &report);
        stage.offer(number, &format!("Node {number}"), Listing::Published);
    }
    stage
}

#[test]
fn places_are_found_by_what_people_type() {
    let stage = world();
    let check = |query: &str, expected: &[u32]| {
        assert_eq!(nodes(&ask(&stage, query)), expected, "{query}");
    };
    check("place=Europe", &[1, 2, 3]);
    check("place=belg", &[1, 2]);
    check("place=BE", &[1, 2]);
    check("place=ghent", &[1]);
    check("place=Ghent%2C+Belgium&place=EG", &[1, 4]);
    check("place=berlin%3B+africa", &[3, 4]);
    check("place=atl", &[5]);
    check("country=Belgium&place=&sort=place", &[1, 2]);
    check("place=Europe&place=Mars", &[1, 2, 3]);
    let found = |query: &str| {
        let path = format!("/api/marketplace/nodes?{query}");
        let found = stage.as_visitor().get(renting::ROUTES, &path).ok(200);
        found["items"].as_array().unwrap().len()
    };
    assert_eq!(found("place=Western+Europe%3B+egypt"), 4);
    assert_eq!(found("place=Europe&country=DE"), 1);
    assert_eq!(found("place=Europe&count=3"), 0);
    assert_eq!(found("place=Europe&count=2&months=12&min_measured_uptime=0"), 3);
    let long = "x".repeat(81);
    ask(&stage, &format!("place={long}")).html(400);
    ask(&stage, "count=0&months=2&template=doom").html(400);
}

#[test]
fn a_page_lists_every_place_with_its_count() {
    let stage = world();
    let page = reading(&ask(&stage, "place=Belgium&place=Egypt&max_price=30").html(200));
    let (_, places) = page.split_once("Places").unwrap();
    let (places, _) = places.split_once("Sort by").unwrap();
    expect![[r#"
        :
        Belgium,
        Egypt
        Africa
        [checkbox place=Africa] All of Africa 1
        [checkbox place=Egypt checked]
        Egypt 1
        [checkbox place=القاهرة, Egypt]
        القاهرة 1
        Elsewhere
        [checkbox place=Atlantis]
        Atlantis 1
        Europe
        [checkbox place=Europe] All of Europe 3
        [checkbox place=Belgium checked]
        Belgium 2
        [checkbox place=Ghent, Belgium]
        Ghent 1
        [checkbox place=Lochristi, Belgium]
        Lochristi 1
        [checkbox place=Germany]
        Germany 1
    "#]]
    .assert_eq(places);
}

#[test]
fn every_order_can_be_chosen_and_paged_in_both_directions() {
    let stage = Stage::without_nodes();
    for number in 1..=60 {
        stage.register("x", &report(number, 1 + i64::from(number % 3)));
        stage.offer(number, "x", Listing::Published);
    }
    for sort in ["price", "uptime", "newest", "free", "place"] {
        let first = ask(&stage, &format!("sort={sort}"));
        let html = first.html(200);
        assert!(html.contains("60 nodes, "), "{html}");
        assert!(!html.contains("Previous page"), "{html}");
        let link = |html: &str, rel: &str| {
            let (before, _) = html.split_once(&format!("\" rel=\"{rel}\""))?;
            let (_, url) = before.rsplit_once("href=\"")?;
            Some(url.replace("&#38;", "&"))
        };
        let visit = |url: &str| stage.as_visitor().get(renting::ROUTES, url);
        let second = visit(&link(&html, "next").unwrap());
        let third = visit(&link(&second.html(200), "next").unwrap());
        assert_eq!(link(&third.html(200), "next"), None);
        let mut all = [nodes(&first), nodes(&second), nodes(&third)].concat();
        assert_eq!(nodes(&visit(&link(&third.html(200), "prev").unwrap())), nodes(&second));
        let back = visit(&link(&second.html(200), "prev").unwrap());
        assert_eq!(nodes(&back), nodes(&first));
        assert_eq!(link(&back.html(200), "prev"), None);
        all.sort_unstable();
        assert_eq!(all, (1..=60).collect::<Vec<_>>(), "{sort}");
    }
}

#[test]
fn a_search_that_finds_nothing_says_what_to_relax() {
    let stage = world();
    let page = |query: &str| {
        let page = reading(&ask(&stage, query).html(200));
        let (_, empty) = page.split_once("No matching nodes\n").unwrap();
        empty.to_owned()
    };
    expect![[r#"
        No node meets all of these conditions. Remove one of them:
        Any price </marketplace/compute?place=Europe> 3 nodes
        Clear filter </marketplace/compute>
        Get notified when more nodes fit. Sign in to save this search
          </login?next=%2Fmarketplace%2Fcompute%3Fplace%3DEurope%26max_price%3D10>"#]]
    .assert_eq(&page("place=Europe&max_price=10"));
    expect![[r#"
        No place on the market is called “
        Mars”.
        No node meets all of these conditions. Remove one of them:
        Anywhere </marketplace/compute?count=2> 5 nodes
        Clear filter </marketplace/compute>
        Get notified when more nodes fit. Sign in to save this search
          </login?next=%2Fmarketplace%2Fcompute%3Fplace%3DMars%26count%3D2>"#]]
    .assert_eq(&page("place=Mars&count=2"));
    expect![[r#"
        No node meets these conditions, and removing a single one doesn't help.
        Clear filter </marketplace/compute>
        Get notified when more nodes fit. Sign in to save this search
          </login?next=%2Fmarketplace%2Fcompute%3Fcount%3D50%26max_price%3D1>"#]]
    .assert_eq(&page("count=50&max_price=1"));
    expect![[r#"
        No node meets all of these conditions. Remove one of them:
        Manual setup, too </marketplace/compute?place=be> 2 nodes
        Clear filter </marketplace/compute>
        Get notified when more nodes fit. Sign in to save this search
          </login?next=%2Fmarketplace%2Fcompute%3Ftemplate%3Ddocker%26place%3Dbe>"#]]
    .assert_eq(&page("template=docker&place=be"));
}

#[test]
fn three_nodes_are_picked_with_a_reason() {
    let stage = world();
    let set = |sql: &str| drop(stage.db.run(Box::leak(sql.to_owned().into_boxed_str()), &[]));
    set("UPDATE nodes SET price_micros = 20000000 WHERE id = 2");
    set("UPDATE nodes SET observed = 4000, observed_up = 3990, proven_uptime = 9954 WHERE id = 3");
    assert!(!ask(&stage, "").html(200).contains("class=\"picks\""));
    let page = reading(&ask(&stage, "count=1").html(200));
    let (picks, _) = page.split_once("5 nodes,").unwrap();
    let (_, picks) = picks.rsplit_once("(Show slices) ").unwrap();
    expect![[r#"
        Clear </marketplace/compute>
        Most reliable
        Node 3 </marketplace/compute/node3?count=1>,
        Berlin, Germany
        $25.00 per month: 99.75% up in 4,000 checks
        Cheapest
        Node 2 </marketplace/compute/node2?count=1>,
        Lochristi, Belgium
        $20.00 per month: the lowest price of all
    "#]]
    .assert_eq(picks);
}

#[test]
fn a_search_goes_on_to_the_node_and_back() {
    let stage = Stage::three_slices();
    let query = "place=Belgium&count=2&months=3&max_price=30";
    let html = ask(&stage, query).html(200);
    let escaped = query.replace('&', "&#38;");
    assert!(html.contains(&format!("href=\"{MARKET}/node32?{escaped}#rent\"")), "{html}");
    let path = format!("{MARKET}/node32?{query}&template=docker");
    let page = stage.as_user(ADA).get(renting::ROUTES, &path).html(200);
    assert!(page.contains(&format!("href=\"{MARKET}?{escaped}&#38;template=docker\"")), "{page}");
    assert!(page.contains("<option value=\"2\" selected>2 slices"), "{page}");
    let (_, terms) = page.split_once("name=\"duration_months\" value=\"3\"").unwrap();
    let (term, _) = terms.split_once('>').unwrap();
    assert!(term.contains(" checked"), "{term}");
    // So is a term that the wallet does not cover: the page says what is missing.
    let page = stage.as_user(ADA).get(renting::ROUTES, &path.replace("months=3", "months=12"));
    let page = page.html(200);
    let (_, terms) = page.split_once("name=\"duration_months\" value=\"12\"").unwrap();
    assert!(terms.split_once('>').unwrap().0.contains(" checked"), "{page}");
    let page = stage.as_visitor().get(renting::ROUTES, &path).html(200);
    assert!(page.contains("node32%3Fplace%3DBelgium%26count%3D2"), "{page}");
    assert!(page.contains("template%3Ddocker%23rent\""), "{page}");
    // What makes no sense is as good as nothing.
    let odd = format!("{MARKET}/node32?count=many&months=2&template=doom");
    stage.as_user(BEN).get(renting::ROUTES, &odd).html(200);
}

#[test]
fn a_sold_out_node_shows_three_others() {
    let stage = world();
    let take = "UPDATE slices SET state = 'retired' WHERE node_id = 1";
    stage.db.run(take, &[]).unwrap();
    let path = format!("{MARKET}/node1");
    let page = reading(&stage.as_visitor().get(renting::ROUTES, &path).html(200));
    let (_, similar) = page.split_once("Similar slices\n").unwrap();
    let lines: Vec<&str> = similar.lines().take(9).collect();
    expect![[r#"
        Node 2 </marketplace/compute/node2>
        Lochristi, Belgium; 2 slices free
        $25.00 per month
        Node 3 </marketplace/compute/node3>
        Berlin, Germany; 2 slices free
        $25.00 per month
        Node 4 </marketplace/compute/node4>
        القاهرة, Egypt; 2 slices free
        $25.00 per month"#]]
    .assert_eq(&lines.join("\n"));
}

#[test]
fn a_row_shows_what_is_known_of_a_node() {
    let stage = world();
    let today = stage.now().seconds() / 86_400;
    let day = format!(
        "INSERT INTO observation_days (day, node_id, observed, observed_up, healthy, unhealthy,
                                       measured, upload_mbps, download_mbps)
         VALUES ({today}, 4, 288, 280, 0, 0, 0, 0, 0), ({}, 4, 288, 288, 0, 0, 0, 0, 0)",
        today - 29
    );
    stage.db.run(Box::leak(day.into_boxed_str()), &[]).unwrap();
    let html = ask(&stage, "place=EG").html(200);
    assert!(html.contains("M29.1 10v-7h.8v7z") && html.contains("M0.1 10v-10h.8v10z"), "{html}");
    assert!(html.contains("\u{1f1ea}\u{1f1ec}</span> <bdi>القاهرة, Egypt</bdi>"), "{html}");
    let page = reading(&html);
    let (_, row) = page.split_once("1 node, lowest price first\n").unwrap();
    expect![[r#"
        Node 4 </marketplace/compute/node4?place=EG>
        القاهرة, Egypt
        manual setup unverified farm new
        [checkbox node=node4] Compare Node 4
        Not measured yet; 99.5% guaranteed
        2 of 2 slices free
        1 vCPU · 4 GB · 200 GB SSD
        $25.00 per month $0.034 per hour
        Rent </marketplace/compute/node4?place=EG#rent>
        get /marketplace/compute/compare
        Select two to four nodes.
        (Compare nodes)
        Get notified when more nodes fit. Sign in to save this search
          </login?next=%2Fmarketplace%2Fcompute%3Fplace%3DEG>"#]]
    .assert_eq(row);
}
