//! How a machine is, as the API shows it.

use domain::machine::MachineStatus;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

/// How a machine is.
#[derive(Serialize, JsonSchema)]
pub struct MachineStatusView {
    /// `running`; `starting` until its SSH port answers; `unreachable` where that does not answer;
    /// `paused` where its server's disk is full; `off`; `lost` where it is missing from its server;
    /// `unknown` where the farm's agent has not reported for three minutes.
    pub status: &'static str,
    /// Since when (RFC 3339).
    pub since: String,
}

impl MachineStatusView {
    /// Shows how a machine is.
    pub fn new((status, since): (MachineStatus, Timestamp)) -> MachineStatusView {
        MachineStatusView { status: status.into_str(), since: since.to_string() }
    }
}
