//! The further ports of machines, in JSON.

use domain::account::Scope;
use domain::field::FieldError;
use domain::port::{Port, check_ports};
use domain::ssh::ReportedPort;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::Kind;
use web::operation::{Access, Operation, schema_of};

/// `PUT /api/rentals/{rental}/ports`
pub(crate) const SET_PORTS: Operation = Operation {
    id: "setPorts",
    group: crate::actions::json::GROUP,
    method: Method::PUT,
    path: "/api/rentals/{rental}/ports",
    summary: "Sets which ports of your machines are reachable, beside that of SSH.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<PortsBody>),
    about_answer: "The ports that you asked for. The farm's agent opens them on each machine of \
                   the rental by an action `set-ports`; then `showAccess` says at which public \
                   ports they are reached.",
    answer: Some(schema_of::<PortsAnswer>),
    problems: &[
        Kind::NotFound,
        Kind::MachineNotReady,
        Kind::MachineActionOpen,
        Kind::MachineActionUnsupported,
    ],
    ..Operation::READ
};

/// A port in a machine.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortBody {
    /// `tcp` or `udp`.
    #[schemars(extend("enum" = ["tcp", "udp"]))]
    pub protocol: String,
    /// Its number in the machine.
    #[schemars(range(min = 1, max = 65535))]
    #[serde(deserialize_with = "web::json::whole")]
    pub port: i64,
}

/// Reads ports that a renter asks for.
pub fn read_ports(field: &'static str, bodies: &[PortBody]) -> Result<Vec<Port>, FieldError> {
    let ports: Option<Vec<Port>> =
        bodies.iter().map(|body| Port::read(&body.protocol, body.port)).collect();
    let rule = "each with the protocol tcp or udp, and a port from 1 to 65535";
    check_ports(field, &ports.ok_or_else(|| FieldError::new(field, rule))?)
}

/// Which ports are to be reachable.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PortsBody {
    /// Each port, at most 10; none closes all but that of SSH.
    #[schemars(length(max = 10))]
    pub ports: Vec<PortBody>,
}

/// A port in a machine.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct PortView {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its number in the machine.
    pub port: u16,
}

impl PortView {
    /// Shows a port.
    pub(crate) fn new(port: Port) -> PortView {
        PortView { protocol: port.transport.into_str(), port: port.number }
    }
}

/// Which ports are to be reachable.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PortsAnswer {
    /// Each port.
    pub ports: Vec<PortView>,
}

/// A further port of a machine that is reachable.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicPortBody {
    /// `tcp` or `udp`.
    #[schemars(extend("enum" = ["tcp", "udp"]))]
    pub protocol: String,
    /// Its number in the machine.
    #[schemars(range(min = 1, max = 65535))]
    #[serde(deserialize_with = "web::json::whole")]
    pub port: i64,
    /// Its number at the machine's address.
    #[schemars(range(min = 1, max = 65535))]
    #[serde(deserialize_with = "web::json::whole")]
    pub public_port: i64,
}

impl PublicPortBody {
    pub(crate) fn reported(&self) -> ReportedPort<'_> {
        let PublicPortBody { protocol, port, public_port } = self;
        ReportedPort { protocol, port: *port, public_port: *public_port }
    }
}
