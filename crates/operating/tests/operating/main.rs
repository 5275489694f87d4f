//! The pages of the operator, asked for natively on SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod confirming;
mod incidents;

use domain::breaker::Breaker;
use domain::id::{MailId, NodeId, RANDOM_ID_BYTES, SshKeyId, TopUpId};
use domain::money::Usd;
use domain::node::{NodeReport, capacity};
use domain::reconciliation::{Seen, reconcile};
use domain::ssh::SshKey;
use domain::top_up::{Payment, Reversal, ReversalKind};
use expect_test::expect;
use stage::{ADA, Answer, BEN, FARMER, HOSTILE, Stage, reading, report};
use store::audit::{self, Actor, NewEntry};
use store::invariants::INVARIANTS;
use store::job_runs::{self, Done};
use store::jobs::{self, Agent};
use store::mails::{self, NewMail, Retry};
use store::sync::{self, RefusedDocument};
use store::sync_runs::{self, Run, Upstream};
use store::top_ups::{self, NewTopUp};
use store::{Db, accounts, factors, ssh_keys};

/// What an operator is shown at a path: the farmer, with a second factor.
fn ask(stage: &Stage, path: &str) -> Answer {
    stage.as_strong(FARMER).get(operating::ROUTES, path)
}

/// The farmer may do what operators do.
fn appoint(stage: &Stage) {
    let name = domain::factor::PasskeyName::parse("key").unwrap();
    let account = FARMER.account();
    let passkey =
        factors::NewPasskey { id: &[7; 16], account, name: &name, fixed: &[], moving: &[] };
    assert!(factors::add_passkey(&stage.db, &passkey, stage.now()).unwrap());
    assert!(accounts::set_operator(&stage.db, account, true).unwrap());
}

/// A run of the sync that took seven seconds, and has stopped behind a node.
fn end_run(stage: &Stage, failure: Option<&str>, behind: Option<NodeId>) {
    let lease = sync_runs::begin(&stage.db, stage.now()).unwrap().unwrap();
    let run = Run {
        finished_at: stage.now().plus_seconds(7),
        upstream: failure.is_none().then(|| "https://grid.example".to_owned()),
        updated: 4_999,
        changed: 12,
        missing: 1,
        failure: failure.map(str::to_owned),
        behind,
        requests: 25,
        waited_ms: 5_100,
        read_ms: 300,
        wrote_ms: 1_200,
        ..Run::begun(&lease, stage.now())
    };
    sync_runs::end(&stage.db, &run).unwrap();
    stage.pass_seconds(600);
}

/// A mail that is put into the outbox, and fails for good where there is a reason to.
fn send_mail(stage: &Stage, number: u8, failure: Option<&str>) {
    let id = MailId::from_random(stage.now(), [number; RANDOM_ID_BYTES]);
    let mail = NewMail { id, account: None, kind: "sign-up", sealed: b"sealed" };
    mails::enqueue(&stage.db, &mail, stage.now()).unwrap();
    if let Some(failure) = failure {
        let claimed = mails::claim(&stage.db, stage.now()).unwrap().unwrap();
        mails::failed_attempt(&stage.db, &claimed, failure, Retry::No, stage.now()).unwrap();
    }
}

/// Somebody pays another amount than that of a top-up.
fn refuse_payment(stage: &Stage) {
    let id = TopUpId::from_random(stage.now(), [2; RANDOM_ID_BYTES]);
    let (account, amount) = (ADA.account(), Usd::whole(25));
    let new = NewTopUp { id, account, amount, intention: None };
    top_ups::begin(&stage.db, &new, stage.now()).unwrap();
    let payment = Payment { top_up: id, id: "pi_1".into(), amount: 2_499, currency: "usd".into() };
    top_ups::settle(&stage.db, &payment, stage.now()).unwrap();
}

#[test]
fn a_payment_that_was_taken_back_is_on_the_operators_page() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    let title = "Reversed card payments";
    assert!(!ask(&stage, "/operator").page(200).contains(title));
    let id = TopUpId::from_random(stage.now(), [2; RANDOM_ID_BYTES]);
    let new = NewTopUp { id, account: BEN.account(), amount: Usd::whole(25), intention: None };
    top_ups::begin(&stage.db, &new, stage.now()).unwrap();
    let payment = Payment { top_up: id, id: "pi_1".into(), amount: 2_500, currency: "usd".into() };
    top_ups::settle(&stage.db, &payment, stage.now()).unwrap();
    // It was spent.
    let spent = "UPDATE ledger_accounts SET balance_micros = 0 WHERE owner_id = ?1";
    stage.db.run(spent, &[BEN.account().to_string().as_str().into()]).unwrap();
    let dispute = Reversal {
        payment: "pi_1".into(),
        id: "dp_1".into(),
        kind: ReversalKind::Dispute,
        stage: 1,
        amount: 2_500,
        of: None,
        currency: "usd".into(),
        status: "needs_response".into(),
    };
    top_ups::take_back(&stage.db, &dispute, stage.now()).unwrap();
    let page = ask(&stage, "/operator").page(200);
    for part in [title, "pi_1", "dispute: needs response", "$25.00", BEN.email, "\u{2212}$25.00"] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

/// The grid cannot say what a node is, and says that another is too small for what is rented.
fn oversell(stage: &Stage, name: &str) {
    let node = NodeReport { id: NodeId(31), ..report(32, 3) };
    let (farmer, slices) = (FARMER.account(), capacity(&node));
    assert!(store::nodes::register(&stage.db, farmer, "x", &node, &slices, stage.now()).unwrap());
    let refused = RefusedDocument {
        node_id: 31,
        reason: "no memory".to_owned(),
        excerpt: "{\"nodeId\":31,\"farmName\":\"<script>\"".to_owned(),
    };
    sync::save_refused(&stage.db, &[refused], stage.now()).unwrap();
    stage.register(name, &report(32, 3));
    stage.offer(32, name, domain::listing::Listing::Published);
    stage.rent();
    let known = sync::registered(&stage.db, Some(NodeId(31)), 1, stage.now()).unwrap();
    let look = reconcile(&known[0], Seen::Listed(&report(32, 0)), stage.now());
    sync::save(&stage.db, &[look], None, stage.now()).unwrap();
}

fn record(stage: &Stage, name: &'static str, seconds: i64, failure: Option<&str>) {
    let failure = failure.map(str::to_owned);
    let done = Done { name, took_ms: 1_234, failure };
    job_runs::record(&stage.db, &[done], stage.now().plus_seconds(-seconds)).unwrap();
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are what a page reads")]
fn how_the_marketplace_stands() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    let agent = Agent { farmer: FARMER.account(), farm: 1, name: "rack-7", token: None };
    jobs::see(&stage.db, &agent, stage.now()).unwrap();
    let id = SshKeyId::from_random(stage.now(), [0; RANDOM_ID_BYTES]);
    let key = SshKey {
        line: "ssh-ed25519 AAAA".into(),
        fingerprint: "SHA256:A".into(),
        comment: String::new(),
    };
    let added = ssh_keys::add(&stage.db, ADA.account(), id, "laptop", &key, stage.now());
    added.unwrap().unwrap();
    oversell(&stage, "Cellar");
    send_mail(&stage, 1, Some("the outlet said <3>"));
    send_mail(&stage, 2, None);
    refuse_payment(&stage);
    record(&stage, "earn", 10, Some("no disk"));
    stage.db.run("UPDATE jobs SET notified_at = late_at", &[]).unwrap();
    // Something that no part of the market does.
    stage.db.run("UPDATE ledger_accounts SET balance_micros = balance_micros + 1", &[]).unwrap();
    end_run(&stage, Some("nobody <answers>"), None);
    let page = reading(&ask(&stage, "/operator").html(200));
    let (above, rest) = page.split_once("| Check | Rule | Result\n").unwrap();
    let (checks, below) = rest.split_once("\nGrid sync\n").unwrap();
    expect![[r#"
        Operator
        Accounts </operator/accounts> Farms </operator/farms> Payouts </operator/payouts>
          Disputes </operator/disputes> Incidents </operator/incidents> Sync </operator/sync>
          Recurring jobs </operator/jobs> Audit log </operator/audit>
        Needs a person today
        2 failed integrity checks <#invariants> urgent Find the cause at once.
        1 oversold node </operator/sync> urgent Ask the farmer to add capacity.
        1 overdue job <#jobs> urgent Ask the farmer or agent why.
        1 failing recurring job </operator/jobs> urgent Read why.
        1 uncredited payment <#payments> Refund it, or add the credit.
        1 failed email <#mail> Resend it.
        1 document in quarantine </operator/sync> See what the grid reports.
        Figures
        Fees this month: $0.00
        Fees in total: $0.00
        Running rentals: 1
        Utilization: 100% (1 of 1 slices)
        Nodes on the market: 1
        Accounts: 3
        In escrow: $71.250001
        In wallets: $28.750001
        Setup and removal jobs
        1 overdue job Targets: access within 5 minutes of payment, removal within an hour of
          a rental's end.
        Email
        No mail transport is configured, so no email is sent.
        | Email | Error | Attempts | Failed at | Actions
        | sign-up | the outlet said &#60;3&#62; | 1 attempt | 29 July 2026, 12:00 UTC |
        post /operator/mails/019fadbe-f200-7101-8101-010101010101/retry
        (Resend)
        Uncredited payments
        These payments don't match a top-up. Refund them in Stripe, or add the credit by
          hand.
        | Payment | Reason | Amount | Account | Received
        | pi_1 | amount doesn&#39;t match the top-up | 2499 usd (smallest unit) |
          o&#39;ada&#38;co@example.org, 019fadbe-f200-7202-8202-020202020202 | 29 July 2026,
          12:00 UTC
        Integrity checks 2 failed
        Run just now on all slices and live rentals, on new transactions and events, and on
          part of the history. A full pass over the history takes about 1 hour.
    "#]]
    .assert_eq(above);
    let checks: Vec<&str> = checks.trim_start_matches("| ").split("\n| ").collect();
    assert_eq!(checks.len(), INVARIANTS.len());
    let has_passed = |check: &&&str| check.split_whitespace().last() == Some("passed");
    let passed: Vec<_> = checks.iter().filter(has_passed).collect();
    let failed: Vec<_> = checks.iter().filter(|check| !has_passed(check)).copied().collect();
    expect![[r#"
        balances-are-sums | A balance is the sum of its entries. for example: escrow
          019fadbe-f200-7000-8000-000000000000 | failed: 3
        escrow-holds-what-is-not-earned | A rental&#39;s escrow holds what is neither
          earned nor refunded; once over, nothing. for example: rental
          019fadbe-f200-7000-8000-000000000000 | failed: 1"#]]
    .assert_eq(&failed.join("\n"));
    expect![[r#"
        one-rental-per-slice | A slice has at most one live rental, and a node that is
          rented whole has no other. | passed"#]]
    .assert_eq(passed[0]);
    expect![[r#"
        failed 4,999 nodes, 12 changed, 1 missing, 0 rejected, 29 July 2026, 12:00 UTC.
        nobody &#60;answers&#62;
        1 document in quarantine 1 node oversold 1 recurring job failing
        Sync history, servers and quarantine </operator/sync>"#]]
    .assert_eq(below);
}

#[test]
fn accounts_and_what_can_be_done_to_them() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    accounts::set_operator(&stage.db, ADA.account(), true).unwrap();
    accounts::disable(&stage.db, ADA.account(), Some(stage.now())).unwrap();
    ask(&stage, "/operator/accounts").reads(
        200,
        expect![[r#"
            Operator </operator>
            Accounts
            get /operator/accounts
            Search by start of email address [text prefix=]
            (Search)
            ben@example.org
            Created 29 July 2026, 019fadbe-f200-7303-8303-030303030303
            post /operator/accounts/019fadbe-f200-7303-8303-030303030303/end-sessions
            [hidden prefix=]
            (Sign out everywhere)
            More actions for ben@example.org
            Suspend… ben@example.org
              </operator/accounts/019fadbe-f200-7303-8303-030303030303/suspend?prefix=> Grant
              operator access… ben@example.org
              </operator/accounts/019fadbe-f200-7303-8303-030303030303/grant-operator?prefix=>
            farmer@example.org operator second factor you
            Created 29 July 2026, 019fadbe-f200-7101-8101-010101010101
            o&#39;ada&#38;co@example.org suspended operator
            Created 29 July 2026, 019fadbe-f200-7202-8202-020202020202
            post /operator/accounts/019fadbe-f200-7202-8202-020202020202/end-sessions
            [hidden prefix=]
            (Sign out everywhere)
            post /operator/accounts/019fadbe-f200-7202-8202-020202020202/reactivate
            [hidden prefix=]
            (Reactivate)
            More actions for o&#39;ada&#38;co@example.org
            Revoke operator access… o&#39;ada&#38;co@example.org
              </operator/accounts/019fadbe-f200-7202-8202-020202020202/revoke-operator?prefix=>"#]],
    );
    let page = reading(&ask(&stage, "/operator/accounts?prefix=o'ad").html(200));
    let listed = |email: &str| page.contains(email);
    assert!(listed("o&#39;ada&#38;co@example.org") && !listed("farmer@") && !listed(BEN.email));
    assert!(page.contains("[hidden prefix=o&#39;ad]"), "{page}");

    let end = |prefix| {
        let path = format!("/operator/accounts/{}/end-sessions", BEN.account());
        let fields = [("prefix", prefix)];
        stage.as_strong(FARMER).form(operating::ROUTES, &path, &fields).see_other()
    };
    let (accounts, done) = ("/operator/accounts", "done=account-sessions-ended");
    assert_eq!(end("o'ada&co@"), format!("{accounts}?prefix=o%27ada%26co%40&{done}"));
    assert_eq!(end(""), format!("{accounts}?{done}"));
}

#[test]
fn every_entry_of_the_audit_log() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    let write = |action, subject| {
        let entry = NewEntry {
            action,
            actor: Actor::Account,
            actor_id: "0199".to_owned(),
            account: None,
            subject,
            address: "",
            request_id: "",
        };
        audit::write(&stage.db, &entry, stage.now()).unwrap();
    };
    write("slice-set-up", "");
    audit::seal(&stage.db).unwrap();
    write("sign-in", "");
    ask(&stage, "/operator/audit").reads(
        200,
        expect![[r#"
            Operator </operator>
            Audit log
            All actions in this marketplace. Each entry is sealed together with the previous one;
              an integrity check </operator> verifies the chain.
            | Event | By | Account | IP address | Time | Seal
            | Signed in 4 | account 0199 | – | – | 29 July 2026, 12:00 UTC | pending
            | Slice set up 3 | account 0199 | – | – | 29 July 2026, 12:00 UTC | d986780f…
            | Wallet credited 2 · ada | operator | – | – | 29 July 2026, 12:00 UTC | 32cd4b70…
            | Wallet credited 1 | market | 019fadbe-f200-7202-8202-020202020202 | – | 29 July
              2026, 12:00 UTC | d35cc3c5…"#]],
    );
    write("sign-in", HOSTILE);
    ask(&stage, "/operator/audit").escapes_hostile_text();
}

#[test]
fn the_audit_log_says_where_its_archived_entries_are() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    let archived = "
        INSERT INTO archives (chain, first_id, until_id, closed_at, row_count, seal, file,
                              file_hash, archived_at)
        VALUES ('audit', 1, 1, 1767225600, 1, zeroblob(32), 'audit-2025.jsonl', zeroblob(32),
                1785326400)";
    stage.db.run(archived, &[]).unwrap();
    let page = ask(&stage, "/operator/audit");
    let words = "Entries up to number 1, from before 2026, are in archive files.";
    assert!(page.text().contains(words), "{page}");
}

fn upstream(stage: &Stage, base: &str, breaker: Breaker) -> Upstream {
    let has_failed = breaker.failures > 0;
    Upstream {
        breaker,
        succeeded_at: Some(stage.now()),
        failed_at: has_failed.then(|| stage.now()),
        failure: has_failed.then(|| "status <500>".to_owned()),
        ..Upstream::new(base)
    }
}

#[test]
fn how_the_sync_goes() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    oversell(&stage, "<Cellar>");
    end_run(&stage, Some("https://a.example: status 500"), None);
    end_run(&stage, None, None);
    end_run(&stage, None, Some(NodeId(600)));
    let now = stage.now();
    let open = Breaker { failures: 3, open_until: now.plus_seconds(600) };
    let upstreams = [
        upstream(&stage, "https://a.example", open),
        upstream(&stage, "https://b.example", Breaker { failures: 3, open_until: now }),
        upstream(&stage, "https://c.example", Breaker { failures: 1, open_until: now }),
        upstream(&stage, "https://d.example", Breaker::closed()),
    ];
    sync_runs::save_upstreams(&stage.db, &upstreams).unwrap();
    ask(&stage, "/operator/sync").reads(
        200,
        expect![[r#"
            Operator </operator>
            Grid sync
            Every five minutes, the sync reads all registered nodes from the grid. Rentals are
              never affected; free slices leave the market when their node may be gone.
            Oversold nodes
            More slices are rented on these nodes than they can now provide. Their farmers have
              been notified, and no more slices are sold.
            | Node | Farmer | Excess slices | Last seen
            | &#60;Cellar&#62; node32 | farmer@example.org | 1 of 1 slice | 29 July 2026, 12:00
              UTC
            Servers
            | Server | State | Last success | Last failure
            | https://a.example | paused until 29 July 2026, 12:40 UTC | 29 July 2026, 12:30 UTC
              | 29 July 2026, 12:30 UTC status &#60;500&#62;
            | https://b.example | retrying | 29 July 2026, 12:30 UTC | 29 July 2026, 12:30 UTC
              status &#60;500&#62;
            | https://c.example | failed 1 time | 29 July 2026, 12:30 UTC | 29 July 2026, 12:30
              UTC status &#60;500&#62;
            | https://d.example | answers | 29 July 2026, 12:30 UTC | –
            Quarantine
            The last valid data of these nodes is kept. Until a valid document arrives, they are
              not checked and count as neither up nor down.
            | Node | Error | Excerpt
            | node31 | no memory |
              {&#34;nodeId&#34;:31,&#34;farmName&#34;:&#34;&#60;script&#62;&#34;
            Runs
            | Started | Outcome | Nodes | Duration | Server
            | 29 July 2026, 12:20 UTC | continues after node600 | 4,999 nodes, 12 changed, 1
              missing, 0 rejected | 7 s: 25 requests, waited 5,100 ms, read 300 ms, wrote 1,200
              ms | https://grid.example
            | 29 July 2026, 12:10 UTC | complete | 4,999 nodes, 12 changed, 1 missing, 0 rejected
              | 7 s: 25 requests, waited 5,100 ms, read 300 ms, wrote 1,200 ms |
              https://grid.example
            | 29 July 2026, 12:00 UTC | failed https://a.example: status 500 | 4,999 nodes, 12
              changed, 1 missing, 0 rejected | 7 s: 25 requests, waited 5,100 ms, read 300 ms,
              wrote 1,200 ms | –"#]],
    );
}

#[test]
fn what_is_done_again_and_again() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    record(&stage, "expire", 10, None);
    record(&stage, "earn", 600, Some("<no> disk"));
    record(&stage, "earn", 10, Some("<no> disk"));
    record(&stage, "sync", 901, None);
    let mails = "
        WITH RECURSIVE nth (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM nth WHERE n < 10001)
        INSERT INTO mails (id, kind, sealed, due_at, created_at)
        SELECT n, 'sign-up', x'00', 0, 0 FROM nth";
    stage.db.run(mails, &[]).unwrap();
    let page = reading(&ask(&stage, "/operator/jobs").html(200));
    let components: Vec<_> = page.lines().filter(|line| line.contains(" every ")).collect();
    expect![[r#"
        clock every 10 seconds
        grid-sync every 5 minutes
        mailer every 10 seconds
        notifier every 10 seconds"#]]
    .assert_eq(&components.join("\n"));
    // Each job is a row, whose first word is its name, and whose other lines are indented.
    let row = |name: &str| {
        let (_, rest) = page.split_once(&format!("\n| {name} ")).unwrap();
        let lines = rest.split_inclusive('\n');
        let more = lines.clone().skip(1).take_while(|line| line.starts_with(' '));
        let row: String = lines.take(1).chain(more).collect();
        format!("{name} {}", row.trim_end())
    };
    let shown = ["expire", "earn", "sync", "deliver mails", "optimize"].map(row);
    expect![[r#"
        expire Starts the grace period of expired rentals, and ends rentals after it. Every
          5 minutes. Limit per run: 500 rentals, each in a statement of its own; remaining
          work is found by the next run. | done 29 July 2026, 11:59 UTC 1,234 ms | 29 July
          2026, 12:04 UTC | 0
        earn Moves used rental payments from escrow to earnings, day by day. Every 5
          minutes. Limit per run: 500 rentals, each in a statement of its own; remaining work
          is found by the next run. | failing since 29 July 2026, 11:50 UTC 29 July 2026,
          11:59 UTC 1,234 ms &#60;no&#62; disk | 29 July 2026, 12:04 UTC | 0
        sync Reads all registered nodes from the grid and stores changes. Limit per run:
          300 requests, 200 nodes in each, 100 seconds; continues after the last node; one
          run at a time, by a lease. | late 29 July 2026, 11:44 UTC 1,234 ms | 29 July 2026,
          12:05 UTC | 0
        deliver mails Sends queued email. Limit per run: 100 mails, 60 seconds; an email
          that was taken but not sent is retried after 30 seconds. | not yet | 29 July 2026,
          12:00 UTC | 10,000 or more
        optimize Updates the query planner&#39;s statistics for tables that have grown
          tenfold. Every hour. Limit per run: 1 statement, which samples the rows of each
          index; remaining tables follow in the next run. | not yet | 29 July 2026, 12:00 UTC
          | –"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn every_page_is_well_formed() {
    let stage = Stage::three_slices();
    stage.rent();
    stage
        .as_operator()
        .get_every_page(operating::ROUTES, &[("account", &BEN.account().to_string())]);
    stage.as_user(ADA).get(operating::ROUTES, "/operator").html(404);
}
