//! What a node could offer, in words: what limits it, and what that would earn.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::money::Usd;
use crate::node::Capacity;

/// What a farmer who has set no price yet is shown a node's potential by, per slice and month.
pub const EXAMPLE_PRICE: Usd = Usd::whole(25);

/// What limits a node: how many slices its scarcest resource allows, and the others would allow.
///
/// `SSD allows 9 slices; CPU would allow 32 and memory 28`, or, where something else keeps the
/// whole node from being offered, `SSD would allow 9 slices; CPU 32 and memory 28`.
pub fn limit(capacity: &Capacity) -> String {
    let all = [("SSD", capacity.by_ssd), ("CPU", capacity.by_cpu), ("memory", capacity.by_memory)];
    let is_kept = capacity.refusal.is_some_and(|refusal| !refusal.is_full());
    let fewest = capacity.by_ssd.min(capacity.by_cpu).min(capacity.by_memory);
    let scarcest: Vec<&str> =
        all.iter().filter(|(_, slices)| *slices == fewest).map(|(name, _)| *name).collect();
    let others: Vec<String> = all
        .iter()
        .filter(|(_, slices)| *slices > fewest)
        .enumerate()
        .map(|(nth, (name, slices))| {
            let verb = if nth == 0 && !is_kept { " would allow" } else { "" };
            format!("{name}{verb} {slices}")
        })
        .collect();
    let count = match fewest {
        0 => "no slice".to_string(),
        1 => "1 slice".to_string(),
        more => format!("{more} slices"),
    };
    let verb = match scarcest.len() {
        _ if is_kept => "would allow",
        1 => "allows",
        _ => "allow",
    };
    let rest = if others.is_empty() { String::new() } else { format!("; {}", joined(&others)) };
    format!("{} {verb} {count}{rest}", joined(&scarcest))
}

/// What so many slices earn at a price, if all of them are rented.
///
/// `up to $225/month if all slices are rented`.
pub fn potential(slices: u32, price: Usd) -> String {
    let most = price.times(slices).for_people();
    let most = most.strip_suffix(".00").unwrap_or(&most);
    format!("up to {most}/month if all slices are rented")
}

/// `SSD`, `SSD and CPU`, `SSD, CPU and memory`.
fn joined<T: AsRef<str>>(words: &[T]) -> String {
    let mut text = String::new();
    for (nth, word) in words.iter().enumerate() {
        if nth > 0 {
            text.push_str(if nth + 1 == words.len() { " and " } else { ", " });
        }
        text.push_str(word.as_ref());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Refusal;

    #[test]
    fn the_scarcest_resource_is_named_first() {
        let check = |by_ssd, by_cpu, by_memory, expected: &str| {
            let capacity = Capacity { slices: 0, by_cpu, by_memory, by_ssd, refusal: None };
            assert_eq!(limit(&capacity), expected);
        };
        check(9, 32, 28, "SSD allows 9 slices; CPU would allow 32 and memory 28");
        check(9, 1, 28, "CPU allows 1 slice; SSD would allow 9 and memory 28");
        check(9, 9, 28, "SSD and CPU allow 9 slices; memory would allow 28");
        check(9, 7, 7, "CPU and memory allow 7 slices; SSD would allow 9");
        check(4, 4, 4, "SSD, CPU and memory allow 4 slices");
        check(0, 8, 7, "SSD allows no slice; CPU would allow 8 and memory 7");
        check(0, 0, 7, "SSD and CPU allow no slice; memory would allow 7");
        let mut down = Capacity { slices: 0, by_cpu: 8, by_memory: 7, by_ssd: 4, refusal: None };
        down.refusal = Some(Refusal::Down);
        assert_eq!(limit(&down), "SSD would allow 4 slices; CPU 8 and memory 7");
        down.refusal = Some(Refusal::Ssd);
        assert_eq!(limit(&down), "SSD allows 4 slices; CPU would allow 8 and memory 7");
    }

    #[test]
    fn the_potential_is_in_dollars() {
        let price = |text| Usd::parse("price", text).unwrap();
        assert_eq!(potential(9, EXAMPLE_PRICE), "up to $225/month if all slices are rented");
        assert_eq!(potential(9, price("22.50")), "up to $202.50/month if all slices are rented");
        assert_eq!(potential(512, price("500")), "up to $256,000/month if all slices are rented");
    }
}
