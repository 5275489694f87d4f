//! The further ports of one machine of `driver-process`: what comes to a public port goes on to the
//! port of the same system that a program of the machine's sessions listens on.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

use crate::log::say;
use crate::machine::PORTS;
use crate::protocol::{PublicPort, Transport};

/// How many connections, or peers of UDP, a port has at a time.
const PEERS_MAX: usize = 64;

/// A peer of UDP that has not been answered for so long is forgotten.
const UDP_IDLE: Duration = Duration::from_mins(1);

/// How long nothing is accepted when a connection could not be: files may have run out.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest datagram.
const DATAGRAM_MAX: usize = 65_535;

/// The ports that are forwarded.
pub(super) struct Ports {
    file: PathBuf,
    address: IpAddr,
    forwarded: Vec<(PublicPort, AbortHandle)>,
}

impl Ports {
    pub(super) fn new(folder: &Path, address: IpAddr) -> Ports {
        Ports { file: folder.join(PORTS), address, forwarded: Vec::new() }
    }

    /// Forwards what the machine's folder says, and nothing else any more. Connections of a port
    /// that is no longer forwarded end.
    pub(super) fn update(&mut self) {
        let text = fs::read(&self.file).unwrap_or_default();
        let wanted: Vec<PublicPort> = serde_json::from_slice(&text).unwrap_or_default();
        self.forwarded.retain(|(port, task)| {
            let stays = wanted.contains(port) && !task.is_finished();
            if !stays {
                task.abort();
            }
            stays
        });
        for port in wanted {
            if !self.forwarded.iter().any(|(known, _)| *known == port) {
                let task = tokio::spawn(forward(self.address, port));
                self.forwarded.push((port, task.abort_handle()));
            }
        }
    }
}

async fn forward(address: IpAddr, port: PublicPort) {
    let public = SocketAddr::new(address, port.public_port);
    let inner = SocketAddr::new(address, port.port);
    let result = match port.protocol {
        Transport::Tcp => forward_tcp(public, inner).await,
        Transport::Udp => forward_udp(public, inner).await,
    };
    if let Err(error) = result {
        say!("port {}: {error}", port.public_port);
    }
}

async fn forward_tcp(public: SocketAddr, inner: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(public).await?;
    let room = Arc::new(Semaphore::new(PEERS_MAX));
    // They end with this: what is not forwarded any more has no connections.
    let mut connections = JoinSet::new();
    loop {
        let Ok((mut outside, _)) = listener.accept().await else {
            sleep(PAUSE).await;
            continue;
        };
        while connections.try_join_next().is_some() {}
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        connections.spawn(async move {
            if let Ok(mut inside) = TcpStream::connect(inner).await {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            }
            drop(place);
        });
    }
}

async fn forward_udp(public: SocketAddr, inner: SocketAddr) -> io::Result<()> {
    let outside = Arc::new(UdpSocket::bind(public).await?);
    let mut peers: HashMap<SocketAddr, Arc<UdpSocket>> = HashMap::new();
    let mut answers = JoinSet::new();
    let mut buffer = vec![0; DATAGRAM_MAX];
    loop {
        let Ok((length, peer)) = outside.recv_from(&mut buffer).await else {
            sleep(PAUSE).await;
            continue;
        };
        while let Some(gone) = answers.try_join_next() {
            if let Ok(peer) = gone {
                peers.remove(&peer);
            }
        }
        let inside = match peers.get(&peer) {
            Some(inside) => Arc::clone(inside),
            None if peers.len() >= PEERS_MAX => continue,
            None => {
                let inside = Arc::new(UdpSocket::bind(SocketAddr::new(inner.ip(), 0)).await?);
                inside.connect(inner).await?;
                peers.insert(peer, Arc::clone(&inside));
                answers.spawn(answer(peer, Arc::clone(&outside), Arc::clone(&inside)));
                inside
            }
        };
        // Nobody may listen yet: datagrams are lost then, as elsewhere.
        let _ = inside.send(&buffer[..length]).await;
    }
}

/// Sends a peer what comes back, until nothing has for a while. Answers who it was.
async fn answer(peer: SocketAddr, outside: Arc<UdpSocket>, inside: Arc<UdpSocket>) -> SocketAddr {
    let mut buffer = vec![0; DATAGRAM_MAX];
    while let Ok(received) = timeout(UDP_IDLE, inside.recv(&mut buffer)).await {
        match received {
            Ok(length) => {
                let _ = outside.send_to(&buffer[..length], peer).await;
            }
            // Nobody listens there now.
            Err(_) => sleep(PAUSE).await,
        }
    }
    peer
}
