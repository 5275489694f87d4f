//! A running stand-in, and everything that a test can tell it or ask it.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde_json::{Map, Value};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::documents::{Collection, Documents};
use crate::fault::{Effect, Fault, FaultError};
use crate::grid::Grid;
use crate::requests::{Received, Requests};
use crate::{control, server};

/// A running stand-in on two loopback ports. It stops when it is dropped.
///
/// It dereferences to its [`Control`].
pub struct Standin {
    control: Control,
    address: SocketAddr,
    control_address: SocketAddr,
    _tasks: JoinSet<()>,
}

/// What a test can tell the stand-in or ask it; the control port does the same over HTTP.
#[derive(Clone)]
pub struct Control {
    shared: Arc<Shared>,
}

struct Shared {
    documents: Documents,
    state: Mutex<State>,
    /// Whether the port should be open, and whether it is.
    open_wanted: watch::Sender<bool>,
    open: watch::Sender<bool>,
    received: watch::Sender<u64>,
}

struct State {
    grid: Grid,
    fault: Fault,
    requests: Requests,
}

impl Standin {
    /// Serves the documents on two free ports.
    pub async fn start(documents: Documents) -> anyhow::Result<Standin> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Standin::start_on(documents, any, any).await
    }

    /// Serves the documents at these addresses.
    pub async fn start_on(
        documents: Documents,
        listen: SocketAddr,
        control_listen: SocketAddr,
    ) -> anyhow::Result<Standin> {
        let port = server::Port::reserve(listen).with_context(|| format!("address {listen}"))?;
        let control_listener = TcpListener::bind(control_listen)
            .await
            .with_context(|| format!("address {control_listen}"))?;
        let (address, control_address) = (port.address(), control_listener.local_addr()?);
        let control = Control::new(documents);
        let mut tasks = JoinSet::new();
        tasks.spawn(server::serve(port, control.clone()));
        tasks.spawn(control::serve(control_listener, control.clone()));
        control.until_open(true).await;
        Ok(Standin { control, address, control_address, _tasks: tasks })
    }

    /// The base URL of the server, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of the control port, without a slash at its end.
    pub fn control_url(&self) -> String {
        format!("http://{}", self.control_address)
    }

    /// A handle for another task.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Deref for Standin {
    type Target = Control;

    fn deref(&self) -> &Control {
        &self.control
    }
}

impl Control {
    fn new(documents: Documents) -> Control {
        let state = State {
            grid: Grid::new(&documents),
            fault: Fault::default(),
            requests: Requests::default(),
        };
        let shared = Shared {
            documents,
            state: Mutex::new(state),
            open_wanted: watch::Sender::new(true),
            open: watch::Sender::new(false),
            received: watch::Sender::new(0),
        };
        Control { shared: Arc::new(shared) }
    }

    /// Makes the next answers go wrong, in place of any fault set before.
    ///
    /// Connections end with [`Effect::Refuse`]; under every other fault, open ones stay.
    pub async fn set_fault(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        let open = fault.effect != Effect::Refuse;
        self.state().fault = fault;
        self.shared.open_wanted.send_replace(open);
        self.until_open(open).await;
        Ok(())
    }

    /// Answers rightly again.
    pub async fn clear_fault(&self) {
        // The fault that does nothing is always accepted.
        let _ = self.set_fault(Fault::default()).await;
    }

    pub fn fault(&self) -> Fault {
        self.state().fault.clone()
    }

    /// Applies a JSON merge patch to a node, in either form. False if there is no such node.
    ///
    /// A patch that is not an object changes nothing.
    pub fn patch_node(&self, id: u32, patch: Value) -> bool {
        self.patch(Collection::Nodes, id.into(), object(patch))
    }

    /// Time passes: nodes that are up go on reporting, but those of which a patch or a document has
    /// said when they did.
    pub fn pass(&self, seconds: i64) {
        self.state().grid.pass(seconds);
    }

    /// The same up to an instant, in POSIX seconds: that is when a node has reported last of all.
    pub fn pass_to(&self, now: i64) {
        let mut state = self.state();
        if let Some(newest) = state.grid.newest_report() {
            state.grid.pass(now - newest);
        }
    }

    /// From now on nodes report where a patch or a document says so, and never by themselves.
    pub fn stand_still(&self) {
        self.state().grid.stand_still();
    }

    /// Adds a node, or puts another document in its place. False if there is no room.
    pub fn put_node(&self, id: u32, document: Value) -> bool {
        self.put(Collection::Nodes, id.into(), object(document))
    }

    /// Removes a node. False if there is no such node.
    pub fn remove_node(&self, id: u32) -> bool {
        self.remove(Collection::Nodes, id.into())
    }

    /// As [`Control::patch_node`], for a document of any kind.
    pub fn patch(&self, collection: Collection, id: u64, patch: Map<String, Value>) -> bool {
        self.state().grid.patch(collection, id, patch)
    }

    /// As [`Control::put_node`], for a document of any kind.
    pub fn put(&self, collection: Collection, id: u64, document: Map<String, Value>) -> bool {
        self.state().grid.put(collection, id, document)
    }

    /// As [`Control::remove_node`], for a document of any kind.
    pub fn remove(&self, collection: Collection, id: u64) -> bool {
        self.state().grid.remove(collection, id)
    }

    /// The requests received since the start or the last reset.
    pub fn requests(&self) -> Requests {
        self.state().requests.clone()
    }

    pub fn clear_requests(&self) {
        self.state().requests = Requests::default();
        self.shared.received.send_replace(0);
    }

    /// Waits until so many requests were received since the start or the last reset.
    pub async fn until_received(&self, total: u64) {
        // The sender lives as long as `self`, so the wait ends with the count alone.
        let _ = self.shared.received.subscribe().wait_for(|received| *received >= total).await;
    }

    /// The documents of the start, no fault and an empty log.
    pub async fn reset(&self) {
        let grid = Grid::new(&self.shared.documents);
        self.state().grid = grid;
        self.clear_fault().await;
        self.clear_requests();
    }

    /// Notes a request, and takes the fault that is for it.
    pub(crate) fn receive(&self, received: Received) -> Fault {
        let mut state = self.state();
        let target = received.target.clone();
        state.requests.push(received);
        self.shared.received.send_replace(state.requests.total);
        if !state.fault.is_for(&target) {
            return Fault::default();
        }
        if let Some(times) = &mut state.fault.times {
            *times -= 1;
        }
        state.fault.clone()
    }

    pub(crate) fn with_grid<T>(&self, read: impl FnOnce(&Grid) -> T) -> T {
        read(&self.state().grid)
    }

    /// Says whether the port should be open, and tells when that changes.
    pub(crate) fn open_wanted(&self) -> watch::Receiver<bool> {
        self.shared.open_wanted.subscribe()
    }

    pub(crate) fn set_open(&self, open: bool) {
        self.shared.open.send_replace(open);
    }

    async fn until_open(&self, wanted: bool) {
        // As in `until_received`, the sender does not go away.
        let _ = self.shared.open.subscribe().wait_for(|open| *open == wanted).await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of another task leaves no half-made change: every change is one assignment.
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
