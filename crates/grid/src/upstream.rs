//! Where the grid's servers are: the variable `gridproxy_urls`.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::text;

/// The most servers that are tried in turn.
pub const UPSTREAMS_MAX: usize = 8;

/// The most bytes of one server's URL.
pub const UPSTREAM_BYTES_MAX: usize = 200;

/// The base URLs of the grid's servers, to be tried in order. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstreams(Vec<String>);

/// Why the list of servers cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpstreamsError {
    #[error("gridproxy_urls names no server")]
    None,
    #[error("gridproxy_urls names more than {UPSTREAMS_MAX} servers")]
    TooMany,
    #[error("gridproxy_urls: `{0}` is not a URL like https://gridproxy.grid.tf")]
    Url(String),
}

impl Upstreams {
    /// Reads base URLs separated by commas; spaces around them and a slash at their end do not
    /// count.
    pub fn parse(list: &str) -> Result<Upstreams, UpstreamsError> {
        let mut bases = Vec::new();
        for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
            if bases.len() == UPSTREAMS_MAX {
                return Err(UpstreamsError::TooMany);
            }
            let base = text.trim_end_matches('/');
            if !is_base_url(base) {
                return Err(UpstreamsError::Url(text::clean(text, UPSTREAM_BYTES_MAX)));
            }
            bases.push(base.to_owned());
        }
        if bases.is_empty() { Err(UpstreamsError::None) } else { Ok(Upstreams(bases)) }
    }

    /// The base URLs, in order, without a slash at their end.
    pub fn bases(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those of them that stand at these places; all where that would be none.
    #[must_use]
    pub fn chosen(&self, places: &[usize]) -> Upstreams {
        let chosen: Vec<String> =
            places.iter().filter_map(|place| self.0.get(*place).cloned()).collect();
        if chosen.is_empty() { self.clone() } else { Upstreams(chosen) }
    }

    /// The URLs of a path that starts with a slash, in the order in which to try them.
    pub fn urls(&self, path: &str) -> impl Iterator<Item = String> {
        self.0.iter().map(move |base| format!("{base}{path}"))
    }
}

/// A scheme, a host, perhaps a port and a path: nothing that could carry a password or a query.
fn is_base_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest.filter(|_| text.len() <= UPSTREAM_BYTES_MAX) else { return false };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    is_authority(authority) && path.bytes().all(|byte| is_name_byte(byte) || b"/_~".contains(&byte))
}

fn is_authority(text: &str) -> bool {
    let (is_host, port) = if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.';
        (!address.is_empty() && address.bytes().all(is_address), port)
    } else {
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        (!host.is_empty() && host.bytes().all(is_name_byte), port)
    };
    is_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

fn is_port(digits: &str) -> bool {
    digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|it| it > 0)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(list: &str, expected: &[&str]) {
        let upstreams = Upstreams::parse(list).unwrap();
        assert_eq!(upstreams.bases().collect::<Vec<_>>(), expected);
    }

    #[track_caller]
    fn check_refused(list: &str, expected: UpstreamsError) {
        assert_eq!(Upstreams::parse(list), Err(expected));
    }

    #[test]
    fn a_list_of_servers_is_read_in_order() {
        check("https://gridproxy.grid.tf", &["https://gridproxy.grid.tf"]);
        check(" https://a.tf/ ,, http://b:8088/grid/ ", &["https://a.tf", "http://b:8088/grid"]);
        check("http://[::1]:8088", &["http://[::1]:8088"]);
        check_refused(" , ", UpstreamsError::None);
        check_refused(&"http://a,".repeat(9), UpstreamsError::TooMany);
    }

    #[test]
    fn only_plain_web_addresses_are_taken() {
        for text in [
            "gridproxy.grid.tf",
            "ftp://gridproxy.grid.tf",
            "HTTPS//x",
            "https://",
            "https:///nodes",
            "https://user:password@gridproxy.grid.tf",
            "https://gridproxy.grid.tf?x=1",
            "https://gridproxy.grid.tf/#x",
            "https://grid proxy",
            "https://gridproxy:0",
            "https://gridproxy:65536",
            "https://gridproxy:+80",
            "https://[::1",
            "https://gridproxy.grid.tf/%2e%2e",
        ] {
            check_refused(text, UpstreamsError::Url(text.to_owned()));
        }
        assert!(Upstreams::parse(&format!("https://{}", "a".repeat(300))).is_err());
    }

    #[test]
    fn some_servers_can_be_chosen() {
        let upstreams = Upstreams::parse("https://a,https://b,https://c").unwrap();
        let chosen = |places: &[usize]| upstreams.chosen(places).bases().count();
        assert_eq!((chosen(&[0, 2]), chosen(&[1, 9]), chosen(&[]), chosen(&[9])), (2, 1, 3, 3));
        let some = upstreams.chosen(&[2, 0]);
        assert_eq!(some.bases().collect::<Vec<_>>(), ["https://c", "https://a"]);
    }

    #[test]
    fn a_path_is_asked_of_each_server_in_turn() {
        let upstreams = Upstreams::parse("https://a,https://b/c/").unwrap();
        let urls: Vec<String> = upstreams.urls("/nodes/32").collect();
        assert_eq!(urls, ["https://a/nodes/32", "https://b/c/nodes/32"]);
    }
}
