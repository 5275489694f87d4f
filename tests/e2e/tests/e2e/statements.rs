//! Statements by month and receipts: for whose money it is, on the second, and sealed.

use domain::month::Month;
use e2e::{Client, Market};
use serde_json::{Value, json};

const ADA: &str = "ada@example.org";

/// Node 32 on the market, and Ada with $100, of which she has rented a slice for three months.
async fn a_month(market: &Market) -> (Client, Client, Value) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with(ADA, "100").await;
    let rental = ada.rent("node32", 3).await.ok(201)["rental"].clone();
    (farmer, ada, rental)
}

/// The kinds, amounts and balances of a book's entries.
fn lines(book: &Value) -> Vec<Value> {
    let entries = book["entries"].as_array().unwrap().iter();
    entries.map(|it| json!([it["kind"], it["amount"], it["balance_after"]])).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_is_a_statement_as_json_as_a_page_and_as_a_table() {
    let market = Market::start().await;
    let (farmer, ada, rental) = a_month(&market).await;

    let months = ada.get("/api/wallet/statements").await.ok(200);
    let path = "/api/wallet/statements/2026-11";
    assert_eq!(months["items"], json!([{ "month": "2026-11", "statement": path }]));
    let statement = ada.get(path).await.ok(200);
    assert_eq!(
        [&statement["from"], &statement["to"], &statement["created_at"], &statement["earnings"]],
        [
            &json!("2026-11-01T00:00:00Z"),
            &json!("2026-11-30T23:59:59Z"),
            &json!("2026-11-22T17:20:00Z"),
            &Value::Null,
        ]
    );
    let wallet = &statement["wallet"];
    assert_eq!(
        (&wallet["opening_balance"], &wallet["closing_balance"]),
        (&json!("0.00"), &json!("28.75"))
    );
    let expected = [json!(["credit", "100.00", "100.00"]), json!(["rental", "-71.25", "28.75"])];
    assert_eq!(lines(wallet), expected);
    assert_eq!(wallet["entries"][1]["rental_id"], rental["id"]);

    let list = ada.get("/dashboard/wallet/statements").await.page(200);
    assert!(list.links().contains(&"/dashboard/wallet/statements/2026-11".to_owned()));
    let page = ada.get("/dashboard/wallet/statements/2026-11").await.page(200);
    page.says(&[
        "Statement, November 2026",
        ADA,
        &market.url(),
        "1 to 30 November 2026, UTC",
        "Opening balance $0.00",
        "Rental 1 entry −$71.25",
        "Closing balance $28.75",
        "This month is still open.",
    ]);
    let table = ada.get("/dashboard/wallet/statements/2026-11/csv").await;
    assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8"));
    let file = "attachment; filename=\"mycelium-2026-11.csv\"";
    assert_eq!(table.header("content-disposition"), Some(file));
    let text = table.text();
    let rows: Vec<_> = text.split_terminator("\r\n").collect();
    assert_eq!(rows.len(), 5, "{text}");
    assert!(rows[0].starts_with("\u{feff}account,entry,time,kind,"), "{text}");
    assert!(rows[2].ends_with(",credit,bank transfer,,100.00,100.00,R-00000001"), "{text}");

    // Who farms has a statement of what they earned, once it is.
    market.set_clock(Month::parse("2027-03").unwrap().first_second().seconds());
    market.sync().await;
    let farmer_again = market.sign_in("farmer@example.org").await;
    let earned = farmer_again.get("/api/wallet/statements/2027-03").await.ok(200);
    assert_eq!(lines(&earned["earnings"]), [json!(["earning", "64.13", "64.13"])]);
    assert_eq!(earned["earnings"]["entries"][0]["rental_id"], Value::Null);
    let listed = farmer_again.get("/api/wallet/earnings/entries").await.ok(200);
    assert_eq!(listed["items"][0], earned["earnings"]["entries"][0]);
    drop(farmer);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_second_of_a_month_belongs_to_it() {
    let market = Market::start().await;
    market.sign_up(ADA).await;
    for (month, after) in [("2026-11", "2026-12"), ("2027-02", "2027-03"), ("2028-02", "2028-03")] {
        let last = Month::parse(month).unwrap().last_second();
        market.set_clock(last.seconds());
        market.credit(ADA, "1").await.ok(201);
        market.pass(1);
        market.credit(ADA, "10").await.ok(201);
        let ada = market.sign_in(ADA).await;
        let of = async |month: &str| {
            ada.get(&format!("/api/wallet/statements/{month}")).await.ok(200)["wallet"].clone()
        };
        let (ends, begins) = (of(month).await, of(after).await);
        assert_eq!(ends["closing_balance"], begins["opening_balance"], "{month}");
        let times = [&ends, &begins].map(|book| {
            let entries = book["entries"].as_array().unwrap();
            (entries.len(), entries.last().unwrap()["created_at"].as_str().unwrap().to_owned())
        });
        let day = if month == "2028-02" { "29" } else { &last.date()[8..] };
        let expected =
            [(1, format!("{month}-{day}T23:59:59Z")), (1, format!("{after}-01T00:00:00Z"))];
        assert_eq!(times, expected);
    }
    let ada = market.sign_in(ADA).await;
    let between = ada.get("/api/wallet/statements/2027-10").await.ok(200);
    assert_eq!(between["wallet"]["opening_balance"], between["wallet"]["closing_balance"]);
    for month in ["2028-04", "2028-00", "2028-2", "nothing", "2028-02-29"] {
        ada.get(&format!("/api/wallet/statements/{month}")).await.problem(404, "not-found");
        ada.get(&format!("/dashboard/wallet/statements/{month}")).await.page(404);
        ada.get(&format!("/dashboard/wallet/statements/{month}/csv")).await.page(404);
    }
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_too_many_entries_says_what_is_not_listed() {
    let market = Market::start().await;
    let ada = market.sign_up_with(ADA, "1").await;
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5001)
                INSERT INTO credit_wallet
                SELECT 'many-' || i, owner_id, 1000000, (1 + i) * 1000000, 'Test', NULL,
                       json_object('action', 'x', 'actor', 'operator', 'actor_id', '',
                                   'subject', '', 'address', '', 'request_id', ''), ?1
                  FROM n, ledger_accounts WHERE kind = 'wallet'";
    let at = Month::parse("2026-11").unwrap().last_second().seconds();
    market.open_database().connection().execute(many, [at]).unwrap();
    let sentence = "Showing the first 5,000 of 5,002 entries";
    let page = ada.get("/dashboard/wallet/statements/2026-11").await.page(200);
    page.says(&[sentence, "Credit 5,002 entries +$5,002.00", "Closing balance $5,002.00"]);
    let table = ada.get("/dashboard/wallet/statements/2026-11/csv").await.text();
    // Its header, the opening balance, every entry, and the closing balance.
    assert_eq!(table.matches("\r\n").count(), 5_005);
    assert!(!table.contains(sentence) && table.ends_with(",closing,,,,5002.00,\r\n"));
    let statement = ada.get("/api/wallet/statements/2026-11").await.ok(200)["wallet"].clone();
    assert_eq!(statement["entry_count"], 5_002);
    assert_eq!(statement["entries"].as_array().unwrap().len(), 5_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_entry_has_a_receipt_for_whose_wallet_it_moved() {
    let market = Market::start().await;
    let (farmer, ada, rental) = a_month(&market).await;
    let ben = market.sign_up("ben@example.org").await;
    let id = rental["id"].as_str().unwrap();
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    for entry in entries["items"].as_array().unwrap() {
        let path = entry["receipt"].as_str().unwrap();
        let receipt = ada.get(path).await.ok(200);
        for name in ["id", "kind", "reason", "amount", "balance_after", "created_at"] {
            assert_eq!(receipt[name], entry[name], "{name}");
        }
        let page = path.replace("/api/", "/dashboard/");
        ada.get(&page).await.page(200).says(&[receipt["number"].as_str().unwrap(), ADA]);
        for other in [&ben, &farmer] {
            other.get(path).await.problem(404, "not-found");
            other.get(&page).await.page(404);
        }
        market.visitor().get(path).await.problem(401, "not-signed-in");
        assert!(market.visitor().get(&page).await.see_other().starts_with("/login?"));
    }
    let rented = ada.get("/api/wallet/receipts/2").await.ok(200);
    assert_eq!(
        rented["entries"],
        json!([
            { "account": "wallet", "is_own": true, "amount": "-71.25" },
            { "account": "escrow", "is_own": false, "amount": "71.25" },
        ])
    );
    assert_eq!((&rented["number"], &rented["rental"]["id"]), (&json!("R-00000002"), &json!(id)));
    let page = ada.get("/dashboard/wallet/receipts/2").await.page(200);
    page.says(&[
        "Rental of node32_slice_1 −$71.25",
        "Lochristi, Belgium",
        "22 November 2026, 17:20 UTC to 22 February 2027, 17:20 UTC",
        "Your wallet −$71.25 Rental escrow +$71.25",
        "Wallet balance after $28.75",
    ]);
    for path in ["/dashboard/wallet".to_owned(), format!("/dashboard/slices/{id}/billing")] {
        let links = ada.get(&path).await.page(200).links();
        assert!(links.contains(&"/dashboard/wallet/receipts/2".to_owned()), "{path}: {links:?}");
    }
    for number in ["0", "3", "-1", "02", "R-00000002", "18446744073709551616"] {
        let path = format!("/api/wallet/receipts/{number}");
        ada.get(&path).await.problem(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_writes_begins_no_formula_and_no_markup() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let reason = "=HYPERLINK(\"http://x\",\"<b>\")";
    let body = json!({ "email": ADA, "amount_usd": "1", "reason": reason });
    market.operator().post("/api/admin/credits", &body).await.ok(201);
    let table = ada.get("/dashboard/wallet/statements/2026-11/csv").await.text();
    let expected = ",credit,\"'=HYPERLINK(\"\"http://x\"\",\"\"<b>\"\")\",,1.00,1.00,";
    assert!(table.contains(expected), "{table}");
    for path in ["statements/2026-11", "receipts/1"] {
        let page = ada.get(&format!("/dashboard/wallet/{path}")).await.page(200);
        assert!(!page.html().contains("<b>") && page.html().contains("&#60;b&#62;"), "{path}");
    }
    let statement = ada.get("/api/wallet/statements/2026-11").await.ok(200);
    assert_eq!(statement["wallet"]["entries"][0]["reason"], reason);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_changes_what_was_booked_is_found_out() {
    let market = Market::start().await;
    let (_farmer, ada, _rental) = a_month(&market).await;
    let receipt = async || ada.get("/api/wallet/receipts/2").await.ok(200);
    assert_eq!(receipt().await["seal"], Value::Null);
    market.run_clock().await.unwrap();
    market.check_invariants().await;
    let sealed = receipt().await;
    let seal = sealed["seal"].as_str().unwrap();
    let log = market.log("clock");
    assert!(log.contains(&format!("the ledger is sealed up to 2 with {seal}")), "{log}");
    ada.get("/dashboard/wallet/receipts/2").await.page(200).says(&[seal]);

    let db = market.open_database();
    // Both sides of the transaction, and what follows from them, so that all sums still hold.
    let forge = "UPDATE ledger_entries SET amount_micros = amount_micros + 1000000
                  WHERE transaction_id = 1 AND amount_micros > 0;
                 UPDATE ledger_entries SET amount_micros = amount_micros - 1000000
                  WHERE transaction_id = 1 AND amount_micros < 0;
                 UPDATE ledger_entries SET balance_after_micros = balance_after_micros + 1000000
                  WHERE ledger_account_id = 2;
                 UPDATE ledger_entries SET balance_after_micros = balance_after_micros - 1000000
                  WHERE ledger_account_id = 1;
                 UPDATE ledger_accounts SET balance_micros = balance_micros + 1000000
                  WHERE id = 2;
                 UPDATE ledger_accounts SET balance_micros = balance_micros - 1000000
                  WHERE id = 1;";
    let refused = db.connection().execute_batch(forge).unwrap_err();
    assert!(refused.to_string().contains("append_only"), "{refused}");
    let drop = "DROP TRIGGER ledger_entries_never_updated;";
    db.connection().execute_batch(&format!("{drop} {forge}")).unwrap();
    let found = market.operator().get("/api/admin/invariants").await.ok(200);
    let broken = found["invariants"].as_array().unwrap().iter().filter(|it| it["ok"] == false);
    let broken: Vec<_> = broken.map(|it| &it["id"]).collect();
    assert_eq!(broken, ["ledger-chain"], "nothing else shows it");
}
