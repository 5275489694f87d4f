//! A machine's serial console in a browser: what is told the market of it, and the server that
//! shows it to whoever comes with a link that the market has signed.

mod gate;
mod kept;
mod line;
mod screen;
mod server;

use std::net::IpAddr;
use std::path::Path;

use anyhow::Result;

use crate::client::Job;
use crate::config::Config;

pub(crate) use kept::{Consoles, Name};
pub(crate) use server::{now, start};

/// How a driver names a socket of this server.
const UNIX: &str = "unix:";

/// The longest address of a console, in bytes: the market's limit.
const ADDRESS_MAX: usize = 500;

/// Where a machine's console is, as it is reported to the market.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) url: Option<String>,
    /// What the market signs links with; none where somebody else shows the console.
    pub(crate) secret: Option<String>,
}

impl Offer {
    /// What becomes of a driver's answer. An error is one of the disk.
    pub(crate) fn new(
        config: &Config,
        consoles: &Consoles,
        job: &Job,
        said: Option<String>,
    ) -> Result<Offer> {
        let Some(said) = said else { return Ok(Offer::default()) };
        let Some(socket) = said.strip_prefix(UNIX) else {
            return Ok(Offer { url: Some(said).filter(|url| is_taken(url)), secret: None });
        };
        let (slice, rental) = (&job.slice.id, &job.rental_id);
        match &config.console {
            Some(console) if socket.starts_with('/') => Ok(Offer {
                secret: Some(consoles.keep(slice, rental, Path::new(socket))?),
                url: Some(format!("{}/console/{slice}/{rental}", console.public_url)),
            }),
            Some(_) | None => Ok(Offer::default()),
        }
    }
}

/// Whether the market takes such an address: a machine is not lost for a console that it refuses.
fn is_taken(url: &str) -> bool {
    let Ok(uri) = url.parse::<ureq::http::Uri>() else { return false };
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_plain = url.bytes().all(|b| b.is_ascii_graphic()) && url.len() <= ADDRESS_MAX;
    match uri.scheme_str() {
        _ if !is_plain || host.is_empty() || url.contains('@') => false,
        Some("https") => true,
        // The grid's consoles are in its private network, which encrypts by itself.
        Some("http") => host.parse().is_ok_and(is_private),
        Some(_) | None => false,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_the_market_takes_are_told() {
        let check = |url: &str, expected| assert_eq!(is_taken(url), expected, "{url}");
        check("https://console.example:8443/a?b=c", true);
        check("http://10.249.2.0:20002", true);
        check("http://[fd00::1]:20002", true);
        check("http://127.0.0.1:7681", true);
        check("http://203.0.113.7:20002", false);
        check("http://console.example", false);
        check("https://ada@console.example", false);
        check("javascript:alert(1)", false);
        check("10.249.2.0:20002", false);
        check("https://", false);
        check("", false);
    }
}
