//! Outages of nodes and of machines: `sync` and `machines` write them, rentals and SLA results read
//! them.

use domain::evaluation::MachineTime;
use domain::id::RentalId;
use domain::maintenance::Excused;
use domain::outage::{Outage, Outages, UNPAID_AFTER_SECONDS};
use domain::recurring::{NOTIFY_OF_OUTAGES, SWEEP_OUTAGES};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{Columns, FromJson, FromRow, row, select};

/// How long an outage of less than a day is kept after it was over, unless it touches another one,
/// of which it may be a part: until each month is evaluated in which it was. Seconds: 45 days.
const SHORT_KEPT_SECONDS: i64 = 45 * 86_400;
/// The same of the others: until no term goes on in which they were. Seconds: four years.
const LONG_KEPT_SECONDS: i64 = 4 * 366 * 86_400;

/// The outages of the rental `r`: of the nodes that it was on while it was there; of its machines,
/// each with its slice where the rental is of a whole node; and of how many slices it is then.
/// Served by the indexes `outages_by_node`, `jobs_by_rental` and `outages_by_machine`.
pub(crate) const OUTAGES: &str = "
    (SELECT json_group_array(json_array(
                max(o.from_at, t.started_at),
                nullif(min(coalesce(o.until_at, iif(t.ended_at IS NULL, 1 << 62, o.seen_at)),
                           coalesce(t.ended_at, 1 << 62)), 1 << 62),
                o.seen_at))
       FROM tenures t
       JOIN outages o ON o.node_id = t.node_id AND o.job_id IS NULL
      WHERE t.rental_id = r.id AND coalesce(o.until_at > t.started_at, 1)
        AND coalesce(o.from_at < t.ended_at, 1)),
    (SELECT json_group_array(json_array(j.slice_number, o.from_at, o.until_at))
       FROM jobs j
       JOIN outages o ON o.job_id = j.id
      WHERE j.rental_id = r.id AND j.kind = 'create'),
    iif(r.slice_number IS NULL, r.slices, NULL)";

impl FromJson for Outage {
    type Json = (i64, Option<i64>, Option<i64>);

    fn from_json((from, until, seen_at): Self::Json) -> Option<Outage> {
        Some(Outage {
            from: Timestamp::from_seconds(from),
            until: until.map(Timestamp::from_seconds),
            seen_at: seen_at.map(Timestamp::from_seconds),
        })
    }
}

/// An outage of the machine on a slice.
struct OfMachine(u32, Outage);

impl FromJson for OfMachine {
    type Json = (u32, i64, Option<i64>);

    fn from_json((slice, from, until): Self::Json) -> Option<OfMachine> {
        Some(OfMachine(slice, Outage::from_json((from, until, None))?))
    }
}

impl FromRow for Outages {
    const WIDTH: usize = 3;

    fn from_row(columns: &mut Columns<'_>) -> Result<Outages, StoreError> {
        let of_node = Vec::<Outage>::from_row(columns)?;
        let of_machines = Vec::<OfMachine>::from_row(columns)?.into_iter();
        Ok(match Option::<u32>::from_row(columns)? {
            Some(slices) => {
                let of_machines = of_machines.map(|OfMachine(slice, outage)| (slice, outage));
                Outages::of_slices(slices, of_node, of_machines)
            }
            None => Outages::join(of_node.into_iter().chain(of_machines.map(|it| it.1))),
        })
    }
}

row! {
    /// A machine that a rental had.
    struct PastMachine {
        made_at: Timestamp = "j.changed_at",
        outages: Vec<Outage> =
            "(SELECT json_group_array(json_array(from_at, until_at, seen_at))
                FROM outages o WHERE o.job_id = j.id)",
    }
}

/// The machines of the tenure `?2` of the rental `?1`. Served by the indexes `jobs_by_rental` and
/// `outages_by_machine`.
const MACHINES: &str = select!(
    PastMachine,
    "FROM tenures s
     JOIN jobs j ON j.rental_id = s.rental_id AND j.node_id = s.node_id
     WHERE s.rental_id = ?1 AND s.number = ?2 AND j.kind = 'create' AND j.state = 'done'
       AND j.slice_number = coalesce(s.slice_number, j.slice_number)"
);

/// How long the machines of a tenure were there from `from` to before `until`, and could not be
/// used, without the times that are excused; `None` where it had none.
pub(crate) fn machine_time(
    db: &dyn Db,
    (rental, tenure): (RentalId, u32),
    (from, until): (Timestamp, Timestamp),
    excused: &[Excused],
) -> Result<Option<MachineTime>, StoreError> {
    let machines: Vec<PastMachine> = db.all(MACHINES, &[Value::text(rental), tenure.into()])?;
    if machines.is_empty() {
        return Ok(None);
    }
    let mut time = MachineTime::default();
    for machine in machines {
        let span = (machine.made_at.max(from), until);
        let whole = Outages::join([Outage { from: span.0, until: None, seen_at: None }]);
        let seconds =
            |outages: &Outages| u64::try_from(outages.seconds(span, excused)).unwrap_or(0);
        time.seconds += seconds(&whole);
        time.down_seconds += seconds(&Outages::join(machine.outages));
    }
    Ok(Some(time))
}

/// Notifies of up to `?3` outages that go on since `?2` or before, and were seen for so long, at
/// `?1`. Served by the index `outages_by_notice`.
const NOTIFY: &str = "
    INSERT INTO notify_outage (id, notified_at)
    SELECT id, ?1 FROM outages
     WHERE until_at IS NULL AND notified_at IS NULL AND from_at <= ?2
       AND coalesce(seen_at, ?1) - from_at >= ?1 - ?2
     ORDER BY from_at LIMIT ?3";

/// Notifies renters and farmers of what has been down for a day.
pub fn notify(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = now.plus_seconds(-UNPAID_AFTER_SECONDS);
    db.run(NOTIFY, &[now.into(), before.into(), NOTIFY_OF_OUTAGES.limit().into()]).map(drop)
}

/// Deletes up to `?4` outages that were over before `?1`: those shorter than `?2` that touch no
/// other one of the node and the machine, and those that were over before `?3`. Served by the
/// indexes `outages_by_end` and `outages_by_node`.
const SWEEP: &str = "
    DELETE FROM outages WHERE id IN (
        SELECT id FROM outages o
         WHERE until_at < ?1
           AND (until_at < ?3
                OR (until_at - from_at < ?2
                    AND NOT EXISTS (SELECT 1 FROM outages p
                                     WHERE p.node_id = o.node_id AND p.from_at <= o.until_at
                                       AND coalesce(p.until_at >= o.from_at, 1) AND p.id <> o.id
                                       AND coalesce(p.job_id = o.job_id, 1))))
         ORDER BY until_at LIMIT ?4)";

/// Deletes outages that decide nothing any more.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let params = [
        now.plus_seconds(-SHORT_KEPT_SECONDS).into(),
        UNPAID_AFTER_SECONDS.into(),
        now.plus_seconds(-LONG_KEPT_SECONDS).into(),
        SWEEP_OUTAGES.limit().into(),
    ];
    db.run(SWEEP, &params).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] =
    [(MACHINES, "outages_by_machine"), (NOTIFY, "outages_by_notice"), (SWEEP, "outages_by_end")];
