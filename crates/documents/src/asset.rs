//! Static files: which names one can have, and what its name says of its contents.

/// The content type of the static file `name`; `None` for a name that no static file has.
///
/// A name is one segment of lower-case letters, digits and `._-`, so it leads out of no folder.
pub(crate) fn asset_type(name: &str) -> Option<&'static str> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !name.bytes().all(|byte| is_plain(byte) || b"._-".contains(&byte)) {
        return None;
    }
    match name.rsplit_once('.')? {
        ("" | ".", _) => None,
        (_, "css") => Some("text/css; charset=utf-8"),
        (_, "js") => Some("text/javascript; charset=utf-8"),
        (_, "svg") => Some("image/svg+xml"),
        (_, "png") => Some("image/png"),
        (_, "txt") => Some("text/plain; charset=utf-8"),
        _ => None,
    }
}

/// Whether it is text, which compression makes short; pictures are short already.
pub(crate) fn is_text(content_type: &str) -> bool {
    content_type.starts_with("text/") || content_type == "image/svg+xml"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_are_files() {
        assert_eq!(asset_type("style.css"), Some("text/css; charset=utf-8"));
        assert_eq!(asset_type("favicon-2.min.svg"), Some("image/svg+xml"));
        for name in [
            "",
            ".",
            "..",
            ".css",
            "style",
            "style.exe",
            "a/b.css",
            "..%2fa.css",
            "A.css",
            "a\0.css",
        ] {
            assert_eq!(asset_type(name), None, "{name:?}");
        }
    }
}
