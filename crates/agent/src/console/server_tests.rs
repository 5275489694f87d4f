//! The console as a browser has it: real HTTP, real sockets, and one that plays a machine.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use tempfile::TempDir;
use tungstenite::client::IntoClientRequest as _;

use super::*;

const NOW: u64 = 1_800_000_000;
const LIMIT: Duration = Duration::from_secs(20);

/// A console's server, and a machine whose serial console says what is typed.
struct Farm {
    folder: TempDir,
    consoles: Consoles,
    address: SocketAddr,
    /// How often somebody connected to the machine.
    connections: Arc<AtomicUsize>,
    /// The machine's end of the line.
    line: Arc<Mutex<Option<UnixStream>>>,
}

impl Farm {
    fn new() -> Farm {
        Farm::with_idle(IDLE_LIMIT)
    }

    fn with_idle(idle_limit: Duration) -> Farm {
        let folder = tempfile::tempdir().unwrap();
        let consoles = Consoles::open(folder.path()).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server {
            public_url: format!("http://{address}"),
            consoles: consoles.clone(),
            gate: Mutex::default(),
            lines: Lines::default(),
            idle_limit,
            clock: || NOW,
        };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(serve(listener, Arc::new(server)));
        });
        let (connections, line) = (Arc::default(), Arc::default());
        let farm = Farm { folder, consoles, address, connections, line };
        farm.add("r1");
        farm.play();
        farm
    }

    /// Plays a machine that echoes, and takes one connection at a time, as QEMU does.
    fn play(&self) {
        let listener = UnixListener::bind(self.folder.path().join("serial.sock")).unwrap();
        let (connections, line) = (Arc::clone(&self.connections), Arc::clone(&self.line));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                *line.lock().unwrap() = Some(stream.try_clone().unwrap());
                let _ = stream.write_all(b"login: ");
                let mut bytes = [0; 512];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    let _ = stream.write_all(&bytes[..count]);
                }
            }
        });
    }

    fn add(&self, rental: &str) {
        let socket = self.folder.path().join("serial.sock");
        self.consoles.keep("s1", rental, &socket).unwrap();
    }

    /// A link as the market makes it.
    fn link(&self, rental: &str, ends_at: u64) -> String {
        let name = Name::read("s1", rental).unwrap();
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.consoles.find(&name).unwrap().key()).unwrap();
        mac.update(format!("s1/{rental}\n{ends_at}").as_bytes());
        let signature = HEXLOWER.encode(&mac.finalize().into_bytes());
        format!("/console/s1/{rental}?expires={ends_at}&signature={signature}")
    }

    /// Status, headers and text of an answer.
    fn get(&self, path: &str, cookie: &str) -> (u16, HeaderMap, String) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let request = agent.get(format!("http://{}{path}", self.address)).header("cookie", cookie);
        let mut response = request.call().unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), response.headers().clone(), text)
    }

    /// Uses a link, and answers the session's cookie.
    #[track_caller]
    fn enter(&self, ends_at: u64) -> String {
        let (status, headers, _) = self.get(&self.link("r1", ends_at), "");
        assert_eq!(status, 200);
        let cookie = headers[SET_COOKIE].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    fn try_attend(&self, path: &str, origin: &str, cookie: &str) -> Result<Browser, u16> {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let url = format!("ws://{}{path}", self.address);
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("origin", origin.parse().unwrap());
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        match tungstenite::client(request, stream) {
            Ok((socket, _)) => Ok(Browser { socket, seen: String::new() }),
            Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(response))) => {
                Err(response.status().as_u16())
            }
            Err(error) => panic!("{error}"),
        }
    }

    fn attend(&self, cookie: &str) -> Browser {
        let origin = format!("http://{}", self.address);
        self.try_attend("/console/s1/r1/socket", &origin, cookie).unwrap()
    }
}

struct Browser {
    socket: tungstenite::WebSocket<TcpStream>,
    seen: String,
}

impl Browser {
    fn send(&mut self, text: &str) {
        self.socket.send(tungstenite::Message::text(text)).unwrap();
    }

    /// The next document; `None` at the end.
    fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.read() {
                Ok(tungstenite::Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).unwrap());
                }
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// Waits until the first row of the screen is so.
    #[track_caller]
    fn sees(&mut self, expected: &str) {
        while let Some(document) = self.next() {
            self.seen = document["rows"][0][0][0].as_str().unwrap_or_default().to_owned();
            if self.seen == expected {
                return;
            }
        }
        panic!("{expected:?} is not seen, but {:?}", self.seen);
    }

    /// Waits until it is told why there is nothing more.
    #[track_caller]
    fn ended(&mut self) -> String {
        while let Some(document) = self.next() {
            if let Some(why) = document["ended"].as_str() {
                return why.to_owned();
            }
        }
        panic!("it is not told why");
    }
}

#[test]
fn what_is_typed_is_seen_by_all_who_look_on() {
    let farm = Farm::new();
    let cookie = farm.enter(NOW + 60);
    let mut first = farm.attend(&cookie);
    first.sees("login:");
    first.send("ada");
    first.sees("login: ada");
    let mut second = farm.attend(&cookie);
    second.sees("login: ada");
    second.send("\u{8} ");
    first.sees("login: ad");
    assert_eq!(farm.connections.load(Ordering::SeqCst), 1);
    // When nobody looks the line is closed, and opened again for the next one.
    drop((first, second));
    farm.attend(&cookie).sees("login:");
    assert_eq!(farm.connections.load(Ordering::SeqCst), 2);
}

#[test]
fn a_link_opens_the_page_once() {
    let farm = Farm::new();
    let link = farm.link("r1", NOW + 60);
    let (status, headers, text) = farm.get(&link, "");
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("Console of s1") && text.contains("\"/console/s1/r1/socket\""), "{text}");
    assert!(!text.contains("<script>") && !text.contains("style="), "{text}");
    let header = |name: HeaderName| headers[name].to_str().unwrap().to_owned();
    let cookie = header(SET_COOKIE);
    assert!(cookie.ends_with("; Path=/console/s1/r1; Max-Age=3600; HttpOnly; SameSite=Strict"));
    assert_eq!(
        (header(CACHE_CONTROL), header(REFERRER_POLICY)),
        ("no-store".into(), "no-referrer".into())
    );
    let policy = header(CONTENT_SECURITY_POLICY);
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    assert!(policy.contains(&format!("connect-src 'self' ws://{};", farm.address)), "{policy}");

    let check = |path: &str, cookie: &str, words: &str| {
        let (status, headers, text) = farm.get(path, cookie);
        assert!(status == 403 && text.contains(words), "{path}: {status} {text}");
        assert!(!headers.contains_key(SET_COOKIE), "{path}");
    };
    check(&link, "", "This link has already been used");
    check(&farm.link("r1", NOW - 1), "", "This link has expired");
    check(&farm.link("r1", NOW + 301), "", "invalid for this machine");
    check(&link.replace("/r1?", "/r2?"), "", "invalid for this machine");
    check("/console/s1/r1?expires=1", "", "to get a link");
    check("/console/s1/r1", "", "to get a link");
    check("/console/s1/r1", "console_session=abc", "to get a link");
    // The page can be loaded again, with its session.
    assert_eq!(farm.get("/console/s1/r1", cookie.split(';').next().unwrap()).0, 200);
    for (path, words) in [("console.js", "WebSocket"), ("console.css", "color-scheme: dark")] {
        let (status, _, text) = farm.get(&format!("/console/files/{path}"), "");
        assert!(status == 200 && text.contains(words));
    }
}

#[test]
fn only_its_own_page_opens_a_socket() {
    let farm = Farm::new();
    farm.add("r2");
    let cookie = farm.enter(NOW + 60);
    let own = format!("http://{}", farm.address);
    let path = "/console/s1/r1/socket";
    let check = |path: &str, origin: &str, cookie: &str| {
        assert_eq!(farm.try_attend(path, origin, cookie).err(), Some(403), "{path} {origin}");
    };
    check(path, "https://evil.example", &cookie);
    check(path, "null", &cookie);
    check(path, &format!("{own}.evil.example"), &cookie);
    check(path, &own, "");
    check(path, &own, "console_session=abc");
    check("/console/s1/r2/socket", &own, &cookie);
    check("/console/s1/r3/socket", &own, &cookie);
    assert!(farm.try_attend(path, &own, &format!("a=b; {cookie}")).is_ok());
}

#[test]
fn a_machine_has_four_consoles_at_most() {
    let farm = Farm::new();
    let cookie = farm.enter(NOW + 60);
    let mut open: Vec<Browser> = (0..4).map(|_| farm.attend(&cookie)).collect();
    for browser in &mut open {
        browser.sees("login:");
    }
    let why = farm.attend(&cookie).ended();
    assert!(why.contains("too many open consoles"), "{why}");
    let mut closed = open.pop().unwrap();
    closed.socket.close(None).unwrap();
    // Its seat is free when the server has heard of it.
    while closed.next().is_some() {}
    farm.attend(&cookie).sees("login:");
}

#[test]
fn a_message_that_is_too_long_is_not_typed() {
    let farm = Farm::new();
    let mut browser = farm.attend(&farm.enter(NOW + 60));
    browser.sees("login:");
    browser.send(&"x".repeat(INPUT_MAX + 1));
    while let Some(document) = browser.next() {
        assert!(!document.to_string().contains("xx"), "{document}");
    }
}

#[test]
fn a_machine_that_goes_away_ends_its_consoles() {
    let farm = Farm::new();
    let mut browser = farm.attend(&farm.enter(NOW + 60));
    browser.sees("login:");
    farm.line.lock().unwrap().as_ref().unwrap().shutdown(std::net::Shutdown::Both).unwrap();
    assert_eq!(browser.ended(), "The machine was stopped, so its console closed.");

    let cookie = farm.enter(NOW + 61);
    let socket = farm.folder.path().join("serial.sock");
    std::fs::remove_file(&socket).unwrap();
    let why = farm.attend(&cookie).ended();
    assert_eq!(why, "The machine's console is not responding.");
    // It is started again: the same session has its console.
    farm.play();
    let mut browser = farm.attend(&cookie);
    browser.sees("login:");
    farm.consoles.forget("s1", "r1");
    assert_eq!(browser.ended(), "The machine was removed, so its console closed.");
    // Nor does its session open anything any more.
    assert_eq!(farm.get("/console/s1/r1", &cookie).0, 403);

    farm.add("r1");
    std::fs::remove_file(&socket).unwrap();
    let why = farm.attend(&farm.enter(NOW + 62)).ended();
    assert_eq!(why, "The machine's console is not responding.");
}

#[test]
fn a_console_at_which_nobody_types_ends() {
    let farm = Farm::with_idle(Duration::from_millis(300));
    let mut browser = farm.attend(&farm.enter(NOW + 60));
    assert!(browser.ended().starts_with("The console was idle"));
}

/// Whoever could log in before the keys were changed is not let in by what they have open.
#[test]
fn a_change_of_who_may_log_in_ends_consoles_sessions_and_earlier_links() {
    let farm = Farm::new();
    let cookie = farm.enter(NOW + 60);
    let mut browser = farm.attend(&cookie);
    browser.sees("login:");
    let earlier = farm.link("r1", NOW + 59);
    farm.consoles.end_sessions("s1", "r1", NOW).unwrap();
    let why = "The machine's SSH keys were changed, so its console closed.";
    assert_eq!(browser.ended(), why);
    assert_eq!(farm.get("/console/s1/r1", &cookie).0, 403);
    let origin = format!("http://{}", farm.address);
    let refused = farm.try_attend("/console/s1/r1/socket", &origin, &cookie);
    assert_eq!(refused.err(), Some(403));
    assert_eq!(farm.get(&earlier, "").0, 403);
    // A link from after that is one for whoever may log in now.
    assert_eq!(farm.get(&farm.link("r1", NOW + 61), "").0, 200);
    // The machine's console stays where it is, with the same secret.
    farm.add("r1");
    assert_eq!(farm.get("/console/s1/r1", &cookie).0, 403);
    farm.consoles.end_sessions("s1", "r2", NOW).unwrap();
}
