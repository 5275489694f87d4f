//! Mails about money.

use domain::account::Email;
use domain::time::Timestamp;
use mail::{Mail, one_line};
use ui::moment::to_the_minute;

/// How much of an address is repeated, in characters.
const SHOWN_CHARS: usize = 6;

/// The payout address was changed; payouts can be requested again `from` then on.
pub fn payout_address_changed(to: &Email, address: &str, from: Timestamp) -> Mail {
    let line = one_line(address);
    let start = line.char_indices().rev().nth(SHOWN_CHARS - 1).map_or(0, |(at, _)| at);
    let (end, from) = (&line[start..], to_the_minute(from).text);
    let text = format!(
        "The payout address of your Mycelium account was changed. The new one ends in {end}\n\n\
         Payouts can be requested again from {from} on.\n\n\
         If this wasn't you, change your password immediately, set your payout address again,\n\
         and contact the marketplace operator.\n"
    );
    Mail::new("payout-address-changed", to, "Your payout address was changed", text)
}
