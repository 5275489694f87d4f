//! Fills the wallet.

use domain::money::Usd;
use store::ledger::WalletEntry;

use crate::api::PageOf;
use crate::page::{MoneyEntry, Section, Wallet};
use crate::view::moment;
use crate::view::visit::Visit;

/// How many entries one page shows.
pub const ENTRIES_PER_PAGE: u32 = 50;

impl Wallet {
    /// A page of a wallet's entries: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<WalletEntry>) -> Wallet {
        let page =
            PageOf::new(found, ENTRIES_PER_PAGE, |entry| entry.id.to_string(), MoneyEntry::new);
        Wallet {
            frame: visit.frame("Wallet", Section::Wallet),
            balance: visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance).for_people(),
            entries: page.items,
            next_page: visit.next_page("/dashboard/wallet", page.next_cursor),
        }
    }
}

impl MoneyEntry {
    fn new(entry: &WalletEntry) -> MoneyEntry {
        let (what, url) = match entry.kind.as_str() {
            "credit" => (format!("Credit: {}", entry.reason), None),
            "rental" => {
                (entry.reason.clone(), Some(format!("/dashboard/slices/{}", entry.reference)))
            }
            // An entry of a newer version still says why.
            _ => (entry.reason.clone(), None),
        };
        let is_credit = entry.amount > Usd::ZERO;
        let sign = if is_credit { "+" } else { "" };
        MoneyEntry {
            at: moment::to_the_minute(entry.created_at),
            what,
            amount: format!("{sign}{}", entry.amount.for_people()),
            is_credit,
            balance_after: entry.balance_after.for_people(),
            url,
        }
    }

    /// The same on the page of its rental, which it need not lead to.
    pub(super) fn of_rental_page(entry: &WalletEntry) -> MoneyEntry {
        MoneyEntry { url: None, ..MoneyEntry::new(entry) }
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    fn entry(kind: &str, micros: i64) -> WalletEntry {
        WalletEntry {
            id: 7,
            kind: kind.to_owned(),
            reason: "bank transfer".to_owned(),
            amount: Usd::from_micros(micros),
            balance_after: Usd::from_micros(1_028_750_000),
            created_at: Timestamp::from_seconds(1_785_326_400),
            reference: "0199f0a0".to_owned(),
        }
    }

    #[test]
    fn money_that_came_in_is_told_from_money_that_went() {
        let credit = MoneyEntry::new(&entry("credit", 100_000_000));
        assert_eq!((credit.what.as_str(), credit.url), ("Credit: bank transfer", None));
        assert_eq!((credit.amount.as_str(), credit.is_credit), ("+$100.00", true));
        assert_eq!(credit.balance_after, "$1,028.75");
        let rental = MoneyEntry::new(&entry("rental", -71_250_000));
        assert_eq!((rental.amount.as_str(), rental.is_credit), ("\u{2212}$71.25", false));
        assert_eq!(rental.url.as_deref(), Some("/dashboard/slices/0199f0a0"));
    }
}
