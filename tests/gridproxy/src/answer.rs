//! What the server answers to a request, without any connection: paths, bodies and statuses.

use crate::documents::Collection;
use crate::grid::{Entry, Grid};
use crate::listings;
use crate::query::Params;
use crate::select::Listing;
use crate::wire;

/// An answer, before a fault spoils it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// The text of `/`: the server prints its own list of routes.
const WELCOME: &str = "\"Welcome to threefold grid proxy server, available endpoints [/farms] \
    [/stats] [/twins] [/twins/{twin_id:[0-9]+}/consumption] [/nodes] [/nodes/{node_id:[0-9]+}] \
    [/nodes/{node_id:[0-9]+}/status] [/nodes/{node_id:[0-9]+}/statistics] \
    [/nodes/{node_id:[0-9]+}/gpu] [/gateways] [/gateways/{node_id:[0-9]+}] \
    [/gateways/{node_id:[0-9]+}/status] [/contracts] [/contracts/{contract_id:[0-9]+}] \
    [/contracts/{contract_id:[0-9]+}/bills] [/public_ips] [/] [/ping] [/version] [/health] \
    [/swagger/] \"";

/// The answer of `/health` as it was recorded; the times do not move.
const HEALTH: &str = concat!(
    r#"{"total_state_ok":false,"db_conn":"ok","rmb_conn":"ok","indexers":{"gpu":{"updated_at":0},"#,
    r#""health":{"updated_at":1795367747},"dmi":{"updated_at":1795367746},"#,
    r#""speed":{"updated_at":1795367746},"ipv6":{"updated_at":1795367747},"#,
    r#""workloads":{"updated_at":1795367747},"features":{"updated_at":1795367747}}}"#,
);

enum Route<'path> {
    Text(&'static str),
    List(&'static Listing),
    Node(&'path str),
    Gateway(&'path str),
    NodeStatus(&'path str),
    /// What only the node itself knows: its name in an error, and the message to ask for it.
    AskNode(&'path str, &'static str, &'static str),
    Contract(&'path str),
    /// A route of the real server that nothing here needs yet.
    NotStoodInFor,
}

fn route(path: &str) -> Option<Route<'_>> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let route = match segments.as_slice() {
        [""] => Route::Text(WELCOME),
        ["ping"] => Route::Text(r#"{"ping":"pong"}"#),
        ["version"] => Route::Text(r#"{"version":"local-test"}"#),
        ["health"] => Route::Text(HEALTH),
        ["nodes" | "gateways"] => Route::List(&listings::NODES),
        ["farms"] => Route::List(&listings::FARMS),
        ["twins"] => Route::List(&listings::TWINS),
        ["contracts"] => Route::List(&listings::CONTRACTS),
        ["nodes", id] if is_number(id) => Route::Node(id),
        ["gateways", id] if is_number(id) => Route::Gateway(id),
        ["nodes" | "gateways", id, "status"] if is_number(id) => Route::NodeStatus(id),
        ["nodes", id, "statistics"] if is_number(id) => {
            Route::AskNode(id, "statistics", "zos.statistics.get")
        }
        ["nodes", id, "gpu"] if is_number(id) => {
            Route::AskNode(id, "GPU information", "zos.gpu.list")
        }
        ["contracts", id] if is_number(id) => Route::Contract(id),
        ["stats" | "public_ips"] => Route::NotStoodInFor,
        ["contracts", id, "bills"] | ["twins", id, "consumption"] if is_number(id) => {
            Route::NotStoodInFor
        }
        _ => return None,
    };
    Some(route)
}

/// The answer to a request. The server looks at the method only where it redirects.
pub(crate) fn answer(grid: &Grid, method: &str, target: &str) -> Answer {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match route(path) {
        Some(Route::Text(text)) => Answer::json(200, text),
        Some(Route::List(listing)) => list(grid, listing, query),
        Some(Route::Node(id)) => match node(grid, id) {
            Ok(node) => Answer::json(200, node.single_text()),
            Err(answer) => answer,
        },
        Some(Route::Gateway(id)) => match node(grid, id) {
            Ok(node) if node.value["publicConfig"]["domain"].as_str().unwrap_or("").is_empty() => {
                Answer::error(404, "gateway not found")
            }
            Ok(node) => Answer::json(200, node.single_text()),
            Err(answer) => answer,
        },
        Some(Route::NodeStatus(id)) => match node(grid, id) {
            Ok(node) => {
                Answer::json(200, &format!(r#"{{"status":{}}}"#, wire::quoted(node.text("status"))))
            }
            // The real server's own choice of status.
            Err(_) => Answer::error(500, "node not found"),
        },
        Some(Route::AskNode(id, what, message)) => ask_node(grid, id, what, message),
        Some(Route::Contract(id)) => {
            match number(id).and_then(|id| grid.get(Collection::Contracts, id)) {
                Some(contract) => Answer::json(200, contract.list_text()),
                None => Answer::error(500, "contract not found"),
            }
        }
        Some(Route::NotStoodInFor) => {
            Answer::error(501, "the stand-in does not answer this route of the real server")
        }
        None => match path.strip_suffix('/') {
            Some(shorter) if route(shorter).is_some() => redirect(method, shorter, query),
            _ => not_found(),
        },
    }
}

fn list(grid: &Grid, listing: &Listing, query: &str) -> Answer {
    let (entries, limit) = match listing.select(grid, &Params::parse(query)) {
        Ok(selected) => selected,
        Err(error) => return Answer::error(error.status(), &error.to_string()),
    };
    let size = usize::try_from(limit.size).unwrap_or(usize::MAX);
    let page = entries.iter().skip(limit.offset()).take(size);
    let texts: Vec<&str> = page.map(|entry| entry.list_text()).collect();
    let mut answer = Answer::json(200, &format!("[{}]", texts.join(",")));
    if limit.ret_count {
        let count = entries.len() as u64;
        answer.headers.extend([
            ("Count", count.to_string()),
            ("Pages", limit.pages(count)),
            ("Size", limit.size.to_string()),
        ]);
    }
    answer
}

fn node<'grid>(grid: &'grid Grid, id: &str) -> Result<&'grid Entry, Answer> {
    let Some(id) = number(id) else {
        let why = format!("invalid node id {}: strconv.Atoi: parsing \"{id}\"", i64::MAX);
        return Err(Answer::error(502, &format!("{why}: value out of range: bad gateway")));
    };
    grid.get(Collection::Nodes, id).ok_or_else(|| Answer::error(404, "node not found"))
}

/// No node can be asked here, as none could be when the answers were recorded.
fn ask_node(grid: &Grid, id: &str, what: &str, message: &str) -> Answer {
    let node = match node(grid, id) {
        Ok(node) => node,
        Err(answer) => return answer,
    };
    let status = node.text("status");
    if status == "down" || status == "standby" {
        let id = &node.value["nodeId"];
        let why = format!("cannot fetch {what} from node {id} with status: {status}");
        return Answer::error(500, &why);
    }
    let twin = &node.value["twinId"];
    let why = format!("failed to get get node {what} from relay: no relay here");
    Answer::error(500, &format!("{why} (twin {twin}, {message})"))
}

fn redirect(method: &str, path: &str, query: &str) -> Answer {
    let location = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut answer = Answer { status: 301, headers: Vec::new(), body: Vec::new() };
    if method == "GET" || method == "HEAD" {
        let shown = location.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let shown = shown.replace('"', "&#34;").replace('\'', "&#39;");
        answer.headers.push(("Content-Type", "text/html; charset=utf-8".to_owned()));
        answer.body = format!("<a href=\"{shown}\">Moved Permanently</a>.\n\n").into_bytes();
    }
    answer.headers.push(("Location", location));
    answer
}

fn not_found() -> Answer {
    let headers = vec![
        ("Content-Type", "text/plain; charset=utf-8".to_owned()),
        ("X-Content-Type-Options", "nosniff".to_owned()),
    ];
    Answer { status: 404, headers, body: b"404 page not found\n".to_vec() }
}

impl Answer {
    /// A JSON answer: the encoder of the server ends every body with a line break.
    pub(crate) fn json(status: u16, text: &str) -> Answer {
        let headers = vec![
            ("Access-Control-Allow-Origin", "*".to_owned()),
            ("Access-Control-Expose-Headers", "*".to_owned()),
            ("Content-Type", "application/json".to_owned()),
        ];
        Answer { status, headers, body: format!("{text}\n").into_bytes() }
    }

    pub(crate) fn html(status: u16, text: &str) -> Answer {
        let headers = vec![("Content-Type", "text/html; charset=utf-8".to_owned())];
        Answer { status, headers, body: text.as_bytes().to_vec() }
    }

    pub(crate) fn error(status: u16, text: &str) -> Answer {
        Answer::json(status, &format!(r#"{{"error":{}}}"#, wire::quoted(text)))
    }
}

fn is_number(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit())
}

/// The server reads 64 bits and looks at the lower 32.
fn number(digits: &str) -> Option<u64> {
    digits.parse::<i64>().ok().map(|number| number.cast_unsigned() & u64::from(u32::MAX))
}
