//! Statements and receipts, as those read them whose money it is.

use domain::listing::Listing;
use domain::month::Month;
use expect_test::{Expect, expect};
use serde_json::json;
use stage::{ADA, Answer, BEN, FARMER, HOSTILE, Stage, User, report};
use store::{Db as _, due, ledger_chain};

const STATEMENTS: &str = "/dashboard/wallet/statements";

fn ask(stage: &Stage, who: User, path: &str) -> Answer {
    stage.as_user(who).get(billing::ROUTES, path)
}

fn statement(stage: &Stage, who: User, month: &str) -> Answer {
    ask(stage, who, &format!("{STATEMENTS}/{month}"))
}

fn receipt(stage: &Stage, who: User, transaction: u32) -> Answer {
    ask(stage, who, &format!("/dashboard/wallet/receipts/{transaction}"))
}

fn table(stage: &Stage, who: User, month: &str) -> String {
    let answer = ask(stage, who, &format!("{STATEMENTS}/{month}/csv"));
    assert_eq!(
        (answer.status(), &answer.headers()["content-type"]),
        (200, &"text/csv; charset=utf-8".parse().unwrap())
    );
    answer.text().strip_prefix('\u{feff}').expect("a byte order mark").to_owned()
}

#[track_caller]
fn check_table(table: &str, expected: Expect) {
    assert_eq!(table.matches('\n').count(), table.matches("\r\n").count());
    let rental = "019fadbe-f200-7000-8000-000000000000";
    expected.assert_eq(&table.replace("\r\n", "\n").replace(rental, "RENTAL"));
}

#[test]
fn a_renter_reads_what_moved_their_wallet() {
    let stage = Stage::three_slices();
    stage.rent();
    ask(&stage, ADA, STATEMENTS).reads(
        200,
        expect![[r#"
            Wallet </dashboard/wallet>
            Statements
            One statement per month with transactions, in UTC.
            | Month | Download
            | July 2026 </dashboard/wallet/statements/2026-07> so far | CSV
              </dashboard/wallet/statements/2026-07/csv>"#]],
    );
    statement(&stage, ADA, "2026-07").reads(
        200,
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-07/csv>
            Mycelium
            http://localhost:3000
            Statement, July 2026
            Account: o&#39;ada&#38;co@example.org
            Period: 1 to 31 July 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            This month is still open. The statement shows transactions so far.
            Wallet
            Wallet: totals by type
            | Opening balance | | $0.00
            | Credit | 1 entry | +$100.00
            | Rental | 1 entry | −$71.25
            | Closing balance | | $28.75
            Wallet: transactions by date
            | Date | Description | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Credit: bank transfer Receipt R-00000001
              </dashboard/wallet/receipts/1> | +$100.00 | $100.00
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 Receipt R-00000002
              </dashboard/wallet/receipts/2> | −$71.25 | $28.75"#]],
    );
    check_table(
        &table(&stage, ADA, "2026-07"),
        expect![[r#"
        account,entry,time,kind,description,rental,amount_usd,balance_usd,receipt
        wallet,,2026-07-01T00:00:00Z,opening,,,,0.00,
        wallet,1,2026-07-29T12:00:00Z,credit,bank transfer,,100.00,100.00,R-00000001
        wallet,2,2026-07-29T12:00:00Z,rental,Rental of node32_slice_1,RENTAL,-71.25,28.75,R-00000002
        wallet,,2026-07-29T12:00:00Z,closing,,,,28.75,
    "#]],
    );
}

#[test]
fn a_month_without_entries_is_a_statement_too() {
    let stage = Stage::three_slices();
    statement(&stage, ADA, "2026-05").reads(
        200,
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-05/csv>
            Mycelium
            http://localhost:3000
            Statement, May 2026
            Account: o&#39;ada&#38;co@example.org
            Period: 1 to 31 May 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Wallet
            Wallet: totals by type
            | Opening balance | | $0.00
            | Closing balance | | $0.00
            No transactions this month."#]],
    );
    statement(&stage, BEN, "2026-07").reads(
        200,
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-07/csv>
            Mycelium
            http://localhost:3000
            Statement, July 2026
            Account: ben@example.org
            Period: 1 to 31 July 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            This month is still open. The statement shows transactions so far.
            Wallet
            Wallet: totals by type
            | Opening balance | | $0.00
            | Closing balance | | $0.00
            No transactions this month."#]],
    );
}

#[test]
fn a_farmer_reads_what_they_earned() {
    let stage = Stage::three_slices();
    let ends_at = stage.rent().life.ends_at;
    stage.pass_seconds(ends_at.seconds_since(stage.now()));
    due::expire(&stage.db, stage.now(), 10).unwrap();
    statement(&stage, FARMER, "2026-10").reads(
        200,
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-10/csv>
            Mycelium
            http://localhost:3000
            Statement, October 2026
            Account: farmer@example.org
            Period: 1 to 31 October 2026, UTC
            Issued: 29 October 2026, 12:00 UTC
            Currency: US dollars (USD)
            This month is still open. The statement shows transactions so far.
            Wallet
            Wallet: totals by type
            | Opening balance | | $0.00
            | Closing balance | | $0.00
            No transactions this month.
            Earnings
            Earnings: totals by type
            | Opening balance | | $0.00
            | Earning | 1 entry | +$64.13
            | Closing balance | | $64.13
            Earnings: transactions by date
            | Date | Description | Amount | Balance after
            | 29 October 2026, 12:00 UTC | Earned with node32_slice_1 | +$64.13 | $64.13"#]],
    );
    let over = Month::of(ends_at).last_second().plus_seconds(1);
    stage.pass_seconds(over.seconds_since(stage.now()));
    check_table(
        &table(&stage, FARMER, "2026-10"),
        expect![[r#"
            account,entry,time,kind,description,rental,amount_usd,balance_usd,receipt
            wallet,,2026-10-01T00:00:00Z,opening,,,,0.00,
            wallet,,2026-10-31T23:59:59Z,closing,,,,0.00,
            earnings,,2026-10-01T00:00:00Z,opening,,,,0.00,
            earnings,3,2026-10-29T12:00:00Z,earning,Earned with node32_slice_1,,64.13,64.13,
            earnings,,2026-10-31T23:59:59Z,closing,,,,64.13,
        "#]],
    );
}

#[test]
fn a_receipt_says_what_for_and_how_it_was_booked() {
    let stage = Stage::three_slices();
    receipt(&stage, ADA, 1).reads(
        200,
        expect![[r#"
            Wallet </dashboard/wallet>
            To print this page or save it as a PDF, use your browser's print command.
            Mycelium
            http://localhost:3000
            Receipt R-00000001
            Credit: bank transfer +$100.00
            Account: o&#39;ada&#38;co@example.org
            Date: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Issued: 29 July 2026, 12:00 UTC
            Ledger entries
            | Your wallet | +$100.00
            | External funding | −$100.00
            | Wallet balance after | $100.00
            The ledger seal appears here within a few seconds."#]],
    );
    stage.rent();
    ledger_chain::seal(&stage.db).unwrap();
    receipt(&stage, ADA, 2).reads(
        200,
        expect![[r#"
            Wallet </dashboard/wallet>
            To print this page or save it as a PDF, use your browser's print command.
            Mycelium
            http://localhost:3000
            Receipt R-00000002
            Rental of node32_slice_1 −$71.25
            Account: o&#39;ada&#38;co@example.org
            Date: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Issued: 29 July 2026, 12:00 UTC
            Slice: node32_slice_1
            Slice size: 1 vCPU, 4 GB memory, 200 GB SSD
            Node: Canal house (node32)
            Location: Ghent, Belgium
            Period: 29 July 2026, 12:00 UTC to 29 October 2026, 12:00 UTC
            Rental: 019fadbe-f200-7000-8000-000000000000
              </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Ledger entries
            | Your wallet | −$71.25
            | Rental escrow | +$71.25
            | Wallet balance after | $28.75
            Ledger seal: 40879210f840ec27acee82320f88ffb35b49d78444f4a0241b973998a54590ae"#]],
    );
}

#[test]
fn what_the_operator_writes_is_text_in_every_form() {
    let stage = Stage::three_slices();
    let credit = |reason: &str| {
        let body = json!({ "email": BEN.email, "amount_usd": "3", "reason": reason });
        stage.as_operator().key("k").post(billing::ROUTES, "/api/admin/credits", body)
    };
    let formula = "=HYPERLINK(\"http://x\") ";
    assert_eq!(credit("on\ntwo lines").wrong_fields(), ["reason"]);
    credit(&format!("{formula}{HOSTILE}")).ok(201);
    let table = table(&stage, BEN, "2026-07");
    assert!(table.contains(",\"'=HYPERLINK(\"\"http://x\"\") <3>\"\"&'"), "{table}");
    statement(&stage, BEN, "2026-07").escapes_hostile_text();
    receipt(&stage, BEN, 2).escapes_hostile_text();
    ask(&stage, BEN, "/dashboard/wallet").escapes_hostile_text();
}

#[test]
fn names_from_the_grid_are_text_on_a_receipt() {
    let stage = Stage::without_nodes();
    let mut report = report(32, 3);
    for text in [&mut report.country, &mut report.city] {
        HOSTILE.clone_into(text);
    }
    stage.register(HOSTILE, &report);
    stage.offer(32, HOSTILE, Listing::Published);
    stage.rent();
    receipt(&stage, ADA, 2).escapes_hostile_text();
}

#[test]
fn a_table_has_every_entry() {
    let stage = Stage::market();
    // The first is what ADA begins with.
    let entry_count = 5_130;
    for _ in 1..entry_count {
        stage.credit(ADA, "0.01");
    }
    let table = table(&stage, ADA, "2026-07");
    let rows: Vec<&str> = table.lines().collect();
    // Beside the header and the opening and the closing balance.
    assert_eq!(rows.len(), entry_count + 3);
    assert!(rows[entry_count + 1].contains(",0.01,151.29,R-"), "{}", rows[entry_count + 1]);
    assert!(rows[entry_count + 2].ends_with(",151.29,"), "{}", rows[entry_count + 2]);
}

/// The ledger up to June 2026 is in a file, and so are the 900 first transactions.
fn archived() -> Stage {
    let stage = Stage::three_slices();
    let archived = "
        INSERT INTO archives (chain, first_id, until_id, closed_at, row_count, seal, file,
                              file_hash, archived_at)
        VALUES ('ledger', 1, 900, unixepoch('2026-07-01'), 900, zeroblob(32), 'file',
                zeroblob(32), 0)";
    stage.db.run(archived, &[]).unwrap();
    stage
}

#[test]
fn statements_and_receipts_of_archived_years_are_with_the_operator() {
    let stage = archived();
    stage.credit(ADA, "5");
    for path in [
        "/api/wallet/statements/2026-06",
        "/api/wallet/statements/1999-01",
        "/api/wallet/receipts/899",
    ] {
        let problem = ask(&stage, ADA, path).problem(410, "archived");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with("are archived. Ask the operator for a copy."), "{detail}");
    }
    assert!(statement(&stage, ADA, "2026-06").page(410).contains("before 2026 are archived"));
    ask(&stage, ADA, &format!("{STATEMENTS}/2026-06/csv")).page(410);
    ask(&stage, ADA, "/api/wallet/receipts/901").problem(404, "not-found");
    ask(&stage, ADA, "/api/wallet/statements/2026-07").ok(200);
    assert!(ask(&stage, ADA, STATEMENTS).page(200).contains("Ask the operator for copies."));
}
