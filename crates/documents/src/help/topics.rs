//! What the help says. A text may hold `{name}` of a fact of this marketplace.

use domain::leaving::NOTICE_SECONDS;
use domain::rental::GRACE_SECONDS;
use domain::term::Term;
use strum::VariantArray;
use ui::visit::Visit;
use ui::wording::{discount, term};

/// A page of the help.
pub(crate) struct Topic {
    /// Its place, `/help/name`.
    pub name: &'static str,
    /// Such as `Pricing`.
    pub title: &'static str,
    /// What it answers, in a sentence.
    pub lede: &'static str,
    /// Its parts.
    pub sections: &'static [Section],
}

/// A part of a page.
pub(crate) struct Section {
    /// Its place on the page.
    pub id: &'static str,
    /// Such as `What you pay`.
    pub title: &'static str,
    /// Paragraphs.
    pub text: &'static [&'static str],
    /// Where to go on: address and words.
    pub links: &'static [(&'static str, &'static str)],
}

/// Something that differs between marketplaces: its name in the texts, and its words.
pub(crate) type Fact = (&'static str, String);

/// What the texts say of this marketplace.
pub(crate) fn facts(visit: &Visit<'_>) -> Vec<Fact> {
    let terms = Term::VARIANTS.iter().copied().map(|of| match discount(of) {
        Some(saving) => format!("{} ({saving})", term(of)),
        None => term(of),
    });
    let terms: Vec<String> = terms.collect();
    vec![
        ("fee", format!("{}%", visit.platform_fee)),
        ("terms", terms.join(", ")),
        ("grace", format!("{} hours", GRACE_SECONDS / 3_600)),
        ("notice", format!("{} days", NOTICE_SECONDS / 86_400)),
        ("lowest", visit.price_limits.min.for_people()),
        ("highest", visit.price_limits.max.for_people()),
    ]
}

/// A text with its facts.
pub(crate) fn filled(text: &str, facts: &[Fact]) -> String {
    let fill = |text: String, (name, words): &Fact| text.replace(&format!("{{{name}}}"), words);
    facts.iter().fold(text.to_owned(), fill)
}

/// Every page, in the order of the list.
pub(crate) const TOPICS: [Topic; 4] = [
    Topic {
        name: "slices",
        title: "How slices work",
        lede: "A slice is a small server of your own: a fixed part of a bigger one.",
        sections: &[
            Section {
                id: "size",
                title: "What you get",
                text: &[
                    "Every slice has 1 vCPU, 4 GB of memory and 200 GB of SSD storage. There is \
                     one size, so you compare only location, price and reliability. If you need \
                     more, rent several slices, or a whole node at once.",
                    "On each slice you rent runs one Linux machine. You log in to it with SSH as \
                     its administrator and install what you like.",
                ],
                links: &[("/marketplace/compute", "Find a slice")],
            },
            Section {
                id: "grid",
                title: "Where the servers are",
                text: &[
                    "The servers are called nodes. They belong to independent farmers: people and \
                     companies who run them at home, in offices and in data centers, and connect \
                     them to the ThreeFold Grid. Mycelium divides a node into slices, takes your \
                     payment and pays the farmer.",
                    "You see the country and city of each node, and how reliably it has run, \
                     before you rent.",
                ],
                links: &[],
            },
            Section {
                id: "key",
                title: "What an SSH key is",
                text: &["You log in with a key instead of a password. A key has two halves: the \
                     private half stays on your computer, and the public half goes to the \
                     machine. To make one, run ssh-keygen -t ed25519 in a terminal on Windows, \
                     macOS or Linux, and paste the contents of the .pub file."],
                links: &[("/dashboard/settings/ssh-keys", "Add an SSH key")],
            },
            Section {
                id: "access",
                title: "How soon you can log in",
                text: &[
                    "Where the farm has automatic setup, a machine is usually ready within five \
                     minutes of payment, and its page shows the address and the command to log \
                     in. Without automatic setup, the farmer sets it up by hand within a day.",
                    "If you can't log in a day after you paid, you are refunded in full, \
                     automatically.",
                ],
                links: &[],
            },
            Section {
                id: "end",
                title: "What happens at the end",
                text: &[
                    "A rental ends on its last day unless you extend it or turn on auto-renew. We \
                     remind you 14, 3 and 1 days before. After the last day you have {grace} to \
                     extend it; then the machine and everything on it is deleted.",
                ],
                links: &[("/dashboard/slices", "My slices")],
            },
        ],
    },
    Topic {
        name: "pricing",
        title: "Pricing",
        lede: "Farmers set the price of a slice per month. You pay the amount you confirm.",
        sections: &[
            Section {
                id: "price",
                title: "What a slice costs",
                text: &[
                    "Each farmer chooses a price from {lowest} to {highest} per slice per month. \
                     It includes the machine, its storage and its network. Nothing is added at \
                     checkout.",
                ],
                links: &[("/marketplace/compute?sort=price", "See prices")],
            },
            Section {
                id: "terms",
                title: "Longer terms cost less",
                text: &["You pay in advance for one term: {terms}. The discount is taken off the \
                     farmer's monthly price. The price you agreed to stays the same for a year, \
                     even if the farmer raises it for others."],
                links: &[],
            },
            Section {
                id: "wallet",
                title: "How you pay",
                text: &[
                    "You pay from your wallet. Add credit by card where the marketplace takes \
                     cards; otherwise the operator adds it for you. Your statements and receipts \
                     are on the wallet's page.",
                ],
                links: &[("/dashboard/wallet", "Wallet"), ("/help/contact", "Contact")],
            },
            Section {
                id: "refunds",
                title: "Refunds",
                text: &[
                    "You can end a rental at any time. You pay for the time you used, at the \
                     price of the term you reached, and the rest goes back to your wallet. You \
                     see the exact refund before you confirm.",
                    "If a node misses its guaranteed uptime, you are credited for that month \
                     automatically. Days on which your machine could not run at all are not paid \
                     for.",
                ],
                links: &[("/docs/sla", "How credits are calculated")],
            },
        ],
    },
    Topic {
        name: "farmers",
        title: "For farmers",
        lede: "If you run a node on the ThreeFold Grid, you can rent it out by the slice.",
        sections: &[
            Section {
                id: "earn",
                title: "What you earn",
                text: &[
                    "You set one price per slice per month and keep all of it but {fee}, the fee \
                     of the marketplace. Listing a node is free. Each day that a renter has used \
                     moves to your earnings, which you can have paid out.",
                ],
                links: &[("/dashboard/farm/payouts", "Payouts")],
            },
            Section {
                id: "start",
                title: "How to start",
                text: &[
                    "Enter the grid ID of your node. We read its free capacity from the grid and \
                     tell you how many slices it provides. Set a price and the uptime you \
                     guarantee, and publish it.",
                ],
                links: &[("/dashboard/farm/add", "Add nodes")],
            },
            Section {
                id: "agent",
                title: "Automatic setup",
                text: &[
                    "An agent is a small program on a server at your farm. It sets machines up \
                     and removes them within minutes, so your nodes are listed as ready at once. \
                     It needs no open port: it asks the marketplace for work. The page of your \
                     node has the command that starts it. Without an agent, you set each machine \
                     up by hand and confirm it there.",
                ],
                links: &[("/dashboard/farm", "Farm")],
            },
            Section {
                id: "guarantee",
                title: "Your guarantee",
                text: &[
                    "We check each node every five minutes. If a month's uptime is below what you \
                     guaranteed, the renter is credited a share of that month's price. Scheduled \
                     maintenance doesn't count if you announce it a day ahead.",
                ],
                links: &[("/docs/sla", "SLA")],
            },
            Section {
                id: "leave",
                title: "How to leave",
                text: &[
                    "Pause a node at any time: running rentals continue, and nobody new can rent \
                     it. To take it away for good, give {notice} of notice. Renters who are left \
                     then are refunded for the time they can't use.",
                ],
                links: &[("/dashboard/farm", "Farm")],
            },
            Section {
                id: "verify",
                title: "Show that the farm is yours",
                text: &["Sign a short text with the wallet that owns your farm on the grid, with \
                     one click if it is in your browser. Your \
                     nodes are then marked as verified, and nobody else can offer them."],
                links: &[("/dashboard/farm/claims", "Verify a farm")],
            },
        ],
    },
    Topic {
        name: "faq",
        title: "Frequently asked questions",
        lede: "Short answers to what people ask first.",
        sections: &[
            Section {
                id: "what-for",
                title: "What can I run on a slice?",
                text: &[
                    "Anything that runs on a Linux server: websites, databases, game servers, \
                     development machines. You can start from a template, such as Docker, \
                     PostgreSQL or a web server, or from plain Linux.",
                ],
                links: &[],
            },
            Section {
                id: "knowledge",
                title: "Do I have to know the Grid or use cryptocurrency?",
                text: &[
                    "No. You sign up with an email address and pay in US dollars. Only farmers \
                     deal with the Grid.",
                ],
                links: &[],
            },
            Section {
                id: "trust",
                title: "Can the farmer read my data?",
                text: &[
                    "Whoever has the server in front of them can read its disks. Encrypt what must \
                     stay private, as with any hosting. The farmer sees your display name, and \
                     your email address if you have not set one.",
                ],
                links: &[("/dashboard/settings/profile", "Set a display name")],
            },
            Section {
                id: "backup",
                title: "Are there backups?",
                text: &[
                    "No. A node can fail, and its disks with it. Copy what you need to another \
                     place regularly, for example to a second slice on another node.",
                ],
                links: &[],
            },
            Section {
                id: "down",
                title: "My machine doesn't answer. What now?",
                text: &[
                    "Open its page under My slices. It says whether the node is down, and lets \
                     you restart the machine, open its console or move the rental to another \
                     slice. Time in which it could not run is credited or refunded automatically.",
                ],
                links: &[("/dashboard/slices", "My slices"), ("/status", "Status")],
            },
            Section {
                id: "give",
                title: "Can I give a rental to somebody else?",
                text: &[
                    "Yes. Invite them by email address on the rental's page. The machine, the \
                     remaining time and later refunds are theirs once they accept.",
                ],
                links: &[],
            },
            Section {
                id: "api",
                title: "Is there an API?",
                text: &["Everything the pages do, programs can do, too."],
                links: &[("/docs/api", "API")],
            },
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fact_that_a_text_names_is_known() {
        let names = ["fee", "terms", "grace", "notice", "lowest", "highest"];
        let facts: Vec<Fact> = names.iter().map(|name| (*name, "x".to_owned())).collect();
        for topic in &TOPICS {
            for section in topic.sections {
                for text in section.text {
                    let filled = filled(text, &facts);
                    assert!(!filled.contains(['{', '}']), "{filled}");
                }
            }
        }
    }
}
