//! The sheet that rents: its amounts are of what is chosen, and a key is brought along in it.

use domain::listing::Listing;
use serde_json::json;
use stage::{ADA, Answer, BEN, Stage};
use store::Db;
use store::db::Value;

use crate::servers::KEY;

const NODE: &str = "/marketplace/compute/node32";

/// Sends the sheet for node 32, of which Ada has chosen this.
fn send(stage: &Stage, fields: &[(&str, &str)]) -> Answer {
    let mut form = vec![("node_id", "node32"), ("offer_version", "2"), ("idempotency_key", "k")];
    form.extend(fields);
    stage.as_user(ADA).form(renting::ROUTES, "/dashboard/slices", &form)
}

#[track_caller]
fn check_shown(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn the_sheet_opens_with_the_total_of_what_was_searched_for() {
    let stage = Stage::three_slices();
    let page =
        |query: &str| stage.as_user(ADA).get(renting::ROUTES, &format!("{NODE}{query}")).html(200);
    let of_one = "Rent<span data-shows=\"charge\"> for $25.00</span>";
    check_shown(&page(""), &[of_one, "name=\"total\" value=\"25.00\""]);
    let shown =
        [" for $142.50</span>", "value=\"142.50\"", "<strong data-shows=\"missing\">$42.50"];
    check_shown(&page("?count=2&months=3"), &shown);
    check_shown(&page("?months=3&whole_node=yes"), &[" for $213.75</span>"]);
}

#[test]
fn without_scripts_the_amounts_are_updated_and_nothing_is_rented() {
    let stage = Stage::three_slices();
    let chosen = [("duration_months", "3"), ("count", "3"), ("ports", "80")];
    let page = send(&stage, &[&chosen[..], &[("update", "yes")]].concat()).html(200);
    check_shown(&page, &[" for $213.75</span>", "<span data-shows=\"saved\">$11.25</span>"]);
    assert!(!page.contains("Nothing was rented"), "nothing was refused: {page}");
    assert_eq!(stage.balance(ADA), "100.00");
}

#[test]
fn nobody_is_charged_another_total_than_their_button_shows() {
    let stage = Stage::three_slices();
    let order = |total| send(&stage, &[("duration_months", "1"), ("count", "2"), ("total", total)]);
    // Two slices were chosen after the page was made for one.
    let page = order("25.00").html(400);
    check_shown(&page, &["What you chose costs $50.00", "Check your order", " for $50.00</span>"]);
    assert_eq!(stage.balance(ADA), "100.00");
    order("50.00").see_other();
    assert_eq!(stage.balance(ADA), "50.00");
    // It is the same intention, whatever is free or has which price by now.
    stage.offer(32, "Canal house", Listing::Paused);
    order("50.00").see_other();
    assert_eq!(stage.balance(ADA), "50.00");
    stage.check_invariants();
}

#[test]
fn a_key_is_brought_along_once() {
    let stage = Stage::three_slices();
    let order = |key| send(&stage, &[("duration_months", "1"), ("public_key", key)]);
    let keys = || {
        let listed = stage.as_user(ADA).get(machines::ROUTES, "/api/account/ssh-keys").ok(200);
        listed["items"].as_array().unwrap().len()
    };
    let page = order("ssh-dss AAAA").html(400);
    check_shown(&page, &["id=\"public-key-error\"", "ssh-dss AAAA"]);
    assert_eq!((keys(), stage.balance(ADA).as_str()), (0, "100.00"));
    let rental = order(KEY).see_other();
    // The same once more is the same rental, with the key that is there.
    assert_eq!(order(KEY).see_other(), rental);
    assert_eq!((keys(), stage.balance(ADA).as_str()), (1, "75.00"));
    let path = rental.split('?').next().unwrap().replace("/dashboard/slices", "/api/rentals");
    let on_machine = stage.as_user(ADA).get(machines::ROUTES, &format!("{path}/keys")).ok(200);
    assert_eq!(on_machine["keys"].as_array().map(Vec::len), Some(1), "{on_machine}");
    stage.check_invariants();
}

#[test]
fn after_payment_the_page_says_by_when_the_login_is_there() {
    let stage = Stage::market();
    let agent = stage.as_agent();
    agent.post(machines::ROUTES, "/api/agent/jobs/lease", json!({ "agent": "rack-7" }));
    let order = [("duration_months", "1"), ("public_key", KEY)];
    let rental = send(&stage, &order).see_other();
    let page = stage.as_user(ADA).get(renting::ROUTES, rental.split('?').next().unwrap()).html(200);
    check_shown(
        &page,
        &["Login by <time", "or your money back", "data-until=\"2026-07-30T11:50:00Z"],
    );
}

#[test]
fn a_paid_order_waits_for_its_payment_and_is_sent_once() {
    let stage = Stage::three_slices();
    let id = "019fadbe-f200-7000-8000-00000000000a";
    let add = "INSERT INTO top_ups (id, account_id, amount_micros, provider, state, created_at)
               SELECT '019fadbe-f200-7000-8000-00000000000a', id, 42500000, 'stripe', 'pending', ?1
                 FROM accounts WHERE id = ?2";
    let params = [stage.now().into(), Value::text(ADA.account())];
    stage.db.run(add, &params).unwrap();
    let order = "node_id=node32&offer_version=2&idempotency_key=k&duration_months=3&count=2";
    let path = format!("/dashboard/slices/{id}/paid?{order}&total=142.50");
    let waiting = stage.as_user(ADA).get(renting::ROUTES, &path);
    check_shown(&waiting.html(200), &["waiting for the confirmation of your payment of $42.50"]);
    assert_eq!(waiting.headers()["refresh"], "3");
    // It is nobody else's.
    assert_eq!(stage.as_user(BEN).get(renting::ROUTES, &path).status(), 404);

    stage.credit(ADA, "42.50");
    let pay = "UPDATE top_ups SET state = 'paid', payment_id = 'pi_1', paid_at = ?1";
    stage.db.run(pay, &[stage.now().into()]).unwrap();
    let paid = stage.as_user(ADA).get(renting::ROUTES, &path).html(200);
    check_shown(&paid, &["data-kept", "Rent for $142.50", "name=\"count\" value=\"2\""]);
    let fields = [("duration_months", "3"), ("count", "2"), ("total", "142.50"), ("paid", "yes")];
    let first = send(&stage, &fields).see_other();
    assert_eq!((send(&stage, &fields).see_other(), stage.balance(ADA)), (first, "0.00".into()));
    // Ten minutes later it is not sent without a click.
    stage.pass_seconds(600);
    let late = stage.as_user(ADA).get(renting::ROUTES, &path).html(200);
    assert!(!late.contains("data-kept"), "{late}");
}

#[test]
fn what_was_paid_for_a_slice_that_is_gone_stays_in_the_wallet() {
    let stage = Stage::three_slices();
    stage.offer(32, "Canal house", Listing::Paused);
    let page = send(&stage, &[("duration_months", "1"), ("paid", "yes")]).page(409);
    check_shown(&page, &["Nothing was rented or charged", "What you paid is in your wallet."]);
    assert_eq!(stage.balance(ADA), "100.00");
}
