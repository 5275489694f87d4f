//! How much a measured uptime says: a few observations say little, and a year of them a lot.

use crate::uptime::Uptime;

/// The square of the normal quantile for a confidence of 95 % (two-sided, 1.96), in millionths.
const Z_SQUARED: u128 = 3_841_600;
/// What `Z_SQUARED` is a multiple of.
const UNIT: u128 = 1_000_000;

/// The uptime that a node has at least, with a confidence of 95 %, if `up` of `observed` looks
/// found it up: the lower bound of Wilson's score interval, rounded down. `None` where nothing was
/// observed.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference", 1927:
/// `(2u + z² − z√(z² + 4u(n − u) / n)) / 2(n + z²)`, here in whole numbers, with a root that is
/// rounded up: it never flatters.
pub fn lower_bound(up: u64, observed: u64) -> Option<Uptime> {
    if observed == 0 {
        return None;
    }
    let (up, observed) = fit(up.min(observed), observed);
    let down = observed - up;
    // In units of UNIT²: z² · (z² + 4ud / n), the square of what is subtracted.
    let spread = (4 * up * down * UNIT).div_ceil(observed);
    let root = ceil_sqrt(Z_SQUARED * (Z_SQUARED + spread));
    // At least 0: the root is at most 2u + z², where nothing is rounded.
    let share = (2 * up * UNIT + Z_SQUARED).saturating_sub(root);
    let full = u128::try_from(Uptime::FULL.hundredths()).unwrap_or_default();
    let hundredths = share * full / (2 * (observed * UNIT + Z_SQUARED));
    i64::try_from(hundredths).ok().and_then(Uptime::from_hundredths)
}

/// Both as numbers whose products fit; a century of observations is far below that.
fn fit(up: u64, observed: u64) -> (u128, u128) {
    let excess = u64::BITS.saturating_sub(u32::BITS).saturating_sub(observed.leading_zeros());
    (u128::from(up >> excess), u128::from(observed >> excess))
}

fn ceil_sqrt(square: u128) -> u128 {
    let root = square.isqrt();
    if root * root == square { root } else { root + 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(up: u64, observed: u64, expected: i64) {
        assert_eq!(lower_bound(up, observed).unwrap().hundredths(), expected, "{up} of {observed}");
    }

    #[test]
    fn the_bound_is_that_of_the_tables() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I,
        // method 3: 0.2553, 0.0624, 0 and 0.0061, which are not rounded down.
        check(81, 263, 2_552);
        check(15, 148, 623);
        check(0, 20, 0);
        check(1, 29, 61);
    }

    #[test]
    fn few_observations_say_little() {
        assert_eq!(lower_bound(0, 0), None);
        check(1, 1, 2_065);
        check(0, 1, 0);
        check(12, 12, 7_574);
        check(8_075, 8_140, 9_898);
        check(u64::MAX, u64::MAX, 9_999);
        check(0, u64::MAX, 0);
    }

    #[test]
    fn three_days_without_a_fault_rank_below_a_year_of_999() {
        let days = lower_bound(3 * 288, 3 * 288);
        let year = lower_bound(365 * 288 * 999 / 1_000, 365 * 288);
        assert!(days < year, "{days:?} {year:?}");
        check(3 * 288, 3 * 288, 9_955);
        check(365 * 288 * 999 / 1_000, 365 * 288, 9_987);
    }

    /// The same by floating point.
    fn exact(up: f64, observed: f64) -> f64 {
        let z = 1.96_f64;
        let spread = z * z + 4.0 * up * (observed - up) / observed;
        // Newton's root: there is no other without the standard library.
        let mut root = spread;
        for _ in 0..60 {
            root = f64::midpoint(root, spread / root);
        }
        10_000.0 * (2.0 * up + z * z - z * root) / (2.0 * (observed + z * z))
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "the numbers are small")]
        fn it_is_wilsons_rounded_down(observed in 1..2_000_000_u64, share in 0..=1_000_u64) {
            let up = observed * share / 1_000;
            let found = lower_bound(up, observed).unwrap().hundredths() as f64;
            let exact = exact(up as f64, observed as f64);
            prop_assert!(found <= exact + 1e-6 && exact < found + 1.01, "{found} {exact}");
        }

        #[test]
        fn it_is_never_more_than_was_measured(observed in 1..u64::MAX, down in any::<u64>()) {
            let up = observed - down % observed;
            // Not compared where the numbers are cut to fit: both are rounded then.
            if observed < 1 << 32 {
                prop_assert!(lower_bound(up, observed) <= Uptime::measured(up, observed));
            }
            prop_assert!(lower_bound(up, observed) <= Some(Uptime::FULL));
        }

        #[test]
        fn one_more_time_up_never_lowers_it(observed in 1..200_000_u64, down in 0..200_000_u64) {
            let up = observed.saturating_sub(down);
            prop_assert!(lower_bound(up, observed) <= lower_bound(up + 1, observed + 1));
            prop_assert!(lower_bound(up, observed + 1) <= lower_bound(up, observed));
        }
    }
}
