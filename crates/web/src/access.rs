//! How machines are reached, and what they start with, as the database keeps it: sealed, each bound
//! to its row.

use domain::id::{JobId, RentalId};
use domain::ssh::Access;
use seal::{Keys, Place, SealError};
use serde::{Deserialize, Serialize};
use store::StoreError;

use crate::ambient;
use crate::problem::Problem;

/// What is sealed of an access.
#[derive(Serialize, Deserialize)]
struct Kept {
    address: String,
    port: u16,
    user: String,
    host_keys: Vec<String>,
    console_url: Option<String>,
    notes: Option<String>,
}

fn place_of_access(row: &str) -> Place<'_> {
    Place { table: "jobs", column: "sealed", row }
}

fn place_of_user_data(row: &str) -> Place<'_> {
    Place { table: "setups", column: "sealed", row }
}

/// Seals how the machine of a job is reached.
pub fn seal_access(keys: &Keys, job: &JobId, access: &Access) -> Result<Vec<u8>, Problem> {
    let Access { address, port, user, host_keys, console_url, notes } = access.clone();
    let kept = Kept { address, port, user, host_keys, console_url, notes };
    let text = serde_json::to_vec(&kept).map_err(Problem::internal)?;
    keys.seal(place_of_access(job.as_str()), &text, ambient::random()).map_err(Problem::internal)
}

/// Opens how the machine of a job is reached.
pub fn open_access(keys: &Keys, job: &JobId, sealed: &[u8]) -> Result<Access, Problem> {
    let text = keys.open(place_of_access(job.as_str()), sealed).map_err(Problem::internal)?;
    let kept: Kept = serde_json::from_slice(&text)
        .map_err(|_| StoreError::Corrupt("a job's access cannot be read".to_owned()))?;
    let Kept { address, port, user, host_keys, console_url, notes } = kept;
    Ok(Access { address, port, user, host_keys, console_url, notes })
}

/// Seals a renter's own user data for one rental.
pub fn seal_user_data(keys: &Keys, rental: RentalId, text: &str) -> Result<Vec<u8>, Problem> {
    let row = rental.to_string();
    keys.seal(place_of_user_data(&row), text.as_bytes(), ambient::random())
        .map_err(Problem::internal)
}

/// Opens a renter's own user data.
pub(crate) fn open_user_data(
    keys: &Keys,
    rental: RentalId,
    sealed: &[u8],
) -> Result<String, SealError> {
    let text = keys.open(place_of_user_data(&rental.to_string()), sealed)?;
    String::from_utf8(text.to_vec()).map_err(|_| SealError::Damaged)
}

#[cfg(test)]
mod tests {
    use domain::ssh::Told;

    use super::*;

    const HOST_KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

    #[test]
    fn an_access_opens_in_its_own_row_only() {
        let keys = Keys::parse(&seal::key_text(1, &[7; 32])).unwrap();
        let job = |number: u32| {
            let rental = "01a2043b-3da8-7100-8000-000000000003";
            JobId::parse(&format!("{rental}_32_{number}_create")).unwrap()
        };
        let host_keys = [HOST_KEY.to_owned()];
        let told = Told {
            address: "203.0.113.7",
            port: 22,
            user: "root",
            host_keys: &host_keys,
            console_url: None,
            notes: Some("rack 7"),
        };
        let access = Access::read(&told).unwrap();
        let sealed = seal_access(&keys, &job(1), &access).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("203.0.113.7"));
        assert_eq!(open_access(&keys, &job(1), &sealed).unwrap(), access);
        assert!(open_access(&keys, &job(2), &sealed).is_err());
    }
}
