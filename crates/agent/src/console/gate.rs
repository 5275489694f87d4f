//! Who may come in: links that the market has signed, the sessions that they begin, and how many
//! consoles are open at a time. The clock is a value here: seconds since 1970.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::console::kept::Name;

/// How far ahead a link's end may be, in seconds.
const LINK_SECONDS_MAX: u64 = 300;

/// How long a session lasts, in seconds.
pub(crate) const SESSION_SECONDS: u64 = 3600;

/// The most links and sessions that are remembered. More come only from who has the secrets.
const REMEMBERED_MAX: usize = 4096;

/// The most consoles that are open at a time, of one machine and in all.
const SEATS_OF_MACHINE_MAX: usize = 4;
const SEATS_MAX: usize = 32;

/// Why somebody is not let in, as a sentence for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Denied {
    #[error("This link is invalid for this machine.")]
    Forged,
    #[error(
        "This link has expired after one minute. Open the console from your slice's page again."
    )]
    Over,
    #[error("This link has already been used. Open the console from your slice's page again.")]
    Used,
    #[error("Open the console from your slice's page to get a link.")]
    NoSession,
    #[error("Open the console from its own page.")]
    Elsewhere,
    #[error("This machine has too many open consoles. Close one first.")]
    MachineFull,
    #[error("Too many open consoles. Try again later.")]
    Full,
}

/// A session in a browser.
#[derive(Debug)]
struct Session {
    name: Name,
    ends_at: u64,
}

/// What is remembered of who came in.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// Signatures of links that were used, until they are over.
    used: HashMap<String, u64>,
    /// By the token in the cookie.
    sessions: HashMap<String, Session>,
    seats: HashMap<Name, usize>,
}

impl Gate {
    /// Begins a session with a link, which works once.
    pub(crate) fn enter(
        &mut self,
        (name, key): (&Name, &[u8]),
        (expires, signature): (&str, &str),
        token: String,
        now: u64,
    ) -> Result<(), Denied> {
        let ends_at = check(name, key, expires, signature, now)?;
        self.used.retain(|_, ends_at| *ends_at >= now);
        self.sessions.retain(|_, session| session.ends_at > now);
        if self.used.contains_key(signature) {
            return Err(Denied::Used);
        }
        if self.used.len() >= REMEMBERED_MAX || self.sessions.len() >= REMEMBERED_MAX {
            return Err(Denied::Full);
        }
        self.used.insert(signature.to_owned(), ends_at);
        let session = Session { name: name.clone(), ends_at: now + SESSION_SECONDS };
        self.sessions.insert(token, session);
        Ok(())
    }

    /// How many seconds the session of a cookie has left at this machine.
    pub(crate) fn session(&self, name: &Name, token: &str, now: u64) -> Result<u64, Denied> {
        let found = self.sessions.get(token).filter(|session| session.name == *name);
        let left = found.map_or(0, |session| session.ends_at.saturating_sub(now));
        if left == 0 { Err(Denied::NoSession) } else { Ok(left) }
    }

    /// Takes a seat at a machine's console; `leave` gives it back.
    pub(crate) fn sit(&mut self, name: &Name) -> Result<(), Denied> {
        if self.seats.values().sum::<usize>() >= SEATS_MAX {
            return Err(Denied::Full);
        }
        let taken = self.seats.entry(name.clone()).or_default();
        if *taken >= SEATS_OF_MACHINE_MAX {
            return Err(Denied::MachineFull);
        }
        *taken += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self, name: &Name) {
        if let Some(taken) = self.seats.get_mut(name) {
            *taken = taken.saturating_sub(1);
        }
        self.seats.retain(|_, taken| *taken > 0);
    }
}

/// Checks a link, and answers when it is over. Whether it is the market's comes first, in constant
/// time: nobody else learns more.
fn check(name: &Name, key: &[u8], expires: &str, signature: &str, now: u64) -> Result<u64, Denied> {
    // A key that is no key would be one that anybody knows.
    if key.len() != 32 {
        return Err(Denied::Forged);
    }
    // One spelling only: another would be another link.
    let signature = HEXLOWER.decode(signature.as_bytes()).map_err(|_| Denied::Forged)?;
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Denied::Forged)?;
    mac.update(format!("{}/{}\n{expires}", name.slice, name.rental).as_bytes());
    mac.verify_slice(&signature).map_err(|_| Denied::Forged)?;
    let ends_at: u64 = expires.parse().map_err(|_| Denied::Forged)?;
    if ends_at < now {
        return Err(Denied::Over);
    }
    if ends_at - now > LINK_SECONDS_MAX {
        return Err(Denied::Forged);
    }
    Ok(ends_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;
    const KEY: [u8; 32] = [7; 32];

    fn name(rental: &str) -> Name {
        Name::read("node32_slice_1", rental).unwrap()
    }

    fn sign(key: &[u8], message: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(message.as_bytes());
        HEXLOWER.encode(&mac.finalize().into_bytes())
    }

    /// A link to the machine of `r1`, as the market makes it.
    fn link(ends_at: u64) -> (String, String) {
        (ends_at.to_string(), sign(&KEY, &format!("node32_slice_1/r1\n{ends_at}")))
    }

    fn enter(gate: &mut Gate, name: &Name, key: &[u8], link: &(String, String)) -> Option<Denied> {
        let token = format!("t{}", gate.sessions.len());
        gate.enter((name, key), (&link.0, &link.1), token, NOW).err()
    }

    #[test]
    fn a_link_fits_one_machine_for_a_short_time() {
        let check = |name: &Name, key: &[u8], link: &(String, String), expected| {
            assert_eq!(enter(&mut Gate::default(), name, key, link), expected, "{link:?}");
        };
        let r1 = name("r1");
        for ahead in [0, 60, 300] {
            check(&r1, &KEY, &link(NOW + ahead), None);
        }
        check(&r1, &KEY, &link(NOW + 301), Some(Denied::Forged));
        check(&r1, &KEY, &link(NOW - 1), Some(Denied::Over));
        check(&name("r2"), &KEY, &link(NOW), Some(Denied::Forged));
        check(&r1, &[8; 32], &link(NOW), Some(Denied::Forged));
        let (expires, signature) = link(NOW);
        let later = (NOW + 1).to_string();
        check(&r1, &KEY, &(later, signature.clone()), Some(Denied::Forged));
        for bad in ["", "00", &signature[..62], &signature.to_uppercase()] {
            check(&r1, &KEY, &(expires.clone(), bad.to_owned()), Some(Denied::Forged));
        }
        let odd = "+1800000001";
        let signed = sign(&KEY, &format!("node32_slice_1/r1\nx{odd}"));
        check(&r1, &KEY, &(format!("x{odd}"), signed), Some(Denied::Forged));
        // A secret that was lost is not the empty one.
        let empty = sign(&[], &format!("node32_slice_1/r1\n{NOW}"));
        check(&r1, &[], &(NOW.to_string(), empty), Some(Denied::Forged));
    }

    #[test]
    fn a_link_works_once() {
        let mut gate = Gate::default();
        assert_eq!(enter(&mut gate, &name("r1"), &KEY, &link(NOW)), None);
        assert_eq!(enter(&mut gate, &name("r1"), &KEY, &link(NOW)), Some(Denied::Used));
        assert_eq!(enter(&mut gate, &name("r1"), &KEY, &link(NOW + 1)), None);
    }

    #[test]
    fn a_session_is_one_machines_and_ends() {
        let mut gate = Gate::default();
        enter(&mut gate, &name("r1"), &KEY, &link(NOW));
        let left = |name: &Name, token: &str, now| gate.session(name, token, now).ok();
        assert_eq!(left(&name("r1"), "t0", NOW + 10), Some(SESSION_SECONDS - 10));
        assert_eq!(left(&name("r2"), "t0", NOW), None);
        assert_eq!(left(&name("r1"), "t1", NOW), None);
        assert_eq!(left(&name("r1"), "t0", NOW + SESSION_SECONDS), None);
    }

    #[test]
    fn seats_are_few_and_are_given_back() {
        let mut gate = Gate::default();
        for _ in 0..4 {
            assert_eq!(gate.sit(&name("r1")), Ok(()));
        }
        assert_eq!(gate.sit(&name("r1")), Err(Denied::MachineFull));
        gate.leave(&name("r1"));
        assert_eq!(gate.sit(&name("r1")), Ok(()));
        for number in 0..28 {
            assert_eq!(gate.sit(&name(&format!("other{}", number / 4))), Ok(()));
        }
        assert_eq!(gate.sit(&name("r2")), Err(Denied::Full));
        gate.leave(&name("r1"));
        assert_eq!(gate.sit(&name("r2")), Ok(()));
    }
}
