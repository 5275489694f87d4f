//! Who is asking: sessions in a cookie, tokens in a header, and the operator.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN, REFERER};
use http::{HeaderName, HeaderValue, Method};
use sha2::{Digest, Sha256};
use store::accounts::{Identity, SecretHash};
use store::{Db, StoreError, sessions, tokens};
use subtle::ConstantTimeEq;

use crate::config::Config;
use crate::context::{Request, UnreadableHeader, header, sole_header};
use crate::env::Random;
use crate::problem::{Kind, Problem};

/// How long a sign-in lasts, in seconds: 30 days.
pub const SESSION_SECONDS: i64 = 30 * 24 * 60 * 60;

/// What an API token begins with, so that scanners for leaked secrets can tell what it is.
const TOKEN_PREFIX: &str = "myc_";
/// What a form's token is computed over, with the session's secret as the key.
const FORM_PURPOSE: &[u8] = b"mycelium form token 1";
/// The field of a form that holds its token.
pub const FORM_TOKEN: &str = "form_token";
/// Random bytes of a secret: 256 bits.
const SECRET_BYTES: usize = 32;
/// Characters of a token's checksum.
const CHECKSUM_CHARS: usize = 6;
/// Characters of a token that its owner sees again.
const HINT_CHARS: usize = 4;
/// The longest secret that is looked at.
const SECRET_LENGTH_MAX: usize = 128;
/// The longest `Cookie` header that is looked at, in bytes. Other programs at the same host may
/// have many cookies.
const COOKIE_LENGTH_MAX: usize = 64 * 1024;

/// The cookie that holds a session's secret.
const SESSION_COOKIE: &str = "session";
/// What the name of a cookie begins with that a browser keeps over TLS and for this host only.
const SECURE_PREFIX: &str = "__Host-";
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A secret that was just made, and what the database keeps of it.
pub struct Secret {
    /// What its holder gets, once.
    pub text: String,
    /// SHA-256 of it.
    pub hash: SecretHash,
}

impl Secret {
    /// A secret for a cookie.
    pub fn for_session(random: &dyn Random) -> Secret {
        Secret::new(random_text(random))
    }

    /// A secret that is good once: a code in a mail, or a step of a sign-in.
    pub fn for_challenge(random: &dyn Random) -> Secret {
        Secret::new(random_text(random))
    }

    /// A secret for a program: with a prefix to know it by, and a checksum at its end, so that a
    /// scanner can tell it from other text, and a typing mistake from an unknown token.
    pub fn for_token(random: &dyn Random) -> Secret {
        let body = format!("{TOKEN_PREFIX}{}", random_text(random));
        let checksum = checksum(&body);
        Secret::new(body + &checksum)
    }

    fn new(text: String) -> Secret {
        let hash = hash(&text);
        Secret { text, hash }
    }

    /// The beginning of a token, for its owner to know it by: 24 of its 256 bits.
    pub fn hint(&self) -> &str {
        self.text.get(..TOKEN_PREFIX.len() + HINT_CHARS).unwrap_or_default()
    }
}

fn random_text(random: &dyn Random) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(random.bytes::<SECRET_BYTES>())
}

/// CRC-32 of a token's text, in base64: six characters.
fn checksum(text: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(crc32fast::hash(text.as_bytes()).to_be_bytes())
}

/// Whether a text has the form of a token: its checksum fits.
fn is_token(text: &str) -> bool {
    let body = text.len().checked_sub(CHECKSUM_CHARS).and_then(|at| text.split_at_checked(at));
    body.is_some_and(|(body, sum)| body.starts_with(TOKEN_PREFIX) && checksum(body) == sum)
}

/// What the database keeps of a secret.
pub fn hash(secret: &str) -> SecretHash {
    Sha256::digest(secret).into()
}

/// Who asks; `None` for a visitor. A token that is not valid is refused, a cookie that is not valid
/// is ignored: a page can then still say "sign in".
pub fn identify(
    db: &dyn Db,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Identity>, Problem> {
    if let Some(token) = bearer(request) {
        // What is no token is not worth a question to the database.
        let identity = if is_token(token) { tokens::find(db, &hash(token), now)? } else { None };
        return Ok(Some(identity.ok_or_else(|| Problem::plain(Kind::NotSignedIn))?));
    }
    match session_secret(request) {
        Some(secret) => Ok(sessions::find(db, &hash(secret), now)?),
        None => Ok(None),
    }
}

/// Who asks, for an answer that takes long: `None` as soon as the session or token has ended.
pub fn still(
    db: &dyn Db,
    request: &Request,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    match bearer(request) {
        Some(token) => tokens::find(db, &hash(token), now),
        None => match session_secret(request) {
            Some(secret) => sessions::find(db, &hash(secret), now),
            None => Ok(None),
        },
    }
}

/// The token that forms of this request's session carry; `None` without one. It is bound to the
/// session by HMAC-SHA256, and says nothing about its secret.
pub fn form_token(request: &Request) -> Option<String> {
    let mac = form_mac(session_secret(request)?)?;
    Some(BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// Refuses a form of a session that does not carry its token.
pub fn refuse_foreign_form(request: &Request, form_token: &str) -> Result<(), Problem> {
    let given = BASE64_URL_SAFE_NO_PAD.decode(form_token).unwrap_or_default();
    let expected = session_secret(request).and_then(form_mac);
    let is_ours = expected.is_some_and(|mac| mac.verify_slice(&given).is_ok());
    if is_ours { Ok(()) } else { Err(Problem::plain(Kind::StaleForm)) }
}

fn form_mac(secret: &str) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    Some(mac.chain_update(FORM_PURPOSE))
}

/// The hash of the request's session, if it carries one.
pub fn session_hash(request: &Request) -> Option<SecretHash> {
    session_secret(request).map(hash)
}

/// Whether the request carries the operator's token.
pub fn is_operator(config: &Config, request: &Request) -> bool {
    let (Some(expected), Some(given)) = (&config.operator_token, bearer(request)) else {
        return false;
    };
    // Digests have one length, so the time of the comparison tells nothing about the token.
    bool::from(hash(expected).ct_eq(&hash(given)))
}

/// Whether the request carries a session, which may have ended.
pub fn has_session(request: &Request) -> bool {
    session_secret(request).is_some_and(|secret| !secret.is_empty())
}

/// Whether the request carries a token rather than a session.
pub fn has_token(request: &Request) -> bool {
    bearer(request).is_some()
}

/// The token of `Authorization: Bearer …`. A header that cannot be read has a token that nobody
/// has: whoever sends one is not taken for a visitor, or for who has the cookie.
fn bearer(request: &Request) -> Option<&str> {
    let Ok(value) = sole_header(request, AUTHORIZATION) else { return Some("") };
    let (scheme, token) = value?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// The secret in the session's cookie.
fn session_secret(request: &Request) -> Option<&str> {
    cookie(request, SESSION_COOKIE)
}

/// The value of a cookie of ours. Cookies of others may be anything, and are in its way neither as
/// bytes nor in a header of their own.
pub fn cookie<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let name = cookie_name(request, name);
    let headers = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
    headers
        .filter(|cookies| cookies.len() <= COOKIE_LENGTH_MAX)
        .flat_map(|cookies| cookies.split(|byte| *byte == b';'))
        .filter_map(|cookie| std::str::from_utf8(cookie).ok()?.trim().split_once('='))
        .find(|(given, value)| *given == name && value.len() <= SECRET_LENGTH_MAX)
        .map(|(_, value)| value)
}

/// Ends the request's session, if it has one.
pub fn close(db: &dyn Db, request: &Request) -> Result<(), StoreError> {
    session_secret(request).map_or(Ok(()), |secret| sessions::close(db, &hash(secret)))
}

/// The `Set-Cookie` that signs in.
pub fn sign_in_cookie(request: &Request, secret: &Secret) -> String {
    new_cookie(request, SESSION_COOKIE, &secret.text, SESSION_SECONDS)
}

/// The `Set-Cookie` that signs out.
pub fn sign_out_cookie(request: &Request) -> String {
    new_cookie(request, SESSION_COOKIE, "", 0)
}

/// The `Set-Cookie` of a cookie of ours, which no script can read. `max_age` is in seconds.
pub fn new_cookie(request: &Request, name: &str, value: &str, max_age: i64) -> String {
    let name = cookie_name(request, name);
    let secure = if name.starts_with(SECURE_PREFIX) { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

/// A browser keeps a `__Host-` cookie only over TLS. On plain `localhost`, for development, it is a
/// plain one: the host that the request asked for decides.
fn cookie_name(request: &Request, name: &str) -> String {
    let prefix = if is_local(host(request).unwrap_or("")) { "" } else { SECURE_PREFIX };
    format!("{prefix}{name}")
}

fn is_local(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|b| b.is_ascii_digit()) { name } else { host }
    });
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// The host that the request asked for.
fn host(request: &Request) -> Option<&str> {
    header(request, HOST).or_else(|| request.uri().authority().map(http::uri::Authority::as_str))
}

/// Refuses a request that changes something and was made by another site's page. This site is the
/// host that the request asked for, or `public_url`: a proxy may ask for another host.
///
/// Browsers say so in `Sec-Fetch-Site`, older ones and those without TLS in `Origin`. A program
/// that sends neither has no cookies of somebody else to misuse. A token in a header cannot be
/// misused by another site.
pub fn refuse_cross_site(request: &Request, public_url: &str) -> Result<(), Problem> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if is_safe || bearer(request).is_some() {
        return Ok(());
    }
    let problem = |detail: String| Err(Problem::new(Kind::CrossSite, detail));
    match (sole_header(request, SEC_FETCH_SITE), sole_header(request, ORIGIN)) {
        (Ok(Some("same-origin" | "none")), _) | (Ok(None), Ok(None)) => Ok(()),
        (Ok(Some(_)), _) => Err(Problem::plain(Kind::CrossSite)),
        (Ok(None), Ok(Some("null"))) => problem(
            "your browser doesn't say which page sent this; open the page itself, not in a frame \
             or from a file, and try again"
                .to_owned(),
        ),
        (Ok(None), Ok(Some(sender))) => {
            let authority = |url: &str| url.split_once("://").map(|(_, rest)| rest.to_owned());
            let ours = [host(request).map(str::to_owned), authority(public_url)];
            let of_sender = authority(sender);
            if of_sender.is_some() && ours.contains(&of_sender) {
                return Ok(());
            }
            problem(format!(
                "it came from {}, and this site is {}; if both are this marketplace, its operator \
                 has to set `public_url`, or let the proxy keep the `Host` header",
                plain(sender),
                plain(host(request).unwrap_or("an unknown host")),
            ))
        }
        (Err(UnreadableHeader), _) | (Ok(None), Err(UnreadableHeader)) => {
            Err(Problem::plain(Kind::CrossSite))
        }
    }
}

/// The characters of an address, as many as are worth showing.
fn plain(address: &str) -> String {
    address
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || ".:/-[]".contains(*c))
        .take(80)
        .collect()
}

/// Where a request has come in, such as `http://127.0.0.1:3000`; empty where that is no address.
/// Only a machine that serves itself, for development, is reached without TLS.
pub fn origin(request: &Request) -> String {
    let host = host(request).unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".:-[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return String::new();
    }
    let scheme = if is_local(host) { "http" } else { "https" };
    format!("{scheme}://{host}")
}

/// The page of this site on which a form was sent, as its browser says.
pub fn referring_path<'a>(request: &'a Request, public_url: &str) -> Option<&'a str> {
    let referrer = header(request, REFERER)?;
    let origin = origin(request);
    let mut ours = [origin.as_str(), public_url].into_iter().filter(|url| !url.is_empty());
    let path = ours.find_map(|url| referrer.strip_prefix(url))?;
    Some(local_path(Some(path), "")).filter(|path| !path.is_empty())
}

/// The path to go on to after signing in: on this site, or the default.
pub fn local_path<'a>(next: Option<&'a str>, default: &'a str) -> &'a str {
    next.filter(|path| {
        path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
    })
    .unwrap_or(default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&str, &str)]) -> Request {
        let mut builder = http::Request::post("/login");
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Vec::new()).unwrap()
    }

    #[test]
    fn the_cookie_is_plain_on_localhost_only() {
        for (host, name) in [
            ("localhost:3000", "session"),
            ("127.0.0.1", "session"),
            ("[::1]:3000", "session"),
            ("mycelium.example", "__Host-session"),
            ("localhost.evil.example", "__Host-session"),
            ("", "__Host-session"),
        ] {
            let request = request(&[("host", host)]);
            assert_eq!(cookie_name(&request, SESSION_COOKIE), name, "{host}");
        }
        let cookie = sign_out_cookie(&request(&[("host", "mycelium.example")]));
        assert!(cookie.contains("; Secure") && !cookie.contains("Domain"), "{cookie}");
    }

    #[test]
    fn the_cookies_of_others_are_in_nobodys_way() {
        let find = |cookies: &[&str]| {
            let headers: Vec<_> = cookies.iter().map(|cookies| ("cookie", *cookies)).collect();
            session_secret(&request(&[&[("host", "localhost")], &headers[..]].concat()))
                .map(str::to_owned)
        };
        let own = Some("abc".to_owned());
        let others = format!("a={}", "x".repeat(16 * 1024));
        assert_eq!(find(&["session=abc"]), own);
        assert_eq!(find(&["lang=de", "session=abc"]), own);
        assert_eq!(find(&[&format!("{others}; session=abc; b=c")]), own);
        assert_eq!(find(&[&others, "session=abc"]), own);
        assert_eq!(find(&["a=\u{e9}; session=abc"]), own);
        assert_eq!(find(&[&others]), None);
    }

    #[test]
    fn the_origin_is_where_the_request_came_in() {
        for (host, expected) in [
            ("127.0.0.1:3107", "http://127.0.0.1:3107"),
            ("mycelium.example", "https://mycelium.example"),
            ("<3>", ""),
            ("", ""),
        ] {
            assert_eq!(origin(&request(&[("host", host)])), expected);
        }
    }

    #[test]
    fn the_page_of_a_form_is_one_of_this_site() {
        let path = |referrer: &str| {
            let request = request(&[("host", "127.0.0.1:3000"), ("referer", referrer)]);
            referring_path(&request, "https://public.example").map(str::to_owned)
        };
        let page = Some("/dashboard/settings/security".to_owned());
        assert_eq!(path("http://127.0.0.1:3000/dashboard/settings/security"), page);
        assert_eq!(path("https://public.example/dashboard/settings/security"), page);
        for other in [
            "https://evil.example/dashboard",
            "https://public.example.evil.example/",
            "https://public.example//evil.example/",
            "",
        ] {
            assert_eq!(path(other), None, "{other}");
        }
    }

    #[test]
    fn other_sites_cannot_post() {
        let check = |headers: &[(&str, &str)], is_ours: bool| {
            let result = refuse_cross_site(&request(headers), "https://public.example");
            assert_eq!(result.is_ok(), is_ours, "{headers:?}");
        };
        check(&[("sec-fetch-site", "same-origin")], true);
        check(&[("sec-fetch-site", "none")], true);
        check(&[("sec-fetch-site", "same-site")], false);
        check(&[("sec-fetch-site", "cross-site"), ("origin", "https://a.example")], false);
        check(&[("host", "a.example"), ("origin", "https://a.example")], true);
        check(&[("host", "a.example"), ("origin", "https://b.example")], false);
        check(&[("host", "127.0.0.1:3000"), ("origin", "https://public.example")], true);
        check(&[("host", "127.0.0.1:3000"), ("origin", "https://public.example.org")], false);
        check(&[("host", "a.example"), ("origin", "null")], false);
        check(&[("origin", "\u{e9}")], false);
        check(&[("sec-fetch-site", "\u{e9}")], false);
        check(&[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")], false);
        check(&[], true);
        check(&[("sec-fetch-site", "cross-site"), ("authorization", "Bearer myc_x")], true);
    }

    #[test]
    fn a_proxy_that_changes_the_host_is_named() {
        let headers = [("host", "127.0.0.1:3000"), ("origin", "https://market.example")];
        let detail = refuse_cross_site(&request(&headers), "").unwrap_err().detail;
        for part in ["https://market.example", "127.0.0.1:3000", "`public_url`", "`Host`"] {
            assert!(detail.contains(part), "{detail}");
        }
    }

    #[test]
    fn a_token_is_never_ignored() {
        let host = ("host", "localhost");
        let token = |headers: &[(&str, &str)]| bearer(&request(headers)).map(str::to_owned);
        assert_eq!(token(&[host]), None);
        assert_eq!(token(&[("authorization", "Basic eDp5")]), None);
        assert_eq!(token(&[("authorization", "Bearer myc_x")]).as_deref(), Some("myc_x"));
        assert_eq!(token(&[("authorization", "Bearer myc_\u{e9}")]).as_deref(), Some(""));
        let two = [("authorization", "Basic eDp5"), ("authorization", "Bearer myc_x")];
        assert_eq!(token(&two).as_deref(), Some(""));
        let long = format!("Bearer myc_{}", "x".repeat(SECRET_LENGTH_MAX));
        assert!(token(&[("authorization", &long)]).is_some_and(|token| !is_token(&token)));
    }

    #[test]
    fn cookies_of_others_are_not_in_the_way() {
        let secret = |headers: &[(&str, &str)]| {
            let headers = [&[("host", "localhost")], headers].concat();
            session_secret(&request(&headers)).map(str::to_owned)
        };
        assert_eq!(secret(&[("cookie", "a=\u{e9}; session=s")]).as_deref(), Some("s"));
        assert_eq!(secret(&[("cookie", "a=b"), ("cookie", "session=s")]).as_deref(), Some("s"));
        assert_eq!(secret(&[("cookie", "session=\u{e9}; a=b")]).as_deref(), Some("\u{e9}"));
        assert_eq!(secret(&[("cookie", "a=b")]), None);
    }

    #[test]
    fn the_way_back_stays_on_this_site() {
        assert_eq!(
            local_path(Some("/marketplace/compute/node32?x=1#rent"), "/"),
            "/marketplace/compute/node32?x=1#rent"
        );
        for next in ["", "//evil.example", "https://evil.example", "/\\evil", "/a\r\nb", "evil"] {
            assert_eq!(local_path(Some(next), "/"), "/", "{next:?}");
        }
    }

    #[test]
    fn only_the_right_token_is_the_operator() {
        let read = |name: &str| {
            Ok(match name {
                "operator_token" => "an-operator-token-of-26-ch",
                "price_min_usd" | "limit_factor" | "account_slices_max" | "payout_min_usd" => "1",
                "price_max_usd" => "2",
                "platform_fee_percent" => "0",
                "farm_claims" => "open",
                _ => "",
            }
            .to_owned())
        };
        let config = Config::read(read).unwrap();
        let ask = |header| is_operator(&config, &request(&[("authorization", header)]));
        assert!(ask("Bearer an-operator-token-of-26-ch"));
        assert!(ask("bearer  an-operator-token-of-26-ch "));
        assert!(!ask("Bearer an-operator-token-of-26-cX") && !ask("Bearer ") && !ask("Basic x"));
        let nobody = Config { operator_token: None, ..config };
        assert!(!is_operator(&nobody, &request(&[("authorization", "Bearer ")])));
    }
}
