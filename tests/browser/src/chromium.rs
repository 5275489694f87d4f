//! Chromium and the program that drives it, from their start to their end.

use std::future::{Future, ready};
use std::process::Stdio;
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::error::{CmdError, ErrorStatus};
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;
use url::{ParseError, Url};

/// The key Enter, as WebDriver writes it.
pub const ENTER: &str = "\u{e007}";
/// The key Escape, as WebDriver writes it.
pub const ESCAPE: &str = "\u{e00c}";
/// The space bar.
pub const SPACE: &str = " ";

/// How often a driver is started before that is given up.
const START_TRIES: u32 = 5;
/// What chromedriver says before its port.
const READY: &str = "started successfully on port ";

/// How long a page may take to show what is awaited, on a machine that is busy with other tests.
const WAIT_MAX: Duration = Duration::from_mins(1);
/// The pause between two looks at a page.
const PAUSE: Duration = Duration::from_millis(50);

/// What chromedriver answers where a page is left meanwhile; no error of the standard.
const ABORTED: &str = "aborted by navigation";

/// What tells a document from every other, and whether it is loaded.
const DOCUMENT: &str = "return [performance.timeOrigin, document.readyState]";

/// Scrolls an element to where it is seen and nothing lies over it.
const SHOW: &str = "arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })";

/// Whether a click on an element leads to another document by itself: a link does, and a button
/// that sends a form, but for those that a script of ours takes.
const LEADS: &str = "
    const control = arguments[0].closest('a[href], button, input');
    if (!control || control.closest('[data-opens], [data-closes], [data-passkey]')) return false;
    const [path, fragment] = (control.href ?? '').split('#');
    if (control.matches('a')) return fragment === undefined || path !== location.href.split('#')[0];
    return control.type === 'submit' && control.form !== null && control.form.method !== 'dialog'";

/// A tab of a running Chromium, on one site.
#[derive(Clone)]
pub struct Tab {
    pub(crate) client: Client,
    site: String,
}

/// Runs a journey on a site in a Chromium of its own, which ends with it, however it ends.
pub async fn journey<F: Future<Output = ()> + Send + 'static>(
    site: &str,
    walk: impl FnOnce(Tab) -> F,
) {
    let (mut driver, port) = start_driver().await;
    let profile = tempfile::tempdir().unwrap();
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities(&profile))
        .connect(&format!("http://127.0.0.1:{port}"))
        .await
        .unwrap_or_else(|error| panic!("Chromium does not start: {error}"));
    let walked = tokio::spawn(walk(Tab { client: client.clone(), site: site.to_owned() })).await;
    client.close().await.unwrap();
    driver.kill().await.unwrap();
    if let Err(error) = walked {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Starts a driver; again where it ends at once, which it does if something else has the port that
/// it has chosen, on one of the machine's two local addresses.
async fn start_driver() -> (Child, u16) {
    for _ in 0..START_TRIES {
        if let Some(started) = try_start_driver().await {
            return started;
        }
    }
    panic!("chromedriver ended {START_TRIES} times before it was ready");
}

async fn try_start_driver() -> Option<(Child, u16)> {
    let missing = "chromedriver is missing: `cargo xtask test` installs Chromium and its driver";
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("{missing} ({error})"));
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let port = line.split_once(READY).map(|(_, port)| port.trim_end_matches('.'));
        if let Some(port) = port.and_then(|port| port.parse().ok()) {
            return Some((driver, port));
        }
    }
    None
}

fn capabilities(profile: &TempDir) -> Capabilities {
    let args = [
        "--headless=new".to_owned(),
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--hide-scrollbars".to_owned(),
        "--window-size=1280,900".to_owned(),
        // Nothing but this machine is reached.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost".to_owned(),
        format!("--user-data-dir={}", profile.path().display()),
    ];
    let wanted = json!({
        "goog:chromeOptions": { "args": args },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    serde_json::from_value(wanted).unwrap()
}

/// A command of chromedriver that the client has no function for.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Tab {
    /// Opens a path of the site.
    pub async fn open(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.site)).await.unwrap();
    }

    /// The path and query that are open.
    pub async fn path(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        url.as_str().strip_prefix(&self.site).unwrap_or(url.as_str()).to_owned()
    }

    /// Waits until the page with this title is there.
    pub async fn arrive(&self, title: &str) {
        let head = format!("/html/head/title[. = \"{title} · Mycelium\"]");
        self.on(Locator::XPath(&head), title, |_| ready(Ok(()))).await;
    }

    /// Waits until the page says this in one element. What was there before proves nothing: wait
    /// for words that only the awaited state has.
    pub async fn see(&self, text: &str) {
        let words = format!("//body//*[contains(normalize-space(.), \"{text}\")]");
        self.on(Locator::XPath(&words), text, |_| ready(Ok(()))).await;
    }

    /// Types into the field of this name, in place of what was there.
    pub async fn fill(&self, name: &str, text: &str) {
        let field = format!("main [name='{name}']");
        self.on(Locator::Css(&field), name, |field| async move {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    /// A cookie, as `name=value`.
    pub async fn cookie(&self, name: &str) -> String {
        let cookie = self.client.get_named_cookie(name).await;
        let cookie = cookie.unwrap_or_else(|error| panic!("no cookie {name}: {error}"));
        format!("{name}={}", cookie.value())
    }

    /// Clicks what this selector finds first. Where that leads to another document, waits for it.
    pub async fn click(&self, css: &str) {
        self.follow(Locator::Css(css), css).await;
    }

    /// Clicks the button or link with these words. Where that leads to another document, waits for
    /// it, so that what comes next never looks at the page that is being left.
    pub async fn press(&self, words: &str) {
        let has_words = format!("[normalize-space(.) = \"{words}\"]");
        let path = format!("//button{has_words} | //a{has_words}");
        self.follow(Locator::XPath(&path), words).await;
    }

    /// Presses a key, or types, where the focus is.
    pub async fn key(&self, key: &str) {
        self.client.active_element().await.unwrap().send_keys(key).await.unwrap();
    }

    /// Tells the pages that are opened from now on that this is a Mac.
    pub async fn be_a_mac(&self) {
        let mac = json!({ "userAgent": "Mozilla/5.0 (Macintosh)", "platform": "MacIntel" });
        self.devtools("Emulation.setUserAgentOverride", mac).await;
    }

    /// Types a character that takes Option on a Mac, which browsers call Alt.
    pub async fn key_with_option(&self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": key, "modifiers": 1 });
            self.devtools("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Presses Enter in a form's field, and waits for the document that the form leads to.
    pub async fn submit(&self) {
        let document = self.document().await.expect("a page is open");
        self.key(ENTER).await;
        self.wait_for_another(&document, "the form's answer").await;
    }

    /// The text of what this selector finds first.
    pub async fn text(&self, css: &str) -> String {
        self.on(Locator::Css(css), css, |element| async move { element.text().await }).await
    }

    /// Clicks an element and, where that leads to another document, waits for it.
    async fn follow(&self, locator: Locator<'_>, what: &str) {
        let document = self.document().await;
        let leads = self.on(locator, what, |element| async move {
            let in_page = serde_json::to_value(&element)?;
            // As a person does: away from what stays at the edges of the screen.
            self.client.execute(SHOW, vec![in_page.clone()]).await?;
            let leads = self.client.execute(LEADS, vec![in_page]).await?;
            element.click().await?;
            Ok(leads == true)
        });
        if leads.await {
            self.wait_for_another(&document.expect("a page is open"), what).await;
        }
    }

    /// Does something with the first element that is found, as soon as it is there. A page that
    /// follows what happens replaces elements now and then: then it is found anew.
    async fn on<T, F>(&self, locator: Locator<'_>, what: &str, act: impl Fn(Element) -> F) -> T
    where
        F: Future<Output = Result<T, CmdError>>,
    {
        let give_up_at = Instant::now() + WAIT_MAX;
        loop {
            let done = match self.client.find(locator).await {
                Ok(element) => act(element).await,
                Err(error) => Err(error),
            };
            match done {
                Ok(value) => return value,
                Err(error) if is_passing(&error) && Instant::now() < give_up_at => {}
                Err(error) => self.fail(what, &error.to_string()).await,
            }
            sleep(PAUSE).await;
        }
    }

    /// What tells the open document from every other; `None` while one is being left.
    async fn document(&self) -> Option<Value> {
        let state = self.client.execute(DOCUMENT, Vec::new()).await.ok()?;
        (state[1] == "complete").then(|| state[0].clone())
    }

    async fn wait_for_another(&self, document: &Value, what: &str) {
        let give_up_at = Instant::now() + WAIT_MAX;
        while self.document().await.is_none_or(|open| open == *document) {
            if Instant::now() > give_up_at {
                self.fail(what, "no other document is loaded").await;
            }
            sleep(PAUSE).await;
        }
    }

    /// Fails with what the page says.
    async fn fail(&self, what: &str, why: &str) -> ! {
        let text = self.script("return document.title + ': ' + document.body.innerText").await;
        panic!("{what:?}: {why}\n{}", text.as_str().unwrap_or_default());
    }

    /// Gives the browser an authenticator that keeps passkeys and verifies whoever uses it
    /// (`WebAuthn` level 3, 11.2).
    pub async fn add_authenticator(&self) {
        let body = json!({
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": true,
            "hasUserVerification": true,
            "isUserConsenting": true,
            "isUserVerified": true,
        });
        let add = Extension { path: "webauthn/authenticator", body };
        self.client.issue_cmd(add).await.unwrap();
    }

    /// Runs a script in each page from the next on, before those of the page: as an extension of
    /// the browser does.
    pub async fn before_each_page(&self, script: &str) {
        let params = json!({ "source": script });
        self.devtools("Page.addScriptToEvaluateOnNewDocument", params).await;
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Fails if the browser has complained since the last look: of a script, a file that does not
    /// load, or of what the content security policy has kept back.
    pub async fn check_console(&self) {
        let log = Extension { path: "se/log", body: json!({ "type": "browser" }) };
        let log = self.client.issue_cmd(log).await.unwrap();
        let entries = log.as_array().into_iter().flatten();
        // A recommendation is none: the page of a mail's link cannot name whose password it sets.
        // Our pages name their icon; one of another site's may have none.
        let is_of_icon = |entry: &&Value| {
            entry["message"].as_str().is_some_and(|text| text.contains("/favicon.ico - "))
        };
        let complaints: Vec<_> = entries
            .filter(|entry| entry["source"] != "recommendation")
            .filter(|entry| !is_of_icon(entry))
            .collect();
        assert!(complaints.is_empty(), "{complaints:#?}");
    }

    /// Forgets what the browser has complained of: the caller has made it complain.
    pub async fn clear_console(&self) {
        let log = Extension { path: "se/log", body: json!({ "type": "browser" }) };
        self.client.issue_cmd(log).await.unwrap();
    }

    /// Runs a command of the Chrome DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        let command = Extension { path: "goog/cdp/execute", body };
        self.client.issue_cmd(command).await.unwrap()
    }

    /// Fails if something that can be used has no name for those who do not see it.
    pub async fn check_names(&self) {
        const USED: [&str; 7] =
            ["button", "link", "textbox", "radio", "checkbox", "combobox", "dialog"];
        let tree = self.devtools("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let used = nodes
            .filter(|node| node["ignored"] == false)
            .filter(|node| node["role"]["value"].as_str().is_some_and(|role| USED.contains(&role)));
        let nameless: Vec<_> =
            used.filter(|node| node["name"]["value"].as_str().unwrap_or("").is_empty()).collect();
        assert!(nameless.is_empty(), "{}: {nameless:#?}", self.path().await);
    }
}

/// Whether something that failed may work soon: the element is not there yet, not there any more,
/// or behind something else, or another document has begun to load.
fn is_passing(error: &CmdError) -> bool {
    match error {
        CmdError::Standard(error) => matches!(
            error.error,
            ErrorStatus::NoSuchElement
                | ErrorStatus::StaleElementReference
                | ErrorStatus::ElementClickIntercepted
                | ErrorStatus::ElementNotInteractable
        ),
        CmdError::NotW3C(said) => said == ABORTED,
        _ => false,
    }
}
