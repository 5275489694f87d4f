//! The further ports of a rental's machines: what its renter wants, and what agents have done.

use domain::id::{AccountId, ActionId, JobId, RentalId};
use domain::machine_action::ACTION_SECONDS;
use domain::port::Port;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::audit::{self, NewEntry};
use crate::db::{Db, Value};
use crate::machine_actions::ActionFailure;
use crate::row::column;

/// The ports of the rental that is in the column `$rental`.
macro_rules! ports_of {
    ($rental:literal) => {
        concat!(
            "(SELECT json_group_array(json_array(transport, number)) FROM rental_ports
               WHERE rental_id = ",
            $rental,
            ")"
        )
    };
}

pub(crate) use ports_of;

column! { Vec<Port>: text(read_ports) }

/// Reads pairs of transport and number.
fn read_ports(json: &str) -> Option<Vec<Port>> {
    let pairs: Vec<(String, i64)> = serde_json::from_str(json).ok()?;
    let ports = pairs.iter().map(|(transport, number)| Port::read(transport, *number));
    let mut ports: Vec<Port> = ports.collect::<Option<_>>()?;
    ports.sort_unstable();
    Some(ports)
}

/// Ports as commands take them.
pub(crate) fn pairs(ports: &[Port]) -> Json {
    ports.iter().map(|port| json!([port.transport.into_str(), port.number])).collect()
}

/// Sets the ports of a rental; the columns of the command view, in order.
const SET: &str = "
    INSERT INTO change_rental_ports
           (rental_id, ports, actions, renter_id, expires_at, audit_entry, requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Sets which ports of a rental's machines are reachable, and has each of its machines, known by
/// the job that created it, changed by an action.
pub fn set(
    db: &dyn Db,
    renter: AccountId,
    rental: RentalId,
    ports: &[Port],
    actions: &[(ActionId, &JobId)],
    audit: &NewEntry<'_>,
    now: Timestamp,
) -> Result<(), ActionFailure> {
    let action =
        |(id, job): &(ActionId, &JobId)| json!({ "id": id.to_string(), "job": job.as_str() });
    let actions: Json = actions.iter().map(action).collect();
    let params = [
        Value::text(rental),
        Value::Text(pairs(ports).to_string()),
        Value::Text(actions.to_string()),
        Value::text(renter),
        now.plus_seconds(ACTION_SECONDS).into(),
        audit::column(audit),
        now.into(),
    ];
    db.run(SET, &params).map(drop).map_err(ActionFailure::from)
}
