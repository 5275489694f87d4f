//! What is kept of consoles: for each machine its socket, and the secret that links are signed
//! with.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::journal::{make_folder, write_whole};
use crate::protocol::check_id;

/// A machine, by what names it. Both are plain: they are parts of paths.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Name {
    pub(crate) slice: String,
    pub(crate) rental: String,
}

impl Name {
    /// Reads what a path has.
    pub(crate) fn read(slice: &str, rental: &str) -> Option<Name> {
        check_id("slice", slice).ok()?;
        check_id("rental", rental).ok()?;
        Some(Name { slice: slice.to_owned(), rental: rental.to_owned() })
    }
}

/// A machine's console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// 32 random bytes, as 64 hex digits.
    secret: String,
    /// The socket of its serial console.
    pub(crate) socket: PathBuf,
    /// Sessions that began before this have ended, and links from before it are of no use. Seconds
    /// since 1970.
    #[serde(default)]
    ended_at: u64,
}

impl Kept {
    /// Whether a session that began then, or a link that was made then, is over.
    pub(crate) fn is_over(&self, began_at: u64) -> bool {
        began_at <= self.ended_at
    }

    /// The secret's bytes.
    pub(crate) fn key(&self) -> Vec<u8> {
        // What this program has written can be read; whatever else is there signs nothing.
        HEXLOWER.decode(self.secret.as_bytes()).unwrap_or_default()
    }
}

/// The folder of consoles. Only the agent's user may enter it.
#[derive(Clone, Debug)]
pub(crate) struct Consoles {
    folder: PathBuf,
}

impl Consoles {
    pub(crate) fn open(state_folder: &Path) -> Result<Consoles> {
        let folder = state_folder.join("consoles");
        make_folder(&folder)?;
        Ok(Consoles { folder })
    }

    /// Keeps where a machine's console is. Answers its secret, the same one each time.
    pub(crate) fn keep(&self, slice: &str, rental: &str, socket: &Path) -> Result<String> {
        let name = Name::read(slice, rental).context("ids that are no names of files")?;
        let known = self.find(&name);
        let (secret, ended_at) = match &known {
            Some(known) => (known.secret.clone(), known.ended_at),
            None => (random()?, 0),
        };
        let kept = Kept { secret, socket: socket.to_owned(), ended_at };
        if known.as_ref() != Some(&kept) {
            self.write(&name, &kept)?;
        }
        Ok(kept.secret)
    }

    /// Ends whatever is open at a machine's console, if it has one: whoever may log in has changed.
    pub(crate) fn end_sessions(&self, slice: &str, rental: &str, now: u64) -> Result<()> {
        let name = Name::read(slice, rental).context("ids that are no names of files")?;
        match self.find(&name) {
            Some(kept) => self.write(&name, &Kept { ended_at: now, ..kept }),
            None => Ok(()),
        }
    }

    fn write(&self, name: &Name, kept: &Kept) -> Result<()> {
        let text = serde_json::to_vec(kept).context("a console is JSON")?;
        write_whole(&self.path(name), &text, 0o600)
    }

    /// The console of a machine, if it has one.
    pub(crate) fn find(&self, name: &Name) -> Option<Kept> {
        serde_json::from_slice(&fs::read(self.path(name)).ok()?).ok()
    }

    /// Ends the console of a machine, if it has one: no link fits any more.
    pub(crate) fn forget(&self, slice: &str, rental: &str) {
        if let Some(name) = Name::read(slice, rental) {
            // An error here means that there is none.
            let _ = fs::remove_file(self.path(&name));
        }
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(format!("{}.{}.json", name.slice, name.rental))
    }
}

/// 32 random bytes, as 64 hex digits.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).context("the system has no randomness")?;
    Ok(HEXLOWER.encode(&bytes))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_a_machines_own_and_goes_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let consoles = Consoles::open(folder.path()).unwrap();
        let keep = |rental: &str| consoles.keep("s1", rental, Path::new("/a.sock")).unwrap();
        let secret = keep("r1");
        assert_eq!((secret.len(), keep("r1")), (64, secret.clone()));
        assert_ne!(keep("r2"), secret);
        // The agent starts again, and the machine's folder has moved.
        let consoles = Consoles::open(folder.path()).unwrap();
        assert_eq!(consoles.keep("s1", "r1", Path::new("/b.sock")).unwrap(), secret);
        let name = Name::read("s1", "r1").unwrap();
        let kept = consoles.find(&name).unwrap();
        assert_eq!((kept.socket.as_path(), kept.key().len()), (Path::new("/b.sock"), 32));
        let mode = fs::metadata(consoles.path(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        consoles.forget("s1", "r1");
        assert_eq!(consoles.find(&name), None);
        assert_ne!(consoles.keep("s1", "r1", Path::new("/a.sock")).unwrap(), secret);
        assert!(consoles.keep("../s1", "r1", Path::new("/a.sock")).is_err());
        assert!(Name::read("s1", "a/b").is_none() && Name::read("", "r1").is_none());
    }
}
