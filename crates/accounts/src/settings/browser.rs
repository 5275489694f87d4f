//! What a browser is, in plain words, from what it calls itself.

/// Browsers by a word that they use of themselves. Most also use the words of those below them, so
/// that the first that fits counts.
const BROWSERS: [(&str, &str); 11] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Headless Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// Systems, in the same way.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "a Mac"),
    ("Linux", "Linux"),
    ("FreeBSD", "FreeBSD"),
];

/// How much of an unknown name is shown, in characters.
const NAME_CHARS_MAX: usize = 40;

/// Such as `Firefox on Windows`. It is what the browser says, and nothing holds it to that.
pub(crate) fn browser(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(word, _)| user_agent.contains(word)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("Program on {system}"),
        (None, None) => match user_agent.split_whitespace().next() {
            Some(name) => name.chars().take(NAME_CHARS_MAX).collect(),
            None => "Unknown program".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart() {
        let mozilla = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)";
        let webkit = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
        for (user_agent, expected) in [
            (format!("{mozilla} Gecko/20100101 Firefox/143.0"), "Firefox on Windows"),
            (format!("{mozilla} {webkit}"), "Chrome on Windows"),
            (format!("{mozilla} {webkit} Edg/140.0.0.0"), "Edge on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1"
                    .to_owned(),
                "Safari on an iPhone",
            ),
            ("Mozilla/5.0 (Linux; Android 10; K) Chrome/140.0 Mobile".into(), "Chrome on Android"),
            ("curl/8.14.1".to_owned(), "curl"),
            ("python-requests/2.32.3 extra".to_owned(), "python-requests/2.32.3"),
            ("x".repeat(200), &"x".repeat(NAME_CHARS_MAX)),
            (" ".to_owned(), "Unknown program"),
        ] {
            assert_eq!(browser(&user_agent), expected, "{user_agent}");
        }
    }
}
