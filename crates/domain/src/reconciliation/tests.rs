//! Lives of a node on the grid, as tables and as properties.

use alloc::vec::Vec;

use proptest::prelude::*;
use strum::VariantArray;

use super::*;
use crate::node::{
    Resources, SLICE_CPU_CORES, SLICE_MEMORY_BYTES, SLICE_SSD_BYTES, SLICES_PER_NODE_MAX, capacity,
};

const GIB: i64 = 1 << 30;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_368_000)
}

/// A node that carries nine slices by its SSD storage, with so many slices of contracts on it.
fn report(contracts: i64) -> NodeReport {
    let total =
        Resources { cpu_cores: 32, memory_bytes: 128 * GIB, ssd_bytes: 20 * GIB + 1_863 * GIB };
    NodeReport {
        id: NodeId(32),
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status: NodeStatus::Up,
        healthy: Some(true),
        certified: false,
        total,
        used: Resources {
            cpu_cores: contracts,
            memory_bytes: 128 * GIB / 10 + contracts * SLICE_MEMORY_BYTES,
            ssd_bytes: 20 * GIB + contracts * SLICE_SSD_BYTES,
        },
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: Some(940),
        download_mbps: Some(810),
        reported_at: Timestamp::from_seconds(1_795_367_000),
    }
}

fn known(own: OwnUsage) -> Known {
    let nothing = Known {
        id: NodeId(32),
        standing: Standing {
            farm_id: 1,
            farm_name: "Freefarm".into(),
            country: "Belgium".into(),
            city: "Ghent".into(),
            status: NodeStatus::Up,
            healthy: Some(true),
            certified: false,
            upload_mbps: Some(940),
            download_mbps: Some(810),
            capacity: capacity(&report(0)),
            oversold: 0,
        },
        own,
    };
    after(nothing, Seen::Listed(&report(i64::from(own.machines))))
}

/// What is known after an observation.
fn after(known: Known, seen: Seen<'_>) -> Known {
    let standing = reconcile(&known, seen, now()).change.unwrap_or(known.standing);
    Known { standing, ..known }
}

fn own(sold: u32, machines: u32) -> OwnUsage {
    OwnUsage { sold, machines, ..OwnUsage::default() }
}

/// Slices that are free, and how many too many are sold, after the grid says `report`.
#[track_caller]
fn check(own: OwnUsage, report: &NodeReport, expected: (u32, u32)) {
    let standing = after(known(own), Seen::Listed(report)).standing;
    let free = offered(standing.capacity.slices, 0, own.sold + own.leaving);
    assert_eq!((free, standing.oversold), expected, "{standing:#?}");
}

fn with(contracts: i64, change: fn(&mut NodeReport)) -> NodeReport {
    let mut report = report(contracts);
    change(&mut report);
    report
}

#[test]
fn what_is_ours_is_counted_once() {
    // Nothing is sold: what others use is gone.
    check(own(0, 0), &report(0), (9, 0));
    check(own(0, 0), &report(3), (6, 0));
    // Three are sold, and have no machine yet, or one that the grid does not count yet.
    check(own(3, 0), &report(0), (6, 0));
    // The grid counts them, and we are not certain of it yet: less is offered, and nobody accused.
    check(own(3, 0), &report(3), (3, 0));
    // We are: all that is left can be had again.
    check(own(3, 3), &report(3), (6, 0));
    check(own(9, 9), &report(9), (0, 0));
    check(own(9, 0), &report(9), (0, 0));
    // Somebody else uses two besides.
    check(own(3, 3), &report(5), (4, 0));
    // What is being removed takes its place until it is gone.
    check(OwnUsage { sold: 2, leaving: 1, machines: 3, ..OwnUsage::default() }, &report(3), (6, 0));
    check(OwnUsage { sold: 2, leaving: 0, machines: 2, ..OwnUsage::default() }, &report(3), (6, 0));
    // Machines that the grid does not count at all make nothing free.
    check(own(3, 3), &report(0), (6, 0));
}

#[test]
fn what_is_sold_and_does_not_fit_is_seen() {
    let half = |contracts| {
        let mut report = report(contracts);
        report.total.ssd_bytes = 20 * GIB + 4 * SLICE_SSD_BYTES;
        report
    };
    check(own(3, 3), &half(3), (1, 0));
    check(own(4, 4), &half(4), (0, 0));
    check(own(5, 5), &half(5), (0, 1));
    check(own(9, 0), &half(0), (0, 5));
    // Others have taken what is needed for what was sold and not made yet.
    check(own(6, 2), &report(7), (0, 0));
    check(own(6, 2), &report(9), (0, 0));
    let gone = with(9, |report| report.used.ssd_bytes += 5 * SLICE_SSD_BYTES);
    check(own(9, 9), &gone, (0, 5));
    // It is again as it was.
    let flagged = after(known(own(5, 5)), Seen::Listed(&half(5)));
    assert_eq!(flagged.standing.oversold, 1);
    assert_eq!(after(flagged, Seen::Listed(&report(5))).standing.oversold, 0);
}

#[test]
fn a_node_that_is_not_for_us_offers_nothing() {
    let sold = own(3, 3);
    check(sold, &with(3, |it| it.status = NodeStatus::Down), (0, 0));
    check(sold, &with(3, |it| it.status = NodeStatus::Standby), (0, 0));
    check(sold, &with(3, |it| it.healthy = Some(false)), (0, 0));
    check(sold, &with(3, |it| it.in_dedicated_farm = true), (0, 0));
    check(sold, &with(3, |it| it.extra_fee_musd = 1), (0, 0));
    check(sold, &with(3, |it| it.runs_machines = Some(false)), (0, 0));
    // Somebody else has it whole: what we sold of it is not there.
    check(sold, &with(3, |it| it.rented_whole = true), (0, 3));
    check(own(0, 0), &with(3, |it| it.rented_whole = true), (0, 0));
    // Of one that sleeps nobody knows what it would carry.
    let shrunk = with(3, |it| {
        it.status = NodeStatus::Standby;
        it.total = Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 };
    });
    check(sold, &shrunk, (0, 0));
}

#[test]
fn what_is_as_it_was_is_no_change() {
    for sold in [own(0, 0), own(3, 3), own(3, 0)] {
        let known = known(sold);
        let mut report = report(i64::from(sold.machines));
        report.reported_at = now();
        let observation = reconcile(&known, Seen::Listed(&report), now());
        let expected = Observation {
            id: known.id,
            change: None,
            is_up: Some(true),
            is_down: Some(false),
            reported_at: Some(now()),
        };
        assert_eq!(observation, expected);
    }
}

#[test]
fn a_node_disappears_and_returns() {
    let first = reconcile(&known(own(2, 2)), Seen::Unlisted, now());
    let gone = first.change.clone().unwrap();
    assert_eq!((gone.status, gone.capacity.slices), (NodeStatus::Down, 0));
    assert_eq!(gone.capacity.refusal, Some(Refusal::Unlisted));
    // The first time nobody knows whether it is the node or the list.
    assert_eq!((first.is_up, first.reported_at), (None, None));
    let gone = after(known(own(2, 2)), Seen::Unlisted);
    let second = reconcile(&gone, Seen::Unlisted, now());
    assert_eq!((second.change, second.is_up), (None, Some(false)));
    let back = after(gone, Seen::Listed(&report(2)));
    assert_eq!(back, known(own(2, 2)));
}

#[test]
fn a_node_is_of_the_farm_that_the_grid_says() {
    let moved = with(0, |it| (it.farm_id, it.farm_name) = (2, "Other".into()));
    let standing = after(known(own(0, 0)), Seen::Listed(&moved)).standing;
    assert_eq!((standing.farm_id, standing.farm_name.as_str()), (2, "Other"));
    // Of none where it does not say: it stays where it was.
    let silent = with(0, |it| (it.farm_id, it.farm_name) = (0, String::new()));
    assert_eq!(reconcile(&known(own(0, 0)), Seen::Listed(&silent), now()).change, None);
    let unnamed = with(0, |it| (it.farm_id, it.farm_name) = (2, String::new()));
    let standing = after(known(own(0, 0)), Seen::Listed(&unnamed)).standing;
    assert_eq!((standing.farm_id, standing.farm_name.as_str()), (2, ""));
}

#[test]
fn a_node_never_reports_from_the_future() {
    let ahead = with(0, |it| it.reported_at = Timestamp::from_seconds(i64::MAX));
    let observation = reconcile(&known(own(0, 0)), Seen::Listed(&ahead), now());
    assert_eq!(observation.reported_at, Some(now()));
}

fn any_resources() -> impl Strategy<Value = Resources> {
    let machine = (0..600_i64, 0..4_096_i64, 0..100_000_i64).prop_map(|(cpu, memory, ssd)| {
        Resources { cpu_cores: cpu, memory_bytes: memory * GIB, ssd_bytes: ssd * GIB }
    });
    let anything = any::<[i64; 3]>().prop_map(|[cpu_cores, memory_bytes, ssd_bytes]| Resources {
        cpu_cores,
        memory_bytes,
        ssd_bytes,
    });
    prop_oneof![4 => machine, 1 => anything]
}

prop_compose! {
    fn any_report()(
        total in any_resources(),
        used in any_resources(),
        status in prop::sample::select(NodeStatus::VARIANTS),
        healthy in any::<Option<bool>>(),
        flags in any::<[bool; 2]>(),
        rare in 0..8_u8,
        farm_id in 0..3_u32,
        seconds in any::<i64>(),
    ) -> NodeReport {
        NodeReport {
            total,
            used,
            status,
            healthy,
            certified: flags[0],
            in_dedicated_farm: rare == 1,
            rented_whole: rare == 2,
            extra_fee_musd: u64::from(rare == 3),
            runs_machines: (rare != 4).then_some(rare != 5),
            farm_id,
            reported_at: Timestamp::from_seconds(seconds),
            ..report(0)
        }
    }
}

prop_compose! {
    fn any_own()(sold in 0..=512_u32, leaving in 0..32_u32, machines in any::<u32>()) -> OwnUsage {
        let machines = machines.checked_rem(sold + leaving + 1).unwrap_or(0);
        OwnUsage { sold, leaving, machines, answers: false }
    }
}

fn any_answer() -> impl Strategy<Value = Option<NodeReport>> {
    prop_oneof![9 => any_report().prop_map(Some), 1 => Just(None)]
}

fn seen(observation: Option<&NodeReport>) -> Seen<'_> {
    observation.map_or(Seen::Unlisted, Seen::Listed)
}

/// What nobody but us can have of a resource: what is there without the system's own.
fn room(report: &NodeReport) -> i128 {
    let of = |total: i64, reserve: i64, slice: i64| {
        ((i128::from(total) - i128::from(reserve)) / i128::from(slice)).max(0)
    };
    let memory = (report.total.memory_bytes / 10).max(2 * GIB);
    of(report.total.cpu_cores, 0, SLICE_CPU_CORES)
        .min(of(report.total.memory_bytes, memory, SLICE_MEMORY_BYTES))
        .min(of(report.total.ssd_bytes, 20 * GIB, SLICE_SSD_BYTES))
}

proptest! {
    /// To look twice at the same is to look once.
    #[test]
    fn a_second_observation_of_the_same_changes_nothing(
        own in any_own(),
        observation in any_answer(),
    ) {
        let once = after(known(own), seen(observation.as_ref()));
        prop_assert_eq!(reconcile(&once, seen(observation.as_ref()), now()).change, None);
    }

    /// Where a node has been does not matter, only what the grid says now: but for the names of a
    /// farm, and for how much too much was sold of a node that does not run.
    #[test]
    fn the_last_observation_decides(
        own in any_own(),
        observations in prop::collection::vec(any_answer(), 0..6),
        last in any_report(),
    ) {
        let strip = |known: Known| {
            let running = known.standing.status == NodeStatus::Up;
            let oversold = if running { known.standing.oversold } else { 0 };
            Standing { farm_id: 0, farm_name: String::new(), oversold, ..known.standing }
        };
        let direct = after(known(own), Seen::Listed(&last));
        let mut detour = known(own);
        for observation in &observations {
            detour = after(detour, seen(observation.as_ref()));
        }
        let detour = after(detour, Seen::Listed(&last));
        prop_assert_eq!(strip(detour), strip(direct));
    }

    /// Nothing is offered that is not there: what is offered, and all that is sold, fit together
    /// into what the node has, or nothing is offered at all.
    #[test]
    fn what_is_offered_fits(own in any_own(), kept in 0..600_u32, report in any_report()) {
        let standing = after(known(own), Seen::Listed(&report)).standing;
        let occupied = own.sold + own.leaving;
        let free = offered(standing.capacity.slices, kept, occupied);
        prop_assert!(free == 0 || i128::from(free + occupied) <= room(&report).max(
            // Where a document says that less is in use than a system of its own takes, it is
            // taken at its word.
            i128::from(capacity(&report).slices)
        ));
        prop_assert!(free == 0 || standing.capacity.refusal.is_none());
        prop_assert!(standing.capacity.slices <= SLICES_PER_NODE_MAX);
    }

    /// Nothing new is sold where too much is sold already.
    #[test]
    fn an_oversold_node_offers_nothing(own in any_own(), report in any_report()) {
        let standing = after(known(own), Seen::Listed(&report)).standing;
        let free = offered(standing.capacity.slices, 0, own.sold + own.leaving);
        prop_assert!(standing.oversold == 0 || free == 0);
        prop_assert!(standing.oversold <= own.sold);
    }

    /// To be certain of more machines never offers less, and never more than one slice for each.
    #[test]
    fn a_machine_of_ours_is_worth_at_most_its_slice(
        report in any_report(),
        machines in 0..512_u32,
        more in 0..64_u32,
    ) {
        let of = |machines| capacity_with(&report, machines).slices;
        let (fewer, with_more) = (of(machines), of(machines + more));
        prop_assert!(fewer <= with_more);
        // The first one may also let what was too little for a slice be enough.
        prop_assert!(with_more - fewer <= more.saturating_add(1));
    }

    /// Where the grid counts nothing but the node's own system, nothing of ours is in it: what a
    /// system takes is nobody's to sell.
    #[test]
    fn the_systems_own_is_not_ours(
        cpu_cores in 0..600_i64,
        memory in 0..4_096_i64,
        ssd in 0..100_000_i64,
        machines in 0..600_u32,
    ) {
        let (memory_bytes, ssd_bytes) = (memory * GIB, ssd * GIB);
        let report = NodeReport {
            total: Resources { cpu_cores, memory_bytes, ssd_bytes },
            used: Resources {
                cpu_cores: 0,
                memory_bytes: (memory_bytes / 10).max(2 * GIB),
                ssd_bytes: 20 * GIB,
            },
            ..report(0)
        };
        prop_assert_eq!(capacity_with(&report, machines), capacity(&report));
    }

    /// A sale changes nothing of what the grid says, so what it takes is taken off once.
    #[test]
    fn a_sale_takes_one_slice(own in any_own(), report in any_report()) {
        let capacity = |own: OwnUsage| after(known(own), Seen::Listed(&report)).standing.capacity;
        let sold = OwnUsage { sold: own.sold + 1, ..own };
        prop_assert_eq!(capacity(own), capacity(sold));
    }

    /// A machine that is made moves a slice from what is free of the node to what is ours: what is
    /// offered is the same before, and once we are certain.
    #[test]
    fn a_machine_that_is_made_changes_no_offer(sold in 1..=9_u32, made in 1..=9_u32) {
        let made = made.min(sold);
        let before = after(known(own(sold, 0)), Seen::Listed(&report(0))).standing;
        let certain = after(known(own(sold, made)), Seen::Listed(&report(made.into()))).standing;
        let between = after(known(own(sold, 0)), Seen::Listed(&report(made.into()))).standing;
        prop_assert_eq!(before.capacity.slices, certain.capacity.slices);
        prop_assert!(between.capacity.slices <= before.capacity.slices);
        prop_assert_eq!((before.oversold, between.oversold, certain.oversold), (0, 0, 0));
    }

    /// One observation that misses a node is no observation of it, and takes nothing that is
    /// rented.
    #[test]
    fn a_miss_withdraws_and_accuses_nobody(own in any_own(), observation in any_answer()) {
        let known = after(known(own), seen(observation.as_ref()));
        let observation = reconcile(&known, Seen::Unlisted, now());
        prop_assert_eq!(observation.is_up.is_none(), !is_unlisted(&known));
        let after = after(known.clone(), Seen::Unlisted);
        prop_assert_eq!(after.standing.capacity.slices, 0);
        prop_assert_eq!(after.own, known.own);
        prop_assert_eq!(after.standing.oversold, known.standing.oversold);
    }
}

#[test]
fn a_node_whose_machines_answer_is_not_down() {
    let known = known(OwnUsage { answers: true, ..own(3, 3) });
    let down = with(3, |report| report.status = NodeStatus::Down);
    let sick = with(3, |report| report.healthy = Some(false));
    for seen in [Seen::Listed(&down), Seen::Listed(&sick), Seen::Unlisted] {
        let observation = reconcile(&known, seen, now());
        assert_eq!(observation.change, None, "{seen:?}");
        assert_eq!((observation.is_up, observation.is_down), (None, Some(false)), "{seen:?}");
    }
    let silent = Known { own: own(3, 3), ..known };
    let observation = reconcile(&silent, Seen::Listed(&down), now());
    assert_eq!((observation.is_up, observation.is_down), (Some(false), Some(true)));
}

/// Whether it looks like a failure of the index when `gone` of `nodes` nodes of each country go
/// down, of which the machines of the first `answering` answer.
fn is_mass(countries: &[(&str, usize, usize)], answering: usize) -> bool {
    let down = with(0, |report| report.status = NodeStatus::Down);
    let up = report(0);
    let mut looks = Vec::new();
    for (country, nodes, gone) in countries {
        for nth in 0..*nodes {
            let mut known = known(OwnUsage { answers: nth < answering, ..own(1, 1) });
            known.standing.country = (*country).into();
            looks.push((known, Seen::Listed(if nth < *gone { &down } else { &up })));
        }
    }
    is_mass_failure(looks.iter().map(|(known, seen)| (known, *seen)), now())
}

#[test]
fn nodes_do_not_all_go_down_at_once() {
    for (countries, answering, expected) in [
        (&[("Belgium", 20, 20)][..], 0, true),
        (&[("Belgium", 20, 16)], 0, true),
        (&[("Belgium", 20, 15)], 0, false),
        (&[("Belgium", 5, 5)], 0, true),
        (&[("Belgium", 4, 4)], 0, false),
        // All of a region, and few of all.
        (&[("Belgium", 3, 3), ("France", 2, 2), ("Japan", 40, 0)], 0, true),
        (&[("Belgium", 3, 3), ("France", 2, 1), ("Japan", 40, 0)], 0, false),
        (&[("Belgium", 4, 4), ("Japan", 40, 0)], 0, false),
        // That the machines of some answer speaks against the index.
        (&[("Belgium", 20, 20)], 5, true),
        (&[("Belgium", 20, 15)], 5, false),
        (&[], 0, false),
    ] {
        assert_eq!(is_mass(countries, answering), expected, "{countries:?} {answering}");
    }
}

#[test]
fn nodes_that_were_down_before_are_no_mass_failure() {
    let down = with(0, |report| report.status = NodeStatus::Down);
    let known = after(known(own(1, 1)), Seen::Listed(&down));
    let looks: Vec<_> = (0..20).map(|_| (&known, Seen::Listed(&down))).collect();
    assert!(!is_mass_failure(looks, now()));
}

#[test]
fn nodes_that_are_up_and_have_not_reported_for_hours_are_gone() {
    let is_mass = |seconds: i64| {
        let up = NodeReport { reported_at: now().plus_seconds(-seconds), ..report(0) };
        let known = after(known(own(1, 1)), Seen::Listed(&report(0)));
        is_mass_failure((0..20).map(|_| (&known, Seen::Listed(&up))), now())
    };
    assert!(!is_mass(REPORT_STALE_SECONDS) && is_mass(REPORT_STALE_SECONDS + 1));
}
