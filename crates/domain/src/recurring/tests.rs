//! The table against what components do.

use alloc::vec::Vec;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_368_000 + seconds)
}

#[test]
fn every_job_says_what_it_is() {
    for (index, job) in ALL.iter().enumerate() {
        assert!(!ALL[..index].iter().any(|other| other.name == job.name), "{}", job.name);
        for text in [job.name, job.does, job.bounded, job.resumed] {
            assert!(!text.is_empty(), "{}", job.name);
        }
        assert!(job.does.ends_with('.'), "{}", job.name);
    }
}

/// The words of a text that are the names of constants of this module.
fn constants(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let is_name =
        |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    words.filter(is_name).collect()
}

/// A component's list is what the table says, in the same order.
#[track_caller]
fn check_component(by: RunBy, component: &str) {
    let table =
        include_str!("../recurring.rs").split_once("pub const ALL: [&RecurringJob;").unwrap().1;
    let table = table.split_once('=').unwrap().1.split(';').next().unwrap();
    let names = constants(table);
    assert_eq!(names.len(), ALL.len());
    let told = names.into_iter().zip(ALL).filter(|(_, job)| job.by == by);
    let told: Vec<&str> = told.map(|(name, _)| name).collect();
    let done = component.split_once("edge::cron!").unwrap().1;
    assert_eq!(constants(done), told);
}

#[test]
fn components_do_what_the_table_says() {
    let list = include_str!("../../../../components/grid-sync/src/lib.rs");
    check_component(RunBy::GridSync, list);
    check_component(RunBy::Mailer, include_str!("../../../../components/mailer/src/lib.rs"));
    check_component(RunBy::Notifier, include_str!("../../../../components/notifier/src/lib.rs"));
}

#[test]
fn components_are_woken_as_the_manifest_says() {
    let manifest = include_str!("../../../../spin.toml");
    for by in RunBy::ALL {
        let trigger = alloc::format!(
            "component = \"{}\"\ncron_expression = \"{}\"",
            by.as_str(),
            by.cron_expression()
        );
        assert!(manifest.contains(&trigger), "{trigger}");
    }
    assert_eq!(manifest.matches("[[trigger.cron]]").count(), RunBy::ALL.len());
}

#[test]
fn a_job_is_due_once_its_time_is_over() {
    assert!(EXPIRE.is_due(None, at(0)) && EXPIRE.is_due(Some(at(0)), at(0)));
    assert!(CHECKPOINT.is_due(None, at(0)));
    assert!(!CHECKPOINT.is_due(Some(at(0)), at(3_599)));
    assert!(CHECKPOINT.is_due(Some(at(0)), at(3_600)));
    // The clock was ahead when it was last done.
    assert!(CHECKPOINT.is_due(Some(at(100)), at(0)));
}

#[test]
fn the_next_run_is_known() {
    assert_eq!(EXPIRE.next(None, at(1)), at(300));
    assert_eq!(EXPIRE.next(Some(at(0)), at(0)), at(300));
    assert_eq!(TELL.next(Some(at(0)), at(4)), at(10));
    assert_eq!(CHECKPOINT.next(Some(at(0)), at(4)), at(3_600));
    assert_eq!(CHECKPOINT.next(Some(at(-3)), at(4)), at(3_600));
    assert_eq!(CHECKPOINT.next(Some(at(-7_200)), at(4)), at(10));
}
