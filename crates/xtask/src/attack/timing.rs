//! Whether the time of an answer tells who has an account: Welch's t-test on failed sign-ins.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::api::{Api, Caller};
use crate::progress::Step;

use super::{Ground, Report};

/// How many pairs of requests are compared.
const PAIRS: usize = 2_000;

/// The largest t that is still chance: 4.5, as in tests of leaking hardware (ISO/IEC 17825).
const T_MAX: f64 = 4.5;

pub(super) fn run(ground: &Ground) -> Result<Report> {
    let api = Api::new(&ground.url);
    let cookie = ground.people.renter.cookie.as_deref().context("the renter has no session")?;
    let account = api.call("GET", "/api/account", Caller::Cookie(cookie), &json!({}))?;
    let known = account.text("email")?.to_owned();
    let mut step = Step::start("timing failed sign-ins");
    let (mut of_known, mut of_unknown) = (Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Of the same length, and never asked for twice.
        let unknown =
            format!("{pair:0>width$}{host}", width = at(&known), host = &known[at(&known)..]);
        // Each comes first as often as the other.
        if pair % 2 == 0 {
            of_known.push(time(&api, &known)?);
            of_unknown.push(time(&api, &unknown)?);
        } else {
            of_unknown.push(time(&api, &unknown)?);
            of_known.push(time(&api, &known)?);
        }
        if pair % 100 == 0 {
            step.note(&format!("{pair} of {PAIRS} pairs"));
        }
    }
    step.done();
    let t = welch(&of_known, &of_unknown);
    let millis = |times: &[f64]| mean(times) * 1e3;
    let done = format!(
        "{PAIRS} pairs of failed sign-ins, {:.1} ms for an account and {:.1} ms for none, t {t:.2}",
        millis(&of_known),
        millis(&of_unknown)
    );
    let finding =
        (t.abs() > T_MAX).then(|| "response times reveal which addresses have accounts".to_owned());
    Ok(Report { done, findings: finding.into_iter().collect() })
}

/// Where the host of an address begins.
fn at(email: &str) -> usize {
    email.find('@').unwrap_or(email.len())
}

/// How long a wrong password takes, in seconds.
fn time(api: &Api, email: &str) -> Result<f64> {
    let body = json!({ "email": email, "password": "not the password" });
    let started = Instant::now();
    let answer = api.ask("POST", "/api/account/sessions", Caller::Nobody, &body)?;
    let taken: Duration = started.elapsed();
    ensure!(answer.status == 401, "a wrong password answered {}: {}", answer.status, answer.body);
    Ok(taken.as_secs_f64())
}

fn mean(times: &[f64]) -> f64 {
    times.iter().sum::<f64>() / count(times)
}

fn variance(times: &[f64]) -> f64 {
    let mean = mean(times);
    times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count(times) - 1.0)
}

#[expect(clippy::cast_precision_loss, reason = "some thousands are exact")]
fn count(times: &[f64]) -> f64 {
    times.len() as f64
}

/// Welch's t: how far two means are apart, in standard errors.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let error = (variance(one) / count(one) + variance(other) / count(other)).sqrt();
    (mean(one) - mean(other)) / error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_stands_out_and_what_does_not_does_not() {
        let noisy = |base: f64| (0..1_000_u32).map(|n| base + f64::from(n * 7919 % 101)).collect();
        let (one, same, slower): (Vec<f64>, Vec<f64>, Vec<f64>) =
            (noisy(50.0), noisy(50.0), noisy(60.0));
        assert!(welch(&one, &same).abs() < T_MAX);
        assert!(welch(&slower, &one) > T_MAX);
        assert!(welch(&one, &slower) < -T_MAX);
    }
}
