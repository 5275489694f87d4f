//! The network address that a request came from.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderName, HeaderValue};

use crate::context::Request;

/// The header in which Spin says who connected. A client can send it, too: Spin appends its own.
const SPIN_CLIENT: HeaderName = HeaderName::from_static("spin-client-addr");
/// The bits of an IPv6 address that name a network: whoever has one address of it has them all.
const IPV6_NETWORK: u128 = !0 << 64;

/// The address that `request` came from, as text; empty where nobody says. It is the last one in
/// the header that a trusted proxy sets or, where none is configured, in Spin's own: whatever
/// stands before it may have been sent by the client. Of an IPv6 address, the network.
pub(crate) fn of(request: &Request, trusted: Option<&HeaderName>) -> String {
    let header = trusted.cloned().unwrap_or(SPIN_CLIENT);
    let last = request.headers().get_all(header).iter().next_back();
    // By bytes: what a client has sent before the comma need not be text.
    let bytes = last.map(HeaderValue::as_bytes).unwrap_or_default();
    let bytes = bytes.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    let address = text.parse::<SocketAddr>().map(|socket| socket.ip()).or_else(|_| text.parse());
    match address.map(|address: IpAddr| address.to_canonical()) {
        Ok(IpAddr::V6(address)) => {
            IpAddr::V6((u128::from(address) & IPV6_NETWORK).into()).to_string()
        }
        Ok(address) => address.to_string(),
        Err(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&str, &str)], trusted: Option<&str>, expected: &str) {
        let mut builder = http::Request::get("/");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let trusted = trusted.map(|name| HeaderName::try_from(name).unwrap());
        let request = builder.body(Vec::new()).unwrap();
        assert_eq!(of(&request, trusted.as_ref()), expected, "{headers:?}");
    }

    #[test]
    fn the_last_address_counts() {
        let spin = "spin-client-addr";
        check(&[(spin, "192.0.2.7:4711")], None, "192.0.2.7");
        check(&[(spin, "198.51.100.1"), (spin, "192.0.2.7:4711")], None, "192.0.2.7");
        check(&[(spin, "[2001:db8:1:2:3:4:5:6]:1")], None, "2001:db8:1:2::");
        check(&[(spin, "[::ffff:192.0.2.7]:1")], None, "192.0.2.7");
        check(&[(spin, "nobody")], None, "");
        check(&[], None, "");
    }

    #[test]
    fn a_proxy_is_believed_only_where_it_is_configured() {
        let headers =
            [("spin-client-addr", "203.0.113.9:1"), ("x-forwarded-for", "198.51.100.1, 192.0.2.7")];
        check(&headers, None, "203.0.113.9");
        check(&headers, Some("x-forwarded-for"), "192.0.2.7");
        check(&headers[..1], Some("x-forwarded-for"), "");
        check(&[("x-forwarded-for", "\u{e9}, 192.0.2.7")], Some("x-forwarded-for"), "192.0.2.7");
    }
}
