//! How much of the host's room one client may take, and who that is.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bits of an IPv6 address that name a network: whoever has one address of it has them all.
const IPV6_NETWORK: u128 = !0 << 64;

/// How many clients are known before those that take nothing are forgotten.
const CLIENTS_MIN: usize = 1_024;

/// Room for so much in all, of which each client address gets a share at most.
#[derive(Debug)]
pub(crate) struct Room {
    all: Arc<Semaphore>,
    each: usize,
    clients: Mutex<Clients>,
}

#[derive(Debug)]
struct Clients {
    shares: HashMap<IpAddr, Arc<Semaphore>>,
    /// At so many clients, those that take nothing are forgotten.
    most: usize,
}

/// Taken room. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Taken {
    share: OwnedSemaphorePermit,
    all: OwnedSemaphorePermit,
}

impl Taken {
    /// Adds more of the same client in the same room.
    pub(crate) fn add(&mut self, more: Taken) {
        self.share.merge(more.share);
        self.all.merge(more.all);
    }
}

impl Room {
    /// Room for `all`, of which one client gets one part of `parts` at most.
    pub(crate) fn new(all: usize, parts: usize) -> Room {
        let clients = Clients { shares: HashMap::new(), most: CLIENTS_MIN };
        Room {
            all: Arc::new(Semaphore::new(all)),
            each: (all / parts.max(1)).max(1),
            clients: Mutex::new(clients),
        }
    }

    /// All of it.
    pub(crate) fn all(&self) -> Arc<Semaphore> {
        Arc::clone(&self.all)
    }

    /// The share of a client.
    pub(crate) fn share(&self, client: IpAddr) -> Arc<Semaphore> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.shares.len() >= clients.most {
            // Whoever has taken something holds a second pointer.
            clients.shares.retain(|_, share| Arc::strong_count(share) > 1);
            clients.most = CLIENTS_MIN.max(2 * clients.shares.len());
        }
        let share = clients.shares.entry(client);
        Arc::clone(share.or_insert_with(|| Arc::new(Semaphore::new(self.each))))
    }

    /// Takes so much at once; `None` if the client's share or all of it is taken.
    pub(crate) fn try_take(&self, client: IpAddr, amount: u32) -> Option<Taken> {
        let share = self.share(client).try_acquire_many_owned(amount).ok()?;
        let all = self.all().try_acquire_many_owned(amount).ok()?;
        Some(Taken { share, all })
    }
}

/// The address that a request came from: the last one in the header of a trusted proxy where there
/// is one, else that of the connection. Of an IPv6 address, the network.
pub(crate) fn client_of(
    headers: &HeaderMap,
    trusted: Option<&HeaderName>,
    peer: SocketAddr,
) -> IpAddr {
    let last = trusted.and_then(|name| headers.get_all(name).iter().next_back());
    // By bytes: what a client has sent before the comma need not be text.
    let bytes = last.map(HeaderValue::as_bytes).unwrap_or_default();
    let bytes = bytes.rsplit(|byte| *byte == b',').next().unwrap_or_default();
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim();
    let told = text.parse::<SocketAddr>().map(|socket| socket.ip()).or_else(|_| text.parse());
    network_of(told.unwrap_or(peer.ip()))
}

/// An address of IPv4, or the network of one of IPv6.
pub(crate) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6((u128::from(address) & IPV6_NETWORK).into()),
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const ADA: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const BEN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    #[test]
    fn a_client_gets_its_share_and_leaves_the_rest() {
        let room = Room::new(8, 4);
        let mut of_ada = room.try_take(ADA, 1).unwrap();
        of_ada.add(room.try_take(ADA, 1).unwrap());
        assert!(room.try_take(ADA, 1).is_none());
        let of_ben = room.try_take(BEN, 2).unwrap();
        assert!(room.try_take(BEN, 1).is_none());
        drop(of_ada);
        assert!(room.try_take(ADA, 2).is_some());
        drop(of_ben);
        assert_eq!(room.all().available_permits(), 8);
    }

    #[test]
    fn all_together_get_no_more_than_there_is() {
        let room = Room::new(1, 4);
        let _one = room.try_take(ADA, 1).unwrap();
        assert!(room.try_take(BEN, 1).is_none());
    }

    #[test]
    fn clients_that_take_nothing_are_forgotten() {
        let room = Room::new(8, 4);
        let _kept = room.try_take(ADA, 2).unwrap();
        for number in 0..10_000_u32 {
            drop(room.try_take(Ipv4Addr::from(number).into(), 1).unwrap());
        }
        assert!(room.clients.lock().unwrap().shares.len() <= CLIENTS_MIN);
        assert!(room.try_take(ADA, 1).is_none());
    }

    #[test]
    fn a_proxy_is_believed_only_where_it_is_configured() {
        let peer: SocketAddr = "203.0.113.9:1".parse().unwrap();
        let name = HeaderName::from_static("x-forwarded-for");
        let mut headers = HeaderMap::new();
        headers.append(&name, HeaderValue::from_static("198.51.100.1"));
        headers.append(&name, HeaderValue::from_static("198.51.100.2, 192.0.2.7"));
        assert_eq!(client_of(&headers, None, peer), peer.ip());
        assert_eq!(client_of(&headers, Some(&name), peer).to_string(), "192.0.2.7");
        headers.insert(&name, HeaderValue::from_static("2001:db8:1:2:3:4:5:6"));
        assert_eq!(client_of(&headers, Some(&name), peer).to_string(), "2001:db8:1:2::");
        headers.insert(&name, HeaderValue::from_static("nobody"));
        assert_eq!(client_of(&headers, Some(&name), peer), peer.ip());
        let mapped = "[::ffff:192.0.2.7]:1".parse().unwrap();
        assert_eq!(client_of(&HeaderMap::new(), None, mapped).to_string(), "192.0.2.7");
    }
}
