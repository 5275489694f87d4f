//! Walks through all that can be read, as everybody: nothing may change by it, and every answer
//! must be one that a browser is safe with.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::answer::Answer;
use crate::client::{self, Call};
use crate::safe::{self, Form};
use crate::snapshot::Snapshot;

/// The most addresses that are tried as one role: far more than the app has.
const ADDRESSES_MAX: usize = 2_000;

/// The most different queries that are followed for one path: pages and filters of lists.
const QUERIES_MAX: usize = 12;

/// Ids of nothing and nobody, well formed and not.
const ODD_IDS: [&str; 6] = [
    "node4294967295",
    "01936f2c-0000-7000-8000-000000000000",
    "nobody",
    "%00",
    "%F0%9F%8D%84%27--",
    "..%2f..%2fspin.toml",
];

/// Somebody who walks through the app.
#[derive(Clone, Debug, Deserialize)]
pub struct Role {
    /// What the report calls them.
    pub name: String,
    /// The header that shows who they are, such as `cookie`, and its value; `None` for a visitor.
    pub credential: Option<(String, String)>,
}

/// An app to walk through.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its database.
    pub database: PathBuf,
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Walk {
    /// How many requests were sent.
    pub requests: usize,
    /// How many different addresses there are.
    pub addresses: usize,
    /// All that is wrong.
    pub findings: BTreeSet<String>,
    /// Every form that a page has.
    pub forms: BTreeSet<FoundForm>,
}

/// A form, on which page, and for whom.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct FoundForm {
    /// The name of the role.
    pub role: String,
    /// The page that has it.
    pub page: String,
    /// The form.
    #[serde(flatten)]
    pub form: Form,
}

/// Follows every link of every page, and asks every operation that reads for every id there is, as
/// each role; then everybody asks for what the others have found.
pub async fn crawl(site: &Site, roles: &[Role]) -> Walk {
    let before = Snapshot::of(&site.database);
    let mut crawler = Crawler { site, walk: Walk::default(), found: BTreeSet::new() };
    let document = crawler.ask(&roles[0], Method::GET, "/api/openapi.json").await.json();
    let mut own = BTreeMap::new();
    for role in roles {
        own.insert(role.name.clone(), crawler.follow_links(role).await);
    }
    let ids = crawler.ids(&document, roles).await;
    let mut all: BTreeSet<_> = own.values().flatten().cloned().collect();
    all.extend(reads(&document).flat_map(|path| addresses(&path, &ids)));
    let pages = ["/dashboard/slices/{id}", "/dashboard/farm/nodes/{id}", "/static/{id}"];
    all.extend(pages.iter().flat_map(|path| addresses(path, &ids)));
    for role in roles {
        for address in &all {
            let answer = crawler.ask(role, Method::GET, address).await;
            let head = crawler.ask(role, Method::HEAD, address).await;
            if head.status != answer.status {
                let statuses = format!("GET {}, HEAD {}", answer.status, head.status);
                crawler.find(role, address, &statuses);
            }
        }
    }
    let changes = before.changes(&Snapshot::of(&site.database));
    let changes =
        changes.iter().map(|change| format!("reading has changed the database: {change}"));
    let mut walk = crawler.walk;
    walk.findings.extend(changes);
    walk.addresses = all.len();
    walk
}

struct Crawler<'a> {
    site: &'a Site,
    walk: Walk,
    /// Everything that looks like an id in what was read.
    found: BTreeSet<String>,
}

impl Crawler<'_> {
    async fn ask(&mut self, role: &Role, method: Method, address: &str) -> Answer {
        let call = Call::new(method, address);
        let credential = role.credential.as_ref().map(|(name, text)| (name.as_str(), text.clone()));
        let answer = client::exchange(self.site.address, &call, credential.as_slice()).await;
        self.walk.requests += 1;
        for wrong in safe::check(&answer, role.credential.is_some(), address) {
            self.find(role, address, &wrong);
        }
        answer
    }

    fn find(&mut self, role: &Role, address: &str, wrong: &str) {
        self.walk.findings.insert(format!("{address} as {}: {wrong}", role.name));
    }

    /// Every address that links lead to from the start.
    async fn follow_links(&mut self, role: &Role) -> BTreeSet<String> {
        let mut known = BTreeSet::from(["/".to_owned()]);
        if self.ask(role, Method::GET, "/marketplace/compute").await.status == 401 {
            // The operator's token is nobody's account: there are no pages for it, but for those
            // that look nobody up.
            return known;
        }
        let mut queries = BTreeMap::<String, usize>::new();
        let mut waiting = vec!["/".to_owned()];
        while let Some(address) = waiting.pop() {
            let answer = self.ask(role, Method::GET, &address).await;
            // Some pages are for who signed in, and a token did not.
            let has_token = role
                .credential
                .as_ref()
                .is_some_and(|(name, _)| name.eq_ignore_ascii_case("authorization"));
            let is_for_people = answer.status == 403 && has_token;
            if answer.status >= 400 && !is_for_people {
                self.find(role, &address, &format!("a link leads to {}", answer.status));
            }
            for form in safe::forms(&html(&answer)) {
                let (role, page) = (role.name.clone(), address.clone());
                self.walk.forms.insert(FoundForm { role, page, form });
            }
            for link in links(&address, &answer) {
                let path = link.split('?').next().unwrap_or_default().to_owned();
                let count = queries.entry(path).or_default();
                let is_new = *count < QUERIES_MAX && !known.contains(&link);
                if is_new && known.len() < ADDRESSES_MAX {
                    *count += 1;
                    known.insert(link.clone());
                    waiting.push(link);
                }
            }
        }
        known
    }

    /// The ids of all that anybody is shown by the operations that list, and ids of nothing.
    async fn ids(&mut self, document: &Value, roles: &[Role]) -> Vec<String> {
        let lists: Vec<_> = reads(document).filter(|path| !path.contains('{')).collect();
        for role in roles {
            for path in &lists {
                let answer = self.ask(role, Method::GET, path).await;
                if answer.header("content-type") == Some("application/json") {
                    collect_ids(&answer.json(), &mut self.found);
                }
            }
        }
        let odd = ODD_IDS.into_iter().map(str::to_owned);
        self.found.iter().cloned().chain(odd).collect()
    }
}

/// The paths of the document that can be read.
fn reads(document: &Value) -> impl Iterator<Item = String> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.filter(|(_, methods)| methods.get("get").is_some()).map(|(path, _)| path.clone())
}

/// A path with each id in the place of its placeholders.
fn addresses(path: &str, ids: &[String]) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let after = rest.split_once('}').map_or("", |(_, after)| after);
    ids.iter().flat_map(|id| addresses(&format!("{before}{id}{after}"), ids)).collect()
}

/// The values of every member that is called `id` or ends so.
fn collect_ids(value: &Value, ids: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(id) if name == "id" || name.ends_with("_id") => {
                        ids.insert(id.clone());
                    }
                    other => collect_ids(other, ids),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_ids(item, ids)),
        _ => {}
    }
}

/// Where an answer leads on this site, as path and query.
fn links(address: &str, answer: &Answer) -> Vec<String> {
    let Ok(here) = Url::parse(&format!("http://here.invalid{address}")) else { return Vec::new() };
    let mut targets: Vec<String> =
        answer.header("location").map(str::to_owned).into_iter().collect();
    targets.extend(safe::targets(&html(answer)));
    let urls = targets.iter().filter_map(|target| here.join(target).ok());
    let ours = urls.filter(|url| url.origin() == here.origin());
    ours.map(|url| url[url::Position::BeforePath..url::Position::AfterQuery].to_owned()).collect()
}

/// The source of a page; nothing where the answer is none.
fn html(answer: &Answer) -> String {
    let is_page = answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html"));
    if is_page { answer.text() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_gets_every_id() {
        let ids = ["1".to_owned(), "2".to_owned()];
        assert_eq!(addresses("/a", &ids), ["/a"]);
        assert_eq!(
            addresses("/a/{b}/c/{d}", &ids),
            ["/a/1/c/1", "/a/1/c/2", "/a/2/c/1", "/a/2/c/2"]
        );
    }

    #[test]
    fn ids_are_found_wherever_they_are() {
        let mut ids = BTreeSet::new();
        let document = serde_json::json!({ "items": [{ "id": "a", "slice": { "node_id": "b" } }] });
        collect_ids(&document, &mut ids);
        assert_eq!(ids, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    }
}
