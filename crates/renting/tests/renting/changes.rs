//! What renters change on a machine that runs: its SSH keys, its console password, and all of it.
//! And what a transfer changes.

use http::Method;
use serde_json::{Value, json};
use sha_crypt::{PasswordHash, PasswordVerifier as _, ShaCrypt};
use stage::{ADA, Answer, BEN, Stage, User};
use store::Db;
use store::row::FromRow;

use crate::servers::{KEY, Server, answers};
use crate::{RENT, slice};

const SSH_KEYS: &str = "/api/account/ssh-keys";
const OTHER_KEY: &str = "ssh-ed25519 \
                         AAAAC3NzaC1lZDI1NTE5AAAAIDs24NgS7bpmH0M4gOFtVUrZhFOG8n5W2cqk8iCyeiiN b";
const HOST_KEY: &str = OTHER_KEY;

impl Server<'_> {
    /// The agent reports that the machine runs, and what can be done with it.
    fn is_able(&self, can: &[&str]) {
        let mut how = answers();
        how["can"] = json!(can);
        self.report(&how);
    }

    fn url(&self, what: &str) -> String {
        format!("/api/rentals/{}/{what}", self.rental)
    }

    fn page_url(&self, what: &str) -> String {
        format!("/dashboard/slices/{}/{what}", self.rental)
    }

    /// Somebody says which of their keys get in.
    fn set_keys(&self, who: User, ids: &[&str]) -> Answer {
        let body = json!({ "ssh_key_ids": ids });
        let (caller, url) = (self.stage.as_user(who), self.url("keys"));
        caller.call(machines::ROUTES, Method::PUT, &url, body)
    }

    fn ask_for(&self, what: &str, body: Value) -> Answer {
        self.stage.as_user(ADA).post(machines::ROUTES, &self.url(what), body)
    }

    /// The agent does what is due; `access` is of a machine that was made anew.
    fn do_next(&self, kind: &str, access: Option<Value>) -> Value {
        let job = self.lease();
        assert_eq!(job["kind"], kind);
        let body = access.map_or_else(|| json!({}), |access| json!({ "access": access }));
        self.tell(&job, "complete", body).ok(200);
        assert_eq!(self.latest_state(), "done");
        job
    }

    fn latest_state(&self) -> String {
        let sql = "SELECT state FROM machine_actions ORDER BY rowid DESC LIMIT 1";
        one(self.stage, sql)
    }

    /// What the tables have of keys, for whoever leases next.
    fn kept_keys(&self) -> Value {
        let sql = "SELECT ssh_keys FROM setups ORDER BY rental_id DESC LIMIT 1";
        let json: String = one(self.stage, sql);
        serde_json::from_str(&json).unwrap()
    }

    fn offer_to_ben(&self) -> Value {
        let body = json!({ "email": BEN.email });
        self.stage.as_user(ADA).post(renting::ROUTES, &self.url("transfer"), body).ok(201)
    }

    fn accept(&self, body: Value) -> Answer {
        let url = format!("/api/transfers/{}/accept", self.rental);
        self.stage.as_user(BEN).post(renting::ROUTES, &url, body)
    }
}

/// The column of the row that a statement finds.
#[track_caller]
fn one<T: FromRow>(stage: &Stage, sql: &'static str) -> T {
    let db: &dyn Db = &stage.db;
    db.one(sql, &[]).unwrap()
}

fn add_key(stage: &Stage, who: User, key: &str) -> String {
    let answer = stage.as_user(who).post(machines::ROUTES, SSH_KEYS, json!({ "public_key": key }));
    answer.ok(201)["id"].as_str().unwrap().to_owned()
}

fn first_key(stage: &Stage, who: User) -> String {
    let answer = stage.as_user(who).get(machines::ROUTES, SSH_KEYS).ok(200);
    answer["items"][0]["id"].as_str().unwrap().to_owned()
}

fn access() -> Value {
    json!({ "address": "203.0.113.7", "port": 22007, "user": "root", "host_keys": [HOST_KEY] })
}

#[test]
fn several_keys_get_in_and_are_changed_while_the_machine_runs() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let (first, second) = (first_key(&stage, ADA), add_key(&stage, ADA, OTHER_KEY));
    let unsupported = server.set_keys(ADA, &[&first]);
    let detail = unsupported.problem(409, "machine-action-unsupported")["detail"].clone();
    assert!(detail.as_str().unwrap().contains("qemu-guest-agent"), "{detail}");
    server.is_able(&["set-keys"]);
    let changed = server.set_keys(ADA, &[&first, &second]).ok(200);
    assert_eq!(changed["actions"][0]["action"], "set-keys");
    assert_eq!(changed["keys"][1]["ssh_key_id"], json!(second));
    server.set_keys(ADA, &[&first]).problem(409, "machine-action-open");
    let job = server.do_next("set-keys", None);
    assert_eq!(job["ssh_keys"], json!([KEY, OTHER_KEY]));
    // What the machine has is shown, also of a key that is not the account's any more.
    let url = format!("{SSH_KEYS}/{first}");
    assert_eq!(stage.as_user(ADA).delete(machines::ROUTES, &url).status(), 204);
    let keys = stage.as_user(ADA).get(machines::ROUTES, &server.url("keys")).ok(200);
    assert_eq!(keys["keys"][0]["ssh_key_id"], Value::Null);
    let page = stage.as_user(ADA).get(machines::ROUTES, &server.page_url("keys")).page(200);
    assert!(page.contains("A key that you have removed from your account"), "{page}");
    // At least one, and one's own.
    for ids in [&[][..], &[first.as_str()]] {
        assert_eq!(server.set_keys(ADA, ids).wrong_fields(), ["ssh_key_ids"]);
    }
    server.set_keys(BEN, &[&second]).problem(404, "not-found");
    let fields = [("ssh_key_ids", second.as_str()), ("idempotency_key", "k1")];
    let sent = || stage.as_user(ADA).form(machines::ROUTES, &server.page_url("keys"), &fields);
    assert_eq!(sent().see_other(), sent().see_other(), "once");
    assert_eq!(server.do_next("set-keys", None)["ssh_keys"], json!([OTHER_KEY]));
    stage.check_invariants();
}

#[test]
fn a_key_that_is_removed_is_taken_off_its_machines_where_that_can_be_done() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let (first, second) = (first_key(&stage, ADA), add_key(&stage, ADA, OTHER_KEY));
    server.is_able(&["set-keys"]);
    server.set_keys(ADA, &[&first, &second]).ok(200);
    server.do_next("set-keys", None);
    let page = "/dashboard/settings/ssh-keys";
    let shown = stage.as_user(ADA).get(machines::ROUTES, page).page(200);
    assert!(shown.contains("Remove here and from machines"), "{shown}");
    let remove = |id: &str| {
        let url = format!("{page}/{id}/remove");
        stage.as_user(ADA).form(machines::ROUTES, &url, &[("from_machines", "true")]).see_other()
    };
    let done = remove(&first);
    assert!(done.ends_with("?done=key-removed-from-machines"), "{done}");
    assert_eq!(server.do_next("set-keys", None)["ssh_keys"], json!([OTHER_KEY]));
    // The last one stays there, and the page says so.
    remove(&second);
    server.has_nothing_to_do("rack-7");
    assert_eq!(server.kept_keys(), json!([OTHER_KEY]));
    let shown = stage.as_user(ADA).get(machines::ROUTES, page).page(200);
    assert!(shown.contains("can still log in to node32_slice_1"), "{shown}");
}

#[test]
fn a_transfer_takes_the_old_keys_off_and_puts_the_new_ones_on() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power", "set-keys", "rebuild"]);
    assert_eq!(server.offer_to_ben()["machine"], "keys-replaced");
    assert!(server.pages()[1].contains("the new renter's SSH key replaces those of the current"));
    // Whoever has none is told before.
    let list = || stage.as_user(BEN).get(renting::ROUTES, "/dashboard/slices").page(200);
    assert!(list().contains("Add an SSH key to accept node32_slice_1"), "{}", list());
    server.accept(json!({})).problem(409, "ssh-key-required");
    add_key(&stage, BEN, OTHER_KEY);
    let list = list();
    assert!(!list.contains("Add an SSH key"), "{list}");
    assert!(list.contains("the new renter's SSH key replaces those of the current"), "{list}");
    // What the old renter has asked for does not happen any more.
    server.set_keys(ADA, &[&first_key(&stage, ADA)]).ok(200);
    server.accept(json!({})).ok(200);
    assert_eq!(server.kept_keys(), json!([OTHER_KEY]));
    let job = server.lease();
    assert_eq!((&job["kind"], &job["ssh_keys"]), (&json!("set-keys"), &json!([OTHER_KEY])));
    server.tell(&job, "complete", json!({})).ok(200);
    // Whoever is logged in with the old key is not any more.
    let job = server.lease();
    assert_eq!(job["kind"], "restart");
    server.tell(&job, "complete", json!({})).ok(200);
    server.has_nothing_to_do("rack-7");
    let page = format!("/dashboard/slices/{}", server.rental);
    let page = stage.as_user(BEN).get(renting::ROUTES, &page).page(200);
    assert!(page.contains("Machine restarted"), "{page}");
    stage.check_invariants();
}

/// Neither is a machine started that is off, nor one restarted that can't be.
#[test]
fn a_transfer_restarts_machines_that_run_and_says_where_sessions_go_on() {
    for (can, how, machine, words) in [
        (&["power", "set-keys"][..], "off", "keys-replaced", "ends open SSH and console sessions"),
        (&["set-keys"], "running", "keys-only", "SSH sessions that are open go on"),
    ] {
        let stage = Stage::market();
        let server = Server::new(&stage);
        server.is_able(can);
        if how == "off" {
            server.ask("shutdown").ok(201);
            server.do_next("shutdown", None);
            server.report_next(&json!({ "state": "off", "can": can }));
        }
        assert_eq!(server.offer_to_ben()["machine"], machine);
        assert!(server.pages()[1].contains(words), "{}", server.pages()[1]);
        add_key(&stage, BEN, OTHER_KEY);
        let list = stage.as_user(BEN).get(renting::ROUTES, "/dashboard/slices").page(200);
        assert!(list.contains(words) && list.contains("scheduled tasks"), "{list}");
        server.accept(json!({})).ok(200);
        server.do_next("set-keys", None);
        server.has_nothing_to_do("rack-7");
    }
}

/// A change of keys that failed leaves the old renter's sessions: the next one ends them.
#[test]
fn where_keys_could_not_be_changed_at_a_transfer_the_next_change_restarts() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power", "set-keys"]);
    server.offer_to_ben();
    let id = add_key(&stage, BEN, OTHER_KEY);
    server.accept(json!({})).ok(200);
    let job = server.lease();
    server.tell(&job, "fail", json!({ "reason": "no answer", "retry": false })).ok(200);
    server.has_nothing_to_do("rack-7");
    for is_first in [true, false] {
        server.set_keys(BEN, &[&id]).ok(200);
        let job = server.lease();
        server.tell(&job, "complete", json!({})).ok(200);
        if is_first {
            server.do_next("restart", None);
        }
        server.has_nothing_to_do("rack-7");
    }
}

/// Only a transfer restarts a machine: a renter who changes their own keys decides.
#[test]
fn a_change_of_ones_own_keys_says_that_sessions_go_on() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power", "set-keys"]);
    let page = stage.as_user(ADA).get(machines::ROUTES, &server.page_url("keys")).page(200);
    assert!(page.contains("SSH sessions that are open go on"), "{page}");
    let page = stage.as_user(ADA).get(machines::ROUTES, "/dashboard/settings/ssh-keys").page(200);
    assert!(page.contains("if a key was stolen, restart the machine afterward"), "{page}");
    server.set_keys(ADA, &[&first_key(&stage, ADA)]).ok(200);
    server.do_next("set-keys", None);
    server.has_nothing_to_do("rack-7");
}

/// What cannot be written to the audit log does not happen.
#[test]
fn nothing_is_asked_of_a_machine_without_an_entry_of_the_audit_log() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power", "set-keys", "set-password", "rebuild", "set-ports", "user-data"]);
    let key = first_key(&stage, ADA);
    let refused = "CREATE TRIGGER no_entry BEFORE INSERT ON audit
                     WHEN NEW.action = 'machine-action-requested'
                    BEGIN SELECT RAISE(ABORT, 'no entry'); END";
    stage.db.connection().execute_batch(refused).unwrap();
    let ada = stage.as_user(ADA);
    let ports = json!({ "ports": [{ "protocol": "tcp", "port": 80 }] });
    let rebuild = json!({ "user_data": "#cloud-config\n" });
    let ask_all = |status: u16| {
        let set_ports =
            || ada.call(machines::ROUTES, Method::PUT, &server.url("ports"), ports.clone());
        let asks: [&dyn Fn() -> Answer; 5] = [
            &|| server.ask("restart"),
            &|| server.set_keys(ADA, &[&key]),
            &|| server.ask_for("console-password", json!({})),
            &|| server.ask_for("rebuild", rebuild.clone()),
            &set_ports,
        ];
        for ask in asks {
            let answer = ask();
            assert_eq!(answer.status() / 100, status, "{answer}");
            if status == 2 {
                let job = server.lease();
                server.tell(&job, "fail", json!({ "reason": "no", "retry": false })).ok(200);
            }
        }
    };
    let count = |what: &'static str| one::<i64>(&stage, what);
    ask_all(5);
    assert_eq!(count("SELECT count(*) FROM machine_actions"), 0);
    assert_eq!(count("SELECT count(*) FROM rental_ports"), 0);
    stage.db.connection().execute_batch("DROP TRIGGER no_entry").unwrap();
    ask_all(2);
    assert_eq!(count("SELECT count(*) FROM machine_actions"), 5);
    let entries = "SELECT count(*) FROM audit WHERE action = 'machine-action-requested'";
    assert_eq!(count(entries), 5);
}

#[test]
fn nobody_transfers_a_rental_to_themselves() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let to = json!({ "email": ADA.email });
    let answer = stage.as_user(ADA).post(renting::ROUTES, &server.url("transfer"), to);
    assert_eq!(answer.wrong_fields(), ["email"]);
}

#[test]
fn a_machine_says_what_it_cannot_do_once_its_agent_has_said_so() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let page = server.pages()[1].clone();
    assert!(page.contains("To see what else you can do, reload this page in a minute."), "{page}");
    stage.pass_seconds(30);
    server.is_able(&["power", "set-keys", "rebuild", "set-ports"]);
    let page = server.pages()[1].clone();
    assert!(
        page.contains(
            "On this machine you can't set a console password at the moment. Setting a console \
             password needs the package qemu-guest-agent in a running machine, and a farm whose \
             driver supports it."
        ),
        "{page}"
    );
    server.is_able(&["power", "rebuild", "set-ports"]);
    let page = server.pages()[1].clone();
    assert!(page.contains("Changing SSH keys or setting a console password needs"), "{page}");
}

#[test]
fn a_transfer_rebuilds_a_machine_whose_keys_cannot_be_changed_if_both_agree() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power", "rebuild"]);
    assert_eq!(server.offer_to_ben()["machine"], "rebuild");
    assert!(server.pages()[1].contains("all data on it is deleted"));
    add_key(&stage, BEN, OTHER_KEY);
    let list = stage.as_user(BEN).get(renting::ROUTES, "/dashboard/slices").page(200);
    assert!(list.contains("all data on it is deleted"), "{list}");
    assert!(list.contains("Accept and rebuild"), "{list}");
    let refused = server.accept(json!({})).problem(409, "rebuild-required");
    assert!(refused["detail"].as_str().unwrap().contains("all data on it is deleted"), "{refused}");
    server.accept(json!({ "rebuild": true })).ok(200);
    let job = server.lease();
    assert_eq!((&job["kind"], &job["ssh_keys"]), (&json!("rebuild"), &json!([OTHER_KEY])));
    server.tell(&job, "complete", json!({ "access": access() })).ok(200);
    stage.check_invariants();
}

#[test]
fn where_neither_can_be_done_both_are_told() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["console"]);
    assert_eq!(server.offer_to_ben()["machine"], "keys-kept");
    assert!(server.pages()[1].contains("the current renter's keys still log in"));
    add_key(&stage, BEN, OTHER_KEY);
    let list = stage.as_user(BEN).get(renting::ROUTES, "/dashboard/slices").page(200);
    assert!(list.contains("the current renter's keys still log in"), "{list}");
    server.accept(json!({})).ok(200);
    server.has_nothing_to_do("rack-7");
    // Wherever it goes from here, it does not have them.
    assert_eq!(server.kept_keys(), json!([OTHER_KEY]));
}

#[test]
fn whoever_sets_up_a_machine_that_is_transferred_begins_anew_with_the_new_key() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let user_data = "#cloud-config\npassword: adas-secret\n";
    let mut body = slice(32, 1);
    body["user_data"] = user_data.into();
    let rented = stage.as_user(ADA).post(renting::ROUTES, RENT, body).ok(201);
    let rental = rented["rental"]["id"].as_str().unwrap().to_owned();
    let job = server.lease();
    assert_eq!((&job["user_data"], &job["ssh_keys"]), (&json!(user_data), &json!([KEY])));
    let server = Server { rental, ..server };
    assert_eq!(server.offer_to_ben()["machine"], "set-up");
    add_key(&stage, BEN, OTHER_KEY);
    server.accept(json!({})).ok(200);
    server.tell(&job, "complete", json!({ "access": access() })).problem(409, "lease-lost");
    // Not before the old lease is over: two agents at once never have a slice.
    server.has_nothing_to_do("rack-7");
    stage.pass_seconds(60);
    let job = server.lease();
    assert_eq!((&job["kind"], &job["ssh_keys"]), (&json!("create"), &json!([OTHER_KEY])));
    assert_eq!(job["user_data"], Value::Null, "what Ada wrote is hers");
    server.tell(&job, "complete", json!({ "access": access() })).ok(200);
    stage.check_invariants();
}

#[test]
fn a_machine_is_rebuilt_from_a_template_or_user_data() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is_able(&["power"]);
    server.ask_for("rebuild", json!({})).problem(409, "machine-action-unsupported");
    assert!(!server.pages()[1].contains("Rebuild"));
    server.is_able(&["rebuild"]);
    let template = json!({ "template": "docker" });
    let refused = server.ask_for("rebuild", template.clone());
    let why = refused.problem(409, "machine-action-unsupported");
    assert_eq!(why["detail"], "this farm's driver doesn't take user data");
    server.is_able(&["rebuild", "user-data"]);
    let rebuild = |key: &str, body: &Value| {
        let caller = stage.as_user(ADA).key(key);
        caller.post(machines::ROUTES, &server.url("rebuild"), body.clone())
    };
    let asked = rebuild("k1", &template);
    assert_eq!(asked.ok(201)["action"], "rebuild");
    let page = &server.pages()[1];
    assert!(page.contains("being rebuilt") && !page.contains("Log in with your SSH key"), "{page}");
    assert_eq!(rebuild("k1", &template).bytes(), asked.bytes());
    rebuild("k1", &json!({ "template": "k3s" })).problem(422, "idempotency-key-reused");
    let job = server.lease();
    assert_eq!((&job["template"]["name"], &job["ssh_keys"]), (&json!("docker"), &json!([KEY])));
    assert!(job["user_data"].as_str().unwrap().contains("docker.io"));
    // It has other host keys afterwards, which the renter is told.
    let without = server.tell(&job, "complete", json!({}));
    assert_eq!(without.wrong_fields(), ["access"]);
    server.tell(&job, "complete", json!({ "access": access() })).ok(200);
    server.tell(&job, "complete", json!({ "access": access() })).ok(200);
    let shown = stage.as_user(ADA).get(renting::ROUTES, &server.url("access")).ok(200);
    let host_key = HOST_KEY.rsplit_once(' ').unwrap().0;
    assert_eq!(shown["machines"][0]["access"]["host_keys"], json!([host_key]));
    // The page says what it does, and takes user data.
    let page = stage.as_user(ADA).get(machines::ROUTES, &server.page_url("rebuild")).page(200);
    assert!(page.contains("All data on the machine is deleted"), "{page}");
    let own = "#!/bin/sh\ntouch /root/own\n";
    let fields = [("slice", "1"), ("template", ""), ("user_data", own), ("idempotency_key", "k2")];
    let form = stage.as_user(ADA).form(machines::ROUTES, &server.page_url("rebuild"), &fields);
    form.see_other();
    let sealed: Vec<u8> = one(&stage, "SELECT sealed FROM setups LIMIT 1");
    assert!(!String::from_utf8_lossy(&sealed).contains("touch"), "it is encrypted");
    let job = server.do_next("rebuild", Some(access()));
    assert_eq!((&job["user_data"], &job["template"]), (&json!(own), &Value::Null));
    let both = json!({ "template": "web", "user_data": own });
    assert_eq!(server.ask_for("rebuild", both).wrong_fields(), ["user_data"]);
    stage.check_invariants();
}

#[test]
fn a_console_password_is_shown_once_and_its_hash_is_deleted() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.ask_for("console-password", json!({})).problem(409, "machine-action-unsupported");
    server.is_able(&["set-password"]);
    let hash = || -> Option<String> {
        let sql = "SELECT password_hash FROM machine_actions ORDER BY rowid DESC LIMIT 1";
        one(&stage, sql)
    };
    let answer = server.ask_for("console-password", json!({ "slice": 1 })).ok(201);
    let password = answer["password"].as_str().unwrap();
    assert_eq!(password.len(), 19, "{password}");
    assert!(hash().unwrap().starts_with("$6$"));
    let job = server.do_next("set-password", None);
    let leased = job["password_hash"].as_str().unwrap();
    let parsed = PasswordHash::new(leased).unwrap();
    assert!(ShaCrypt::default().verify_password(password.as_bytes(), &parsed).is_ok());
    assert_eq!(hash(), None);
    // The page shows another one, which is deleted however the action ends.
    let url = server.page_url("console-password");
    let form = || stage.as_user(ADA).form(renting::ROUTES, &url, &[("slice", "1")]);
    let page = form().page(200);
    assert!(page.contains("shown only once") && !page.contains(password), "{page}");
    let job = server.lease();
    server.tell(&job, "fail", json!({ "reason": "no guest", "retry": false })).ok(200);
    assert_eq!((server.latest_state(), hash()), ("failed".to_owned(), None));
    form().page(200);
    assert!(hash().is_some());
    let end = server.url("cancel");
    stage.as_user(ADA).post(renting::ROUTES, &end, json!({})).ok(200);
    assert_eq!((server.latest_state(), hash()), ("canceled".to_owned(), None));
    stage.check_invariants();
}
