//! Statements and receipts, as those read them whose money it is.

use domain::month::Month;
use domain::time::Timestamp;
use expect_test::{Expect, expect};
use store::statements::{self, Book, Statement};
use store::{RusqliteDb, due, ledger, ledger_chain, receipts};
use web::api::books::MonthBooks;
use web::page;
use web::view::statement_table;

use crate::check;
use crate::market::{Who, credit, market, now, rent, shown};

const HOSTILE: &str = "=HYPERLINK(\"http://x\")\n<3>";

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn books(db: &RusqliteDb, who: Who, month: Month, made_at: Timestamp) -> MonthBooks {
    let of = |book| statements::of_month(db, who.account(), book, month).unwrap();
    let wallet = of(Book::Wallet).unwrap_or(Statement::EMPTY);
    MonthBooks { month, made_at, wallet, earnings: of(Book::Earnings) }
}

pub(crate) fn statement(db: &RusqliteDb, who: Who, of: &str) -> page::Statement {
    let books = books(db, who, month(of), now());
    shown(db, who, "/dashboard/wallet/statements/x", |_, visit| page::Statement::new(visit, &books))
}

fn statements(db: &RusqliteDb, who: Who) -> page::Statements {
    let months = statements::months(db, who.account()).unwrap();
    shown(db, who, "/dashboard/wallet/statements", |_, visit| page::Statements::new(visit, &months))
}

/// The receipt of an account's newest entry.
pub(crate) fn receipt(db: &RusqliteDb, who: Who) -> page::Receipt {
    let newest = ledger::entries(db, who.account(), None, 1).unwrap().remove(0);
    let found = receipts::find(db, who.account(), newest.id).unwrap().unwrap();
    let rented = receipts::rented(db, &found).unwrap();
    shown(db, who, "/dashboard/wallet/receipts/x", |_, visit| {
        page::Receipt::new(visit, &found, rented.as_ref())
    })
}

#[track_caller]
fn check_table(books: &MonthBooks, expected: Expect) {
    let table = String::from_utf8(statement_table(books).unwrap()).unwrap();
    assert_eq!(table.matches('\n').count(), table.matches("\r\n").count());
    let rental = "019fadbe-f200-7000-8000-000000000000";
    expected.assert_eq(&table.replace("\r\n", "\n").replace(rental, "RENTAL"));
}

#[test]
fn a_renter_reads_what_moved_their_wallet() {
    let db = market();
    rent(&db);
    check(
        &statements(&db, Who::Omar),
        expect![[r#"
            Wallet </dashboard/wallet>
            Statements
            One statement per month with transactions, in UTC.
            | Month | Download
            | July 2026 </dashboard/wallet/statements/2026-07> so far | CSV
              </dashboard/wallet/statements/2026-07/csv>"#]],
    );
    check(
        &statement(&db, Who::Omar, "2026-07"),
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-07/csv>
            Mycelium
            Statement, July 2026
            Account: o&#39;mar&#38;co@example.org
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
        &books(&db, Who::Omar, month("2026-07"), now()),
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
    let db = market();
    check(
        &statement(&db, Who::Omar, "2026-05"),
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-05/csv>
            Mycelium
            Statement, May 2026
            Account: o&#39;mar&#38;co@example.org
            Period: 1 to 31 May 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Wallet
            Wallet: totals by type
            | Opening balance | | $0.00
            | Closing balance | | $0.00
            No transactions this month."#]],
    );
    check(
        &statement(&db, Who::Aida, "2026-07"),
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-07/csv>
            Mycelium
            Statement, July 2026
            Account: aida@example.org
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
    let db = market();
    let held = rent(&db);
    due::expire(&db, held.life.ends_at, 10).unwrap();
    let of = Month::of(held.life.ends_at);
    check(
        &statement(&db, Who::Fatima, &of.to_string()),
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-10/csv>
            Mycelium
            Statement, October 2026
            Account: fatima@example.org
            Period: 1 to 31 October 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
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
    let made_at = of.last_second().plus_seconds(1);
    check_table(
        &books(&db, Who::Fatima, of, made_at),
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
    let db = market();
    check(
        &receipt(&db, Who::Omar),
        expect![[r#"
            Wallet </dashboard/wallet>
            To print this page or save it as a PDF, use your browser's print command.
            Mycelium
            Receipt R-00000001
            Credit: bank transfer +$100.00
            Account: o&#39;mar&#38;co@example.org
            Date: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Issued: 29 July 2026, 12:00 UTC
            Ledger entries
            | Your wallet | +$100.00
            | External funding | −$100.00
            | Wallet balance after | $100.00
            The ledger seal appears here within a few seconds."#]],
    );
    rent(&db);
    ledger_chain::seal(&db).unwrap();
    check(
        &receipt(&db, Who::Omar),
        expect![[r#"
            Wallet </dashboard/wallet>
            To print this page or save it as a PDF, use your browser's print command.
            Mycelium
            Receipt R-00000002
            Rental of node32_slice_1 −$71.25
            Account: o&#39;mar&#38;co@example.org
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
            Ledger seal: 360b102c9b21f475bcf6129782e1cc9a6051fb4a1187f154be54d84d2cee8b27"#]],
    );
}

#[test]
fn what_the_operator_writes_is_text_in_every_form() {
    let db = market();
    credit(&db, Who::Aida, "3", HOSTILE);
    let books = books(&db, Who::Aida, month("2026-07"), now());
    let table = String::from_utf8(statement_table(&books).unwrap()).unwrap();
    assert!(table.contains(",\"'=HYPERLINK(\"\"http://x\"\")\n<3>\","), "{table}");
    for page in [
        askama::Template::render(&statement(&db, Who::Aida, "2026-07")).unwrap(),
        askama::Template::render(&receipt(&db, Who::Aida)).unwrap(),
    ] {
        assert!(page.contains("&#60;3&#62;") && !page.contains("<3>"), "{page}");
    }
}
