//! A farm without an agent: the farmer sets machines up by hand and says so, or it is refunded.

use domain::recurring::{EARN, NOTIFY_OF_LATE_JOBS, REFUND_WITHOUT_ACCESS};
use serde_json::{Value, json};
use stage::{ADA, Answer, BEN, Caller, FARMER, Stage, User};

use crate::rented;
use crate::servers::KEY;

const NODE: &str = "/dashboard/farm/nodes/node32";
const SETUPS: &str = "/api/farm/nodes/node32/manual-setups";
const HOUR: i64 = 3_600;

fn add_key(stage: &Stage, user: User) {
    let key = json!({ "public_key": KEY });
    stage.as_user(user).post(machines::ROUTES, "/api/account/ssh-keys", key).ok(201);
}

/// Ada rents a slice of a farm without an agent; answers the path of the rental.
fn waiting(stage: &Stage) -> String {
    add_key(stage, ADA);
    rented(stage)
}

/// The same once the farmer has set the machine up.
pub(crate) fn ready(stage: &Stage) -> String {
    let rental = waiting(stage);
    set_up(stage, 32, &rental);
    rental
}

/// The farmer has set up the machine on the first slice of a node.
pub(crate) fn set_up(stage: &Stage, node: u32, rental: &str) {
    let confirmation = confirmation(rental, "203.0.113.7");
    let done = stage.as_user(FARMER).post(machines::ROUTES, &confirm_path(node), confirmation);
    assert_eq!(done.status(), 204, "{done}");
}

fn confirm_path(node: u32) -> String {
    format!("/api/farm/nodes/node{node}/slices/1/confirm-setup")
}

fn confirmation(rental: &str, address: &str) -> Value {
    let access = json!({ "address": address, "port": 2201, "user": "ada", "host_keys": [KEY] });
    json!({
        "rental_id": rental.rsplit('/').next().unwrap(), "ssh_keys": [KEY], "access": access,
    })
}

fn confirm(stage: &Stage, user: User, rental: &str, address: &str) -> Answer {
    stage.as_user(user).post(machines::ROUTES, &confirm_path(32), confirmation(rental, address))
}

/// What the API says of access, and what the rental's page does.
fn access(stage: &Stage, rental: &str) -> (Value, String) {
    let ada = stage.as_user(ADA);
    let access = ada.get(renting::ROUTES, &format!("{rental}/access")).ok(200);
    let path = rental.replace("/api/rentals", "/dashboard/slices");
    (access, ada.get(renting::ROUTES, &path).page(200))
}

#[track_caller]
fn says(page: &str, texts: &[&str]) {
    for text in texts {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[test]
fn a_renter_waits_for_the_farmer_and_logs_in_once_they_have_confirmed() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    let (answer, page) = access(&stage, &rental);
    assert_eq!((&answer["state"], &answer["can_move"]), (&json!("pending"), &json!(false)));
    assert_eq!(answer["refund_at"], "2026-07-30T11:50:00Z");
    says(&page, &["waiting for the farmer", "30 July 2026, 11:50 UTC, you are refunded in full"]);

    let setups = stage.as_user(FARMER).get(machines::ROUTES, SETUPS).ok(200);
    let setup = &setups["setups"][0];
    assert_eq!((&setup["state"], &setup["ssh_keys"]), (&json!("waiting"), &json!([KEY])));
    stage.pass_seconds(HOUR);
    assert_eq!(confirm(&stage, FARMER, &rental, "203.0.113.7").status(), 204);
    let (answer, page) = access(&stage, &rental);
    assert_eq!((&answer["state"], &answer["refund_at"]), (&json!("ready"), &Value::Null));
    let machine = &answer["machines"][0];
    assert_eq!(machine["access"]["command"], "ssh -p 2201 ada@203.0.113.7");
    assert_eq!((&machine["by_hand"], &machine["machine"]), (&json!(true), &Value::Null));
    says(&page, &["ssh -p 2201 ada@203.0.113.7", "set up this machine by hand"]);
    assert!(!page.contains("Shut down") && !page.contains("Setup steps"), "{page}");

    // A day later it is still there, and earned.
    stage.pass(1);
    stage.run(renting::JOBS, &REFUND_WITHOUT_ACCESS).unwrap();
    stage.run(renting::JOBS, &EARN).unwrap();
    let found = stage.as_user(ADA).get(renting::ROUTES, &rental).ok(200);
    assert_ne!(found["terms"][0]["earned"], "0.00");
    assert_eq!(access(&stage, &rental).0["state"], "ready");
    stage.check_invariants();
}

/// M15: an address of the grid's own network is of no use without its program.
#[test]
fn an_address_of_the_grids_network_says_what_to_install() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    assert_eq!(confirm(&stage, FARMER, &rental, "59c:2d1a:7::5").status(), 204);
    let (answer, page) = access(&stage, &rental);
    let command = "ssh -p 2201 ada@59c:2d1a:7::5";
    assert_eq!(answer["machines"][0]["access"]["command"], command);
    says(
        &page,
        &[command, "This address is in the Mycelium network", "Install and start Mycelium"],
    );
    says(&page, &["This line answers once it works", "ping -6 59c:2d1a:7::5"]);
}

#[test]
fn what_the_farmer_has_mistyped_is_changed_and_the_renter_hears_of_it() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    for address in ["203.0.113.7", "203.0.113.7", "203.0.113.8"] {
        assert_eq!(confirm(&stage, FARMER, &rental, address).status(), 204);
    }
    let (answer, _) = access(&stage, &rental);
    assert_eq!(answer["machines"][0]["access"]["address"], "203.0.113.8");
    let count = |kind: &str| {
        let sql = "SELECT count(*) FROM events WHERE kind = ?1";
        stage.db.connection().query_row(sql, [kind], |row| row.get::<_, u32>(0)).unwrap()
    };
    assert_eq!((count("access-ready"), count("access-changed")), (1, 1));
}

#[test]
fn nobody_is_let_in_by_a_confirmation_that_is_not_for_them() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    confirm(&stage, BEN, &rental, "203.0.113.7").problem(404, "not-found");
    // Ada has left, and Ben has the slice by now: what was made for her is not his.
    let cancel = format!("{rental}/cancel");
    stage.as_user(ADA).post(renting::ROUTES, &cancel, json!({})).ok(200);
    confirm(&stage, FARMER, &rental, "203.0.113.7").problem(404, "not-found");
    add_key(&stage, BEN);
    let rent = json!({ "slice_id": "node32_slice_1", "duration_months": 1 });
    let answer = stage.as_user(BEN).post(renting::ROUTES, crate::RENT, rent).ok(201);
    let refused = confirm(&stage, FARMER, &rental, "203.0.113.7");
    assert_eq!((refused.status(), refused.wrong_fields()), (400, vec!["rental_id".to_owned()]));
    let of_ben = format!("/api/rentals/{}", answer["rental"]["id"].as_str().unwrap());
    assert_eq!(confirm(&stage, FARMER, &of_ben, "203.0.113.9").status(), 204);
    let wrong = stage.as_user(FARMER).post(
        machines::ROUTES,
        &confirm_path(32),
        json!({ "rental_id": of_ben.rsplit('/').next().unwrap(), "ssh_keys": [KEY], "access": {
            "address": "", "port": 0, "user": "Root", "host_keys": [],
        } }),
    );
    let fields = ["access.address", "access.port", "access.user", "access.host_keys"];
    assert_eq!(wrong.wrong_fields(), fields);
}

/// What was made with the old renter's key is not the new one's.
#[test]
fn a_rental_that_is_transferred_before_it_is_set_up_is_set_up_for_its_new_renter() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbTNVA+VlBPaaHGFfcmsvMHpIHvyA6Q0bVRkFPQm3AX";
    let body = json!({ "public_key": key });
    stage.as_user(BEN).post(machines::ROUTES, "/api/account/ssh-keys", body).ok(201);
    let offer = json!({ "email": BEN.email });
    let transfer = format!("{rental}/transfer");
    stage.as_user(ADA).post(renting::ROUTES, &transfer, offer).ok(201);
    let accept = rental.replace("rentals", "transfers") + "/accept";
    stage.as_user(BEN).post(renting::ROUTES, &accept, json!({})).ok(200);
    let refused = confirm(&stage, FARMER, &rental, "203.0.113.7");
    assert_eq!((refused.status(), refused.wrong_fields()), (400, vec!["ssh_keys".to_owned()]));
    let mut confirmation = confirmation(&rental, "203.0.113.7");
    confirmation["ssh_keys"] = json!([key]);
    let done = stage.as_user(FARMER).post(machines::ROUTES, &confirm_path(32), confirmation);
    assert_eq!(done.status(), 204);
}

#[test]
fn without_a_key_there_is_nothing_to_confirm() {
    let stage = Stage::market();
    let rental = rented(&stage);
    assert_eq!(access(&stage, &rental).0["state"], "needs-key");
    confirm(&stage, FARMER, &rental, "203.0.113.7").problem(409, "machine-not-ready");
    let page = stage.as_user(FARMER).get(machines::ROUTES, &format!("{NODE}/slices/1/setup"));
    says(&page.page(200), &["The renter has no SSH key yet"]);
}

#[test]
fn what_is_not_set_up_within_a_day_is_late_first_and_then_refunded() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    assert_eq!(stage.balance(ADA), "75.00");
    stage.pass_seconds(13 * HOUR);
    stage.run(machines::JOBS, &NOTIFY_OF_LATE_JOBS).unwrap();
    let (answer, page) = access(&stage, &rental);
    assert_eq!(answer["can_move"], true);
    says(&page, &["taking longer than expected", "Move to another slice"]);
    stage.pass_seconds(11 * HOUR);
    stage.run(renting::JOBS, &EARN).unwrap();
    stage.run(renting::JOBS, &REFUND_WITHOUT_ACCESS).unwrap();
    assert_eq!(stage.balance(ADA), "100.00");
    let setups = stage.as_user(FARMER).get(machines::ROUTES, SETUPS).ok(200);
    assert_eq!(setups["setups"], json!([]));
    stage.check_invariants();
}

#[test]
fn ending_while_the_farmer_has_not_confirmed_is_free() {
    let stage = Stage::market();
    add_key(&stage, ADA);
    for _ in 0..5 {
        let rental = rented(&stage);
        stage.pass_seconds(HOUR);
        let cancel = format!("{rental}/cancel");
        stage.as_user(ADA).post(renting::ROUTES, &cancel, json!({})).ok(200);
        assert_eq!(stage.balance(ADA), "100.00");
    }
}

#[test]
fn a_farmer_confirms_on_a_page() {
    let stage = Stage::market();
    let rental = waiting(&stage);
    let path = format!("{NODE}/slices/1/setup");
    let farmer = stage.as_user(FARMER);
    let page = farmer.get(machines::ROUTES, &path).page(200);
    says(&page, &["30 July 2026, 11:50 UTC", KEY, "Confirm setup"]);
    stage.as_user(BEN).get(machines::ROUTES, &path).page(404);
    let id = rental.rsplit('/').next().unwrap();
    let scan = format!("# 203.0.113.7:2201\n203.0.113.7 {KEY}");
    let fields = |address| {
        [
            ("rental_id", id),
            ("ssh_keys", KEY),
            ("access.address", address),
            ("access.port", "2201"),
            ("access.user", "ada"),
            ("access.host_keys", &scan),
            ("access.notes", ""),
        ]
    };
    let refused = farmer.form(machines::ROUTES, &path, &fields("no address")).html(400);
    says(&refused, &["value=\"no address\"", "access.address-error", "203.0.113.7 ssh-ed25519"]);
    let done = farmer.form(machines::ROUTES, &path, &fields("203.0.113.7")).see_other();
    assert!(done.starts_with(NODE), "{done}");
    assert_eq!(access(&stage, &rental).0["state"], "ready");
    let page = farmer.get(machines::ROUTES, &path).page(200);
    says(&page, &["Save", "Change access"]);
    // Where nothing waits any more, an old notification leads to the node.
    let other = farmer.get(machines::ROUTES, &format!("{NODE}/slices/2/setup")).see_other();
    assert_eq!(other, NODE);
}

/// T11: looks at access are folded, for the audit log is kept for good.
#[test]
fn a_program_that_looks_at_access_all_the_time_fills_no_log() {
    let stage = Stage::market();
    let rental = ready(&stage);
    let views = || {
        let sql = "SELECT count(*) FROM audit WHERE action = 'access-viewed'";
        stage.db.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    let path = format!("{rental}/access");
    let look = |who: &Caller<'_>| drop(who.get(renting::ROUTES, &path).ok(200));
    for _ in 0..1_000 {
        look(&stage.as_user(ADA));
    }
    assert_eq!(views(), 1);
    // Who else looks, and from where else, is in the log.
    let token = stage.as_token(ADA, "read");
    look(&token);
    look(&token);
    assert_eq!(views(), 2);
    look(&stage.as_user(ADA).header("spin-client-addr", "203.0.113.9:1"));
    assert_eq!(views(), 3);
    stage.pass_seconds(HOUR);
    look(&stage.as_user(ADA));
    assert_eq!(views(), 4);
}
