//! What is asked about once more, and what needs a person today.

use expect_test::expect;
use stage::{ADA, BEN, FARMER, Stage, reading};
use store::Db;

use crate::{appoint, ask};

#[test]
fn an_account_is_suspended_for_a_reason_after_a_question() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    let path = format!("/operator/accounts/{}/suspend", BEN.account());
    ask(&stage, &format!("{path}?prefix=ben")).reads(
        200,
        expect![[r#"
            Accounts </operator/accounts?prefix=ben>
            Suspend account
            ben@example.org
            post /operator/accounts/019fadbe-f200-7303-8303-030303030303/suspend
            [hidden prefix=ben]
            All its sessions end now, and nobody can sign in to it. Running rentals and nodes
              continue. You can reactivate it at any time.
            Reason
            Kept in the audit log. The account&#39;s owner can read it, too. [text reason=]
            (Suspend account) Cancel </operator/accounts?prefix=ben>"#]],
    );
    let send = |reason: &str| {
        let fields = [("prefix", "ben"), ("reason", reason)];
        stage.as_strong(FARMER).form(operating::ROUTES, &path, &fields)
    };
    let refused = send(" ").page(400);
    assert!(refused.contains("1 to 200 visible characters on one line."), "{refused}");
    // He has a session.
    let _ = stage.as_user(BEN);
    let done = "/operator/accounts?prefix=ben&done=account-suspended";
    assert_eq!(send("sends spam").see_other(), done);
    let db: &dyn Db = &stage.db;
    let sql = "SELECT subject FROM audit WHERE action = 'account-suspended'";
    assert_eq!(db.all::<String>(sql, &[]).unwrap(), ["sends spam"]);
    for name in ["reactivate", "end-sessions"] {
        let path = format!("/operator/accounts/{}/{name}", BEN.account());
        assert_eq!(ask(&stage, &path).status(), 405, "{name} is asked about nowhere");
    }
}

#[test]
fn the_top_of_the_page_says_what_needs_a_person() {
    let stage = Stage::three_slices();
    appoint(&stage);
    let page = reading(&ask(&stage, "/operator").html(200));
    let (top, _) = page.split_once("Setup and removal jobs").unwrap();
    expect![[r#"
        Operator
        Accounts </operator/accounts> Farms </operator/farms> Payouts </operator/payouts>
          Disputes </operator/disputes> Incidents </operator/incidents> Sync </operator/sync>
          Recurring jobs </operator/jobs> Audit log </operator/audit>
        Needs a person today
        Nothing right now.
        Figures
        Fees this month: $0.00
        Fees in total: $0.00
        Running rentals: 0
        Utilization: 0% (0 of 3 slices)
        Nodes on the market: 1
        Accounts: 3
        In escrow: $0.00
        In wallets: $100.00
    "#]]
    .assert_eq(top);
    stage.rent();
    // The books are broken, and nothing else.
    let broken = "UPDATE ledger_accounts SET balance_micros = balance_micros + 1
                   WHERE kind = 'wallet' AND owner_id = ?1";
    stage.db.run(broken, &[ADA.account().to_string().as_str().into()]).unwrap();
    let page = reading(&ask(&stage, "/operator").html(200));
    let (top, _) = page.split_once("Setup and removal jobs").unwrap();
    expect![[r#"
        Operator
        Accounts </operator/accounts> Farms </operator/farms> Payouts </operator/payouts>
          Disputes </operator/disputes> Incidents </operator/incidents> Sync </operator/sync>
          Recurring jobs </operator/jobs> Audit log </operator/audit>
        Needs a person today
        1 failed integrity check <#invariants> urgent Find the cause at once.
        Figures
        Fees this month: $0.00
        Fees in total: $0.00
        Running rentals: 1
        Utilization: 33% (1 of 3 slices)
        Nodes on the market: 1
        Accounts: 3
        In escrow: $71.25
        In wallets: $28.750001
    "#]]
    .assert_eq(top);
}
