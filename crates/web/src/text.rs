//! Sentences and counts.

use std::fmt::Display;

/// A sentence: with a capital letter at its start, unless an id stands there, and a period at its
/// end.
pub fn sentence(text: impl Display) -> String {
    let text = text.to_string();
    let period = if text.is_empty() || text.ends_with(['.', '?', '!']) { "" } else { "." };
    let mut letters = text.chars();
    let begins_with_id = text.split(' ').next().is_some_and(|word| word.contains(is_of_an_id));
    match letters.next() {
        Some(first) if !begins_with_id => {
            first.to_uppercase().chain(letters).chain(period.chars()).collect()
        }
        _ => text + period,
    }
}

/// Whether a letter is one that ids have and words have not: `node32_slice_1`, `max_price`.
fn is_of_an_id(letter: char) -> bool {
    letter.is_ascii_digit() || letter == '_'
}

/// A number and what it counts: `1 slice`, `9 slices`, `2,016 observations`.
pub fn counted(number: impl Into<i64>, noun: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A whole number with its thousands set apart: `2,016`.
pub fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_and_end_well() {
        for (text, expected) in [
            ("the node is down; wait", "The node is down; wait."),
            ("Éire.", "Éire."),
            ("ßx", "SSx."),
            ("node32 is taken", "node32 is taken."),
            ("1 to 80 characters", "1 to 80 characters."),
            ("", ""),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_000, "-1,000"), (-100, "-100")]
        {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(counted(1, "slice"), "1 slice");
        assert_eq!(counted(2_016, "observation"), "2,016 observations");
    }
}
