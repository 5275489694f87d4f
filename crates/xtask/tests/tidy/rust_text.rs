//! Telling code, comments and string literals of Rust apart, as far as the rules need it.

/// A part of a Rust file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Piece<'a> {
    pub(crate) kind: Kind,
    /// The line that it begins on.
    pub(crate) line: usize,
    /// Its text; of a literal, what is between the quotes, with escapes as they are written.
    pub(crate) text: &'a str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    Code,
    Comment,
    Literal,
}

/// The part of a file that ships: what comes before its unit tests.
pub(crate) fn without_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// The string literals of the part that ships.
pub(crate) fn literals(text: &str) -> impl Iterator<Item = Piece<'_>> {
    of_kind(without_tests(text), Kind::Literal)
}

/// The parts of one kind.
pub(crate) fn of_kind(text: &str, kind: Kind) -> impl Iterator<Item = Piece<'_>> {
    pieces(text).into_iter().filter(move |piece| piece.kind == kind)
}

/// The whole file, cut into its parts.
pub(crate) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut line = 1;
    let mut code_start = 0;
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let Some((kind, before, inner, after)) = special(rest, text[..at].chars().next_back())
        else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let mut push = |kind, text: &'_ str, piece| {
            pieces.push(Piece { kind, line, text: piece });
            line += text.matches('\n').count();
        };
        push(Kind::Code, &text[code_start..at], &text[code_start..at]);
        let end = at + before + inner + after;
        push(kind, &text[at..end], &text[at + before..at + before + inner]);
        at = end;
        code_start = end;
    }
    pieces.push(Piece { kind: Kind::Code, line, text: &text[code_start..] });
    pieces.retain(|piece| piece.kind == Kind::Literal || !piece.text.is_empty());
    pieces
}

/// If `rest` begins with a comment or a literal: its kind, and the lengths of its opening, of what
/// is in it, and of its end. Character literals count as code of no interest.
fn special(rest: &str, previous: Option<char>) -> Option<(Kind, usize, usize, usize)> {
    if rest.starts_with("//") {
        let length = rest.find('\n').unwrap_or(rest.len());
        return Some((Kind::Comment, 0, length, 0));
    }
    if rest.starts_with("/*") {
        return Some((Kind::Comment, 0, block_comment_length(rest), 0));
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let inner = quoted_length(quoted);
        return Some((Kind::Literal, 1, inner, 1));
    }
    let begins_word = !previous.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let raw = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'));
    if let (true, Some(raw)) = (begins_word, raw) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let before = rest.len() - raw.len() + hashes + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            let inner = rest[before..].find(&end).unwrap_or(rest.len() - before);
            return Some((Kind::Literal, before, inner, end.len()));
        }
    }
    // `'"'` and `'\''` would be taken for the beginning of a literal.
    ["'\"'", "'\\\"'", "'\\''"]
        .iter()
        .find(|literal| rest.starts_with(**literal))
        .map(|literal| (Kind::Code, 0, literal.len(), 0))
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest[at..];
        let step = if here.starts_with("/*") {
            depth += 1;
            2
        } else if here.starts_with("*/") {
            depth -= 1;
            2
        } else {
            here.chars().next().map_or(1, char::len_utf8)
        };
        at += step;
        if depth == 0 {
            break;
        }
    }
    at
}

/// How far it is to the quote that ends a literal.
fn quoted_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at,
            _ => {}
        }
    }
    text.len().saturating_sub(1)
}

#[test]
fn code_comments_and_literals_are_told_apart() {
    let text = "let a = \"one \\\" two\"; // \"no\"\n/* \"no\" /* */ */ let b = r#\"th\"ree\"#;\n\
                let c = '\"'; let d: &'static str = \"four\n\"; let _ = b\"five\"; let x = \"\";";
    let literals: Vec<_> = literals(text).map(|piece| (piece.line, piece.text)).collect();
    assert_eq!(
        literals,
        [(1, "one \\\" two"), (2, "th\"ree"), (3, "four\n"), (4, "five"), (4, "")]
    );
    let comments: Vec<_> = of_kind(text, Kind::Comment).map(|piece| piece.text).collect();
    assert_eq!(comments, ["// \"no\"", "/* \"no\" /* */ */"]);
}

#[test]
fn unit_tests_do_not_ship() {
    let text =
        "const A: &str = \"a\";\n\n#[cfg(test)]\nmod tests {\n    const B: &str = \"b\";\n}\n";
    assert_eq!(literals(text).map(|piece| piece.text).collect::<Vec<_>>(), ["a"]);
}
