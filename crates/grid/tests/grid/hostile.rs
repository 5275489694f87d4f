//! Answers of a server that is broken, lies, or is not the one that was asked: each in whole, as it
//! comes, with what must become of it.

use std::fmt::Write as _;

use domain::id::NodeId;
use domain::node::{Refusal, capacity};
use domain::time::Timestamp;
use grid::{PAGE_BYTES_MAX, Page, find_farm, parse_nodes};

/// A node with 32 vCPUs, 128 GiB of memory and 2,000 GiB of SSD storage, in the list form.
fn node(id: &str, cru: &str, used_cru: &str, updated_at: &str) -> String {
    format!(
        "{{\"nodeId\":{id},\"farmId\":1,\"status\":\"up\",\"healthy\":true,\
         \"updatedAt\":{updated_at},\
         \"total_resources\":{{\"cru\":{cru},\"mru\":137438953472,\"sru\":2147483648000}},\
         \"used_resources\":{{\"cru\":{used_cru},\"mru\":0,\"sru\":0}}}}"
    )
}

fn good(id: u32) -> String {
    node(&id.to_string(), "32", "0", "1795367000")
}

fn list(items: &[String]) -> Page {
    parse_nodes(format!("[{}]", items.join(",")).as_bytes()).unwrap()
}

/// Nodes that can be used with their slices, and those that are set aside.
fn outcome(page: &Page) -> String {
    let mut text = String::new();
    for report in &page.nodes {
        write!(text, "{}: {} ", report.id.0, capacity(report).slices).unwrap();
    }
    for document in &page.refused {
        write!(text, "({:?} {}) ", document.node_id, document.reason).unwrap();
    }
    text.trim_end().to_owned()
}

#[test]
fn what_is_no_answer_is_an_error_and_no_empty_list() {
    let whole = format!("[{}]", good(32));
    let half = &whole[..whole.len() / 2];
    let bomb = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 2, 3, 0xed, 0xc1, 1, 1, 0, 0, 0, 0x80, 0x90];
    let bodies: [&[u8]; 10] = [
        b"",
        b" ",
        half.as_bytes(),
        b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
        b"{\"error\":\"too many requests\"}",
        b"null",
        b"[[]",
        b"[]]",
        &bomb,
        b"\xff\xfe[\x00]\x00",
    ];
    for body in bodies {
        let shown = String::from_utf8_lossy(body);
        assert!(parse_nodes(body).is_err(), "{shown:.40}");
        assert!(find_farm(body, 1).is_err(), "{shown:.40}");
    }
    assert!(parse_nodes(half.as_bytes()).is_err());
    let huge = vec![b' '; PAGE_BYTES_MAX + 1];
    assert_eq!(
        parse_nodes(&huge).unwrap_err().to_string(),
        format!("it is longer than {PAGE_BYTES_MAX} bytes")
    );
    // Nesting without end is read to a bound, and not until the stack is over.
    let deep = "[".repeat(1_000_000);
    assert!(parse_nodes(deep.as_bytes()).is_err());
    assert!(parse_nodes(format!("[{}]", "{\"a\":".repeat(100_000)).as_bytes()).is_err());
}

#[test]
fn a_node_that_is_listed_twice_counts_once() {
    // The same, another, and what cannot be used: the first one counts.
    let other = node("32", "2", "0", "1795367000");
    let broken = node("32", "-2", "0", "1795367000");
    let page = list(&[good(32), good(32), other.clone(), broken, good(33)]);
    assert_eq!(
        outcome(&page),
        "32: 10 33: 10 (Some(32) node 32 is in the list twice) \
         (Some(32) node 32 is in the list twice) \
         (Some(32) total_resources.cru is -2, which makes no sense)"
    );
    assert_eq!(list(&[other, good(32)]).nodes[0].total.cpu_cores, 2);
    // A key that is there twice in one document is refused with it.
    let twice = good(32).replacen('{', "{\"nodeId\":33,", 1);
    let page = list(&[twice, good(34)]);
    assert_eq!((page.nodes.len(), page.refused.len()), (1, 1));
}

#[test]
fn capacity_is_never_more_than_sense_allows() {
    let total = |cru: &str| outcome(&list(&[node("32", cru, "0", "1"), good(33)]));
    let refused =
        |cru: &str| format!("33: 10 (Some(32) total_resources.cru is {cru}, which makes no sense)");
    for cru in [
        "-1",
        "-9223372036854775808",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "4097",
        "1e400",
        "-1e400",
        "0.5",
        "\"32\"",
        "[32]",
        "true",
    ] {
        assert_eq!(total(cru), refused(cru), "{cru}");
    }
    assert_eq!(total("null"), "33: 10 (Some(32) total_resources.cru is missing)");
    assert_eq!(total("0"), "32: 0 33: 10");
    // What JSON has no word for makes the list none.
    for cru in ["NaN", "Infinity", "-Infinity", "0x20", "1_000", "+1", "undefined"] {
        let body = format!("[{},{}]", node("32", cru, "0", "1"), good(33));
        assert!(parse_nodes(body.as_bytes()).is_err(), "{cru}");
    }
    let used = |cru: &str| outcome(&list(&[node("32", "32", cru, "1")]));
    for cru in ["18446744073709551615", "9223372036854775807", "1e300", "33"] {
        assert_eq!(used(cru), "32: 0", "{cru}");
    }
    for cru in ["-1", "-18446744073709551615", "-1e300"] {
        let why = format!("(Some(32) used_resources.cru is {cru}, which makes no sense)");
        assert_eq!(used(cru), why);
    }
    // Less than nothing is free, and no slice of it.
    let page = list(&[node("32", "24", "52", "1")]);
    assert_eq!(capacity(&page.nodes[0]).refusal, Some(Refusal::Cpu));
}

#[test]
fn ids_are_what_they_are() {
    for id in ["0", "-1", "4294967296", "18446744073709551616", "1.5", "\"32\"", "null", "[32]"] {
        let page = list(&[node(id, "32", "0", "1"), good(33)]);
        assert_eq!((page.nodes.len(), page.refused.len()), (1, 1), "{id}");
        assert_eq!(page.refused[0].node_id, None, "{id}");
    }
    assert_eq!(list(&[good(u32::MAX)]).nodes[0].id, NodeId(u32::MAX));
    // A number that the grid gave to another machine says so by its farm.
    let reused = good(32).replace("\"farmId\":1", "\"farmId\":77");
    assert_eq!(list(&[reused]).nodes[0].farm_id, 77);
}

#[test]
fn clocks_go_wrong() {
    let reported = |updated_at: &str| {
        list(&[node("32", "32", "0", updated_at)]).nodes[0].reported_at.seconds()
    };
    let last = Timestamp::from_seconds(i64::MAX).seconds();
    assert_eq!(reported("-5"), 0);
    assert_eq!(reported("9223372036854775807"), last);
    // What is no instant is not known.
    for unknown in ["18446744073709551616", "1e300", "\"now\"", "null", "{}"] {
        assert_eq!(reported(unknown), 0, "{unknown}");
    }
}

/// Whoever asks for nodes never follows what an answer says about where to go on, so no answer can
/// lead in circles: what was not asked for is only noticed.
#[test]
fn an_answer_to_another_question_is_doubtful() {
    let asked: Vec<NodeId> = (100..110).map(NodeId).collect();
    let other = list(&[good(1), good(2), good(3)]);
    assert!(other.is_suspiciously_empty(&asked));
    assert!(list(&[]).is_suspiciously_empty(&asked));
    assert!(!list(&[good(1), good(104)]).is_suspiciously_empty(&asked));
    assert!(!list(&[]).is_suspiciously_empty(&asked[..1]));
}
