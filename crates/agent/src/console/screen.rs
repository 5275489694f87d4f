//! A terminal without a window: what a machine says becomes lines, as a browser is sent them.

use std::num::NonZeroU16;

use serde::Serialize;
use vt100::{Cell, Color, Parser};

/// The size that a serial console believes in: nothing tells it another.
const ROWS: NonZeroU16 = NonZeroU16::new(24).expect("24 is not 0");
const COLUMNS: NonZeroU16 = NonZeroU16::new(80).expect("80 is not 0");

/// What a browser is sent. Text only: the page makes elements of it, and never reads it as HTML.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    /// Each row, as pieces of text with the names of their looks.
    rows: Vec<Vec<(String, String)>>,
    /// Row and column of the cursor; null while it is hidden.
    cursor: Option<(u16, u16)>,
    /// What the arrow keys begin with.
    arrows: &'a str,
}

/// The screen of one machine.
pub(crate) struct Terminal {
    parser: Parser,
}

impl Terminal {
    pub(crate) fn new() -> Terminal {
        Terminal { parser: Parser::new(ROWS, COLUMNS, 0) }
    }

    /// Takes what the machine says.
    pub(crate) fn process(&mut self, bytes: &[u8]) {
        self.parser.process(bytes);
    }

    /// The screen as a JSON document.
    pub(crate) fn document(&self) -> String {
        let screen = self.parser.screen();
        let shown = Shown {
            rows: (0..ROWS.get()).map(|row| self.row(row)).collect(),
            cursor: (!screen.hide_cursor()).then(|| screen.cursor_position()),
            arrows: if screen.application_cursor() { "\u{1b}O" } else { "\u{1b}[" },
        };
        serde_json::to_string(&shown).unwrap_or_default()
    }

    /// A row without the blanks at its end.
    fn row(&self, row: u16) -> Vec<(String, String)> {
        let mut pieces: Vec<(String, String)> = Vec::new();
        for column in 0..COLUMNS.get() {
            let Some(cell) = self.parser.screen().cell(row, column) else { continue };
            if cell.is_wide_continuation() {
                continue;
            }
            let text = if cell.has_contents() { cell.contents() } else { " " };
            let look = look(cell);
            match pieces.last_mut() {
                Some((last, same)) if *same == look => last.push_str(text),
                _ => pieces.push((text.to_owned(), look)),
            }
        }
        if let Some((last, look)) = pieces.last_mut()
            && look.is_empty()
        {
            last.truncate(last.trim_end_matches(' ').len());
        }
        pieces.retain(|(text, _)| !text.is_empty());
        pieces
    }
}

/// The names of a cell's looks, as `console.css` has them: `f1 b4 bold`.
fn look(cell: &Cell) -> String {
    let mut names = Vec::new();
    // Sixteen colors have names; finer ones are left out.
    let color = |letter: char, color: Color| match color {
        Color::Idx(number @ 0..=15) => Some(format!("{letter}{number}")),
        Color::Idx(_) | Color::Rgb(..) | Color::Default => None,
    };
    names.extend(color('f', cell.fgcolor()));
    names.extend(color('b', cell.bgcolor()));
    let flags =
        [(cell.bold(), "bold"), (cell.underline(), "underline"), (cell.inverse(), "inverse")];
    names.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name.to_owned()));
    names.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(text: &str) -> Value {
        let mut terminal = Terminal::new();
        terminal.process(text.as_bytes());
        serde_json::from_str(&terminal.document()).unwrap()
    }

    #[test]
    fn what_a_machine_says_becomes_a_screen() {
        let screen = shown("login: \u{1b}[1;31mroot\u{1b}[0m\r\n<b>&\r\nabc\u{1b}[2D-");
        assert_eq!(screen["rows"].as_array().unwrap().len(), 24);
        assert_eq!(screen["rows"][0], json!([["login: ", ""], ["root", "f1 bold"]]));
        assert_eq!(screen["rows"][1], json!([["<b>&", ""]]));
        assert_eq!(screen["rows"][2], json!([["a-c", ""]]));
        assert_eq!(screen["rows"][3], json!([]));
        assert_eq!((&screen["cursor"], &screen["arrows"]), (&json!([2, 2]), &json!("\u{1b}[")));
    }

    #[test]
    fn modes_are_told() {
        let screen = shown("\u{1b}[?25l\u{1b}[?1h\u{1b}[7m \u{1b}[0m");
        assert_eq!((&screen["cursor"], &screen["arrows"]), (&Value::Null, &json!("\u{1b}O")));
        assert_eq!(screen["rows"][0], json!([[" ", "inverse"]]));
    }

    #[test]
    fn no_bytes_bring_it_down() {
        let mut terminal = Terminal::new();
        let bytes = |n: u32| (n * 31 + n / 7 % 251).to_le_bytes();
        let bytes: Vec<u8> = (0..100_000).flat_map(bytes).collect();
        terminal.process(&bytes);
        terminal.process("\u{1b}[999999999;1H\u{1b}[99999999P\u{1b}[99999999@".as_bytes());
        assert!(terminal.document().starts_with("{\"rows\":["));
    }
}
