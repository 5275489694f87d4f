//! The help, its search, and what search engines read.

use documents::ROUTES;
use expect_test::expect;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, VARY};
use stage::{Answer, HOSTILE, Stage, reading};

fn ask(stage: &Stage, path: &str) -> Answer {
    stage.as_visitor().get(ROUTES, path)
}

#[test]
fn the_help_lists_its_topics_and_finds_in_them() {
    let stage = Stage::without_nodes();
    ask(&stage, "/help").reads(
        200,
        expect![[r#"
            Help
            get /help
            Search help and documents [text q=]
            (Search)
            How slices work A slice is a small server of your own: a fixed part of a bigger one.
              </help/slices>
            Pricing Farmers set the price of a slice per month. You pay the amount you confirm.
              </help/pricing>
            For farmers If you run a node on the ThreeFold Grid, you can rent it out by the
              slice. </help/farmers>
            Frequently asked questions Short answers to what people ask first. </help/faq>
            Contact Write to the people who run this marketplace. </help/contact>
            API For programs: every operation, with examples. </docs/api>"#]],
    );
    ask(&stage, "/help?q=refund").reads(
        200,
        expect![[r#"
            Help
            get /help
            Search help and documents [text q=refund]
            (Search)
            Results for “refund”
            Refunds </help/pricing#refunds> Pricing
            You can end a rental at any time. You pay for the time you used, at the price of the
              term you reached, and the rest goes back to your wallet. You see the exact …
            The refund amount has changed </docs/problems#refund-changed> Errors
            refund-changed
            How soon you can log in </help/slices#access> How slices work
            Where the farm has automatic setup, a machine is usually ready within five minutes of
              payment, and its page shows the address and the command to log in. …
            How to leave </help/farmers#leave> For farmers
            Pause a node at any time: running rentals continue, and nobody new can rent it. To
              take it away for good, give 30 days of notice. Renters who are left then are …
            My machine doesn&#39;t answer. What now? </help/faq#down> Frequently asked questions
            Open its page under My slices. It says whether the node is down, and lets you restart
              the machine, open its console or move the rental to another slice. Time …
            Can I give a rental to somebody else? </help/faq#give> Frequently asked questions
            Yes. Invite them by email address on the rental&#39;s page. The machine, the
              remaining time and later refunds are theirs once they accept.
            How slices work A slice is a small server of your own: a fixed part of a bigger one.
              </help/slices>
            Pricing Farmers set the price of a slice per month. You pay the amount you confirm.
              </help/pricing>
            For farmers If you run a node on the ThreeFold Grid, you can rent it out by the
              slice. </help/farmers>
            Frequently asked questions Short answers to what people ask first. </help/faq>
            Contact Write to the people who run this marketplace. </help/contact>
            API For programs: every operation, with examples. </docs/api>"#]],
    );
    let nothing = reading(&ask(&stage, "/help?q=zebra").html(200));
    assert!(nothing.contains("Nothing found."), "{nothing}");
    let query: String = url::form_urlencoded::byte_serialize(HOSTILE.as_bytes()).collect();
    ask(&stage, &format!("/help?q={query}")).escapes_hostile_text();
    ask(&stage, "/help/everything").html(404);
}

#[test]
fn a_topic_says_what_holds_on_this_market() {
    let stage = Stage::without_nodes().with("platform_fee_percent", "7");
    ask(&stage, "/help/pricing").reads(
        200,
        expect![[r#"
        Help </help>
        Pricing
        Farmers set the price of a slice per month. You pay the amount you confirm.
        What a slice costs
        Each farmer chooses a price from $1.00 to $500.00 per slice per month. It includes
          the machine, its storage and its network. Nothing is added at checkout.
        See prices </marketplace/compute?sort=price>
        Longer terms cost less
        You pay in advance for one term: 1 month, 3 months (5% off), 6 months (10% off), 12
          months (15% off). The discount is taken off the farmer&#39;s monthly price. The
          price you agreed to stays the same for a year, even if the farmer raises it for
          others.
        How you pay
        You pay from your wallet. Add credit by card where the marketplace takes cards;
          otherwise the operator adds it for you. Your statements and receipts are on the
          wallet&#39;s page.
        Wallet </dashboard/wallet> Contact </help/contact>
        Refunds
        You can end a rental at any time. You pay for the time you used, at the price of the
          term you reached, and the rest goes back to your wallet. You see the exact refund
          before you confirm.
        If a node misses its guaranteed uptime, you are credited for that month
          automatically. Days on which your machine could not run at all are not paid for.
        How credits are calculated </docs/sla>"#]],
    );
    let farmers = reading(&ask(&stage, "/help/farmers").html(200));
    assert!(farmers.contains("keep all of it but 7%"), "{farmers}");
    for topic in ["slices", "faq"] {
        ask(&stage, &format!("/help/{topic}")).html(200);
    }
}

#[test]
fn the_operator_is_reached_where_an_address_is_set() {
    let contact = |address: &str| {
        let stage = Stage::without_nodes().with("operator_contact", address);
        let html = ask(&stage, "/help/contact").html(200);
        (html.contains("has not published an address"), html)
    };
    assert!(contact("").0);
    let (is_unset, html) = contact("help@example.org");
    assert!(!is_unset && html.contains("href=\"mailto:help@example.org\""), "{html}");
    let (is_unset, html) = contact("https://example.org/help");
    assert!(!is_unset && html.contains("href=\"https://example.org/help\""), "{html}");
    for wrong in ["javascript:alert(1)", "http://example.org", "a b@example.org"] {
        assert!(contact(wrong).0, "{wrong}");
    }
}

#[test]
fn search_engines_are_told_what_is_for_everybody() {
    let stage = Stage::without_nodes().with("public_url", "https://market.example/");
    let robots = ask(&stage, "/robots.txt").text();
    assert!(robots.contains("Disallow: /dashboard\n"), "{robots}");
    assert!(robots.ends_with("Sitemap: https://market.example/sitemap.xml\n"), "{robots}");
    let map = ask(&stage, "/sitemap.xml");
    assert_eq!(map.headers()["content-type"], "application/xml; charset=utf-8");
    let map = map.text();
    for path in ["/", "/marketplace/compute", "/help/faq", "/help/contact", "/docs/sla", "/status"]
    {
        let line = format!("<url><loc>https://market.example{path}</loc></url>");
        assert!(map.contains(&line), "{path}: {map}");
    }
    for private in ["/dashboard", "/operator", "/login", "/api/"] {
        assert!(!map.contains(&format!("example{private}")), "{private}: {map}");
    }
}

#[test]
fn a_page_that_is_shared_brings_a_picture() {
    let stage = Stage::without_nodes().with("public_url", "https://market.example");
    let picture = "content=\"https://market.example/static/icons/social.png\"";
    assert!(ask(&stage, "/").html(200).contains(picture));
    let ada = stage.as_user(stage::ADA).get(ROUTES, "/");
    assert!(!ada.html(200).contains("og:image"), "nobody shares a page of their own");
}

#[test]
fn the_document_of_the_api_is_compressed_for_visitors_only() {
    use documents::api::Api;
    use web::operation::Access;
    use web::{Context, Route, dispatch};
    const API: Api = Api { operations: &[], members: &[] };
    const DOCS: &[Route] =
        &[Route::page("/docs/api", Access::Anonymous, |cx| documents::api_docs(cx, &API))];
    let stage = Stage::without_nodes();
    let env = stage.env();
    let get = |cookie: &str, accepted: &str| {
        let request = http::Request::get("/docs/api").header("host", "localhost:3000");
        let request = request.header("cookie", cookie).header(ACCEPT_ENCODING, accepted);
        let request = request.body(Vec::new()).unwrap();
        dispatch(&[DOCS], &mut Context::new(&env, &request)).response
    };
    let plain = get("", "br");
    let short = get("", "gzip, br");
    assert_eq!(short.headers()[CONTENT_ENCODING], "gzip");
    assert!(short.body().bytes().len() * 2 < plain.body().bytes().len());
    assert!(!plain.headers().contains_key(CONTENT_ENCODING));
    for answer in [&plain, &short] {
        assert_eq!(answer.headers()[VARY], "Cookie, Authorization, Accept-Encoding");
        assert_eq!(answer.headers()[CACHE_CONTROL], "public, max-age=0, must-revalidate");
    }
    // A page with the token of a form has a length that says nothing of it.
    let signed_in = get("session=c2VjcmV0", "gzip");
    assert!(!signed_in.headers().contains_key(CONTENT_ENCODING));
}
