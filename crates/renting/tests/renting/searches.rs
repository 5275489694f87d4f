//! Saved searches: saved with one button, listed, changed, and told of what fits.

use domain::listing::Listing;
use domain::recurring::LOOK_FOR_SAVED_SEARCHES;
use serde_json::{Value, json};
use stage::{ADA, Answer, BEN, Caller, FARMER, HOSTILE, Stage, report};

const API: &str = "/api/saved-searches";
const PAGE: &str = "/dashboard/searches";

fn get(who: &Caller<'_>, path: &str) -> Answer {
    who.get(renting::ROUTES, path)
}

fn save(who: &Caller<'_>, body: Value) -> Answer {
    who.post(renting::ROUTES, API, body)
}

fn listed(who: &Caller<'_>) -> Vec<Value> {
    get(who, API).ok(200)["items"].as_array().unwrap().clone()
}

fn patch(who: &Caller<'_>, id: &str, body: &Value) -> Answer {
    let path = format!("{API}/{id}");
    who.call(renting::ROUTES, http::Method::PATCH, &path, body.clone())
}

/// What was told of saved searches: nodes and words.
fn told(stage: &Stage) -> Vec<(Option<u32>, String)> {
    let sql = "SELECT node_id, subject FROM events WHERE kind = 'saved-search-found' ORDER BY id";
    let mut statement = stage.db.connection().prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn look(stage: &Stage) {
    stage.run(renting::JOBS, &LOOK_FOR_SAVED_SEARCHES).unwrap();
}

#[test]
fn one_button_saves_the_search_of_the_page() {
    let stage = Stage::three_slices();
    let ada = stage.as_user(ADA);
    let query = "max_price=30&country=belgium&sort=price&cursor=";
    let html = get(&ada, &format!("/marketplace/compute?{query}")).html(200);
    assert!(html.contains(r#"name="query" value="place=Belgium&#38;max_price=30""#), "{html}");
    let fields = [("query", "place=belgium&max_price=30")];
    let back = ada.form(renting::ROUTES, PAGE, &fields).see_other();
    assert_eq!(back, format!("{PAGE}?done=search-saved"));
    ada.form(renting::ROUTES, PAGE, &fields).see_other();
    let page = get(&ada, PAGE).page(200);
    assert!(page.contains("Belgium, up to $30.00") && page.contains("notifications on"), "{page}");
    let url = "/marketplace/compute?place=Belgium&max_price=30";
    let saved = listed(&ada);
    assert_eq!(saved.len(), 1, "it is saved once");
    assert_eq!((&saved[0]["url"], &saved[0]["notify"]), (&json!(url), &json!(true)));
    get(&ada, url).html(200);
    let html = get(&stage.as_visitor(), "/marketplace/compute?max_price=30").html(200);
    assert!(html.contains("/login?next=%2Fmarketplace%2Fcompute%3Fmax_price%3D30"), "{html}");
}

#[test]
fn a_search_that_cannot_be_used_is_not_saved() {
    let stage = Stage::three_slices();
    let ada = stage.as_user(ADA);
    let wrong = save(&ada, json!({ "query": "max_price=cheap", "name": "" }));
    assert_eq!(wrong.wrong_fields(), ["query", "name"]);
    ada.form(renting::ROUTES, PAGE, &[("query", "count=many")]).page(400);
    for number in 1..=20 {
        save(&ada, json!({ "query": format!("count={number}") })).ok(201);
    }
    save(&ada, json!({ "query": "count=21" })).problem(409, "too-many-saved-searches");
    let page = ada.form(renting::ROUTES, PAGE, &[("query", "count=21")]).page(409);
    assert!(page.contains("You can save 20 searches."), "{page}");
    assert_eq!(listed(&ada).len(), 20);
    get(&stage.as_visitor(), API).problem(401, "not-signed-in");
}

#[test]
fn a_search_is_renamed_silenced_and_deleted_by_its_account() {
    let stage = Stage::three_slices();
    let (ada, ben) = (stage.as_user(ADA), stage.as_user(BEN));
    let saved = save(&ada, json!({ "query": "", "name": "Anything" })).ok(201);
    let id = saved["id"].as_str().unwrap();
    let off = json!({ "notify": false });
    patch(&ben, id, &off).problem(404, "not-found");
    ben.delete(renting::ROUTES, &format!("{API}/{id}")).problem(404, "not-found");
    assert_eq!(patch(&ada, id, &off).ok(200)["notify"], false);
    let path = format!("{PAGE}/{id}");
    ada.form(renting::ROUTES, &path, &[("notify", "true")]).see_other();
    ada.form(renting::ROUTES, &path, &[("name", HOSTILE)]).see_other();
    get(&ada, PAGE).escapes_hostile_text();
    let refused = ada.form(renting::ROUTES, &path, &[("name", " ")]).page(400);
    assert!(refused.contains("1 to 80 visible characters"), "{refused}");
    let one = &listed(&ada)[0];
    assert_eq!((&one["name"], &one["notify"]), (&json!(HOSTILE), &json!(true)));
    ada.form(renting::ROUTES, &format!("{path}/remove"), &[]).see_other();
    assert_eq!(listed(&ada).len(), 0);
    get(&ada, PAGE).html(200);
}

#[test]
fn people_are_told_of_nodes_that_fit() {
    let stage = Stage::three_slices();
    let ada = stage.as_user(ADA);
    save(&ada, json!({ "query": "place=Belgium&max_price=30", "name": "Close by" })).ok(201);
    save(&ada, json!({ "query": "place=France" })).ok(201);
    save(&stage.as_user(FARMER), json!({ "query": "" })).ok(201);
    look(&stage);
    assert_eq!(told(&stage), [], "what was there is on the page");
    stage.register("New", &report(40, 2));
    stage.offer(40, "New", Listing::Published);
    stage.pass_seconds(300);
    look(&stage);
    look(&stage);
    assert_eq!(told(&stage), [(Some(40), "1: Close by".to_owned())], "no farmer of their own");
    stage.register("Newer", &report(41, 2));
    stage.offer(41, "Newer", Listing::Published);
    stage.pass_seconds(300);
    look(&stage);
    assert_eq!(told(&stage).len(), 1, "not within an hour");
    stage.pass_seconds(3_600);
    look(&stage);
    assert_eq!(told(&stage)[1..], [(Some(41), "1: Close by".to_owned())]);
    stage.check_invariants();
}
