//! A node's document, in either form and from servers of any age, to what we know of the node.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use domain::id::NodeId;
use domain::node::{NodeReport, NodeStatus, Resources};
use domain::region;
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::DocumentError;
use crate::text;

/// The most bytes of one node's document. Recorded ones have up to 3,000.
pub const NODE_BYTES_MAX: usize = 64 << 10;

/// The most characters of a name: a farm, a country, a city.
const NAME_CHARS_MAX: usize = 80;

/// More vCPUs than any machine has; a document that says so is wrong.
const CPU_CORES_MAX: i64 = 4_096;
/// More memory than any machine has: 64 TiB.
const MEMORY_BYTES_MAX: i64 = 64 << 40;
/// More SSD storage than any machine has: 16 PiB.
const SSD_BYTES_MAX: i64 = 16 << 50;
/// A line faster than any is: 1 Tbit/s.
const SPEED_MBPS_MAX: f64 = 1_000_000.0;

/// What geolocation writes where it does not know a place.
const UNKNOWN_PLACE: &str = "Unknown";

/// A field as it stands in the document; absent and `null` are the same.
type Field<'a> = Option<&'a RawValue>;

/// The fields that we read, each to be understood or not by itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    #[serde(borrow)]
    node_id: Field<'a>,
    #[serde(borrow)]
    farm_id: Field<'a>,
    #[serde(borrow)]
    farm_name: Field<'a>,
    #[serde(borrow)]
    country: Field<'a>,
    #[serde(borrow)]
    city: Field<'a>,
    #[serde(borrow)]
    updated_at: Field<'a>,
    /// The list form.
    #[serde(borrow, rename = "total_resources")]
    total: Field<'a>,
    #[serde(borrow, rename = "used_resources")]
    used: Field<'a>,
    /// The single form.
    #[serde(borrow)]
    capacity: Field<'a>,
    #[serde(borrow)]
    status: Field<'a>,
    #[serde(borrow)]
    healthy: Field<'a>,
    #[serde(borrow)]
    certification_type: Field<'a>,
    #[serde(borrow)]
    dedicated: Field<'a>,
    #[serde(borrow)]
    in_dedicated_farm: Field<'a>,
    #[serde(borrow)]
    rented: Field<'a>,
    #[serde(borrow)]
    rented_by_twin_id: Field<'a>,
    #[serde(borrow)]
    rent_contract_id: Field<'a>,
    #[serde(borrow)]
    extra_fee: Field<'a>,
    #[serde(borrow)]
    features: Field<'a>,
    #[serde(borrow)]
    speed: Field<'a>,
}

/// What `capacity` holds in the single form.
#[derive(Default, Deserialize)]
struct Nested<'a> {
    #[serde(borrow, rename = "total_resources")]
    total: Field<'a>,
    #[serde(borrow, rename = "used_resources")]
    used: Field<'a>,
}

/// One group of resources; `hru`, hard disks, cannot hold a slice and is not read.
#[derive(Deserialize)]
struct Amounts<'a> {
    #[serde(borrow)]
    cru: Field<'a>,
    #[serde(borrow)]
    mru: Field<'a>,
    #[serde(borrow)]
    sru: Field<'a>,
}

/// Measured in bit/s; 0 where nothing was measured.
#[derive(Default, Deserialize)]
struct Speed<'a> {
    #[serde(borrow)]
    upload: Field<'a>,
    #[serde(borrow)]
    download: Field<'a>,
}

/// Reads a node's document in either form: the body of `/nodes/{id}`.
pub fn parse_node(body: &[u8]) -> Result<NodeReport, DocumentError> {
    if body.len() > NODE_BYTES_MAX {
        return Err(DocumentError::TooLong(NODE_BYTES_MAX));
    }
    report(&String::from_utf8_lossy(body))
}

/// Reads one document of either form.
pub(crate) fn report(json: &str) -> Result<NodeReport, DocumentError> {
    if json.len() > NODE_BYTES_MAX {
        return Err(DocumentError::TooLong(NODE_BYTES_MAX));
    }
    let document: Document<'_> =
        serde_json::from_str(json).map_err(|error| DocumentError::unreadable(&error))?;
    let nested: Nested<'_> = decisive(document.capacity, "capacity")?.unwrap_or_default();
    let speed: Speed<'_> = shown(document.speed).unwrap_or_default();
    Ok(NodeReport {
        id: node_id(document.node_id)?,
        farm_id: decisive(document.farm_id, "farmId")?.unwrap_or(0),
        farm_name: name(document.farm_name),
        country: country(document.country),
        city: place(document.city),
        status: status(document.status)?,
        healthy: decisive(document.healthy, "healthy")?,
        certified: name(document.certification_type) == "Certified",
        total: total(document.total.or(nested.total))?,
        used: used(document.used.or(nested.used))?,
        in_dedicated_farm: in_dedicated_farm(&document)?,
        extra_fee_musd: decisive(document.extra_fee, "extraFee")?.unwrap_or(0),
        rented_whole: rented_whole(&document)?,
        runs_machines: runs_machines(document.features)?,
        upload_mbps: mbps(speed.upload),
        download_mbps: mbps(speed.download),
        reported_at: Timestamp::from_seconds(shown(document.updated_at).unwrap_or(0)),
    })
}

/// A field that decides on slices: it may be missing, but not senseless.
fn decisive<'a, T: Deserialize<'a>>(
    field: Field<'a>,
    name: &'static str,
) -> Result<Option<T>, DocumentError> {
    let Some(json) = field else { return Ok(None) };
    let value = serde_json::from_str(json.get());
    value.map(Some).map_err(|_| DocumentError::wrong(name, json.get()))
}

/// A field that is only shown: where it makes no sense, it is not known.
fn shown<'a, T: Deserialize<'a>>(field: Field<'a>) -> Option<T> {
    serde_json::from_str(field?.get()).ok()
}

fn name(field: Field<'_>) -> String {
    text::clean(&shown::<String>(field).unwrap_or_default(), NAME_CHARS_MAX)
}

/// A country under its usual name, if it is known, so that all its nodes are found together.
fn country(field: Field<'_>) -> String {
    let name = place(field);
    region::country(&name).map(ToOwned::to_owned).unwrap_or(name)
}

fn place(field: Field<'_>) -> String {
    let name = name(field);
    if name == UNKNOWN_PLACE { String::new() } else { name }
}

/// The grid numbers nodes from 1.
pub(crate) fn node_id(field: Field<'_>) -> Result<NodeId, DocumentError> {
    let json = field.ok_or(DocumentError::Missing("nodeId"))?;
    match decisive(field, "nodeId")? {
        Some(id @ 1..) => Ok(NodeId(id)),
        _ => Err(DocumentError::wrong("nodeId", json.get())),
    }
}

fn status(field: Field<'_>) -> Result<NodeStatus, DocumentError> {
    let json = field.ok_or(DocumentError::Missing("status"))?;
    let word = shown::<String>(field);
    let status = word.and_then(|word| word.parse().ok());
    status.ok_or_else(|| DocumentError::wrong("status", json.get()))
}

/// What the node has. A total that no machine has would become slices that nobody can deliver.
fn total(field: Field<'_>) -> Result<Resources, DocumentError> {
    let amounts = amounts(field, "total_resources")?;
    Ok(Resources {
        cpu_cores: at_most(CPU_CORES_MAX, amounts.cru, "total_resources.cru")?,
        memory_bytes: at_most(MEMORY_BYTES_MAX, amounts.mru, "total_resources.mru")?,
        ssd_bytes: at_most(SSD_BYTES_MAX, amounts.sru, "total_resources.sru")?,
    })
}

/// What is in use. It may be more than there is, so there is no limit to it but that of its type.
fn used(field: Field<'_>) -> Result<Resources, DocumentError> {
    let amounts = amounts(field, "used_resources")?;
    Ok(Resources {
        cpu_cores: amount(amounts.cru, "used_resources.cru")?,
        memory_bytes: amount(amounts.mru, "used_resources.mru")?,
        ssd_bytes: amount(amounts.sru, "used_resources.sru")?,
    })
}

fn amounts<'a>(field: Field<'a>, name: &'static str) -> Result<Amounts<'a>, DocumentError> {
    decisive(field, name)?.ok_or(DocumentError::Missing(name))
}

fn at_most(max: i64, field: Field<'_>, name: &'static str) -> Result<i64, DocumentError> {
    let amount = amount(field, name)?;
    if amount > max { Err(senseless(field, name)) } else { Ok(amount) }
}

/// A whole number from 0; larger ones than the type holds are the largest that it holds. A negative
/// one in use would make more free than there is.
fn amount(field: Field<'_>, name: &'static str) -> Result<i64, DocumentError> {
    let amount = if let Some(amount) = shown::<u64>(field) {
        Some(i64::try_from(amount).unwrap_or(i64::MAX))
    } else {
        shown(field).and_then(whole)
    };
    amount.ok_or_else(|| senseless(field, name))
}

/// Some writers put a point or an exponent into whole numbers.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "a cast stops at the type's limits")]
    let whole = number as i64;
    #[expect(clippy::cast_precision_loss, reason = "above 2^53, every float is whole")]
    let is_whole = (whole as f64 - number).abs() < f64::EPSILON || whole == i64::MAX;
    (is_whole && number >= 0.0).then_some(whole)
}

fn senseless(field: Field<'_>, name: &'static str) -> DocumentError {
    match field {
        None => DocumentError::Missing(name),
        Some(json) => DocumentError::wrong(name, json.get()),
    }
}

/// Servers from before November 2023 have no `inDedicatedFarm`, and mean by `dedicated` what it
/// says. Later ones call every empty node dedicated.
fn in_dedicated_farm(document: &Document<'_>) -> Result<bool, DocumentError> {
    let known = decisive(document.in_dedicated_farm, "inDedicatedFarm")?;
    let old = decisive(document.dedicated, "dedicated")?;
    Ok(known.or(old).unwrap_or(false))
}

/// Whether any of the three fields says so: old servers lack the first.
fn rented_whole(document: &Document<'_>) -> Result<bool, DocumentError> {
    let is_rented = decisive(document.rented, "rented")?.unwrap_or(false);
    let twin: u64 = decisive(document.rented_by_twin_id, "rentedByTwinId")?.unwrap_or(0);
    let contract: u64 = decisive(document.rent_contract_id, "rentContractId")?.unwrap_or(0);
    Ok(is_rented || twin > 0 || contract > 0)
}

fn runs_machines(field: Field<'_>) -> Result<Option<bool>, DocumentError> {
    let features: Option<Vec<&RawValue>> = decisive(field, "features")?;
    let runs = |feature: &&RawValue| {
        let word = shown::<String>(Some(feature));
        word.is_some_and(|word| word == "zmachine" || word == "zmachine-light")
    };
    Ok(features.map(|features| features.iter().any(runs)))
}

/// Whole Mbit/s of a measured speed; `None` where nothing, or nothing credible, was measured.
fn mbps(field: Field<'_>) -> Option<u32> {
    let mbps = shown::<f64>(field)? / 1e6;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the number is in range, and a promise is held against whole Mbit/s"
    )]
    (mbps > 0.0 && mbps <= SPEED_MBPS_MAX).then_some(mbps as u32)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::ToString as _;

    use super::*;

    const PLAIN: &str = r#"{"nodeId":7,"status":"up",
        "total_resources":{"cru":8,"mru":34359738368,"sru":1000000000000,"hru":0},
        "used_resources":{"cru":1,"mru":3435973836,"sru":21474836480,"hru":0}}"#;

    /// The plain document with one more field, or with one text in place of another.
    fn with(field: &str) -> Result<NodeReport, DocumentError> {
        parse_node(PLAIN.replacen('{', &format!("{{{field},"), 1).as_bytes())
    }

    fn swapped(from: &str, to: &str) -> Result<NodeReport, DocumentError> {
        assert!(PLAIN.contains(from));
        parse_node(PLAIN.replace(from, to).as_bytes())
    }

    #[test]
    fn what_is_not_said_is_not_known() {
        let report = parse_node(PLAIN.as_bytes()).unwrap();
        assert_eq!((report.healthy, report.runs_machines, report.upload_mbps), (None, None, None));
        assert_eq!((report.farm_id, report.farm_name.as_str()), (0, ""));
        assert_eq!(report.total.cpu_cores, 8);
        assert_eq!(report.reported_at.seconds(), 0);
        assert!(!report.in_dedicated_farm && !report.rented_whole && !report.certified);
        assert_eq!(Ok(report), with(r#""healthy":null,"features":null,"speed":null"#));
    }

    #[test]
    fn what_makes_no_sense_is_refused_where_it_decides() {
        let refused = |found: Result<NodeReport, DocumentError>| found.unwrap_err().to_string();
        for (from, to, reason) in [
            (":7", ":\"7\"", "nodeId is \"7\", which makes no sense"),
            (":7", ":0", "nodeId is 0, which makes no sense"),
            (":7", ":4294967296", "nodeId is 4294967296, which makes no sense"),
            (":7", ":null", "nodeId is missing"),
            ("\"up\"", "\"UP\"", "status is \"UP\", which makes no sense"),
            ("\"up\"", "{\"up\":1}", "status is {\"up\":1}, which makes no sense"),
            ("\"cru\":8", "\"cru\":4097", "total_resources.cru is 4097, which makes no sense"),
            ("\"cru\":8", "\"cru\":1e999", "total_resources.cru is 1e999, which makes no sense"),
            ("\"cru\":8", "\"cru\":8.5", "total_resources.cru is 8.5, which makes no sense"),
            ("\"cru\":8", "\"cru\":-8", "total_resources.cru is -8, which makes no sense"),
            ("\"cru\":1", "\"cru\":-1", "used_resources.cru is -1, which makes no sense"),
            ("\"cru\":1", "\"cpu\":1", "used_resources.cru is missing"),
            ("used_resources", "used", "used_resources is missing"),
        ] {
            assert_eq!(refused(swapped(from, to)), reason);
        }
        assert_eq!(refused(with(r#""healthy":"yes""#)), "healthy is \"yes\", which makes no sense");
        assert_eq!(refused(with(r#""extraFee":-1"#)), "extraFee is -1, which makes no sense");
        assert_eq!(
            refused(with(r#""features":"zmachine""#)),
            "features is \"zmachine\", which makes no sense"
        );
        assert!(refused(with(r#""nodeId":8"#)).starts_with("it cannot be read: duplicate field"));
        assert!(refused(parse_node(b"<html>")).starts_with("it cannot be read: expected value"));
        assert_eq!(
            refused(parse_node(" ".repeat(NODE_BYTES_MAX + 1).as_bytes())),
            "it is longer than 65536 bytes"
        );
    }

    #[test]
    fn numbers_come_in_many_ways() {
        assert_eq!(swapped("\"cru\":8", "\"cru\":8.0").unwrap().total.cpu_cores, 8);
        assert_eq!(swapped("\"cru\":8", "\"cru\":0.8e1").unwrap().total.cpu_cores, 8);
        let used = |json: &str| swapped("\"cru\":1", json).unwrap().used.cpu_cores;
        assert_eq!(used("\"cru\":18446744073709551615"), i64::MAX);
        assert_eq!(used("\"cru\":1e300"), i64::MAX);
        let speed = |json: &str| with(&format!("\"speed\":{json}")).unwrap().download_mbps;
        assert_eq!(speed(r#"{"download":810000000}"#), Some(810));
        assert_eq!(speed(r#"{"download":2260240.4361489993}"#), Some(2));
        for none in ["0", "-5", "null", "\"fast\"", "1e300", "1e999", "[]"] {
            assert_eq!(speed(&format!("{{\"download\":{none}}}")), None, "{none}");
        }
        assert_eq!(speed("7"), None);
    }

    #[test]
    fn texts_are_for_people_and_bounded() {
        let long = "x".repeat(1000);
        let json =
            format!(r#""farmName":"{long}","city":"Unknown","country":"\u202eBel\u0000gium""#);
        let report = with(&json).unwrap();
        assert_eq!(report.farm_name.len(), NAME_CHARS_MAX);
        assert_eq!((report.country.as_str(), report.city.as_str()), ("Belgium", ""));
        assert_eq!(with(r#""farmName":["a"]"#).unwrap().farm_name, "");
    }

    #[test]
    fn old_servers_say_dedicated_and_new_ones_mean_something_else() {
        assert!(with(r#""dedicated":true"#).unwrap().in_dedicated_farm);
        assert!(!with(r#""dedicated":true,"inDedicatedFarm":false"#).unwrap().in_dedicated_farm);
        assert!(with(r#""rentContractId":4400"#).unwrap().rented_whole);
        assert!(with(r#""rentedByTwinId":44"#).unwrap().rented_whole);
    }
}
