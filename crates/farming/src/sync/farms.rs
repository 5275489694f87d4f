//! Whether verified farms still belong to whom they did.

use domain::recurring::{CHECK_FAILURES, CHECK_FARMS};
use grid::Farm;
use store::farms::{self, Checked};
use web::{Env, JobError};

use super::ask::{Grid, Quality};

/// How long an answer is good for, in seconds.
const CHECKED_FOR_SECONDS: i64 = 60 * 60;

/// Asks the grid for farms that were not checked for an hour. One that has another twin by now, or
/// was not listed for a day, is verified no longer, until it has its twin again. Where the grid
/// does not answer, everything stays as it is.
pub(crate) fn check(env: &Env<'_>) -> Result<(), JobError> {
    let since = env.now.plus_seconds(-CHECKED_FOR_SECONDS);
    let due = farms::unchecked(env.db, since, CHECK_FARMS.limit())?;
    if due.is_empty() {
        return Ok(());
    }
    let mut grid = Grid::new(env)?;
    let mut checked = Vec::new();
    let mut failures = Vec::new();
    let failures_max = CHECK_FAILURES.count as usize;
    for (id, twin) in due {
        if failures.len() == failures_max {
            break;
        }
        match fetch(&mut grid, id, twin) {
            Ok(farm) => {
                let twin = farm.as_ref().map(|farm| farm.twin_id);
                checked.push(Checked { id, name: farm.map(|farm| farm.name), twin });
            }
            Err(error) => failures.push(error),
        }
    }
    grid.end()?;
    farms::check(env.db, &checked, env.now)?;
    if failures.is_empty() { Ok(()) } else { Err(JobError(failures.join("; "))) }
}

/// What the grid says of a farm that belonged to `twin`. Another server may know better.
fn fetch(grid: &mut Grid<'_>, farm: u32, twin: u32) -> Result<Option<Farm>, String> {
    let read = |body: &[u8]| {
        let found = grid::find_farm(body, farm).map_err(|error| error.to_string())?;
        let is_known = found.as_ref().is_some_and(|found| found.twin_id == twin);
        Ok(if is_known { Quality::Good(found) } else { Quality::Unconfirmed(found) })
    };
    grid.ask(&grid::farm_path(farm), read).map(|(farm, _)| farm)
}
