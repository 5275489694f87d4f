//! Names and other lines that people type and others read.

use alloc::format;
use alloc::string::{String, ToString};
use core::ops::RangeInclusive;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

use crate::field::FieldError;

/// What two spellings of a name have in common: its letters and digits, without case and accents,
/// in every alphabet.
pub fn fold(name: &str) -> String {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    DecomposingNormalizerBorrowed::new_nfkd()
        .normalize_iter(name.chars())
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric() && marks.get_u8(*c) == 0)
        .collect()
}

/// Whether a character can be seen, or is a space.
pub fn is_visible(c: char) -> bool {
    !c.is_control() && !is_format(c)
}

/// Whether a character has no form of its own: it joins, separates or turns the text around it, or
/// is blank. These are Unicode's `Default_Ignorable_Code_Point`, what separates lines and
/// paragraphs, and the blank pattern of Braille.
fn is_format(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Reads one line with so many characters, each of which can be seen: what can't be seen could make
/// a name that reads like another's. White space around it is dropped.
pub fn parse_line(
    field: &'static str,
    text: &str,
    chars: RangeInclusive<usize>,
) -> Result<String, FieldError> {
    let line = text.trim();
    if chars.contains(&line.chars().count()) && line.chars().all(is_visible) {
        return Ok(line.to_string());
    }
    let most = chars.end();
    let rule = match chars.start() {
        0 => format!("at most {most} visible characters on one line"),
        least => format!("{least} to {most} visible characters on one line"),
    };
    Err(FieldError { field, rule })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_a_name_are_one() {
        for (one, other) in [
            ("Curaçao", "CURACAO"),
            ("Côte d’Ivoire", "cote d'ivoire"),
            ("Åland Islands", "A\u{30a}LAND  ISLANDS"),
            ("Ελλάδα", "ΕΛΛΑΔΑ"),
            ("Россия", "россия"),
            ("ＵＳＡ", "u.s.a."),
            ("İzmir", "izmir"),
            ("ประเทศไทย", "ประเทศไทย"),
        ] {
            assert_eq!(fold(one), fold(other), "{one}");
        }
        assert_ne!(fold("Niger"), fold("Nigeria"));
        assert_eq!(fold(" -\u{301}"), "");
    }

    #[test]
    fn a_line_can_be_seen() {
        let read = |text: &str| parse_line("name", text, 1..=5).map_err(|error| error.rule);
        for (text, expected) in [
            ("a", "a"),
            (" a b ", "a b"),
            ("\u{fc}\u{4e2d}\u{1f600}", "\u{fc}\u{4e2d}\u{1f600}"),
            ("12345", "12345"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected));
        }
        for text in [
            "",
            " ",
            "123456",
            "a\nb",
            "a\u{0}",
            "\u{200b}",
            "\u{202e}evil",
            "\u{2800}",
            "a\u{ad}b",
            "\u{3164}",
            "a\u{2028}b",
            "\u{feff}a",
            "\u{e0041}",
        ] {
            let rule = "1 to 5 visible characters on one line";
            assert_eq!(read(text), Err(rule.into()), "{text:?}");
        }
        assert_eq!(parse_line("name", " ", 0..=5).as_deref(), Ok(""));
        let rule = parse_line("name", "123456", 0..=5).map_err(|error| error.rule);
        assert_eq!(rule, Err("at most 5 visible characters on one line".into()));
    }
}
