//! Schemathesis: requests made from the API document, as somebody of each role.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;

use crate::api::{Api, Caller};
use crate::progress::Step;
use crate::python::Python;
use crate::workspace::Workspace;

use super::tools;
use super::{Ground, Report};

/// How long it goes on for each role, in seconds.
const SECONDS_PER_ROLE: u64 = 60;

/// How much longer it may take in all, to begin and to report.
const TIME_BESIDE: Duration = Duration::from_mins(2);

/// How many requests it makes for an operation before it goes on to the next.
const EXAMPLES_MAX: &str = "30";

pub(super) fn run(workspace: &Workspace, tools: &Python, ground: &Ground) -> Result<Report> {
    let api = Api::new(&ground.url);
    let document = api.call("GET", "/api/openapi.json", Caller::Nobody, &json!(null))?.body;
    let file = ground.folder.join("openapi.json");
    fs::write(&file, document.to_string())
        .with_context(|| format!("writing {}", file.display()))?;
    let people = &ground.people;
    let mut findings = Vec::new();
    let mut cases = 0;
    for person in [&people.visitor, &people.renter, &people.farmer, &people.operator] {
        let log = ground.folder.join(format!("{}.txt", person.name));
        let mut command = tools.command("schemathesis");
        command.arg("--config-file").arg(workspace.join(CONFIGURATION)).arg("--no-color");
        command.arg("run").arg(&file).args(["--url", &ground.url, "--checks", "all"]);
        command.args(["--max-examples", EXAMPLES_MAX]);
        command.args(["--max-time", &SECONDS_PER_ROLE.to_string()]);
        if let Some((name, value)) = person.bearer() {
            command.args(["--header", &format!("{name}: {value}")]);
        }
        let mut step = Step::start(&format!("schemathesis as {}", person.name));
        let limit = Duration::from_secs(SECONDS_PER_ROLE) + TIME_BESIDE;
        let end = tools::run(&mut step, command.current_dir(&ground.folder), &log, limit)?;
        step.done();
        let said = fs::read_to_string(&log).context("reading what schemathesis said")?;
        let generated = generated(&said);
        if end.code().is_none_or(|code| code > 1) || generated == 0 {
            bail!("schemathesis failed ({end}): see {}", log.display());
        }
        cases += generated;
        let found: Vec<_> = failures(&said).map(|it| format!("as {}: {it}", person.name)).collect();
        if found.is_empty() && !end.success() {
            findings.push(format!("as {}: see {}", person.name, log.display()));
        }
        findings.extend(found);
    }
    Ok(Report { done: format!("{cases} requests as 4 roles"), findings })
}

/// How it is configured.
const CONFIGURATION: &str = "crates/xtask/src/attack/schemathesis.toml";

/// How many requests it says that it has made: `  6163 generated, 10 found …`.
fn generated(said: &str) -> u64 {
    let mut words = said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let count = words.find_map(|words| match words[..] {
        [count, "generated,", ..] => count.parse().ok(),
        _ => None,
    });
    count.unwrap_or(0)
}

/// What it found: the failed check under the operation that it was about.
fn failures(said: &str) -> impl Iterator<Item = String> {
    let mut operation = "";
    said.lines().filter_map(move |line| {
        let heading = line.strip_prefix("__").and_then(|line| line.strip_suffix("__"));
        if let Some(heading) = heading {
            operation = heading.trim_matches(['_', ' ']);
        }
        line.strip_prefix("- ")
            .filter(|_| !operation.is_empty())
            .map(|it| format!("{operation}: {it}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_says_is_understood() {
        let said = "\
            ____________ GET /api/rentals ____________\n\
            1. Test Case ID: YXQfBn\n\n- ST202 Schema-valid request rejected\n\n\
            \x20 6163 generated, 10 found 10 unique failures, 21 skipped\n";
        assert_eq!(generated(said), 6163);
        let found: Vec<_> = failures(said).collect();
        assert_eq!(found, ["GET /api/rentals: ST202 Schema-valid request rejected"]);
        assert_eq!(generated("no tests"), 0);
    }
}
