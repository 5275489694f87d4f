//! A market that sends mail: its mail transports, its outbox, and the mailer.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use accounts::mails::password_changed;
use domain::account::Email;
use domain::id::MailId;
use gridproxy::{Documents, Standin};
use mail::Mail;
use seal::Keys;
use serde_json::Value;
use stage::SeededRandom;
use store::RusqliteDb;
use store::mails::{self, NewMail, Retry};
use tokio::net::TcpSocket;

use crate::answer::Answer;
use crate::market::{ENCRYPTION_KEYS, Market};
use crate::postmark::Postmark;

/// Whom the tests' mail comes from.
const FROM: &str = "Mycelium <no-reply@mycelium.example>";
/// How long the mailer waits for each step of an answer, so that a test need not wait long.
const OUTBOUND_WAIT: Duration = Duration::from_millis(300);

impl Market {
    /// An empty market that sends mail by Postmark's API, with some variables changed.
    pub async fn start_with_postmark(postmark: &Postmark, changes: &[(&str, &str)]) -> Market {
        let url = postmark.url();
        let mut variables = vec![
            ("mail_transport", "postmark"),
            ("mail_url", &url),
            ("mail_token", Postmark::TOKEN),
            ("mail_from", FROM),
            ("public_url", "https://mycelium.example"),
        ];
        variables.extend(changes);
        let grid = Standin::start(Documents::default()).await.unwrap();
        Market::start_as(grid, variables, |options| options.limits.outbound_wait = OUTBOUND_WAIT)
            .await
    }

    /// An empty market that sends mail to a folder, as in development.
    pub async fn start_with_folder() -> Market {
        Market::start_with_folder_and(&[]).await
    }

    /// An empty market that sends mail to a folder, with some variables more.
    pub async fn start_with_folder_and(more: &[(&str, &str)]) -> Market {
        // The mailer has to know where the host will listen. This socket never does, but keeps the
        // port away from other programs until the host has it.
        let placeholder = TcpSocket::new_v4().unwrap();
        placeholder.set_reuseaddr(true).unwrap();
        placeholder.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = placeholder.local_addr().unwrap();
        let (mail_url, public_url) =
            (format!("http://{address}/dev/mail"), format!("http://{address}"));
        let variables = [
            ("mail_transport", "folder"),
            ("mail_url", &mail_url),
            ("mail_from", FROM),
            ("public_url", &public_url),
        ];
        let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
        let grid_url = grid.url();
        let variables = variables.into_iter().chain([("gridproxy_urls", grid_url.as_str())]);
        let variables = variables.chain(more.iter().copied());
        Market::start_as(grid, variables, |options| {
            options.listen = address;
            options.dev_mail = Some(options.data.join("mail"));
        })
        .await
    }

    /// The folder of mail in development.
    pub fn mail_folder(&self) -> PathBuf {
        self.data().join("mail")
    }

    /// What the host shows of that folder: the list, or the message of this name.
    pub async fn dev_mail(&self, name: Option<&str>) -> Answer {
        let target = name.map_or("/dev/mail".to_owned(), |name| format!("/dev/mail/{name}"));
        self.ask_host(&target).await
    }

    /// The mails to an address in the order in which they were sent.
    pub fn mails_to(&self, address: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.mail_folder()) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort_unstable();
        let mails = paths.iter().map(|path| std::fs::read_to_string(path).unwrap());
        let recipient = format!("To: <{address}>");
        mails.filter(|mail| mail.lines().any(|line| line == recipient)).collect()
    }

    /// Whether a mail to an address says this.
    pub fn was_told(&self, address: &str, words: &str) -> bool {
        self.mails_to(address).iter().any(|mail| mail.contains(words))
    }

    /// Sends what waits; answers the code in a mail to an address that was sent now, if one has
    /// one.
    pub async fn code_mailed_to(&self, address: &str) -> Option<String> {
        let before = self.mails_to(address).len();
        self.run_mailer().await.unwrap();
        let mails = self.mails_to(address);
        let codes = mails[before..].iter().filter_map(|mail| mail.split_once("?code="));
        let code = codes.map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default()).next();
        code.map(str::to_owned)
    }

    /// Whether a text is anywhere in what the database has on disk.
    pub fn database_contains(&self, text: &str) -> bool {
        let bytes = self.database_bytes();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Every row of every table, as text; bytes in hexadecimal.
    pub fn dump(&self) -> String {
        let db = self.open_database();
        let rows = |sql: &str| -> Vec<String> {
            let mut statement = db.connection().prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let tables = rows(
            "SELECT printf('SELECT %Q || %s FROM %s', t.name || ' ', (
                        SELECT group_concat(printf('quote(%s)', c.name), ' || char(32) || ')
                          FROM pragma_table_info(t.name) c), t.name)
               FROM sqlite_schema t WHERE t.type = 'table'",
        );
        tables.iter().flat_map(|sql| rows(sql)).collect::<Vec<_>>().join("\n")
    }

    /// A connection of the test's own to the database.
    pub fn open_database(&self) -> RusqliteDb {
        RusqliteDb::open(&self.database()).unwrap()
    }

    /// Puts a mail into the outbox, as a component does.
    pub fn put_mail(&self, mail: &Mail) -> MailId {
        static MAILS: AtomicU64 = AtomicU64::new(0);
        let random = SeededRandom::new(MAILS.fetch_add(1, Ordering::Relaxed));
        let keys = Keys::parse(ENCRYPTION_KEYS).unwrap();
        let ready = mail::seal_new(&keys, mail, &random, self.now()).unwrap();
        let new = NewMail { id: ready.id, account: None, kind: &ready.kind, sealed: &ready.sealed };
        mails::enqueue(&self.open_database(), &new, self.now()).unwrap();
        ready.id
    }

    /// Puts a mail that has failed into the outbox, in which nothing else is due.
    pub fn put_failed_mail(&self, to: &str) -> MailId {
        let id = self.put_mail(&password_changed(&Email::parse(to).unwrap(), 0, 0));
        let db = self.open_database();
        let claimed = mails::claim(&db, self.now()).unwrap().unwrap();
        assert_eq!(claimed.id, id);
        mails::failed_attempt(&db, &claimed, "a test", Retry::No, self.now()).unwrap();
        id
    }

    /// Runs the mailer now; the error is what it says of its failure.
    pub async fn run_mailer(&self) -> Result<(), String> {
        self.fire("mailer").await
    }

    /// The outbox, as the operator sees it.
    pub async fn mails(&self) -> Value {
        self.operator().get("/api/admin/mails").await.ok(200)
    }

    /// Every byte that the database has on disk.
    pub fn database_bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.data()).unwrap().map(|entry| entry.unwrap().path());
        let own = files.filter(|path| {
            path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("mycelium.db"))
        });
        own.flat_map(|path| std::fs::read(path).unwrap()).collect()
    }
}
