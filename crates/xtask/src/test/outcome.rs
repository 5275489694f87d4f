//! How many tests passed, failed and were skipped, and why.

use std::collections::BTreeSet;

/// What came of test programs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// What was skipped and why, and which tests failed: a line each.
    notes: BTreeSet<String>,
}

impl Outcome {
    /// The last line: everybody who runs tests by machine looks for it.
    pub(crate) fn line(&self) -> String {
        let Outcome { passed, failed, skipped, .. } = self;
        match skipped {
            0 => format!("{passed} passed, {failed} failed"),
            _ => format!("{passed} passed, {failed} failed, {skipped} skipped"),
        }
    }

    /// What to say before the last line: which tests failed, and which were skipped and why.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(String::as_str)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.failed == 0
    }

    /// Adds the outcome of other tests.
    pub(crate) fn add(&mut self, other: &Outcome) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.notes.extend(other.notes.iter().cloned());
    }

    /// Adds a test program's own last line, such as
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; …`. Other lines count for nothing.
    pub(crate) fn add_line(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|l| l.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }

    /// Counts tests that were left out.
    pub(crate) fn skip(&mut self, tests: u32, program: &str, why: &str) {
        if tests > 0 {
            self.skipped += tests;
            self.notes.insert(format!("skipped: {tests} of {program}: {why}"));
        }
    }

    /// Names a test that failed.
    pub(super) fn name_failure(&mut self, program: &str, test: &str) {
        self.notes.insert(format!("failed: {program} {test}"));
    }

    /// Counts a test program that ended without saying what failed, such as one that was killed.
    pub(crate) fn fail_silently(&mut self, program: &str) {
        self.failed += 1;
        self.notes.insert(format!("failed: {program} ended without a result"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_the_sum_of_all_test_programs() {
        let mut outcome = Outcome::default();
        let check = |outcome: &mut Outcome, line: &str, expected: &str| {
            outcome.add_line(line);
            assert_eq!(outcome.line(), expected);
        };
        check(&mut outcome, "running 3 tests", "0 passed, 0 failed");
        check(
            &mut outcome,
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "3 passed, 0 failed",
        );
        assert!(outcome.is_success());
        check(&mut outcome, "test a::test_result ... ok", "3 passed, 0 failed");
        check(
            &mut outcome,
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "15 passed, 2 failed",
        );
        assert!(!outcome.is_success());
    }

    #[test]
    fn what_is_skipped_is_counted_and_explained() {
        let mut outcome = Outcome::default();
        outcome.skip(0, "browser", "no browser");
        outcome.skip(2, "agent", "no QEMU");
        assert_eq!(outcome.line(), "0 passed, 0 failed, 2 skipped");
        assert_eq!(outcome.notes().collect::<Vec<_>>(), ["skipped: 2 of agent: no QEMU"]);
        assert!(outcome.is_success());
    }

    #[test]
    fn a_program_that_says_nothing_has_failed() {
        let mut outcome = Outcome::default();
        outcome.fail_silently("e2e");
        assert_eq!(outcome.line(), "0 passed, 1 failed");
    }
}
