//! What the agent is in the middle of, on disk: one file per lease, written whole or not at all.
//!
//! A file is there from before a driver is started until the market knows the outcome. So whatever
//! happens to the agent, what may have been made is found again.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::client::{Job, Step};
use crate::protocol::{Reach, Refusal};

/// The most unfinished jobs that are read. More are never there: at most eight run at a time.
const RECORDS_MAX: usize = 1000;

/// How long to wait for the agent before this one to be gone. One that was killed may have left a
/// process behind that was about to become a driver, and has what it had open until it is.
const LOCK_LIMIT: Duration = Duration::from_secs(3);

/// How often that is looked at.
const LOCK_INTERVAL: Duration = Duration::from_millis(50);

/// How far a job is, as far as it matters after a crash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    /// It was taken; nothing was made.
    Leased,
    /// The driver's `create` may have made something.
    Creating,
    /// It has, and this is how to reach it.
    Created(Reach),
    /// It can be logged in to; what it is set up with is waited for.
    SettingUp(Reach),
    /// It is ready; that is to be reported.
    Checked(Reach),
    /// What may have been made is to be removed; then the reason is reported, unless the lease is
    /// lost.
    Undoing(Option<Refusal>),
    /// The driver's `remove` is to be run.
    Removing,
    /// It is gone; that is to be reported.
    Removed,
    /// The driver is to start the machine, shut it down, restart or reset it, or change something
    /// on it.
    Powering,
    /// It has; the market is to hear of it.
    Powered,
    /// The driver's `rebuild` may have deleted the machine, or made it anew. Then it is `Created`.
    Rebuilding,
    /// The failure is to be reported.
    Failed(Refusal),
}

/// One job under one lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) job: Job,
    pub(crate) phase: Phase,
    pub(crate) step: Step,
}

impl Record {
    fn name(&self) -> String {
        format!("{}.{}.json", self.job.id, self.job.fence)
    }
}

/// The folder of records. One agent at a time has it.
pub(crate) struct Journal {
    folder: PathBuf,
    aside: PathBuf,
    _lock: File,
}

impl Journal {
    /// Opens the journal in the agent's folder, and makes it if it is not there.
    pub(crate) fn open(state_folder: &Path) -> Result<Journal> {
        let folder = state_folder.join("journal");
        let aside = state_folder.join("aside");
        make_folder(&folder)?;
        make_folder(&aside)?;
        let path = state_folder.join("agent.lock");
        let lock = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let end = Instant::now() + LOCK_LIMIT;
        while lock.try_lock().is_err() {
            let folder = state_folder.display();
            ensure!(Instant::now() < end, "{folder}: another agent is using this folder");
            thread::sleep(LOCK_INTERVAL);
        }
        Ok(Journal { folder, aside, _lock: lock })
    }

    /// Every unfinished job. What cannot be read is an error: it may be about a machine.
    pub(crate) fn read(&self) -> Result<Vec<Record>> {
        let entries = fs::read_dir(&self.folder).context("reading the journal")?;
        let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        ensure!(paths.len() <= RECORDS_MAX, "{}: too many files", self.folder.display());
        let read = |path: &PathBuf| {
            let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{} is broken", path.display()))
        };
        let mut records = paths.iter().map(read).collect::<Result<Vec<Record>>>()?;
        // The older lease of a job comes first.
        records.sort_by_key(|record| record.job.fence);
        Ok(records)
    }

    /// Keeps a record; when this returns it is on the disk.
    pub(crate) fn save(&self, record: &Record) -> Result<()> {
        let text = serde_json::to_vec_pretty(record).context("a record is JSON")?;
        write_whole(&self.folder.join(record.name()), &text, 0o600)
    }

    /// Forgets a record whose outcome the market knows.
    pub(crate) fn forget(&self, record: &Record) -> Result<()> {
        fs::remove_file(self.folder.join(record.name())).context("forgetting a job")?;
        sync_folder(&self.folder)
    }

    /// Puts a record where a person looks at it: the agent can do nothing more about it.
    pub(crate) fn put_aside(&self, record: &Record) -> Result<()> {
        let name = record.name();
        fs::rename(self.folder.join(&name), self.aside.join(&name))
            .context("putting a job aside")?;
        sync_folder(&self.folder)
    }
}

/// Makes a folder that only its owner may enter.
pub(crate) fn make_folder(folder: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(folder).with_context(|| format!("creating {}", folder.display()))
}

/// Writes a file whole or not at all; when this returns it is on the disk.
pub(crate) fn write_whole(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let doing = || format!("writing {}", path.display());
    let part = path.with_extension("part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(&part)
        .with_context(doing)?;
    file.write_all(content).with_context(doing)?;
    file.sync_all().with_context(doing)?;
    fs::rename(&part, path).with_context(doing)?;
    sync_folder(path.parent().unwrap_or(Path::new("/")))
}

fn sync_folder(folder: &Path) -> Result<()> {
    let folder = File::open(folder).context("opening a folder")?;
    folder.sync_all().context("syncing a folder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{Kind, Slice};

    fn record(fence: u64) -> Record {
        let slice =
            Slice { id: "node1_slice_1".to_owned(), cpu_cores: 1, memory_gb: 4, storage_gb: 200 };
        let job = Job {
            id: "j1".to_owned(),
            kind: Kind::Create,
            fence,
            attempt: 1,
            rental_id: "r1".to_owned(),
            slice,
            ssh_keys: Vec::new(),
            user_data: None,
            ports: Vec::new(),
            check: None,
            template: None,
            password_hash: None,
        };
        Record { job, phase: Phase::Leased, step: Step::Accepted }
    }

    #[test]
    fn what_was_saved_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut first = record(1);
        {
            let journal = Journal::open(folder.path()).unwrap();
            journal.save(&first).unwrap();
            journal.save(&record(2)).unwrap();
            first.phase = Phase::Undoing(Some(Refusal::later("full")));
            journal.save(&first).unwrap();
            assert!(Journal::open(folder.path()).is_err(), "two agents, one journal");
        }
        let journal = Journal::open(folder.path()).unwrap();
        assert_eq!(journal.read().unwrap(), [first.clone(), record(2)]);
        journal.forget(&first).unwrap();
        journal.put_aside(&record(2)).unwrap();
        assert_eq!(journal.read().unwrap(), []);
    }

    #[test]
    fn a_write_that_was_cut_off_is_as_if_it_never_began() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(folder.path()).unwrap();
        journal.save(&record(1)).unwrap();
        fs::write(folder.path().join("journal/j1.1.part"), "{\"job\":").unwrap();
        assert_eq!(journal.read().unwrap(), [record(1)]);
        fs::write(folder.path().join("journal/j1.1.json"), "{\"job\":").unwrap();
        assert!(journal.read().is_err(), "a broken record is never passed over");
    }
}
