//! One type per kind of identifier.

use alloc::string::{String, ToString};
use core::fmt;

use uuid::Uuid;

use crate::provisioning::JobKind;
use crate::time::Timestamp;

/// The random part of a new identifier, in bytes: what a version 7 UUID holds besides its time.
pub const RANDOM_ID_BYTES: usize = 10;

/// Declares an identifier that is a version 7 UUID (RFC 9562): unique, and ordered by its time.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new identifier, made at `now` from `random` bytes.
            pub fn from_random(now: Timestamp, random: [u8; RANDOM_ID_BYTES]) -> $name {
                $name(uuid_v7(now, random))
            }

            /// Reads the usual text form; `None` if it is not one.
            pub fn parse(text: &str) -> Option<$name> {
                Uuid::try_parse(text).ok().map($name)
            }

            /// The 16 bytes that it consists of.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// Reads the 16 bytes.
            pub fn from_bytes(bytes: [u8; 16]) -> $name {
                $name(Uuid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

uuid_id! {
    /// An account: a farmer, a renter, or both.
    AccountId
}

uuid_id! {
    /// A rental: one renter holding one slice for a while.
    RentalId
}
uuid_id! {
    /// A quote: what something would cost.
    QuoteId
}
uuid_id! {
    /// What an account asked for and paid.
    OrderId
}
uuid_id! {
    /// A sign-in of an account in one browser.
    SessionId
}
uuid_id! {
    /// An API token of an account.
    TokenId
}
uuid_id! {
    /// A mail to somebody, in the outbox.
    MailId
}
uuid_id! {
    /// A top-up: money that a renter pays in.
    TopUpId
}
uuid_id! {
    /// A window in which a node is worked on.
    MaintenanceId
}
uuid_id! {
    /// A payout: earnings on their way to a farmer.
    PayoutId
}
uuid_id! {
    /// A dispute: somebody says that an SLA result is wrong.
    DisputeId
}
uuid_id! {
    /// What an operator says of something that went wrong.
    IncidentId
}
uuid_id! {
    /// A search of the market that an account has saved.
    SavedSearchId
}
uuid_id! {
    /// A webhook: where an account wants to be notified of events.
    WebhookId
}
uuid_id! {
    /// A message to a webhook, the same through all its attempts.
    DeliveryId
}
uuid_id! {
    /// What is done with a machine.
    ActionId
}
uuid_id! {
    /// An SSH public key of an account.
    SshKeyId
}
uuid_id! {
    /// A request, as the log and problems name it.
    RequestId
}

fn uuid_v7(now: Timestamp, random: [u8; RANDOM_ID_BYTES]) -> Uuid {
    // A time before 1970 cannot come from a clock that is set; zero keeps the id well formed.
    let seconds = u64::try_from(now.seconds()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(seconds.saturating_mul(1000), &random).into_uuid()
}

/// A node, by the number that the grid gave it. Printed as `node123`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    const PREFIX: &str = "node";

    /// Reads `node123` as well as the bare grid number `123`; `None` if it is neither.
    pub fn parse(text: &str) -> Option<NodeId> {
        let digits = text.strip_prefix(NodeId::PREFIX).unwrap_or(text);
        parse_positive(digits).map(NodeId)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", NodeId::PREFIX, self.0)
    }
}

/// A slice, by its node and its number on it, from 1. Printed as `node123_slice_1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceId {
    /// The node that the slice is a part of.
    pub node: NodeId,
    /// The slice's number on its node, from 1.
    pub number: u32,
}

impl SliceId {
    /// Reads `node123_slice_1`; `None` if it is not of that form.
    pub fn parse(text: &str) -> Option<SliceId> {
        let (node, number) = text.split_once("_slice_")?;
        node.strip_prefix(NodeId::PREFIX)?;
        Some(SliceId { node: NodeId::parse(node)?, number: parse_positive(number)? })
    }
}

impl fmt::Display for SliceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_slice_{}", self.node, self.number)
    }
}

/// A job of an agent: its rental, its slice and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(String);

impl JobId {
    /// Reads `<rental>_32_7_create`; `None` if it is not of that form. It has at most 64
    /// characters, and none that means anything in a path or in the name of a file.
    pub fn parse(text: &str) -> Option<JobId> {
        let mut parts = text.split('_');
        let rental = parts.next()?;
        RentalId::parse(rental).filter(|id| id.to_string() == rental)?;
        parse_positive(parts.next()?)?;
        parse_positive(parts.next()?)?;
        parts.next()?.parse::<JobKind>().ok()?;
        parts.next().is_none().then(|| JobId(text.to_string()))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the machine that it is about, such as `<rental>_32_7`: no other ever has it.
    pub fn machine(&self) -> &str {
        self.0.rsplit_once('_').map_or(&self.0, |(machine, _)| machine)
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A positive number in the one spelling that it is printed in: no sign, no leading zero.
fn parse_positive(digits: &str) -> Option<u32> {
    if digits.starts_with('0') || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_printed_form_of_an_id_is_read() {
        assert_eq!(NodeId::parse("node32"), Some(NodeId(32)));
        assert_eq!(NodeId::parse("32"), Some(NodeId(32)));
        for text in ["", "node", "node0", "node032", "node+3", "node-3", "node4294967296", "Node3"]
        {
            assert_eq!(NodeId::parse(text), None, "{text}");
        }
        for text in ["node1", "node1_slice_", "node1_slice_0", "1_slice_1", "node1_slice_1 "] {
            assert_eq!(SliceId::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_job_is_named_by_letters_digits_and_dashes() {
        let rental = RentalId::from_random(Timestamp::from_seconds(1), [255; RANDOM_ID_BYTES]);
        let text = alloc::format!("{rental}_{}_512_remove", u32::MAX);
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        assert!(text.len() <= 64 && text.bytes().all(is_plain), "{text}");
        assert_eq!(JobId::parse(&text).map(|id| id.to_string()), Some(text.clone()));
        for wrong in ["", "1", "_32_7_create", "x_32_7_create"] {
            assert_eq!(JobId::parse(wrong), None, "{wrong}");
        }
        for end in ["_32_7", "_32_7_made", "_032_7_create", "_32_0_create", "_32_7_create_"] {
            assert_eq!(JobId::parse(&alloc::format!("{rental}{end}")), None, "{end}");
        }
    }

    #[test]
    fn ids_of_a_later_second_sort_later() {
        let early = RentalId::from_random(Timestamp::from_seconds(1), [255; RANDOM_ID_BYTES]);
        let late = RentalId::from_random(Timestamp::from_seconds(2), [0; RANDOM_ID_BYTES]);
        assert!(early.to_string() < late.to_string());
        assert_eq!(RentalId::parse(&late.to_string()), Some(late));
    }

    proptest! {
        #[test]
        fn parsing_undoes_printing(node in 1..=u32::MAX, number in 1..=u32::MAX) {
            let slice = SliceId { node: NodeId(node), number };
            prop_assert_eq!(SliceId::parse(&slice.to_string()), Some(slice));
        }
    }
}
