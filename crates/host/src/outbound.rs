//! Outgoing HTTP: only to where the manifest allows, and within time limits.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Uri, header};
use tokio_rustls::rustls::pki_types::ServerName;
use url::Host;
use wasmtime_wasi_http::{
    DEFAULT_FORBIDDEN_HEADERS, Error, ForbiddenHeaderFilter, RequestOptions, WasiBody,
    WasiHttpHooks,
};

use crate::connect::{self, Waits};
use crate::logs::ComponentLog;
use crate::networks::BlockedNetworks;
use crate::options::Outbound;

/// One entry of `allowed_outbound_hosts`: `scheme://host[:port]`, each part possibly `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AllowedHost {
    /// `None` allows every scheme.
    scheme: Option<String>,
    host: HostPattern,
    /// `None` allows every port.
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    /// Of `*.grid.tf` the suffix `.grid.tf`.
    Below(String),
    Exactly(Host),
}

impl AllowedHost {
    /// Parses an entry, or says in words what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<AllowedHost> {
        let (scheme, rest) = text
            .split_once("://")
            .with_context(|| format!("`{text}` is not of the form scheme://host[:port]"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        ensure!(!rest.contains('/'), "`{text}` has a path; only hosts can be allowed");
        // The last colon is not a port's when it is inside of an IPv6 address.
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            Some(_) | None => (rest, None),
        };
        let port = match port {
            Some("*") => None,
            Some(port) => Some(
                port.parse().with_context(|| format!("`{text}` has a port that is no number"))?,
            ),
            None => Some(default_port(scheme).with_context(|| format!("`{text}` needs a port"))?),
        };
        Ok(AllowedHost {
            scheme: (scheme != "*").then(|| scheme.to_ascii_lowercase()),
            host: HostPattern::parse(host)
                .with_context(|| format!("`{text}` cannot be allowed"))?,
            port,
        })
    }

    fn allows(&self, destination: &Destination) -> bool {
        let host_fits = match (&self.host, &destination.host) {
            (HostPattern::Any, _) => true,
            (HostPattern::Below(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (HostPattern::Below(_), Host::Ipv4(_) | Host::Ipv6(_)) => false,
            (HostPattern::Exactly(host), other) => host == other,
        };
        host_fits
            && self.scheme.as_ref().is_none_or(|scheme| *scheme == destination.scheme)
            && self.port.is_none_or(|port| port == destination.port)
    }
}

impl HostPattern {
    fn parse(text: &str) -> Result<HostPattern> {
        if text == "*" {
            return Ok(HostPattern::Any);
        }
        ensure!(
            text != "self" && !text.ends_with("spin.internal"),
            "calls between components are not offered by this host"
        );
        if let Some(suffix) = text.strip_prefix("*.") {
            let Host::Domain(domain) = Host::parse(suffix)? else {
                bail!("`*.` goes before a domain name")
            };
            return Ok(HostPattern::Below(format!(".{domain}")));
        }
        ensure!(!text.contains('*'), "`*` stands for the whole host or its first parts");
        Ok(HostPattern::Exactly(Host::parse(text)?))
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// Where a request wants to go.
struct Destination {
    scheme: String,
    host: Host,
    port: u16,
}

impl Destination {
    fn of(uri: &Uri) -> Option<Destination> {
        let scheme = uri.scheme_str()?.to_owned();
        let host = Host::parse(uri.host()?).ok()?;
        let port = uri.port_u16().or_else(|| default_port(&scheme))?;
        Some(Destination { scheme, host, port })
    }
}

/// What one component may reach, as the hooks that wasi-http asks.
#[derive(Clone)]
pub(crate) struct OutboundHooks {
    pub(crate) component: Arc<str>,
    pub(crate) allowed: Arc<[AllowedHost]>,
    pub(crate) network: Arc<Outbound>,
    /// What is refused whatever the manifest allows.
    pub(crate) blocked: Arc<BlockedNetworks>,
    pub(crate) log: Arc<ComponentLog>,
    /// How long a connection, the first byte or the next byte may take.
    pub(crate) wait: Duration,
}

impl OutboundHooks {
    /// The address to connect to for a URI, if the manifest allows it.
    fn permit(&self, uri: &Uri) -> Result<Uri, Error> {
        let destination = Destination::of(uri).ok_or(Error::HttpRequestUriInvalid)?;
        let Destination { scheme, host, port } = &destination;
        if !self.allowed.iter().any(|allowed| allowed.allows(&destination)) {
            self.log.host_line(&format!(
                "a request to {scheme}://{host}:{port} is denied: `allowed_outbound_hosts` of \
                 [component.{}] does not have it",
                self.component
            ));
            return Err(Error::HttpRequestDenied);
        }
        match &*self.network {
            Outbound::Network | Outbound::PublicNetwork => Ok(uri.clone()),
            Outbound::Only(addresses) => {
                let Some(address) = addresses.get(&format!("{host}:{port}")) else {
                    self.log.host_line(&format!("there is no stand-in for {host}:{port}"));
                    return Err(Error::ConnectionRefused);
                };
                with_address(uri, *address).ok_or(Error::HttpRequestUriInvalid)
            }
        }
    }

    /// The addresses to connect to, once the name is resolved and none of them is blocked. The
    /// connection goes to one of these, so that a name that resolves to another one a moment later
    /// leads nowhere else.
    async fn addresses(&self, uri: &Uri) -> Result<Vec<SocketAddr>, Error> {
        let Destination { scheme, host, port } =
            Destination::of(uri).ok_or(Error::HttpRequestUriInvalid)?;
        let addresses: Vec<SocketAddr> = match &host {
            Host::Ipv4(ip) => vec![(*ip, port).into()],
            Host::Ipv6(ip) => vec![(*ip, port).into()],
            Host::Domain(name) => tokio::net::lookup_host((name.as_str(), port))
                .await
                .map_err(|_| Error::ConnectionRefused)?
                .collect(),
        };
        if addresses.is_empty() {
            return Err(Error::ConnectionRefused);
        }
        if let Some(blocked) = addresses.iter().find(|address| self.blocked.blocks(address.ip())) {
            self.log.host_line(&format!(
                "a request to {scheme}://{host}:{port} is denied: {} is in a blocked network \
                 (--allow-private-network, or block_networks in the runtime configuration)",
                blocked.ip()
            ));
            return Err(Error::HttpRequestDenied);
        }
        Ok(addresses)
    }

    fn waits(&self, options: Option<RequestOptions>) -> Waits {
        let options = options.unwrap_or_default();
        let bound = |asked: Option<Duration>| asked.unwrap_or(self.wait).min(self.wait);
        Waits {
            connect: bound(options.connect_timeout),
            first_byte: bound(options.first_byte_timeout),
            between_bytes: bound(options.between_bytes_timeout),
        }
    }
}

/// Whom the certificate has to name; `None` where the connection is plain.
fn tls_name(uri: &Uri) -> Result<Option<ServerName<'static>>, Error> {
    if uri.scheme() != Some(&Scheme::HTTPS) {
        return Ok(None);
    }
    let destination = Destination::of(uri).ok_or(Error::HttpRequestUriInvalid)?;
    let name = match destination.host {
        Host::Ipv4(ip) => ServerName::from(IpAddr::from(ip)),
        Host::Ipv6(ip) => ServerName::from(IpAddr::from(ip)),
        Host::Domain(name) => {
            ServerName::try_from(name).map_err(|_| Error::HttpRequestUriInvalid)?
        }
    };
    Ok(Some(name))
}

/// The same path at a stand-in's address, which speaks plain HTTP.
fn with_address(uri: &Uri, address: SocketAddr) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::try_from(address.to_string()).ok()?);
    Uri::from_parts(parts).ok()
}

fn host_header(uri: &Uri) -> Option<HeaderValue> {
    HeaderValue::from_str(uri.authority()?.as_str()).ok()
}

/// The rest of an exchange, which drives the connection while the answer's body is read.
pub(crate) type Io = Box<dyn Future<Output = Result<(), Error>> + Send>;
pub(crate) type Sent = Result<(http::Response<WasiBody>, Io), Error>;

impl WasiHttpHooks for OutboundHooks {
    /// Guests see `host`; the other headers about the connection stay between hyper and the peer.
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        Arc::new(|name: &HeaderName| {
            name != header::HOST && DEFAULT_FORBIDDEN_HEADERS.contains(name)
        })
    }

    fn send_request(
        &mut self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Io,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let waits = self.waits(options);
        let permitted = self.permit(request.uri());
        let hooks = self.clone();
        // Connecting and the first byte have a limit each; this one also covers TLS and the upload.
        let limit = self.wait * 2;
        // A guest may set `host` too, and must not speak to one site in another's name.
        if let Some(host) = host_header(request.uri()) {
            request.headers_mut().insert(header::HOST, host);
        }
        Box::new(async move {
            let sending = async {
                let uri = permitted?;
                let addresses = hooks.addresses(&uri).await?;
                connect::send(request, &addresses, tls_name(&uri)?, waits).await
            };
            tokio::time::timeout(limit, sending).await.map_err(|_| Error::ConnectionTimeout)?
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(entry: &str, uri: &str, expected: bool) {
        let destination = Destination::of(&uri.parse().unwrap()).unwrap();
        assert_eq!(AllowedHost::parse(entry).unwrap().allows(&destination), expected);
    }

    #[test]
    fn an_entry_allows_what_it_says_and_no_more() {
        check("https://gridproxy.grid.tf", "https://gridproxy.grid.tf/nodes", true);
        check("https://gridproxy.grid.tf", "https://GridProxy.grid.tf:443/", true);
        check("https://gridproxy.grid.tf", "http://gridproxy.grid.tf/", false);
        check("https://gridproxy.grid.tf", "https://gridproxy.grid.tf:444/", false);
        check("https://gridproxy.grid.tf", "https://xgridproxy.grid.tf/", false);
        check("https://*.grid.tf", "https://gridproxy.dev.grid.tf/", true);
        check("https://*.grid.tf", "https://grid.tf/", false);
        check("https://*.grid.tf", "https://evilgrid.tf/", false);
        check("http://127.0.0.1:*", "http://127.0.0.1:4711/", true);
        check("http://127.0.0.1:*", "http://127.0.0.2:4711/", false);
        check("http://127.0.0.1:*", "http://127.0.0.1.evil.org/", false);
        check("http://[::1]:8080", "http://[::1]:8080/", true);
        check("http://[::1]", "http://[::1]:80/", true);
        check("*://*:*", "http://anything:1/", true);
        check("http://localhost:8080/", "http://localhost:8080/x", true);
    }

    #[test]
    fn a_bad_entry_is_refused_with_words() {
        for (entry, words) in [
            ("example.org", "scheme://host"),
            ("*", "scheme://host"),
            ("https://example.org/path", "has a path"),
            ("https://example.org:port", "no number"),
            ("ftp://example.org", "needs a port"),
            ("https://a.*.org", "`*` stands for"),
            ("http://self", "not offered"),
            ("http://other.spin.internal", "not offered"),
        ] {
            let error = format!("{:#}", AllowedHost::parse(entry).unwrap_err());
            assert!(error.contains(words) && error.contains(entry), "{entry}: {error}");
        }
    }
}
