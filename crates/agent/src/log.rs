//! What the agent says: one line per thing that happened, on standard error, without secrets.

use std::fmt;
use std::io::{self, Write as _};

/// Writes one line. A closed standard error is no reason to leave machines alone.
pub(crate) fn write_line(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// `say!("job {id}: done")`.
macro_rules! say {
    ($($argument:tt)*) => { $crate::log::write_line(format_args!($($argument)*)) };
}
pub(crate) use say;
