//! What a farmer has to do next, as a short list of links.

use domain::money::Usd;
use domain::time::Timestamp;
use store::farm_tasks::{FarmTasks, TaskNodes};
use web::text::counted;

/// Something to do, and where it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToDo {
    /// What, such as `Set a price for node33`.
    pub text: String,
    /// Why, as a sentence.
    pub why: String,
    /// Where.
    pub url: String,
    /// Whether somebody waits for it, or money is lost until it is done.
    pub is_urgent: bool,
}

/// What is to be done, the urgent first.
pub(crate) fn list(tasks: &FarmTasks, now: Timestamp) -> Vec<ToDo> {
    let FarmTasks { token_ends_at, balance, lacks_address, .. } = tasks;
    let mut list = of_nodes(tasks);
    if let Some(ends_at) = token_ends_at {
        let days = ends_at.seconds_since(now).div_euclid(86_400).max(0);
        list.push(ToDo {
            text: "Replace an agent's API token".to_owned(),
            why: format!("It expires in {}. Its agent stops then.", counted(days, "day")),
            url: "/dashboard/settings/tokens".to_owned(),
            is_urgent: days <= 3,
        });
    }
    if *lacks_address && *balance > Usd::ZERO {
        list.push(ToDo {
            text: "Add a payout address".to_owned(),
            why: format!(
                "You have earned {}, and we need to know where to send it.",
                balance.for_people()
            ),
            url: "/dashboard/farm/payouts".to_owned(),
            is_urgent: false,
        });
    }
    list.sort_by_key(|it| !it.is_urgent);
    list
}

/// A task of nodes: what is done with one of them, why, where, and whether it is urgent.
struct Task {
    nodes: TaskNodes,
    what: &'static str,
    why: &'static str,
    /// Follows the address of the first node; another page, if it begins with `/`.
    place: &'static str,
    is_urgent: bool,
}

fn of_nodes(tasks: &FarmTasks) -> Vec<ToDo> {
    let urgent = |nodes, what, why, place| Task { nodes, what, why, place, is_urgent: true };
    let calm = |nodes, what, why, place| Task { nodes, what, why, place, is_urgent: false };
    let all = [
        urgent(
            tasks.setups,
            "Set up a machine on",
            "A renter waits for it, and is refunded in full after a day.",
            "#slices-title",
        ),
        urgent(tasks.down, "Bring back", "The grid reports it as down, so nobody can rent it.", ""),
        urgent(
            tasks.quiet_agent,
            "Restart the agent of",
            "It has not asked for work in the last 15 minutes.",
            "#agents-title",
        ),
        calm(
            tasks.unpriced,
            "Set a price for",
            "Only you can see a node until it has a price and you publish it.",
            "#offer",
        ),
        calm(
            tasks.unpublished,
            "Publish",
            "It has a price, and nobody can rent it yet.",
            "#publish-title",
        ),
        calm(
            tasks.without_agent,
            "Start an agent for",
            "Without one, you set up every machine by hand within a day.",
            "#agents-title",
        ),
        calm(
            tasks.unproven,
            "Verify the farm of",
            "Renters see an unverified farm, and you are paid after a month of use.",
            "/dashboard/farm/claims",
        ),
    ];
    all.iter().filter_map(to_do).collect()
}

fn to_do(task: &Task) -> Option<ToDo> {
    let first = task.nodes.first.filter(|_| task.nodes.count > 0)?;
    let more = match task.nodes.count - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let url = match task.place {
        page if page.starts_with('/') => page.to_owned(),
        part => format!("/dashboard/farm/nodes/{first}{part}"),
    };
    Some(ToDo {
        text: format!("{} {first}{more}", task.what),
        why: task.why.to_owned(),
        url,
        is_urgent: task.is_urgent,
    })
}

#[cfg(test)]
mod tests {
    use domain::id::NodeId;

    use super::*;

    #[test]
    fn what_somebody_waits_for_comes_first() {
        let none = TaskNodes::default();
        let of = |count| TaskNodes { count, first: Some(NodeId(32)) };
        let now = Timestamp::from_seconds(0);
        let tasks = FarmTasks {
            setups: of(1),
            unpriced: of(3),
            unpublished: none,
            down: none,
            without_agent: none,
            quiet_agent: none,
            unproven: of(1),
            token_ends_at: Some(now.plus_seconds(2 * 86_400 + 5)),
            balance: Usd::whole(5),
            lacks_address: true,
        };
        let said = |tasks: &FarmTasks| -> Vec<String> {
            let show = |it: ToDo| format!("{} <{}>", it.text, it.url);
            list(tasks, now).into_iter().map(show).collect()
        };
        assert_eq!(
            said(&tasks),
            [
                "Set up a machine on node32 </dashboard/farm/nodes/node32#slices-title>",
                "Replace an agent's API token </dashboard/settings/tokens>",
                "Set a price for node32 and 2 more </dashboard/farm/nodes/node32#offer>",
                "Verify the farm of node32 </dashboard/farm/claims>",
                "Add a payout address </dashboard/farm/payouts>",
            ]
        );
        let paid = FarmTasks {
            setups: none,
            unpriced: none,
            unproven: none,
            token_ends_at: None,
            lacks_address: false,
            ..tasks
        };
        assert_eq!(said(&paid), Vec::<String>::new());
    }
}
