//! What the months of rentals come to by the published scale: calculated from what the test has
//! seen itself, and sharing nothing with the market but the scale's numbers.

use std::collections::BTreeMap;

use domain::time::Timestamp;

pub(crate) use super::machines::{Machine, Report, Reported};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// Fewer observations say nothing.
const OBSERVATIONS_MIN: i64 = 12;
/// A machine that was there for less says nothing. Seconds.
const MACHINE_MIN: i64 = HOUR;
/// Of a month's announced maintenance, so much does not count.
const EXCUSED: i64 = 8 * HOUR;
/// A month is evaluated so long after it is over.
const SETTLED: i64 = 2 * DAY;
/// A node that is seen down after nobody looked for longer was not down in between.
const UNSEEN: i64 = 26 * HOUR;
/// A node that is seen up after nobody looked for longer was down until it was last seen so.
const UNSEEN_END: i64 = HOUR;

/// An observation of a node.
pub(crate) struct Observation {
    pub(crate) node: u32,
    pub(crate) at: i64,
    pub(crate) is_up: bool,
    /// Whether it counts for the uptime: not where the grid was wrong, for a machine answered.
    pub(crate) counts: bool,
    /// The slower direction, of a node that is up. Mbit/s.
    pub(crate) mbps: Option<i64>,
}

/// Announced maintenance.
pub(crate) struct Window {
    pub(crate) node: u32,
    pub(crate) from: i64,
    pub(crate) until: i64,
}

/// A term of a rental: what was paid for it, and what of that went back, in cents.
#[derive(Clone, Copy)]
pub(crate) struct Paid {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) cents: i64,
    pub(crate) refunded: i64,
}

/// A rental, as it was in the end.
pub(crate) struct Life {
    pub(crate) rental: String,
    pub(crate) node: u32,
    /// How many slices it is: several of a whole node.
    pub(crate) slices: usize,
    /// Hundredths of a percent.
    pub(crate) min_uptime: i64,
    pub(crate) min_mbps: i64,
    pub(crate) terms: Vec<Paid>,
    pub(crate) ended: Option<i64>,
}

/// What a month comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Month {
    /// What it has cost, in cents.
    pub(crate) price: i64,
    pub(crate) percent: i64,
    /// In cents.
    pub(crate) credit: i64,
    /// Looks that count, and those that maintenance excuses.
    pub(crate) observations: (i64, i64),
    /// How long its machine was there, and was down. Seconds.
    pub(crate) machine: Option<(i64, i64)>,
    /// Of the node or the machine, whichever is lower. Hundredths of a percent.
    pub(crate) uptime: Option<i64>,
}

/// The first second of the month of an instant, and that of the next.
fn month_of(at: i64) -> (i64, i64) {
    let date = Timestamp::from_seconds(at).date();
    let first = Timestamp::of_day(&format!("{}-01", &date[..7])).unwrap();
    (first.seconds(), first.plus_months(1).seconds())
}

/// What was seen in a year, and when the market's jobs ran.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) observations: Vec<Observation>,
    pub(crate) windows: Vec<Window>,
    /// By rental and slice.
    pub(crate) machines: BTreeMap<(String, String), Machine>,
    pub(crate) runs: Vec<i64>,
}

impl Seen {
    /// The months of a rental that are evaluated by now, each by its name.
    pub(crate) fn months(&self, life: &Life) -> BTreeMap<String, Month> {
        let mut months = BTreeMap::new();
        let paid_until = life.terms.last().unwrap().until;
        let end = life.ended.unwrap_or(i64::MAX).min(paid_until);
        let mut from = life.terms[0].from;
        while from < end {
            let (first, next) = month_of(from);
            let until = end.min(next);
            let settled = self.runs.iter().find(|run| **run >= next + SETTLED).copied();
            // A rental that is over is evaluated at once, and with what went back of it.
            let is_over = life.ended.is_some_and(|ended| {
                settled.is_none_or(|settled| ended <= settled)
                    && ended <= *self.runs.last().unwrap()
            });
            if is_over || settled.is_some() {
                let name = Timestamp::from_seconds(from).date()[..7].to_owned();
                // Time is paid for before the grid is asked.
                let known = if is_over { life.ended } else { settled }.unwrap_or(i64::MAX);
                let found = self.month(life, (from, until), (first, next), is_over, known);
                months.insert(name, found);
            }
            from = until;
        }
        months
    }

    fn month(
        &self,
        life: &Life,
        (from, until): (i64, i64),
        month: (i64, i64),
        is_over: bool,
        known: i64,
    ) -> Month {
        let dead = self.unpaid(life, known);
        let excused = self.excused(life.node, month);
        let is_excused = |look: &&Observation| {
            excused.iter().any(|(start, stop)| (*start..*stop).contains(&look.at))
        };
        let (left_out, counted): (Vec<&Observation>, Vec<&Observation>) = self
            .observations
            .iter()
            .filter(|look| look.node == life.node && (from..until).contains(&look.at))
            .filter(|look| look.counts)
            .partition(is_excused);
        let machine = self.machine_time(life, (from, until), &excused, known);
        let uptime = uptime(&counted, machine);
        let percent = percent(life, uptime, &counted);
        let price = price(life, (from, until), is_over, &dead);
        // Half a cent goes to the even one.
        let (whole, rest) = (price * percent / 100, price * percent % 100);
        let is_up = rest > 50 || (rest == 50 && whole % 2 == 1);
        let observations = (length(&counted), length(&left_out));
        Month { price, percent, credit: whole + i64::from(is_up), observations, machine, uptime }
    }

    /// How long a rental's machine was there, and was down, without excused maintenance, as far as
    /// that was reported before an instant.
    fn machine_time(
        &self,
        life: &Life,
        (from, until): (i64, i64),
        excused: &[(i64, i64)],
        known: i64,
    ) -> Option<(i64, i64)> {
        let of_machine = |machine: &Machine| {
            let from = from.max(machine.made_at);
            let counted = |begin: i64, end: i64| {
                let (begin, end) = (begin.max(from), end.min(until));
                (end - begin).max(0) - within(excused, begin, end)
            };
            let down = machine.outages(known).into_iter().map(|(begin, end)| counted(begin, end));
            (counted(from, until), down.sum::<i64>())
        };
        let machines = self.machines_of(life).filter(|it| it.made_at < known).map(of_machine);
        machines.reduce(|(time, down), (more, more_down)| (time + more, down + more_down))
    }

    fn machines_of(&self, life: &Life) -> impl Iterator<Item = &Machine> {
        let of_it = self.machines.iter().filter(|((rental, _), _)| *rental == life.rental);
        of_it.map(|(_, machine)| machine)
    }

    /// When each slice of a rental could not be used for a day and longer because of its node or
    /// its machine, as far as that was known before an instant.
    fn unpaid(&self, life: &Life, known: i64) -> Vec<Vec<(i64, i64)>> {
        let mut machines = self.machines_of(life);
        (0..life.slices).map(|_| self.unpaid_of(life, machines.next(), known)).collect()
    }

    fn unpaid_of(&self, life: &Life, machine: Option<&Machine>, known: i64) -> Vec<(i64, i64)> {
        let (begun, ended) = (life.terms[0].from, life.ended.unwrap_or(i64::MAX));
        let mut down = self.node_outages(life.node, known);
        down.extend(machine.into_iter().flat_map(|it| it.outages(known.min(ended))));
        down.sort_unstable();
        let mut joined: Vec<(i64, i64)> = vec![];
        for (from, until) in down {
            let (from, until) = (from.max(begun), until.min(ended));
            match joined.last_mut() {
                Some((_, last)) if from <= *last => *last = until.max(*last),
                _ if from <= until => joined.push((from, until)),
                _ => {}
            }
        }
        joined.into_iter().filter(|(from, until)| until - from >= DAY).collect()
    }

    /// When a node was down, as far as that was seen before an instant.
    fn node_outages(&self, node: u32, known: i64) -> Vec<(i64, i64)> {
        let mut down: Vec<(i64, i64)> = vec![];
        let mut is_open = false;
        for look in self.observations.iter().filter(|it| it.node == node && it.at < known) {
            match down.last_mut().filter(|_| is_open) {
                Some((_, last)) if !look.is_up && look.at - *last <= UNSEEN => *last = look.at,
                Some((_, last)) if look.is_up && look.at - *last <= UNSEEN_END => *last = look.at,
                _ if !look.is_up => down.push((look.at, look.at)),
                _ => {}
            }
            is_open = !look.is_up;
        }
        down
    }

    /// What goes back for outages of each term of a rental that was not ended early, in cents, and
    /// the seconds of all these outages.
    pub(crate) fn outage_refunds(&self, life: &Life) -> (Vec<i64>, i64) {
        let dead = self.unpaid(life, i64::MAX);
        let refund = |term: &Paid| {
            let share =
                i128::from(term.cents) * i128::from(within_all(&dead, term.from, term.until));
            i64::try_from(share / (i128::from(term.until - term.from) * slices(&dead))).unwrap()
        };
        (life.terms.iter().map(refund).collect(), within_all(&dead, 0, i64::MAX))
    }

    /// When maintenance is excused in a month: the first hours of what was announced.
    fn excused(&self, node: u32, (first, next): (i64, i64)) -> Vec<(i64, i64)> {
        let mut windows: Vec<(i64, i64)> = self
            .windows
            .iter()
            .filter(|window| window.node == node && window.from < next && window.until > first)
            .map(|window| (window.from.max(first), window.until.min(next)))
            .collect();
        windows.sort_unstable();
        let mut left = EXCUSED;
        for (from, until) in &mut windows {
            *until = *from + (*until - *from).min(left);
            left -= *until - *from;
        }
        windows
    }
}

fn length<T>(all: &[T]) -> i64 {
    i64::try_from(all.len()).unwrap()
}

/// The lower of a node's uptime and its machine's, in hundredths of a percent.
fn uptime(observations: &[&Observation], machine: Option<(i64, i64)>) -> Option<i64> {
    let (all, up) =
        (length(observations), observations.iter().map(|look| i64::from(look.is_up)).sum::<i64>());
    let of_node = (all >= OBSERVATIONS_MIN).then(|| up * 10_000 / all);
    let machine = machine.filter(|(seconds, _)| *seconds >= MACHINE_MIN);
    let of_machine = machine.map(|(seconds, down)| (seconds - down) * 10_000 / seconds);
    of_node.into_iter().chain(of_machine).min()
}

/// The published scale.
fn percent(life: &Life, uptime: Option<i64>, observations: &[&Observation]) -> i64 {
    let mut percent = match uptime.filter(|uptime| *uptime < life.min_uptime) {
        None => 0,
        Some(..9_500) => 50,
        Some(..9_900) => 25,
        Some(_) => 10,
    };
    let speeds: Vec<i64> = observations.iter().filter_map(|look| look.mbps).collect();
    let known = length(&speeds);
    if known >= OBSERVATIONS_MIN && speeds.iter().sum::<i64>() < life.min_mbps * known {
        percent += 10;
    }
    percent
}

/// How many seconds of such times lie between two instants.
fn within(times: &[(i64, i64)], from: i64, until: i64) -> i64 {
    times.iter().map(|(begin, end)| (*end.min(&until) - *begin.max(&from)).max(0)).sum()
}

/// The same of all slices together.
fn within_all(times: &[Vec<(i64, i64)>], from: i64, until: i64) -> i64 {
    times.iter().map(|times| within(times, from, until)).sum()
}

fn slices<T>(each: &[T]) -> i128 {
    i128::from(length(each))
}

/// What a part of a rental's time has cost: each term by the second, from its start, without the
/// outages that are not paid for, in whole cents at both ends.
fn price(life: &Life, (from, until): (i64, i64), is_over: bool, dead: &[Vec<(i64, i64)>]) -> i64 {
    let of_term = |term: &Paid| {
        let (back, end) = match life.ended {
            Some(ended) if is_over => (term.refunded, ended.min(term.until)),
            _ => {
                let share = i128::from(term.cents)
                    * i128::from(within_all(dead, term.from, term.until))
                    / (i128::from(term.until - term.from) * slices(dead));
                (i64::try_from(share).unwrap(), term.until)
            }
        };
        let paid = term.cents - back;
        let alive = |at: i64| {
            let at = at.clamp(term.from, end.max(term.from));
            i128::from(at - term.from) * slices(dead) - i128::from(within_all(dead, term.from, at))
        };
        let length = alive(end);
        if length <= 0 {
            return 0;
        }
        let up_to = |at: i64| i128::from(paid) * alive(at);
        i64::try_from(up_to(until) / length - up_to(from) / length).unwrap()
    };
    life.terms.iter().map(of_term).sum()
}
