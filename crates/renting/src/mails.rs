//! Mails about rentals: their end, renewal, access, and nodes that leave.

use domain::account::Email;
use mail::{Mail, one_line};

/// What a mail about a rental's end tells.
#[derive(Clone, Copy, Debug)]
pub struct EndOf<'a> {
    /// Such as `node32_slice_1`.
    pub place: &'a str,
    /// The day on which it ends, such as `2026-12-22`.
    pub day: &'a str,
    /// The page of the rental.
    pub url: &'a str,
}

/// A rental ends soon, and nothing extends it.
pub fn rental_ends(to: &Email, end: EndOf<'_>) -> Mail {
    let EndOf { place, day, url } = end;
    let text = format!(
        "Your rental of {place} at Mycelium ends on {day}.\n\n\
         To keep it, extend it before that day:\n\n{url}\n\n\
         If you don't, your data is kept for another 48 hours and then deleted.\n"
    );
    Mail::new("rental-ends", to, "Your rental ends soon", text)
}

/// A rental is to be renewed soon, and that would fail; `why` says it in a clause.
pub fn renewal_at_risk(to: &Email, end: EndOf<'_>, why: &str) -> Mail {
    let (EndOf { place, day, url }, why) = (end, one_line(why));
    let text = format!(
        "Your rental of {place} at Mycelium ends on {day} and is set to auto-renew before that.\n\
         Auto-renewal would currently fail: {why}.\n\n\
         Review the rental:\n\n{url}\n\n\
         If nothing changes, the rental ends and its data is deleted 48 hours later.\n"
    );
    Mail::new("renewal-at-risk", to, "Auto-renewal of your rental will fail", text)
}

/// A renewal failed; `why` says it in a clause.
pub fn renewal_failed(to: &Email, end: EndOf<'_>, why: &str) -> Mail {
    let (EndOf { place, day, url }, why) = (end, one_line(why));
    let text = format!(
        "Auto-renewal of your rental of {place} at Mycelium failed: {why}.\n\n\
         We retry until 48 hours after the rental ends on {day}. You can also extend it \
         yourself:\n\n\
         {url}\n\n\
         If nothing changes, the data is deleted after that.\n"
    );
    Mail::new("renewal-failed", to, "Auto-renewal failed", text)
}

/// The node of a rental leaves, on the day of `end`; its renter chooses what becomes of it.
pub fn node_leaves(to: &Email, end: EndOf<'_>) -> Mail {
    let EndOf { place, day, url } = end;
    let text = format!(
        "The node of your rental {place} at Mycelium leaves the market on {day}. Until then,\n\
         your rental continues as usual.\n\n\
         If your term ends later, you can move to an equivalent slice on another node, end the\n\
         rental now, or keep it until that day. You are refunded for the unused time, and the\n\
         farmer pays you the term discount that you lose:\n\n{url}\n\n\
         If nothing changes, the rental ends on that day at the latest, and its data is deleted.\n"
    );
    Mail::new("node-leaves", to, "Your rental's node is leaving the market", text)
}

/// The node of a rental has left, on the day of `end`; `refund` went back to the wallet, and the
/// farmer pays `compensation`, if that is something.
pub fn node_left(to: &Email, end: EndOf<'_>, refund: &str, compensation: Option<&str>) -> Mail {
    let EndOf { place, day, url } = end;
    let compensation = compensation.map_or_else(String::new, |amount| {
        format!(
            " The farmer also pays\n\
             you {amount} for the term discount that you lose, as soon as the farmer's\n\
             earnings cover it."
        )
    });
    let text = format!(
        "Your rental of {place} at Mycelium has ended because its node left the market on\n\
         {day}. You were refunded {refund} for the unused time.{compensation}\n\n\
         Transactions:\n\n{url}\n\n\
         The data has been deleted. If you didn't expect this, see our earlier email about the\n\
         farmer's notice.\n"
    );
    Mail::new("node-left", to, "Your rental has ended", text)
}

/// To a renter: there was no access within a day, and everything is back in the wallet.
pub fn rental_refunded(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "Your machine on {place} at Mycelium couldn't be set up within a day. The rental has\n\
         ended, and your full payment has been refunded to your wallet:\n\n{url}\n\n\
         We are sorry. Other farms may have what you need.\n"
    );
    Mail::new("rental-refunded", to, "Your rental was refunded", text)
}
