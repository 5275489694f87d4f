//! The walk through all that can be read: nothing may change by it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::progress::Step;

use super::{Ground, Report, tools};

/// How long a walk may take; it takes a few seconds.
const TIME_MAX: Duration = Duration::from_mins(3);

pub(super) fn run(crawler: &Path, ground: &Ground) -> Result<Report> {
    let (said, findings) = walk(crawler, ground)?;
    Ok(Report { done: said, findings })
}

/// Walks, and answers what the crawler did, and what it found.
fn walk(crawler: &Path, ground: &Ground) -> Result<(String, Vec<String>)> {
    let people = ground.folder.join("people.json");
    fs::write(&people, ground.people.roles().to_string()).context("writing the roles")?;
    let log = ground.folder.join("crawl.txt");
    let mut command = Command::new(crawler);
    command.args(["--url", &ground.url]).arg("--database").arg(&ground.database);
    command.arg("--people").arg(&people).arg("--forms").arg(forms_file(ground));
    let mut step = Step::start("crawling");
    let end = tools::run(&mut step, &mut command, &log, TIME_MAX)?;
    step.done();
    let said = fs::read_to_string(&log).context("reading what the crawler said")?;
    let mut lines: Vec<_> = said.lines().map(str::to_owned).collect();
    match (end.code(), lines.pop()) {
        (Some(0 | 1), Some(summary)) => Ok((summary, lines)),
        _ => bail!("the crawler failed ({end}): see {}", log.display()),
    }
}

/// Every form of every page, as the crawler has written them.
pub(super) fn forms(crawler: &Path, ground: &Ground) -> Result<serde_json::Value> {
    walk(crawler, ground)?;
    let text = fs::read_to_string(forms_file(ground)).context("reading the forms")?;
    serde_json::from_str(&text).context("reading the forms")
}

fn forms_file(ground: &Ground) -> PathBuf {
    ground.folder.join("forms.json")
}
