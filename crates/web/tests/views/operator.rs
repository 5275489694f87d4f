//! What the operator sees.

use domain::id::{MailId, RANDOM_ID_BYTES, TopUpId};
use domain::top_up::{Mismatch, Payment};
use expect_test::expect;
use store::accounts::Account;
use store::audit::{Actor, Entry};
use store::invariants;
use store::mails::{FailedMail, Waiting};
use store::sync::{RefusedDocument, Run};
use store::top_ups::RefusedPayment;
use web::page::{Operator, OperatorAccounts, OperatorAudit};
use web::view::{Standing, with_prefix};

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
        started_at: now(),
        finished_at: now(),
        upstream: failure.is_none().then(|| "https://grid.example".to_owned()),
        updated: 12,
        missing: 1,
        refused: 0,
        failure: failure.map(str::to_owned),
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
        runs: vec![run(None), run(Some("nobody answers"))],
        refused: vec![RefusedDocument {
            node_id: 32,
            reason: "no memory".to_owned(),
            excerpt: "{}".to_owned(),
        }],
    };
    let page = shown(&db, Who::Fatima, "/operator", |_, visit| Operator::new(visit, &standing));
    check(
        &page,
        expect![[r#"
            Operator
            Accounts </operator/accounts> Farms </operator/farms> Payouts </operator/payouts>
              Disputes </operator/disputes> Audit log </operator/audit>
            Access and removals
            2 jobs are late Renters have access within 5 minutes, and what is left of a rental is
              removed within an hour.
            Mail
            No outlet for mail is set, so none is sent.
            | Mail | What went wrong | Attempts | Given up | What to do
            | sign-up | the outlet said &#60;3&#62; | 10 attempts | 29 July 2026, 12:00 UTC |
            post /operator/mails/019fadbe-f200-7101-8101-010101010101/retry
            (Send again)
            Payments that were not credited
            They have come in and are not what was meant. Give them back at Stripe, or credit
              them by hand.
            | Payment | Why | Amount | Top-up of | Told
            | pi_1 | another amount than was meant | 2499 usd, in its smallest unit |
              &#60;3&#62;@example.org, 019fadbe-f200-7202-8202-020202020202 | 29 July 2026, 12:00
              UTC
            What must always hold 1 broken
            Checked just now, with every rental, booking and slice.
            | Invariant | What holds | Now
            | rentals-never-overlap | The rentals of a slice follow one another: each ends before
              the next begins. | broken: 3
            | one-rental-per-slice | A slice has at most one live rental, and a node that is
              rented whole has no other. | holds
            The sync with the grid
            | Began | Outcome | Nodes | Answered by
            | 29 July 2026, 12:00 UTC | complete | 12 nodes, 1 missing, 0 refused |
              https://grid.example
            | 29 July 2026, 12:00 UTC | failed nobody answers | 12 nodes, 1 missing, 0 refused |
              –
            In quarantine
            | Node | Why its document cannot be used
            | node32 | no memory"#]],
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
        The address begins with [text prefix=f]
        (Search)
        fatima@example.org second factor you
        Since 29 July 2026, 019fadbe-f200-7101-8101-010101010101
        o&#39;mar&#38;co@example.org shut out operator
        Since 29 July 2026, 019fadbe-f200-7202-8202-020202020202
        post /operator/accounts/019fadbe-f200-7202-8202-020202020202/end-sessions
        [hidden prefix=f]
        (End sessions)
        post /operator/accounts/019fadbe-f200-7202-8202-020202020202/enable
        [hidden prefix=f]
        (Let in)
        post /operator/accounts/019fadbe-f200-7202-8202-020202020202/revoke-operator
        [hidden prefix=f]
        (Unmake operator)"#]],
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
        Everything that was done. Each entry is sealed over the one before it; the check
          </operator> says whether the chain holds.
        | What | Who | Whose account | From | When | Seal
        | Signed in 2 | account 0199 | – | – | 29 July 2026, 12:00 UTC | soon
        | Slice set up 1 | account 0199 | – | – | 29 July 2026, 12:00 UTC | abababab…"#]],
    );
}
