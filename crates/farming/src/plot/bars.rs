//! Bars: amounts of money side by side, over time as columns, and by name as rows.

use domain::money::Usd;

/// The width of every picture, in its own units: a narrow phone shows it at its size.
const WIDTH: i64 = 360;

/// The height of a picture of columns.
const HEIGHT: i64 = 170;

/// The space left of the columns, for the amounts.
const LEFT: i64 = 48;

/// The space right of the columns.
const RIGHT: i64 = 4;

/// The space above the columns.
const TOP: i64 = 10;

/// Where the columns stand.
const FLOOR: i64 = HEIGHT - 22;

/// The part of a column's place that it fills, in hundredths.
const FILLED: i64 = 72;

/// The height of a row: its words, its bar and the space below.
const ROW_HEIGHT: i64 = 34;

/// How far below the top of its row a bar begins.
const BAR_TOP: i64 = 18;

/// The height of a bar.
const BAR_HEIGHT: i64 = 10;

/// The most characters of a row's name.
const NAME_CHARS_MAX: usize = 30;

/// Micro-dollars of a cent: the least step of a scale.
const CENT: i64 = 10_000;

/// An amount and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bar {
    /// What the table calls it, such as `November 2026`.
    pub name: String,
    /// What stands below its column, such as `Nov`; empty for nothing.
    pub label: String,
    /// How much; no bar is drawn of less than nothing.
    pub amount: Usd,
}

/// What every plot has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Begins the ids of its elements: no two plots of a page have the same.
    pub id: &'static str,
    /// What it shows, as a heading.
    pub title: String,
    /// What it says, as a sentence: for who does not see it.
    pub about: String,
    /// What the first column of the table is called.
    pub names: &'static str,
    /// What the second column of the table is called.
    pub amounts: &'static str,
}

/// A line of the table that says what a plot shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableRow {
    /// What it is of.
    pub name: String,
    /// Such as `$25.00`.
    pub amount: String,
}

/// Amounts over time: columns side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    /// What it shows.
    pub head: Head,
    /// Its height.
    pub height: i64,
    /// The lines behind the columns, with their amounts.
    pub lines: Vec<Line>,
    /// The columns.
    pub columns: Vec<Column>,
    /// The same as a table.
    pub table: Vec<TableRow>,
}

impl Columns {
    /// Draws columns, in the order of `bars`.
    pub(crate) fn new(head: Head, bars: &[Bar]) -> Columns {
        let top = scale(bars.iter().map(|bar| bar.amount.micros()).max().unwrap_or(0));
        let place = |of: usize| {
            let (of, count) = (whole(of), whole(bars.len()).max(1));
            LEFT + (WIDTH - LEFT - RIGHT) * of / count
        };
        let column = |(index, bar): (usize, &Bar)| {
            let (left, right) = (place(index), place(index + 1));
            let width = ((right - left) * FILLED / 100).max(1);
            let height = length(bar.amount, top, FLOOR - TOP);
            Column {
                x: (left + right - width) / 2,
                y: FLOOR - height,
                width,
                height,
                middle: i64::midpoint(left, right),
                label: bar.label.clone(),
                words: format!("{}: {}", bar.name, bar.amount.for_people()),
            }
        };
        let line = |part: i64| Line {
            y: FLOOR - (FLOOR - TOP) * part / 2,
            text: short(Usd::from_micros(top / 2 * part)),
        };
        Columns {
            head,
            height: HEIGHT,
            lines: (0..=2).map(line).collect(),
            columns: bars.iter().enumerate().map(column).collect(),
            table: table(bars),
        }
    }
}

/// A line behind columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// Where.
    pub y: i64,
    /// Such as `$50`.
    pub text: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its left side.
    pub x: i64,
    /// Its top.
    pub y: i64,
    /// Its width.
    pub width: i64,
    /// Its height; 0 for nothing.
    pub height: i64,
    /// The middle of its place, for its label.
    pub middle: i64,
    /// What stands below it; may be empty.
    pub label: String,
    /// What it says when pointed at, such as `November 2026: $25.00`.
    pub words: String,
}

/// Amounts by name: bars below one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    /// What it shows.
    pub head: Head,
    /// Its height.
    pub height: i64,
    /// The bars.
    pub rows: Vec<Row>,
    /// All of them as a table, with those that were not drawn.
    pub table: Vec<TableRow>,
}

impl Rows {
    /// Draws the first `shown` of `bars` below one another; the table has all.
    pub(crate) fn new(head: Head, bars: &[Bar], shown: usize) -> Rows {
        let drawn = &bars[..bars.len().min(shown)];
        let top = drawn.iter().map(|bar| bar.amount.micros()).max().unwrap_or(0).max(CENT);
        let row = |(index, bar): (usize, &Bar)| {
            let y = whole(index) * ROW_HEIGHT;
            Row {
                text_y: y + BAR_TOP - 5,
                y: y + BAR_TOP,
                width: length(bar.amount, top, WIDTH),
                height: BAR_HEIGHT,
                name: cut(&bar.name),
                amount: bar.amount.for_people(),
            }
        };
        Rows {
            head,
            height: whole(drawn.len()).max(1) * ROW_HEIGHT,
            rows: drawn.iter().enumerate().map(row).collect(),
            table: table(bars),
        }
    }
}

/// A bar with its words above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where its words stand.
    pub text_y: i64,
    /// Where its bar begins.
    pub y: i64,
    /// How long its bar is; 0 for nothing.
    pub width: i64,
    /// How high every bar is.
    pub height: i64,
    /// Its name, cut where it is long.
    pub name: String,
    /// Such as `$25.00`.
    pub amount: String,
}

fn table(bars: &[Bar]) -> Vec<TableRow> {
    let row = |bar: &Bar| TableRow { name: bar.name.clone(), amount: bar.amount.for_people() };
    bars.iter().map(row).collect()
}

/// How long a bar of `amount` is where `top` is as long as `whole`. What is more than nothing can
/// be seen.
fn length(amount: Usd, top: i64, whole: i64) -> i64 {
    let micros = i128::from(amount.micros().max(0));
    let length = i64::try_from(micros * i128::from(whole) / i128::from(top.max(1)));
    length.unwrap_or(whole).clamp(i64::from(micros > 0), whole)
}

/// The top of a scale that holds `most` micro-dollars: 2, 4 or 10 times a power of ten of cents, so
/// that its half is a round amount, too.
fn scale(most: i64) -> i64 {
    let mut unit = CENT;
    loop {
        for steps in [2, 4, 10] {
            let top = unit.saturating_mul(steps);
            if top >= most || top == i64::MAX {
                return top;
            }
        }
        unit = unit.saturating_mul(10);
    }
}

/// An amount beside a line: whole dollars without cents.
fn short(amount: Usd) -> String {
    let text = amount.for_people();
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

fn cut(name: &str) -> String {
    if name.chars().count() <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let kept: String = name.chars().take(NAME_CHARS_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            id: "plot",
            title: "Earned".into(),
            about: "What was earned.".into(),
            names: "Month",
            amounts: "Earned",
        }
    }

    fn bar(name: &str, dollars: i64) -> Bar {
        Bar { name: name.into(), label: "x".into(), amount: Usd::from_micros(dollars * 1_000_000) }
    }

    #[test]
    fn the_highest_column_fits_and_the_lines_are_round() {
        let plot = Columns::new(head(), &[bar("a", 0), bar("b", 30), bar("c", 15)]);
        let heights: Vec<i64> = plot.columns.iter().map(|column| column.height).collect();
        assert_eq!(heights, [0, 103, 51]);
        let lines: Vec<&str> = plot.lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(lines, ["$0", "$20", "$40"]);
        assert!(plot.columns.windows(2).all(|pair| pair[0].x + pair[0].width <= pair[1].x));
        assert!(plot.columns.iter().all(|column| column.y >= TOP && column.x >= LEFT));
        assert_eq!(plot.columns[1].words, "b: $30.00");
        assert_eq!(plot.table[2], TableRow { name: "c".into(), amount: "$15.00".into() });
    }

    #[test]
    fn scales_hold_what_they_are_for() {
        for (most, top) in [(0, 20_000), (1, 20_000), (20_001, 40_000), (99_999, 100_000)] {
            assert_eq!(scale(most), top);
        }
        assert_eq!(scale(2_000_001), 4_000_000);
        assert_eq!(scale(i64::MAX), i64::MAX);
        let huge = Bar { amount: Usd::from_micros(i64::MAX / 1_000_000), ..bar("a", 0) };
        assert_eq!(Columns::new(head(), &[huge]).columns.len(), 1);
        assert!(Columns::new(head(), &[]).columns.is_empty());
    }

    #[test]
    fn rows_show_the_first_and_the_table_all() {
        let name = "A node with a name that is longer than what fits";
        let bars = [bar(name, 40), bar("b", 10), bar("c", 0)];
        let plot = Rows::new(head(), &bars, 2);
        let widths: Vec<i64> = plot.rows.iter().map(|row| row.width).collect();
        assert_eq!((widths, plot.height), (vec![360, 90], 68));
        assert_eq!(plot.rows[0].name, "A node with a name that is lo…");
        assert_eq!((plot.table.len(), plot.table[0].name.as_str()), (3, name));
        assert_eq!(Rows::new(head(), &[bar("a", 0)], 5).rows[0].width, 0);
    }

    #[test]
    fn a_little_can_be_seen_and_a_loss_is_no_bar() {
        assert_eq!(length(Usd::from_micros(1), 1_000_000_000, 300), 1);
        assert_eq!(length(Usd::from_micros(-5), 1_000, 300), 0);
    }
}
