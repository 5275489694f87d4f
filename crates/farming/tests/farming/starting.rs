//! From a draft to a node on the market with an agent, in one form.

use domain::id::NodeId;
use stage::{FARMER, Stage, report};
use store::jobs::{self, Agent};
use store::tokens;

use crate::{NODE, ask, between, send};

const OFFER: &str = "/dashboard/farm/nodes/node32/offer";
const AGENT: &str = "/dashboard/farm/nodes/node32/agent";

/// A market with a draft of nine slices.
fn draft() -> Stage {
    let stage = Stage::without_nodes();
    stage.register("node32", &report(32, 9));
    stage
}

/// What the form of a draft sends.
const FIELDS: [(&str, &str); 6] = [
    ("offer_version", "1"),
    ("price_per_month", "20"),
    ("min_uptime", "0"),
    ("min_bandwidth_mbps", "0"),
    ("withheld_slices", "0"),
    ("name", "Canal house"),
];

/// How many tokens the farmer has.
fn tokens_of(stage: &Stage) -> usize {
    tokens::of_account(&stage.db, FARMER.account(), stage.now()).unwrap().len()
}

#[test]
fn one_form_publishes_a_draft_and_shows_the_command_of_its_agent() {
    let stage = draft();
    let page = send(&stage, OFFER, &FIELDS).html(200);
    assert!(page.contains("9 slices of Canal house are on the market."), "{page}");
    let token = between(&page, "MYCELIUM_TOKEN=", " ").to_owned();
    let known = tokens::find(&stage.db, &web::session::hash(&token), stage.now()).unwrap();
    let known = known.unwrap();
    assert_eq!((known.scopes.to_string().as_str(), known.farm()), ("agent", Some(1)));
    assert!(ask(&stage, NODE).page(200).contains("View in marketplace"));
    // Sent again, such as by a reload, it changes nothing: the offer is another one by now.
    send(&stage, OFFER, &FIELDS).html(409);
    assert_eq!(tokens_of(&stage), 1);
    stage.check_invariants();
}

#[test]
fn what_is_wrong_with_an_offer_is_said_and_nothing_is_published() {
    let stage = draft();
    let fields = FIELDS.map(|(name, value)| match name {
        "price_per_month" => (name, "0"),
        _ => (name, value),
    });
    let page = send(&stage, OFFER, &fields).html(400);
    assert!(page.contains("price_per_month-error"), "{page}");
    assert!(!ask(&stage, NODE).page(200).contains("View in marketplace"));
    assert_eq!(tokens_of(&stage), 0);
}

#[test]
fn a_farm_with_an_agent_needs_no_command() {
    let stage = draft();
    let agent = Agent { farmer: FARMER.account(), farm: 1, name: "rack-7", token: None };
    jobs::see(&stage.db, &agent, stage.now()).unwrap();
    assert!(send(&stage, OFFER, &FIELDS).see_other().starts_with(NODE));
    assert_eq!(tokens_of(&stage), 0);
}

#[test]
fn a_command_is_made_for_ones_own_farm_only() {
    let stage = draft();
    let page = send(&stage, AGENT, &[]).html(200);
    assert!(page.contains("MYCELIUM_AGENT=farm1 "), "{page}");
    let fields: [(&str, &str); 0] = [];
    stage.as_user(stage::BEN).form(farming::ROUTES, AGENT, &fields).html(404);
    assert_eq!(tokens_of(&stage), 1);
}

#[test]
fn the_light_is_on_while_the_agent_asks() {
    let stage = draft();
    let agent = Agent { farmer: FARMER.account(), farm: 1, name: "rack-7", token: None };
    jobs::see(&stage.db, &agent, stage.now()).unwrap();
    assert_eq!(jobs::agents(&stage.db, FARMER.account(), NodeId(32)).unwrap().len(), 1);
    let is_on = || ask(&stage, NODE).html(200).contains("class=\"agent-light\" data-on");
    assert!(is_on());
    stage.pass_seconds(20 * 60);
    assert!(!is_on());
}
