//! What a host can be told: where things are, how much is allowed, and what tests replace.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use http::HeaderName;

/// Everything that [`crate::Host::start`] needs.
#[derive(Clone)]
pub struct HostOptions {
    /// The `spin.toml`.
    pub manifest: PathBuf,
    /// The folder for databases, logs, compiled components and the control socket.
    pub data: PathBuf,
    /// The folder for compiled components, `<data>/cache` by default. Tests share one.
    pub cache: Option<PathBuf>,
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The header in which a trusted proxy in front gives the client's address: its last value
    /// counts. Without one, clients connect to this host themselves.
    pub client_address_header: Option<HeaderName>,
    /// Values of variables; they win over the environment and the file.
    pub variables: BTreeMap<String, String>,
    /// A file of `SPIN_VARIABLE_NAME=value` lines.
    pub env_file: Option<PathBuf>,
    /// The `runtime-config.toml`: networks that outgoing requests must not reach.
    pub runtime_config: Option<PathBuf>,
    pub limits: Limits,
    pub clock: Clock,
    pub randomness: Randomness,
    pub outbound: Outbound,
    /// Whether cron triggers run at their times; `fire_cron` works either way.
    pub run_schedules: bool,
    /// The folder for mail in development. Only then, and only on loopback, `/dev/mail` is there.
    pub dev_mail: Option<PathBuf>,
    /// Whether the components' lines also go to stderr.
    pub terminal_logs: bool,
}

impl HostOptions {
    /// The defaults: a free port on loopback, the system's clock, randomness and network.
    pub fn new(manifest: impl Into<PathBuf>, data: impl Into<PathBuf>) -> HostOptions {
        HostOptions {
            manifest: manifest.into(),
            data: data.into(),
            cache: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_address_header: None,
            variables: BTreeMap::new(),
            env_file: None,
            runtime_config: None,
            limits: Limits::default(),
            clock: Clock::System,
            randomness: Randomness::System,
            outbound: Outbound::Network,
            run_schedules: true,
            dev_mail: None,
            terminal_logs: false,
        }
    }
}

impl fmt::Debug for HostOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Which variables are secret is not known here, so no value is shown.
        f.debug_struct("HostOptions")
            .field("manifest", &self.manifest)
            .field("data", &self.data)
            .field("listen", &self.listen)
            .field("variables", &self.variables.keys())
            .field("env_file", &self.env_file)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// How much a request, an instance and a statement may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections, idle ones among them. Further ones wait to be accepted.
    pub connections: usize,
    /// One client address gets one part of so many at most: of connections, of requests that
    /// components work on, of requests that wait, and of the memory for bodies.
    pub parts_per_address: usize,
    /// Requests that components work on at once, beside those that wait. Each takes an instance.
    pub concurrent_requests: u16,
    /// Of those, how many one component works on at once, so that one whose answers take long
    /// leaves room for the others.
    pub concurrent_requests_per_component: u16,
    /// Requests at once to components that let clients wait.
    pub waiting_requests: usize,
    /// Of those, how many one instance has at once.
    pub waiting_requests_per_instance: usize,
    /// How long a request waits for its turn before it gets a 503.
    pub queue_wait: Duration,
    /// How long a component may take until it answers.
    pub request_deadline: Duration,
    /// How long a component may go on after its answer has begun: to stream it, or to clean up.
    pub response_deadline: Duration,
    /// How long a cron run may take.
    pub cron_deadline: Duration,
    pub request_body_bytes: usize,
    /// How long a request's body may take to arrive whole.
    pub request_body_wait: Duration,
    /// Memory for all requests' bodies together.
    pub request_bodies_bytes: usize,
    /// Memory of one instance.
    pub instance_memory_bytes: usize,
    /// Requests that one instance answers, one after the other, before a fresh one takes over.
    pub requests_per_instance: usize,
    /// How long an instance waits for its next request.
    pub instance_idle: Duration,
    /// How long a statement waits for its turn to write, in all.
    pub busy_wait: Duration,
    /// How long one SQL statement may run.
    pub statement_deadline: Duration,
    /// How much a query may return.
    pub query_result_bytes: usize,
    /// How long an outgoing connection, an answer's first byte, or its next byte may take.
    pub outbound_wait: Duration,
    /// How long a shutdown waits for running requests.
    pub shutdown_wait: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connections: 16_384,
            parts_per_address: 4,
            concurrent_requests: 128,
            concurrent_requests_per_component: 96,
            waiting_requests: 8_192,
            waiting_requests_per_instance: 64,
            queue_wait: Duration::from_secs(5),
            request_deadline: Duration::from_secs(30),
            response_deadline: Duration::from_mins(10),
            cron_deadline: Duration::from_mins(10),
            request_body_bytes: 1 << 20,
            request_body_wait: Duration::from_secs(10),
            request_bodies_bytes: 64 << 20,
            instance_memory_bytes: 64 << 20,
            requests_per_instance: 128,
            instance_idle: Duration::from_secs(1),
            busy_wait: Duration::from_secs(5),
            statement_deadline: Duration::from_secs(20),
            query_result_bytes: 16 << 20,
            outbound_wait: Duration::from_secs(30),
            shutdown_wait: Duration::from_secs(10),
        }
    }
}

/// What components and cron triggers take for the time.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// POSIX seconds, set by a test.
    Set(Arc<AtomicI64>),
}

impl Clock {
    /// Time since 1970-01-01T00:00:00Z; a time before counts as that instant.
    #[expect(clippy::disallowed_methods, reason = "the host is where components' time comes from")]
    pub fn now(&self) -> Duration {
        match self {
            Clock::System => std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .unwrap_or(Duration::ZERO),
            Clock::Set(seconds) => {
                let seconds = seconds.load(Ordering::Relaxed);
                Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
            }
        }
    }
}

/// Where components' randomness comes from.
#[derive(Clone, Copy, Debug)]
pub enum Randomness {
    System,
    /// Each instance gets its own stream, made of the seed and its number.
    Seed(u64),
}

/// Where outgoing requests that the manifest allows are sent.
#[derive(Clone, Debug)]
pub enum Outbound {
    /// Wherever the manifest and the runtime configuration allow.
    Network,
    /// The same, but to public addresses only: not to this machine, not into its network, and not
    /// to what a cloud tells its machines, whatever a name resolves to.
    PublicNetwork,
    /// Only to these: `host:port` as components write it, and where it really is. The connection
    /// is plain HTTP also for `https`, since a stand-in has no certificate.
    Only(BTreeMap<String, SocketAddr>),
}
