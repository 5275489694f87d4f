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

/// The most links of one machine that are remembered as used, and the most of its sessions. What
/// one renter does at a machine keeps nobody from another one.
const LINKS_OF_MACHINE_MAX: usize = 64;
const SESSIONS_OF_MACHINE_MAX: usize = 64;

/// The most consoles of one machine that are open at a time.
const SEATS_OF_MACHINE_MAX: usize = 4;

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
    #[error("This machine's console was opened too often. Try again in five minutes.")]
    TooOften,
}

/// What is remembered of who came in.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    machines: HashMap<Name, Visitors>,
}

/// What is remembered of who came to one machine.
#[derive(Debug, Default)]
struct Visitors {
    /// Signatures of links that were used, until they are over.
    used: HashMap<String, u64>,
    /// When the session of each token in a cookie is over.
    sessions: HashMap<String, u64>,
    seats: usize,
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
        self.forget(now);
        let Visitors { used, sessions, .. } = self.machines.entry(name.clone()).or_default();
        if used.contains_key(signature) {
            return Err(Denied::Used);
        }
        if used.len() >= LINKS_OF_MACHINE_MAX {
            return Err(Denied::TooOften);
        }
        used.insert(signature.to_owned(), ends_at);
        // The newest session counts: the first to end makes room for it.
        if sessions.len() >= SESSIONS_OF_MACHINE_MAX
            && let Some((oldest, _)) = sessions.iter().min_by_key(|(_, ends_at)| **ends_at)
        {
            let oldest = oldest.clone();
            sessions.remove(&oldest);
        }
        sessions.insert(token, now + SESSION_SECONDS);
        Ok(())
    }

    /// How many seconds the session of a cookie has left at this machine.
    pub(crate) fn session(&self, name: &Name, token: &str, now: u64) -> Result<u64, Denied> {
        let found = self.machines.get(name).and_then(|it| it.sessions.get(token));
        let left = found.map_or(0, |ends_at| ends_at.saturating_sub(now));
        if left == 0 { Err(Denied::NoSession) } else { Ok(left) }
    }

    /// Takes a seat at a machine's console; `leave` gives it back.
    pub(crate) fn sit(&mut self, name: &Name) -> Result<(), Denied> {
        let Visitors { seats, .. } = self.machines.entry(name.clone()).or_default();
        if *seats >= SEATS_OF_MACHINE_MAX {
            return Err(Denied::MachineFull);
        }
        *seats += 1;
        Ok(())
    }

    pub(crate) fn leave(&mut self, name: &Name) {
        if let Some(Visitors { seats, .. }) = self.machines.get_mut(name) {
            *seats = seats.saturating_sub(1);
        }
    }

    /// Forgets what is over.
    fn forget(&mut self, now: u64) {
        for Visitors { used, sessions, .. } in self.machines.values_mut() {
            used.retain(|_, ends_at| *ends_at >= now);
            sessions.retain(|_, ends_at| *ends_at > now);
        }
        self.machines
            .retain(|_, it| it.seats > 0 || !it.used.is_empty() || !it.sessions.is_empty());
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
        let sessions = gate.machines.values().map(|it| it.sessions.len());
        let token = format!("t{}", sessions.sum::<usize>());
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
    fn seats_are_few_for_each_machine_and_are_given_back() {
        let mut gate = Gate::default();
        // Somebody with many machines takes all that there are of each.
        for machine in 0..100 {
            let name = name(&format!("r{machine}"));
            for _ in 0..4 {
                assert_eq!(gate.sit(&name), Ok(()), "{name:?}");
            }
            assert_eq!(gate.sit(&name), Err(Denied::MachineFull));
        }
        gate.leave(&name("r1"));
        assert_eq!(gate.sit(&name("r1")), Ok(()));
        assert_eq!(gate.sit(&name("r1")), Err(Denied::MachineFull));
    }

    #[test]
    fn whoever_opens_one_console_too_often_disturbs_no_other() {
        let mut gate = Gate::default();
        let open = |gate: &mut Gate, rental: &str, number: u64, now: u64| {
            let expires = (now + 60).to_string();
            // Links of the same second differ by how they are written.
            let expires = format!("{}{expires}", "0".repeat(usize::try_from(number % 70).unwrap()));
            let signature = sign(&KEY, &format!("node32_slice_1/{rental}\n{expires}"));
            let token = format!("{rental}-{number}");
            gate.enter((&name(rental), &KEY), (&expires, &signature), token, now).err()
        };
        assert_eq!(open(&mut gate, "r2", 0, NOW), None);
        for number in 0..64 {
            assert_eq!(open(&mut gate, "r1", number, NOW), None);
        }
        assert_eq!(open(&mut gate, "r1", 64, NOW), Some(Denied::TooOften));
        assert_eq!(open(&mut gate, "r2", 1, NOW), None);
        // Once its links are over it can be opened again, for one of its sessions.
        let later = NOW + 61;
        assert_eq!(open(&mut gate, "r1", 65, later), None);
        let count = |rental: &str| gate.machines[&name(rental)].sessions.len();
        assert_eq!((count("r1"), count("r2")), (64, 2));
        assert!(gate.session(&name("r1"), "r1-65", later).is_ok());
        assert!(gate.session(&name("r2"), "r2-0", later).is_ok());
        // What is over is forgotten.
        assert_eq!(open(&mut gate, "r3", 0, NOW + 2 * SESSION_SECONDS), None);
        assert_eq!(gate.machines.len(), 1);
    }
}
