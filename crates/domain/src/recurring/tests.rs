//! The table against what components do.

use strum::VariantArray;

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_795_368_000 + seconds)
}

#[test]
fn every_job_says_what_it_is() {
    for (index, job) in ALL.iter().enumerate() {
        assert!(!ALL[..index].iter().any(|other| other.name == job.name), "{}", job.name);
        for text in [job.name, job.does, job.resumed] {
            assert!(!text.is_empty(), "{}", job.name);
        }
        assert!(job.does.ends_with('.'), "{}", job.name);
        assert!(job.bounds.iter().all(|bound| bound.count > 0 && !bound.of.is_empty()));
        assert!(job.limit() > 0, "{}", job.name);
    }
}

#[test]
fn components_are_woken_as_the_manifest_says() {
    let manifest = include_str!("../../../../spin.toml");
    for &by in RunBy::VARIANTS {
        let trigger = alloc::format!(
            "component = \"{}\"\ncron_expression = \"{}\"",
            by.into_str(),
            by.cron_expression()
        );
        assert!(manifest.contains(&trigger), "{trigger}");
    }
    assert_eq!(manifest.matches("[[trigger.cron]]").count(), RunBy::VARIANTS.len());
}

#[test]
fn a_job_is_due_once_its_time_is_over() {
    assert!(
        CREATE_NOTIFICATIONS.is_due(None, at(0)) && CREATE_NOTIFICATIONS.is_due(Some(at(0)), at(0))
    );
    assert!(CHECKPOINT.is_due(None, at(0)));
    assert!(!CHECKPOINT.is_due(Some(at(0)), at(3_599)));
    assert!(CHECKPOINT.is_due(Some(at(0)), at(3_600)));
    // The clock was ahead when it was last done.
    assert!(CHECKPOINT.is_due(Some(at(100)), at(0)));
}

#[test]
fn the_next_run_is_known() {
    assert_eq!(SYNC.next(None, at(1)), at(300));
    assert_eq!(EXPIRE.next(None, at(1)), at(10));
    assert_eq!(EXPIRE.next(Some(at(0)), at(0)), at(300));
    assert_eq!(CREATE_NOTIFICATIONS.next(Some(at(0)), at(4)), at(10));
    assert_eq!(CHECKPOINT.next(Some(at(0)), at(4)), at(3_600));
    assert_eq!(CHECKPOINT.next(Some(at(-3)), at(4)), at(3_600));
    assert_eq!(CHECKPOINT.next(Some(at(-7_200)), at(4)), at(10));
}

#[test]
fn bounds_are_told_with_their_numbers() {
    assert_eq!(CHECK_FARMS.bounded(), "20 farms, 3 failures");
    assert_eq!(AGGREGATE_OBSERVATIONS.bounded(), "60,000 checks, in whole days");
    assert_eq!(SYNC.bounded(), "300 requests, 200 nodes in each, 100 seconds");
    assert_eq!(Bound::new(12_034, "rows").to_string(), "12,034 rows");
}

/// A batch takes a whole share of what a run does.
#[test]
fn runs_are_made_of_whole_batches() {
    assert_eq!(CREATE_NOTIFICATIONS.limit() % EVENTS_PER_STATEMENT.count, 0);
    assert_eq!(CHECK_SLA_AT_RISK.limit() % MONTHS_PER_STATEMENT.count, 0);
}
