//! Disks that get full: that of a server, on which the disks of its machines grow, and those in the
//! machines. People are notified before, once; again only after there was room in between.

/// With less free on a server's disk, it is low. Bytes: 20 GB, twice what `driver-linux` needs to
/// create a machine.
pub const SERVER_LOW_BYTES: u64 = 20 << 30;
/// With less of it free, it is low as well, unless the machines can't grow by more. Percent.
pub const SERVER_LOW_PERCENT: u64 = 10;
/// With so much free there is room again. Bytes: 30 GB.
pub const SERVER_ROOM_BYTES: u64 = 30 << 30;
/// The same in percent.
pub const SERVER_ROOM_PERCENT: u64 = 15;

/// A file system in a machine is almost full from here on. Percent.
pub const ALMOST_FULL_PERCENT: u64 = 90;
/// There is room in it again from here on downward. Percent.
pub const ROOM_PERCENT: u64 = 80;

/// The disk of a server, as its agent reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerDisk {
    /// How large it is, in bytes.
    pub bytes: u64,
    /// What is free of it.
    pub free_bytes: u64,
    /// By how much the disks of the machines on it may still grow, if that is known.
    pub growth_bytes: Option<u64>,
}

impl ServerDisk {
    /// Whether it is low; `was_low` says whether it was, as far as is known.
    pub fn is_low(self, was_low: bool) -> bool {
        let (bytes, percent) = if was_low {
            (SERVER_ROOM_BYTES, SERVER_ROOM_PERCENT)
        } else {
            (SERVER_LOW_BYTES, SERVER_LOW_PERCENT)
        };
        let fits = self.growth_bytes.is_some_and(|growth| growth <= self.free_bytes);
        self.free_bytes < bytes || (!fits && self.free_bytes < self.bytes / 100 * percent)
    }
}

/// A file system in a machine, as the machine says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSystem {
    /// How large it is, in bytes.
    pub bytes: u64,
    /// What is used of it.
    pub used_bytes: u64,
}

impl FileSystem {
    /// How full it is, in percent, at most 100.
    pub fn percent(self) -> u64 {
        let used = u128::from(self.used_bytes.min(self.bytes)) * 100;
        u64::try_from(used / u128::from(self.bytes.max(1))).unwrap_or(100)
    }

    /// Whether it is almost full; `was_almost_full` says whether it was, as far as is known.
    pub fn is_almost_full(self, was_almost_full: bool) -> bool {
        self.percent() >= if was_almost_full { ROOM_PERCENT } else { ALMOST_FULL_PERCENT }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    #[test]
    fn a_servers_disk_is_low_before_it_is_full_and_until_there_is_room() {
        let check = |(total, free, growth): (u64, u64, Option<u64>), expected: (bool, bool)| {
            let growth_bytes = growth.map(|growth| growth * GB);
            let disk = ServerDisk { bytes: total * GB, free_bytes: free * GB, growth_bytes };
            let found = (disk.is_low(false), disk.is_low(true));
            assert_eq!(found, expected, "{free} GB of {total} GB, growth {growth:?}");
        };
        // Room or not, whatever was before.
        check((1000, 150, Some(5000)), (false, false));
        check((1000, 99, Some(5000)), (true, true));
        check((1000, 99, None), (true, true));
        check((100, 19, Some(0)), (true, true));
        check((20, 20, None), (false, true));
        // Neither low nor room.
        check((1000, 100, Some(5000)), (false, true));
        check((1000, 149, None), (false, true));
        check((100, 29, Some(0)), (false, true));
        // Whatever the machines write fits.
        check((1000, 99, Some(99)), (false, false));
        check((1000, 99, Some(100)), (true, true));
        check((0, 0, None), (true, true));
        check((u64::MAX / GB, u64::MAX / GB, None), (false, false));
    }

    #[test]
    fn a_file_system_is_almost_full_from_90_percent_until_it_falls_under_80() {
        let check = |used_bytes, percent, expected: (bool, bool)| {
            let system = FileSystem { bytes: 1000, used_bytes };
            assert_eq!(system.percent(), percent);
            assert_eq!((system.is_almost_full(false), system.is_almost_full(true)), expected);
        };
        check(0, 0, (false, false));
        check(799, 79, (false, false));
        check(800, 80, (false, true));
        check(899, 89, (false, true));
        check(900, 90, (true, true));
        check(1000, 100, (true, true));
        // A machine may say anything.
        check(u64::MAX, 100, (true, true));
        assert_eq!(FileSystem { bytes: 0, used_bytes: 7 }.percent(), 0);
        assert_eq!(FileSystem { bytes: u64::MAX, used_bytes: u64::MAX }.percent(), 100);
    }
}
