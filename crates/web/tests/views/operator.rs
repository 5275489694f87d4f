//! What the operator sees.

use std::collections::BTreeMap;

use domain::breaker::Breaker;
use domain::id::{MailId, NodeId, RANDOM_ID_BYTES, TopUpId};
use domain::top_up::{Mismatch, Payment};
use expect_test::expect;
use store::accounts::Account;
use store::audit::{Actor, Entry};
use store::invariants;
use store::job_runs::JobRun;
use store::mails::{FailedMail, Waiting};
use store::sync::{Oversold, RefusedDocument};
use store::sync_runs::{Lease, Run, Upstream};
use store::top_ups::RefusedPayment;
use web::page::{Operator, OperatorAccounts, OperatorAudit, OperatorJobs, OperatorSync};
use web::view::{Standing, SyncStanding, with_prefix};

use crate::check;
use crate::market::{Who, empty, now, shown};

fn refused_payment() -> RefusedPayment {
    RefusedPayment {
        payment: Payment {
            top_up: TopUpId::from_random(now(), [2; RANDOM_ID_BYTES]),
            id: "pi_1".to_owned(),
            amount: 2_499,
            currency: "usd".to_owned(),
        },
        reason: Mismatch::Amount,
        created_at: now(),
        email: Some("<3>@example.org".to_owned()),
    }
}

fn run(failure: Option<&str>) -> Run {
    Run {
        finished_at: now().plus_seconds(7),
        upstream: failure.is_none().then(|| "https://grid.example".to_owned()),
        updated: 4_999,
        changed: 12,
        missing: 1,
        failure: failure.map(str::to_owned),
        behind: None,
        requests: 25,
        waited_ms: 5_100,
        read_ms: 300,
        wrote_ms: 1_200,
        ..Run::begun(&Lease { fence: 3, behind: None }, now())
    }
}

#[test]
fn how_the_marketplace_stands() {
    let db = empty();
    let mut findings = invariants::check(&db).unwrap();
    findings.truncate(2);
    findings[1].violations = 3;
    let standing = Standing {
        findings,
        late_jobs: 2,
        waiting: Waiting { count: 2, since: Some(now()) },
        failed: vec![FailedMail {
            id: MailId::from_random(now(), [1; RANDOM_ID_BYTES]),
            kind: "sign-up".to_owned(),
            last_error: Some("the outlet said <3>".to_owned()),
            attempts: 10,
            created_at: now(),
            failed_at: now(),
        }],
        payments: vec![refused_payment()],
        sync: Some(run(Some("nobody <answers>"))),
        quarantined: 1,
        oversold: 2,
        failing_jobs: 3,
    };
    let page = shown(&db, Who::Fatima, "/operator", |_, visit| Operator::new(visit, &standing));
    check(
        &page,
        expect![[r#"
            Operator
            Accounts </operator/accounts> Farms </operator/farms> Payouts </operator/payouts>
              Disputes </operator/disputes> Sync </operator/sync> Recurring jobs </operator/jobs>
              Audit log </operator/audit>
            Setup and removal jobs
            2 overdue jobs Targets: access within 5 minutes of payment, removal within an hour of
              a rental's end.
            Email
            No mail transport is configured, so no email is sent.
            | Email | Error | Attempts | Failed at | Actions
            | sign-up | the outlet said &#60;3&#62; | 10 attempts | 29 July 2026, 12:00 UTC |
            post /operator/mails/019fadbe-f200-7101-8101-010101010101/retry
            (Resend)
            Uncredited payments
            These payments don't match a top-up. Refund them in Stripe, or add the credit by
              hand.
            | Payment | Reason | Amount | Account | Received
            | pi_1 | amount doesn&#39;t match the top-up | 2499 usd (smallest unit) |
              &#60;3&#62;@example.org, 019fadbe-f200-7202-8202-020202020202 | 29 July 2026, 12:00
              UTC
            Integrity checks 1 failed
            Run just now on all rentals, transactions and slices.
            | Check | Rule | Result
            | rentals-never-overlap | The rentals of a slice follow one another: each ends before
              the next begins. | failed: 3
            | one-rental-per-slice | A slice has at most one live rental, and a node that is
              rented whole has no other. | passed
            Grid sync
            failed 4,999 nodes, 12 changed, 1 missing, 0 rejected, 29 July 2026, 12:00 UTC.
            nobody &#60;answers&#62;
            1 document in quarantine 2 nodes oversold 3 recurring jobs failing
            Sync history, servers and quarantine </operator/sync>"#]],
    );
}

fn account(who: Who, is_out: bool) -> Account {
    Account {
        id: who.account(),
        email: who.email().to_owned(),
        created_at: now(),
        is_operator: is_out,
        disabled_at: is_out.then(now),
        has_second_factor: !is_out,
    }
}

#[test]
fn accounts_and_what_can_be_done_to_them() {
    let found = || vec![account(Who::Fatima, false), account(Who::Omar, true)];
    let path = "/operator/accounts?prefix=f";
    let page =
        shown(&empty(), Who::Fatima, path, |_, visit| OperatorAccounts::new(visit, "f", found()));
    check(
        &page,
        expect![[r#"
            Operator </operator>
            Accounts
            get /operator/accounts
            Search by start of email address [text prefix=f]
            (Search)
            fatima@example.org second factor you
            Created 29 July 2026, 019fadbe-f200-7101-8101-010101010101
            o&#39;mar&#38;co@example.org suspended operator
            Created 29 July 2026, 019fadbe-f200-7202-8202-020202020202
            post /operator/accounts/019fadbe-f200-7202-8202-020202020202/end-sessions
            [hidden prefix=f]
            (Sign out everywhere)
            post /operator/accounts/019fadbe-f200-7202-8202-020202020202/enable
            [hidden prefix=f]
            (Reactivate)
            post /operator/accounts/019fadbe-f200-7202-8202-020202020202/revoke-operator
            [hidden prefix=f]
            (Revoke operator access)"#]],
    );
    let address = with_prefix("/a?done=b".to_owned(), "o'mar&co@");
    assert_eq!(address, "/a?done=b&prefix=o%27mar%26co%40");
    assert_eq!(with_prefix("/a?done=b".to_owned(), ""), "/a?done=b");
}

#[test]
fn every_entry_of_the_audit_log() {
    let entry = |id, action: &str, seal| Entry {
        id,
        action: action.to_owned(),
        actor: Actor::Account,
        actor_id: "0199".to_owned(),
        account: None,
        subject: String::new(),
        address: String::new(),
        request_id: String::new(),
        created_at: now(),
        seal,
    };
    let found = vec![entry(2, "sign-in", None), entry(1, "slice-set-up", Some([0xab; 32]))];
    let page = shown(&empty(), Who::Fatima, "/operator/audit", |_, visit| {
        OperatorAudit::new(visit, found)
    });
    check(
        &page,
        expect![[r#"
            Operator </operator>
            Audit log
            All actions in this marketplace. Each entry is sealed together with the previous one;
              an integrity check </operator> verifies the chain.
            | Event | By | Account | IP address | Time | Seal
            | Signed in 2 | account 0199 | – | – | 29 July 2026, 12:00 UTC | pending
            | Slice set up 1 | account 0199 | – | – | 29 July 2026, 12:00 UTC | abababab…"#]],
    );
}

fn upstream(base: &str, breaker: Breaker) -> Upstream {
    Upstream {
        breaker,
        succeeded_at: Some(now()),
        failed_at: (breaker.failures > 0).then(now),
        failure: (breaker.failures > 0).then(|| "status <500>".to_owned()),
        ..Upstream::new(base)
    }
}

#[test]
fn how_the_sync_goes() {
    let open = Breaker { failures: 3, open_until: now().plus_seconds(600) };
    let standing = SyncStanding {
        upstreams: vec![
            upstream("https://a.example", open),
            upstream("https://b.example", Breaker { failures: 3, open_until: now() }),
            upstream("https://c.example", Breaker { failures: 1, open_until: now() }),
            upstream("https://d.example", Breaker::closed()),
        ],
        oversold: vec![Oversold {
            node: NodeId(32),
            name: "<Cellar>".to_owned(),
            farmer: "f@example.org".to_owned(),
            sold: 3,
            over: 1,
            synced_at: now(),
        }],
        quarantine: vec![RefusedDocument {
            node_id: 33,
            reason: "no memory".to_owned(),
            excerpt: "{\"nodeId\":33,\"farmName\":\"<script>\"".to_owned(),
        }],
        runs: vec![
            Run { behind: Some(NodeId(600)), ..run(None) },
            run(None),
            run(Some("https://a.example: status 500")),
        ],
    };
    let page = shown(&empty(), Who::Fatima, "/operator/sync", |_, visit| {
        OperatorSync::new(visit, standing)
    });
    check(
        &page,
        expect![[r#"
            Operator </operator>
            Grid sync
            Every five minutes, the sync reads all registered nodes from the grid. Rentals are
              never affected; free slices leave the market when their node may be gone.
            Oversold nodes
            More slices are rented on these nodes than they can now provide. Their farmers have
              been notified, and no more slices are sold.
            | Node | Farmer | Excess slices | Last seen
            | &#60;Cellar&#62; node32 | f@example.org | 1 of 3 slices | 29 July 2026, 12:00 UTC
            Servers
            | Server | State | Last success | Last failure
            | https://a.example | paused until 29 July 2026, 12:10 UTC | 29 July 2026, 12:00 UTC
              | 29 July 2026, 12:00 UTC status &#60;500&#62;
            | https://b.example | retrying | 29 July 2026, 12:00 UTC | 29 July 2026, 12:00 UTC
              status &#60;500&#62;
            | https://c.example | failed 1 time | 29 July 2026, 12:00 UTC | 29 July 2026, 12:00
              UTC status &#60;500&#62;
            | https://d.example | answers | 29 July 2026, 12:00 UTC | –
            Quarantine
            The last valid data of these nodes is kept. Until a valid document arrives, they are
              not checked and count as neither up nor down.
            | Node | Error | Excerpt
            | node33 | no memory |
              {&#34;nodeId&#34;:33,&#34;farmName&#34;:&#34;&#60;script&#62;&#34;
            Runs
            | Started | Outcome | Nodes | Duration | Server
            | 29 July 2026, 12:00 UTC | continues after node600 | 4,999 nodes, 12 changed, 1
              missing, 0 rejected | 7 s: 25 requests, waited 5,100 ms, read 300 ms, wrote 1,200
              ms | https://grid.example
            | 29 July 2026, 12:00 UTC | complete | 4,999 nodes, 12 changed, 1 missing, 0 rejected
              | 7 s: 25 requests, waited 5,100 ms, read 300 ms, wrote 1,200 ms |
              https://grid.example
            | 29 July 2026, 12:00 UTC | failed https://a.example: status 500 | 4,999 nodes, 12
              changed, 1 missing, 0 rejected | 7 s: 25 requests, waited 5,100 ms, read 300 ms,
              wrote 1,200 ms | –"#]],
    );
}

#[test]
fn what_is_done_again_and_again() {
    let run = |seconds: i64, failure: Option<&str>| JobRun {
        begun_at: None,
        started_at: now().plus_seconds(-seconds),
        took_ms: 1_234,
        failure: failure.map(str::to_owned),
        failing_since: failure.map(|_| now().plus_seconds(-600)),
        runs: 7,
    };
    let runs = BTreeMap::from([
        ("expire".to_owned(), run(10, None)),
        ("earn".to_owned(), run(10, Some("<no> disk"))),
        ("sync".to_owned(), run(901, None)),
    ]);
    let backlog = BTreeMap::from([("expire".to_owned(), 0), ("earn".to_owned(), 10_000)]);
    let some = |mut page: OperatorJobs| {
        for component in &mut page.components {
            component.jobs.retain(|job| runs.contains_key(job.name) || job.name == "optimize");
        }
        page
    };
    let page = shown(&empty(), Who::Fatima, "/operator/jobs", |_, visit| {
        some(OperatorJobs::new(visit, &runs, &backlog))
    });
    check(
        &page,
        expect![[r#"
            Operator </operator>
            Recurring jobs
            Scheduled work of the marketplace. Each job runs in small steps, does each step
              exactly once across all hosts, and continues in the next run.
            clock every 10 seconds
            | Job | Last run | Next run | Backlog
            | expire Starts the grace period of expired rentals, and ends rentals after it. Every
              5 minutes. Limit per run: 500 rentals, each in a statement of its own; remaining
              work is found by the next run. | done 29 July 2026, 11:59 UTC 1,234 ms | 29 July
              2026, 12:04 UTC | 0
            | earn Moves used rental payments from escrow to earnings, day by day. Every 5
              minutes. Limit per run: 500 rentals, each in a statement of its own; remaining work
              is found by the next run. | failing since 29 July 2026, 11:50 UTC 29 July 2026,
              11:59 UTC 1,234 ms &#60;no&#62; disk | 29 July 2026, 12:04 UTC | 10,000 or more
            | optimize Updates the query planner&#39;s statistics for tables that have grown
              tenfold. Every hour. Limit per run: 1 statement, which samples the rows of each
              index; remaining tables follow in the next run. | not yet | 29 July 2026, 12:00 UTC
              | –
            grid-sync every 5 minutes
            | Job | Last run | Next run | Backlog
            | sync Reads all registered nodes from the grid and stores changes. Limit per run:
              300 requests, 200 nodes in each, 100 seconds; continues after the last node; one
              run at a time, by a lease. | late 29 July 2026, 11:44 UTC 1,234 ms | 29 July 2026,
              12:05 UTC | –
            mailer every 10 seconds
            | Job | Last run | Next run | Backlog
            notifier every 10 seconds
            | Job | Last run | Next run | Backlog"#]],
    );
}
