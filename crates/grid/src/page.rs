//! A list of nodes, in which each document stands for itself.

use alloc::collections::BTreeSet;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::fmt;

use domain::id::NodeId;
use domain::node::NodeReport;
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::document;
use crate::error::DocumentError;
use crate::text;

/// The most bytes of a list. Six thousand recorded nodes have half of that.
pub const PAGE_BYTES_MAX: usize = 16 << 20;

/// The most documents of a list.
pub const NODES_PER_PAGE_MAX: usize = 10_000;

/// The most characters of a refused document that are kept.
const EXCERPT_CHARS_MAX: usize = 200;

/// What a list held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The nodes that can be used, each once, in the order of the list.
    pub nodes: Vec<NodeReport>,
    /// The documents that cannot be used.
    pub refused: Vec<Refused>,
}

/// From how many nodes on an answer that has none of them is doubtful: one that has lost its
/// database, or does not understand what it was asked for.
const EMPTY_PAGE_NODES_MIN: usize = 5;

impl Page {
    /// Whether it has no document of any of the nodes that were asked for, where that is odd.
    pub fn is_suspiciously_empty(&self, asked: &[NodeId]) -> bool {
        let has = |node: &NodeId| {
            self.nodes.iter().any(|report| report.id == *node)
                || self.refused.iter().any(|document| document.node_id == Some(node.0))
        };
        asked.len() >= EMPTY_PAGE_NODES_MIN && !asked.iter().any(has)
    }
}

/// A document that cannot be used, set aside for the operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The node's number, if that much could be read.
    pub node_id: Option<u32>,
    /// What is wrong, in words.
    pub reason: String,
    /// The beginning of the document.
    pub excerpt: String,
}

/// Reads a list of nodes in either form: the body of `/nodes`.
///
/// A document that cannot be used is set aside; only what is no list at all is an error.
pub fn parse_nodes(body: &[u8]) -> Result<Page, DocumentError> {
    if body.len() > PAGE_BYTES_MAX {
        return Err(DocumentError::TooLong(PAGE_BYTES_MAX));
    }
    // Bytes that are no text spoil the document that they are in, and not the list.
    let json = String::from_utf8_lossy(body);
    let Items(items) =
        serde_json::from_str(&json).map_err(|error| DocumentError::unreadable(&error))?;
    let mut page = Page::default();
    let mut seen = BTreeSet::new();
    for item in items {
        let report = document::report(item.get()).and_then(|report| {
            let is_new = seen.insert(report.id);
            if is_new { Ok(report) } else { Err(DocumentError::Twice(report.id.0)) }
        });
        match report {
            Ok(report) => page.nodes.push(report),
            Err(error) => page.refused.push(refused(item.get(), &error)),
        }
    }
    Ok(page)
}

fn refused(json: &str, error: &DocumentError) -> Refused {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Numbered<'a> {
        #[serde(borrow)]
        node_id: Option<&'a RawValue>,
    }
    let numbered = serde_json::from_str::<Numbered<'_>>(json).ok();
    Refused {
        node_id: numbered.and_then(|it| document::node_id(it.node_id).ok()).map(|id| id.0),
        reason: error.to_string(),
        excerpt: text::clean(json, EXCERPT_CHARS_MAX),
    }
}

/// The documents of a list, not yet looked into, and no more of them than we take.
struct Items<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Items<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Items<'de>, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = Items<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of nodes")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element()? {
                    if items.len() == NODES_PER_PAGE_MAX {
                        return Err(A::Error::custom("there are too many nodes"));
                    }
                    items.push(item);
                }
                Ok(Items(items))
            }
        }

        deserializer.deserialize_seq(List)
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    const GOOD: &str = r#"{"nodeId":7,"status":"up","total_resources":{"cru":8,"mru":9,"sru":9},
        "used_resources":{"cru":1,"mru":1,"sru":1}}"#;

    #[track_caller]
    fn check(second: &str, node_id: Option<u32>, reason: &str) {
        let other = GOOD.replace('7', "9");
        let page = parse_nodes(format!("[{GOOD},{second},{other}]").as_bytes()).unwrap();
        assert_eq!(page.nodes.iter().map(|node| node.id.0).collect::<Vec<_>>(), [7, 9]);
        assert_eq!(page.refused.len(), 1);
        assert_eq!((page.refused[0].node_id, page.refused[0].reason.as_str()), (node_id, reason));
        assert!(page.refused[0].excerpt.chars().count() <= EXCERPT_CHARS_MAX);
    }

    #[test]
    fn one_bad_document_is_set_aside() {
        check("{\"nodeId\":8}", Some(8), "status is missing");
        check("{\"nodeId\":-8}", None, "nodeId is -8, which makes no sense");
        check("{}", None, "nodeId is missing");
        check(GOOD, Some(7), "node 7 is in the list twice");
        let long =
            format!("{{\"nodeId\":8,\"city\":\"{}\"}}", "x".repeat(document::NODE_BYTES_MAX));
        check(&long, Some(8), "it is longer than 65536 bytes");
        let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
        let reason = format!("status is {}, which makes no sense", "[".repeat(120));
        check(&format!("{{\"nodeId\":8,\"status\":{deep}}}"), Some(8), &reason);
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let error = |body: &[u8]| parse_nodes(body).unwrap_err().to_string();
        assert!(error(b"{\"error\":\"x\"}").contains("expected a list of nodes"));
        assert!(error(b"[{},").starts_with("it cannot be read: EOF"));
        assert!(error(b"").starts_with("it cannot be read: EOF"));
        let many = format!("[{}1]", "1,".repeat(NODES_PER_PAGE_MAX));
        assert!(error(many.as_bytes()).contains("there are too many nodes"));
    }

    #[test]
    fn an_answer_to_another_question_is_noticed() {
        let ids = |range: core::ops::RangeInclusive<u32>| range.map(NodeId).collect::<Vec<_>>();
        let page = |body: &str| parse_nodes(body.as_bytes()).unwrap();
        assert!(page("[]").is_suspiciously_empty(&ids(1..=5)));
        assert!(!page("[]").is_suspiciously_empty(&ids(1..=4)));
        assert!(!page(&format!("[{GOOD}]")).is_suspiciously_empty(&ids(1..=7)));
        assert!(page(&format!("[{GOOD}]")).is_suspiciously_empty(&ids(8..=100)));
        assert!(!page("[{\"nodeId\":7}]").is_suspiciously_empty(&ids(1..=7)));
    }

    #[test]
    fn bytes_that_are_no_text_spoil_nothing_else() {
        let mut body = format!("[{GOOD},").into_bytes();
        body.extend(b"{\"nodeId\":8,\"status\":\"\xff\xfe\"}]");
        let page = parse_nodes(&body).unwrap();
        assert_eq!((page.nodes.len(), page.refused.len()), (1, 1));
    }
}
