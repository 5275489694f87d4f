//! What machines use of this server, as the system counts it.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::param::{clock_ticks_per_second, page_size};
use rustix::process::Pid;

/// The unit of `st_blocks`, whatever the file system's own is (stat(2)).
const BLOCK_BYTES: u64 = 512;

/// The most files of a folder that are counted.
const FILES_MAX: usize = 20_000;

/// The processor time of processes so far, in milliseconds, and their memory, in bytes.
pub(crate) fn of_processes(processes: &[Pid]) -> (u64, u64) {
    let each = processes.iter().filter_map(|pid| of_process(*pid));
    each.fold((0, 0), |(cpu, memory), (more_cpu, more)| (cpu + more_cpu, memory + more))
}

fn of_process(pid: Pid) -> Option<(u64, u64)> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", pid.as_raw_nonzero()));
    let (ticks, pages) = (cpu_ticks(&read("stat").ok()?)?, resident_pages(&read("statm").ok()?)?);
    Some((ticks * 1000 / clock_ticks_per_second(), pages * page_size() as u64))
}

/// The ticks of a line of `/proc/PID/stat`, in the program and for it: `proc_pid_stat(5)`.
fn cpu_ticks(stat: &str) -> Option<u64> {
    // The second field is the program's name, which may have anything in it but ends the brackets.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let mut next = || fields.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

/// The pages in memory of `/proc/PID/statm`.
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_whitespace().nth(1)?.parse().ok()
}

/// What a file takes of the disk; of a sparse one, what was written.
pub(crate) fn of_file(path: &Path) -> Option<u64> {
    // A link counts as what it is.
    Some(fs::symlink_metadata(path).ok()?.blocks() * BLOCK_BYTES)
}

/// What a folder takes of the disk, with all that is in it; `None` if that is too much to count.
pub(crate) fn of_folder(folder: &Path) -> Option<u64> {
    let mut bytes = 0;
    let mut left = FILES_MAX;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        // What is deleted meanwhile does not count.
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            bytes += of_file(&entry.path()).unwrap_or_default();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, SeekFrom, Write as _};
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn lines_of_the_system_are_read() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 1 0 100 1 2";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("42 (a) S 1"), None);
        assert_eq!(resident_pages("1000 250 30 1 0 90 0\n"), Some(250));
    }

    #[test]
    fn this_process_uses_memory() {
        let (_, memory) = of_processes(&[rustix::process::getpid()]);
        assert!(memory > 100_000, "{memory}");
    }

    #[test]
    fn a_folder_is_counted_with_its_holes_left_out_and_links_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::write(inner.join("a"), vec![1; 100_000]).unwrap();
        let mut sparse = fs::File::create(folder.path().join("sparse")).unwrap();
        sparse.seek(SeekFrom::Start(1 << 30)).unwrap();
        sparse.write_all(b"x").unwrap();
        symlink("/usr", inner.join("link")).unwrap();
        let bytes = of_folder(folder.path()).unwrap();
        assert!((100_000..1_000_000).contains(&bytes), "{bytes}");
    }
}
