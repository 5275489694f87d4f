//! Text from outside, made fit for a page, a log and a row.

use alloc::string::String;

/// The text without control characters and without those that turn its direction, and without
/// white space around it; cut after `chars_max` characters.
pub(crate) fn clean(text: &str, chars_max: usize) -> String {
    let visible = text.trim().chars().filter(|character| !is_hidden(*character));
    let cut: String = visible.take(chars_max).collect();
    cut.trim_end().into()
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            // Marks, embeddings, overrides and isolates of direction (Unicode, UAX 9).
            '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Zero-width characters, and the separators of lines and paragraphs.
            | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' | '\u{2028}' | '\u{2029}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cleaned_and_cut() {
        assert_eq!(clean("  duck farm\r\n", 80), "duck farm");
        assert_eq!(clean("a\u{0}\u{1b}[2Jb\u{202e}c\u{200b}", 80), "a[2Jbc");
        assert_eq!(clean("ééééé", 3), "ééé");
        assert_eq!(clean("abc def", 4), "abc");
        assert_eq!(clean("<script>", 80), "<script>");
    }
}
