//! Whose a node is: its farm, the farm's twin, and the account of that twin.

use alloc::string::String;
use alloc::vec::Vec;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::DocumentError;
use crate::text;

/// The most bytes of an answer about one farm: some have hundreds of addresses.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// The most characters of a farm's name.
const NAME_CHARS_MAX: usize = 80;
/// The most characters of an account's address; who reads it has a limit of their own.
const ACCOUNT_CHARS_MAX: usize = 64;

/// A farm, as far as it says whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Farm {
    /// The grid's number.
    pub id: u32,
    /// Its name; it may be empty.
    pub name: String,
    /// The twin that it belongs to.
    pub twin_id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FarmDocument {
    farm_id: u32,
    #[serde(default)]
    name: String,
    twin_id: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TwinDocument {
    twin_id: u32,
    account_id: String,
}

/// Finds a farm in the body of `/farms?farm_id=`; `None` if the grid knows no such farm.
///
/// An answer that cannot be read is an error, so that it is never taken for a farm that is gone.
pub fn find_farm(body: &[u8], id: u32) -> Result<Option<Farm>, DocumentError> {
    let farms: Vec<FarmDocument> = documents(body)?;
    let is_empty = farms.is_empty();
    let found = farms.into_iter().find(|farm| farm.farm_id == id);
    if found.is_none() && !is_empty {
        return Err(DocumentError::Missing("the farm that was asked for"));
    }
    Ok(found.filter(|farm| farm.twin_id > 0).map(|farm| Farm {
        id: farm.farm_id,
        name: text::clean(&farm.name, NAME_CHARS_MAX),
        twin_id: farm.twin_id,
    }))
}

/// Finds the account of a twin in the body of `/twins?twin_id=`: its address, in SS58. `None` if
/// the grid knows no such twin.
pub fn find_account(body: &[u8], twin: u32) -> Result<Option<String>, DocumentError> {
    let twins: Vec<TwinDocument> = documents(body)?;
    let found = twins.into_iter().find(|document| document.twin_id == twin);
    Ok(found.map(|twin| text::clean(&twin.account_id, ACCOUNT_CHARS_MAX)))
}

fn documents<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<Vec<T>, DocumentError> {
    if body.len() > ANSWER_BYTES_MAX {
        return Err(DocumentError::TooLong(ANSWER_BYTES_MAX));
    }
    let items: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|error| DocumentError::unreadable(&error))?;
    let read = |item: &'a RawValue| serde_json::from_str(item.get());
    let read: Result<Vec<T>, _> = items.into_iter().map(read).collect();
    read.map_err(|error| DocumentError::unreadable(&error))
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn a_farm_is_found_by_its_number() {
        let body = br#"[{"name":"Free\u202efarm","farmId":1,"twinId":2,"publicIps":[]}]"#;
        let farm = Farm { id: 1, name: "Freefarm".into(), twin_id: 2 };
        assert_eq!(find_farm(body, 1), Ok(Some(farm)));
        assert_eq!(find_farm(b"[]\n", 1), Ok(None));
        assert_eq!(find_farm(br#"[{"farmId":1,"twinId":0}]"#, 1), Ok(None));
    }

    #[test]
    fn an_answer_that_cannot_be_used_is_no_missing_farm() {
        let long = format!("[{}]", " ".repeat(ANSWER_BYTES_MAX));
        for body in [
            "",
            "{}",
            "<html>",
            r#"{"error":"x"}"#,
            r#"[{"farmId":1}]"#,
            r#"[{"farmId":-1,"twinId":2}]"#,
            r#"[{"farmId":7,"twinId":2}]"#,
            long.as_str(),
        ] {
            assert!(find_farm(body.as_bytes(), 1).is_err(), "{body:.40}");
        }
    }

    #[test]
    fn a_twin_has_an_account() {
        let body = br#"[{"twinId":2,"accountId":"5FJhzA","relay":"r","publicKey":"0x"}]"#;
        assert_eq!(find_account(body, 2), Ok(Some("5FJhzA".into())));
        assert_eq!(find_account(body, 3), Ok(None));
        assert!(find_account(br#"[{"twinId":2}]"#, 2).is_err());
    }
}
