//! A scatter plot: one dot for each thing, one of them marked.

use crate::plot::axis::Axis;

/// The size of the picture, in its own units; it grows and shrinks with the page.
const WIDTH: f64 = 400.0;

const HEIGHT: f64 = 280.0;

/// The room for labels on each side.
const LEFT: f64 = 52.0;

const RIGHT: f64 = 12.0;

const TOP: f64 = 22.0;

const BOTTOM: f64 = 44.0;

/// How many spaces between ticks an axis has at most, or one more.
const SPACES: u32 = 5;

/// What an axis is of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale<'a> {
    /// Its name, such as `Price per month`.
    pub label: &'a str,
    /// What stands before a number, such as `$`.
    pub before: &'a str,
    /// What stands behind a number, such as `%`.
    pub after: &'a str,
    /// What a value can be at least and at most.
    pub bounds: (f64, f64),
}

/// A dot to be drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Value {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// Whether it is the one that is marked.
    pub is_marked: bool,
}

/// A tick of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tick {
    /// Where it is along its axis.
    pub at: String,
    /// What it says.
    pub label: String,
}

/// A dot, as it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dot {
    /// From the left.
    pub x: String,
    /// From the top.
    pub y: String,
}

/// What `scatter.html` draws.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scatter {
    /// What it is called, for who cannot see it.
    pub title: String,
    /// What is to be seen in it, in a sentence.
    pub description: String,
    /// The name of the horizontal axis.
    pub x_label: String,
    /// The name of the vertical axis.
    pub y_label: String,
    /// The ticks of the horizontal axis.
    pub x_ticks: Vec<Tick>,
    /// The ticks of the vertical axis.
    pub y_ticks: Vec<Tick>,
    /// The dots.
    pub dots: Vec<Dot>,
    /// The one that is marked, if it is there.
    pub marked: Option<Dot>,
    /// What is written at the one that is marked.
    pub mark: String,
    /// Whether there is no room for it on the right of the mark.
    pub is_mark_left: bool,
}

impl Scatter {
    /// A plot of these values.
    pub(crate) fn new(values: &[Value], x: Scale<'_>, y: Scale<'_>) -> Scatter {
        let axis = |scale: Scale<'_>, of: fn(&Value) -> f64| {
            Axis::over(&values.iter().map(of).collect::<Vec<_>>(), SPACES, scale.bounds)
        };
        let (x_axis, y_axis) = (axis(x, |value| value.x), axis(y, |value| value.y));
        let place = |value: &Value| Dot { x: across(x_axis, value.x), y: down(y_axis, value.y) };
        let marked = values.iter().find(|value| value.is_marked);
        Scatter {
            x_label: x.label.to_owned(),
            y_label: y.label.to_owned(),
            x_ticks: ticks(x_axis, x, across),
            y_ticks: ticks(y_axis, y, down),
            dots: values.iter().filter(|value| !value.is_marked).map(place).collect(),
            is_mark_left: marked.is_some_and(|value| x_axis.place(value.x) > 0.7),
            marked: marked.map(place),
            ..Scatter::default()
        }
    }
}

fn across(axis: Axis, value: f64) -> String {
    format!("{:.1}", LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT))
}

fn down(axis: Axis, value: f64) -> String {
    format!("{:.1}", HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM))
}

fn ticks(axis: Axis, scale: Scale<'_>, place: fn(Axis, f64) -> String) -> Vec<Tick> {
    let decimals = axis.decimals();
    let tick = |value: &f64| Tick {
        at: place(axis, *value),
        label: format!("{}{value:.decimals$}{}", scale.before, scale.after),
    };
    axis.ticks().iter().map(tick).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Scale<'_> =
        Scale { label: "Price", before: "$", after: "", bounds: (0.0, f64::MAX) };
    const UPTIME: Scale<'_> =
        Scale { label: "Uptime", before: "", after: "%", bounds: (0.0, 100.0) };

    #[test]
    fn dots_stand_between_the_ticks() {
        let value = |x, y, is_marked| Value { x, y, is_marked };
        let values = [value(20.0, 90.0, false), value(30.0, 100.0, true), value(25.0, 95.0, false)];
        let plot = Scatter::new(&values, PRICE, UPTIME);
        let labels = |ticks: &[Tick]| {
            ticks.iter().map(|tick| tick.label.clone()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(&plot.x_ticks), "$20 $22 $24 $26 $28 $30");
        assert_eq!(labels(&plot.y_ticks), "90% 92% 94% 96% 98% 100%");
        let dot = |x: &str, y: &str| Dot { x: x.into(), y: y.into() };
        assert_eq!(plot.dots, [dot("52.0", "236.0"), dot("220.0", "129.0")]);
        assert_eq!((plot.marked, plot.is_mark_left), (Some(dot("388.0", "22.0")), true));
    }
}
