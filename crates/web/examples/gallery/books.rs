//! Sample statements and receipts.

use web::page::{
    BookPart, BookedRow, Fact, Link, MonthRow, Receipt, Section, Sheet, Statement, StatementRow,
    Statements, SumRow,
};

use super::sample::{day, member};

pub(crate) fn statements() -> Statements {
    let month = |month: &str, name: &str, is_open| MonthRow {
        statement: Link::new(format!("/dashboard/wallet/statements/{month}"), name),
        csv_url: format!("/dashboard/wallet/statements/{month}/csv"),
        is_open,
    };
    Statements {
        frame: member("Statements", Section::Wallet),
        months: vec![month("2026-07", "July 2026", true), month("2026-03", "March 2026", false)],
    }
}

pub(crate) fn sheet() -> Sheet {
    Sheet {
        site: "https://mycelium.example".into(),
        email: "omar@example.org".into(),
        made_at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
    }
}

fn row(what: &str, amount: &str, balance_after: &str, receipt: Option<u32>) -> StatementRow {
    StatementRow {
        at: day("2026-07-28", "28 July 2026, 09:14 UTC"),
        what: what.into(),
        receipt: receipt.map(|number| {
            Link::new(format!("/dashboard/wallet/receipts/{number}"), format!("R-{number:08}"))
        }),
        amount: amount.into(),
        is_credit: amount.starts_with('+'),
        balance_after: balance_after.into(),
    }
}

fn sum(what: &str, count: &str, amount: &str) -> SumRow {
    SumRow { what: what.into(), count: count.into(), amount: amount.into() }
}

pub(crate) fn statement() -> Statement {
    let wallet = BookPart {
        id: "wallet".into(),
        title: "Wallet".into(),
        opening: "$12.50".into(),
        closing: "$41.25".into(),
        sums: vec![
            sum("Credit", "1 entry", "+$100.00"),
            sum("Rental", "1 entry", "\u{2212}$71.25"),
        ],
        entries: vec![
            row("Credit: bank transfer of 27 July", "+$100.00", "$112.50", Some(4)),
            row("Rental of node32_slice_1", "\u{2212}$71.25", "$41.25", Some(7)),
        ],
        note: None,
    };
    let earnings = BookPart {
        id: "earnings".into(),
        title: "Earnings".into(),
        opening: "$0.00".into(),
        closing: "$22.50".into(),
        sums: vec![sum("Settlement", "1 entry", "+$22.50")],
        entries: vec![row("Earned with node11_slice_3", "+$22.50", "$22.50", None)],
        note: Some("The first 5,000 of 12,345 entries are listed.".into()),
    };
    Statement {
        frame: member("Statement 2026-07", Section::Wallet),
        sheet: sheet(),
        month: "July 2026".into(),
        period: "1 to 31 July 2026, UTC".into(),
        is_open: true,
        books: vec![wallet, earnings],
        csv_url: "/dashboard/wallet/statements/2026-07/csv".into(),
    }
}

pub(crate) fn receipt() -> Receipt {
    let rental = "019f0000-0000-7000-8000-000000000001";
    let entry =
        |account: &str, amount: &str| BookedRow { account: account.into(), amount: amount.into() };
    Receipt {
        frame: member("Receipt R-00000007", Section::Wallet),
        sheet: sheet(),
        number: "R-00000007".into(),
        at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
        what: "Rental of node32_slice_1".into(),
        amount: "\u{2212}$71.25".into(),
        facts: vec![
            Fact::new("Slice", "node32_slice_1"),
            Fact::new("Size", "1 vCPU, 4 GB memory, 200 GB SSD"),
            Fact::new("Node", "Canal house (node32)"),
            Fact::new("Place", "Ghent, Belgium"),
            Fact::new("Period", "29 July 2026, 12:00 UTC to 29 October 2026, 12:00 UTC"),
        ],
        entries: vec![
            entry("Your wallet", "\u{2212}$71.25"),
            entry("Held in escrow for the rental", "+$71.25"),
        ],
        balance_after: "$28.75".into(),
        seal: Some("5f".repeat(32)),
        rental: Some(Link::new(format!("/dashboard/slices/{rental}"), rental)),
    }
}
