//! Axes with round ticks.

/// An axis: from where to where, and how far apart its ticks are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// An axis over all values, with at most `ticks` spaces between ticks (at least one), that
    /// begins and ends at a tick, and never outside of `bounds`. Without a value it is from 0 to 1.
    pub(crate) fn over(values: &[f64], ticks: u32, bounds: (f64, f64)) -> Axis {
        let (least, most) = bounds;
        let low = values.iter().copied().reduce(f64::min).unwrap_or(0.0).max(least);
        let high = values.iter().copied().reduce(f64::max).unwrap_or(1.0).min(most);
        // A single value stands in the middle of something.
        let room = if high - low > CLOSE { 0.0 } else { (high.abs() * 0.1).max(1.0) };
        let (low, high) = ((low - room).max(least), (high + room).min(most));
        let step = round_step((high - low) / f64::from(ticks.max(1)));
        let low = ((low / step + CLOSE).floor() * step).max(least);
        let high = ((high / step - CLOSE).ceil() * step).min(most);
        Axis { low, high, step }
    }

    /// The ticks, rising.
    pub(crate) fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - CLOSE).ceil();
        let tick = |nth: u32| (first + f64::from(nth)) * self.step;
        (0..TICKS_MAX).map(tick).take_while(|tick| *tick <= self.high + self.step * CLOSE).collect()
    }

    /// Where a value is: 0 at the beginning of the axis, 1 at its end.
    pub(crate) fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// How many decimals tell two ticks apart.
    pub(crate) fn decimals(&self) -> usize {
        let is_whole = |decimals: &usize| {
            let scaled = self.step * 10_f64.powi(i32::try_from(*decimals).unwrap_or(0));
            (scaled - scaled.round()).abs() < CLOSE * scaled
        };
        (0..DECIMALS_MAX).find(is_whole).unwrap_or(DECIMALS_MAX)
    }
}

/// The round numbers that a step is a power of ten of.
const STEPS: [f64; 4] = [1.0, 2.0, 2.5, 5.0];

/// How far a rounded number may be off and still be the number.
const CLOSE: f64 = 1e-9;

/// The most ticks of an axis, whatever it is over.
const TICKS_MAX: u32 = 50;

/// The most decimals of a tick.
const DECIMALS_MAX: usize = 6;

/// The smallest round step that is not smaller than `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let is_enough = |step: &f64| step * power >= least * (1.0 - CLOSE);
    STEPS.iter().copied().find(is_enough).unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANY: (f64, f64) = (f64::MIN, f64::MAX);

    #[test]
    fn ticks_are_round() {
        let check = |values: &[f64], bounds, expected: &[&str]| {
            let axis = Axis::over(values, 5, bounds);
            let decimals = axis.decimals();
            let ticks: Vec<String> =
                axis.ticks().iter().map(|tick| format!("{tick:.decimals$}")).collect();
            assert_eq!(ticks, expected, "{values:?}");
        };
        check(&[18.0, 31.0], ANY, &["15", "20", "25", "30", "35"]);
        check(&[22.0, 25.0], ANY, &["22", "23", "24", "25"]);
        check(&[0.0, 100.0], (0.0, 100.0), &["0", "20", "40", "60", "80", "100"]);
        check(
            &[99.87, 99.99],
            (0.0, 100.0),
            &["99.850", "99.875", "99.900", "99.925", "99.950", "99.975", "100.000"],
        );
        check(&[100.0], (0.0, 100.0), &["90", "92", "94", "96", "98", "100"]);
        check(&[25.0; 3], ANY, &["22", "23", "24", "25", "26", "27", "28"]);
        check(&[], ANY, &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(&[0.0, 0.0], (0.0, f64::MAX), &["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        check(&[1.0, 1_000_000.0], ANY, &["0", "200000", "400000", "600000", "800000", "1000000"]);
    }

    proptest! {
        #[test]
        fn every_value_has_its_place(values in prop::collection::vec(0.0..1e6, 1..50)) {
            let axis = Axis::over(&values, 5, (0.0, f64::MAX));
            let ticks = axis.ticks();
            prop_assert!((2..=8).contains(&ticks.len()), "{:?}", ticks);
            prop_assert!(ticks.windows(2).all(|pair| pair[0] < pair[1]));
            for value in values {
                prop_assert!(value >= axis.low - 1e-6 && value <= axis.high + 1e-6);
                prop_assert!((0.0..=1.0).contains(&axis.place(value)));
            }
        }
    }
}
