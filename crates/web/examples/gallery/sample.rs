//! Sample pages, shared by the gallery and the tests. Nothing here is real.

use askama::Template;
use web::page::{
    Access, Badge, Choice, Compute, ComputeFilter, ErrorPage, Fact, Factors, Farm, FarmNode,
    FarmNodeForm, FarmRow, FarmSlice, FarmSummary, Field, Frame, GridReport, Home, Link, Login,
    MeasuredUptime, Moment, MoneyEntry, Node, NodeCard, Notice, PasskeyRow, Prove, RecoveryCodes,
    RentForm, Rental, RentalEvent, RentalRow, Renting, ResourceLimit, SecondFactor, Section,
    Settings, Signup, SliceCell, Slices, TermFact, TermOption, Tone, TotpSetup, Wallet,
};

/// A page's file name and its HTML.
pub(crate) type Rendered = (&'static str, askama::Result<String>);

/// Every page, most of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("home", home().render()),
        ("compute", compute(nodes()).render()),
        ("compute-empty", compute(Vec::new()).render()),
        ("compute-errors", compute_with_errors().render()),
        ("node", node(Renting::Open(Box::new(rent_form()))).render()),
        ("node-poor", node(Renting::Open(Box::new(poor_rent_form()))).render()),
        ("node-visitor", node_for_visitor().render()),
        ("node-full", node(every_slice_is_rented()).render()),
        ("signup", signup().render()),
        ("login", login().render()),
        ("second-factor", second_factor().render()),
        ("prove", prove().render()),
        ("settings", settings(factors()).render()),
        ("settings-empty", settings(Factors::default()).render()),
        ("totp", totp().render()),
        ("recovery-codes", recovery_codes().render()),
        ("slices", slices(rentals()).render()),
        ("slices-empty", slices(Vec::new()).render()),
        ("rental", rental().render()),
        ("rental-ready", rental_with_access().render()),
        ("wallet", wallet(entries()).render()),
        ("wallet-empty", wallet(Vec::new()).render()),
        ("farm", farm(farm_rows()).render()),
        ("farm-empty", farm(Vec::new()).render()),
        ("farm-node", farm_node().render()),
        ("farm-node-none", farm_node_without_slices().render()),
        ("api", super::docs::api_docs().render()),
        ("problems", super::docs::problems().render()),
        ("error", error().render()),
    ]
}

fn visitor(title: &str, section: Section) -> Frame {
    Frame { source_url: Some("https://example.org/mycelium".into()), ..Frame::new(title, section) }
}

fn member(title: &str, section: Section) -> Frame {
    Frame {
        signed_in: Some("omar@example.org".into()),
        balance: Some("$100.00".into()),
        form_token: Some("sample-token".into()),
        ..visitor(title, section)
    }
}

fn day(iso: &str, text: &str) -> Moment {
    Moment::new(format!("{iso}T12:00:00Z"), text)
}

pub(crate) fn home() -> Home {
    let terms = [
        ("1 month", "full price"),
        ("3 months", "5% off"),
        ("6 months", "10% off"),
        ("12 months", "15% off"),
    ];
    Home {
        frame: visitor("Servers, by the slice", Section::Elsewhere),
        platform_fee: "10%".into(),
        terms: terms
            .map(|(term, discount)| TermFact { term: term.into(), discount: discount.into() })
            .into(),
    }
}

pub(crate) fn compute(nodes: Vec<NodeCard>) -> Compute {
    Compute {
        frame: visitor("Slices for rent", Section::Marketplace),
        filter: filter(),
        summary: "5 nodes, cheapest first".into(),
        next_page: (!nodes.is_empty()).then(|| "/marketplace/compute?cursor=sample".into()),
        nodes,
    }
}

pub(crate) fn compute_with_errors() -> Compute {
    let filter = ComputeFilter {
        country: Field::new("Belgium"),
        max_price: Field::refused("cheap", "An amount in dollars, such as 25."),
        min_uptime: Field::refused("101", "A percentage from 0 to 100."),
        is_active: true,
        ..filter()
    };
    Compute { filter, ..compute(Vec::new()) }
}

fn filter() -> ComputeFilter {
    let sort = [
        ("price", "Price, lowest first", true),
        ("uptime", "Promised uptime", false),
        ("bandwidth", "Promised bandwidth", false),
    ];
    ComputeFilter {
        countries: vec!["Belgium".into(), "Egypt".into(), "Germany".into()],
        sort: sort
            .map(|(value, label, is_chosen)| Choice {
                value: value.into(),
                label: label.into(),
                is_chosen,
            })
            .into(),
        ..ComputeFilter::default()
    }
}

pub(crate) fn node_card() -> NodeCard {
    NodeCard {
        url: "/marketplace/compute/32".into(),
        name: "Canal house".into(),
        place: "Ghent, Belgium".into(),
        price_per_month: "$25.00".into(),
        price_per_hour: "$0.034".into(),
        min_uptime: "99.5%".into(),
        min_bandwidth: "100 Mbit/s".into(),
        measured_uptime: Some(MeasuredUptime {
            percent: "99.87%".into(),
            observations: "2,016".into(),
        }),
        available_slices: 6,
        total_slices: 9,
        is_certified: false,
    }
}

fn nodes() -> Vec<NodeCard> {
    let place = |name: &str, place: &str, price: &str, hour: &str, free, total| NodeCard {
        name: name.into(),
        place: place.into(),
        price_per_month: price.into(),
        price_per_hour: hour.into(),
        available_slices: free,
        total_slices: total,
        ..node_card()
    };
    vec![
        NodeCard {
            measured_uptime: None,
            ..place("Nile 4", "Cairo, Egypt", "$18.50", "$0.025", 16, 16)
        },
        node_card(),
        NodeCard {
            is_certified: true,
            min_uptime: "99.9%".into(),
            min_bandwidth: "1,000 Mbit/s".into(),
            ..place("Spree rack 2, upper shelf", "Berlin, Germany", "$32.00", "$0.044", 3, 41)
        },
        place("node 4417", "Zanzibar City, United Republic of Tanzania", "$40.00", "$0.055", 1, 3),
        place("Kahlenberg", "Vienna, Austria", "$120.00", "$0.164", 87, 128),
    ]
}

pub(crate) fn node(renting: Renting) -> Node {
    let taken = [2, 3, 7];
    let is_free = |number| matches!(renting, Renting::Open(_)) && !taken.contains(&number);
    Node {
        frame: member("Canal house", Section::Marketplace),
        name: "Canal house".into(),
        place: "Ghent, Belgium".into(),
        is_certified: true,
        status: Badge::new("up", Tone::Good),
        price_per_month: "$25.00".into(),
        price_per_hour: "$0.034".into(),
        min_uptime: "99.5%".into(),
        min_bandwidth: "100 Mbit/s".into(),
        measured_uptime: Some(MeasuredUptime {
            percent: "99.87%".into(),
            observations: "2,016".into(),
        }),
        available_slices: if matches!(renting, Renting::Open(_)) { 6 } else { 0 },
        total_slices: 9,
        facts: vec![
            Fact::new("Grid node", "32"),
            Fact::new("Farm", "Freefarm"),
            Fact::new("Country", "Belgium"),
            Fact::new("City", "Ghent"),
            Fact::new("Offered since", "12 July 2026"),
        ],
        slices: (1..=9)
            .map(|number| SliceCell {
                id: format!("node32_slice_{number}"),
                number,
                is_available: is_free(number),
                state: if is_free(number) { "available" } else { "allocated" }.into(),
            })
            .collect(),
        renting,
    }
}

fn node_for_visitor() -> Node {
    let open = node(Renting::Open(Box::new(rent_form())));
    let url = "/login?next=/marketplace/compute/32".into();
    Node {
        frame: visitor("Canal house", Section::Marketplace),
        measured_uptime: None,
        is_certified: false,
        renting: Renting::SignIn { url },
        ..open
    }
}

fn every_slice_is_rented() -> Renting {
    Renting::Closed { reason: "Every slice of this node is rented.".into() }
}

pub(crate) fn rent_form() -> RentForm {
    RentForm {
        node_id: "32".into(),
        slice_id: None,
        offer_version: "7".into(),
        idempotency_key: "019f0000-0000-7000-8000-000000000001".into(),
        terms: vec![
            term(1, None, "$25.00", "$25.00", "29 August 2026"),
            TermOption {
                is_chosen: true,
                ..term(3, Some("5% off"), "$23.75", "$71.25", "29 October 2026")
            },
            TermOption {
                missing: Some("$35.00".into()),
                ..term(6, Some("10% off"), "$22.50", "$135.00", "29 January 2027")
            },
            TermOption {
                missing: Some("$155.00".into()),
                ..term(12, Some("15% off"), "$21.25", "$255.00", "29 July 2027")
            },
        ],
        balance: "$100.00".into(),
        is_affordable: true,
        farmer_sees: "omar@example.org".into(),
        error: None,
    }
}

fn poor_rent_form() -> RentForm {
    let rich = rent_form();
    let terms = rich
        .terms
        .into_iter()
        .map(|term| TermOption { missing: Some("$12.50".into()), is_chosen: false, ..term })
        .collect();
    RentForm {
        terms,
        balance: "$12.50".into(),
        is_affordable: false,
        error: Some("The price has changed since you saw it. Nothing was charged.".into()),
        ..rent_form()
    }
}

fn term(months: u32, discount: Option<&str>, monthly: &str, total: &str, ends: &str) -> TermOption {
    TermOption {
        months,
        label: if months == 1 { "1 month".into() } else { format!("{months} months") },
        discount: discount.map(Into::into),
        monthly_cost: monthly.into(),
        total_cost: total.into(),
        ends_on: ends.into(),
        missing: None,
        is_chosen: false,
    }
}

pub(crate) fn signup() -> Signup {
    Signup {
        frame: visitor("Make an account", Section::Elsewhere),
        email: Field::refused("omar", "An e-mail address, such as you@example.org."),
        password_error: Some("At least 12 characters; this one has 8.".into()),
        password_rule: "At least 12 characters. A few words work well.".into(),
        error: None,
        next: Some("/dashboard/farm".into()),
        login_url: "/login?next=%2Fdashboard%2Ffarm".into(),
    }
}

pub(crate) fn login() -> Login {
    Login {
        frame: visitor("Sign in", Section::Elsewhere),
        email: Field::new("omar@example.org"),
        password_error: None,
        error: Some("No account has this e-mail address and password.".into()),
        next: None,
        passkey_next: "/marketplace/compute".into(),
        signup_url: "/signup".into(),
    }
}

pub(crate) fn second_factor() -> SecondFactor {
    SecondFactor {
        frame: visitor("One more step", Section::Elsewhere),
        challenge: "sample-challenge".into(),
        next: Some("/dashboard/farm".into()),
        lede: "Show a passkey, or enter a code.".into(),
        takes_code: true,
        passkey_next: Some("/dashboard/farm".into()),
        error: Some("The code is wrong.".into()),
    }
}

pub(crate) fn prove() -> Prove {
    Prove {
        frame: member("Confirm that it is you", Section::Elsewhere),
        next: "/dashboard/settings".into(),
        lede: "What comes next is protected.".into(),
        takes_password: true,
        takes_code: false,
        takes_passkey: false,
        error: None,
    }
}

pub(crate) fn factors() -> Factors {
    let key = |id: &str, name: &str, used: Option<Moment>| PasskeyRow {
        id: id.into(),
        name: name.into(),
        added: day("2026-07-01", "1 July 2026"),
        used,
    };
    Factors {
        passkeys: vec![
            key("AQ", "Phone", Some(day("2026-07-28", "28 July 2026"))),
            key("Ag", "Key on the ring", None),
        ],
        can_add_passkey: true,
        has_totp: false,
        totp_note: None,
        recovery_codes: Some("You have 9 recovery codes left.".into()),
    }
}

pub(crate) fn settings(factors: Factors) -> Settings {
    Settings { frame: member("Settings", Section::Elsewhere), factors }
}

pub(crate) fn totp() -> TotpSetup {
    TotpSetup {
        frame: member("Set up an authenticator app", Section::Elsewhere),
        qr_size: 15,
        qr_path: "M4 4.5h7M4 5.5h1M10 5.5h1M4 6.5h1M6 6.5h3M10 6.5h1M4 10.5h7".into(),
        secret: "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ".into(),
        url: "otpauth://totp/Mycelium:omar?secret=GEZDGNBVGY3TQOJQ".into(),
        error: None,
    }
}

pub(crate) fn recovery_codes() -> RecoveryCodes {
    RecoveryCodes {
        frame: member("Your recovery codes", Section::Elsewhere),
        codes: vec!["ONZX-G43T-ONZX-G43T".into(), "GEZD-GNBV-GY3T-QOJQ".into()],
    }
}

pub(crate) fn slices(rentals: Vec<RentalRow>) -> Slices {
    Slices { frame: member("My slices", Section::Slices), rentals, next_page: None }
}

pub(crate) fn rental_row() -> RentalRow {
    RentalRow {
        url: "/dashboard/slices/019f0000-0000-7000-8000-000000000001".into(),
        slice_id: "node32_slice_1".into(),
        node: Link::new("/marketplace/compute/32", "Canal house"),
        place: "Ghent, Belgium".into(),
        status: Badge::new("active", Tone::Good),
        monthly_cost: "$23.75".into(),
        total_cost: "$71.25".into(),
        started_at: day("2026-07-29", "29 July 2026"),
        ends_at: day("2026-10-29", "29 October 2026"),
    }
}

fn rentals() -> Vec<RentalRow> {
    vec![
        rental_row(),
        RentalRow {
            slice_id: "node4417_slice_12".into(),
            node: Link::new("/marketplace/compute/4417", "Spree rack 2, upper shelf"),
            place: "Berlin, Germany".into(),
            status: Badge::new("ends soon", Tone::Warn),
            monthly_cost: "$32.00".into(),
            total_cost: "$32.00".into(),
            started_at: day("2026-07-01", "1 July 2026"),
            ends_at: day("2026-08-01", "1 August 2026"),
            ..rental_row()
        },
        RentalRow {
            slice_id: "node11_slice_3".into(),
            status: Badge::new("ended", Tone::Plain),
            started_at: day("2026-03-31", "31 March 2026"),
            ends_at: day("2026-06-30", "30 June 2026"),
            ..rental_row()
        },
    ]
}

pub(crate) fn rental() -> Rental {
    let row = rental_row();
    Rental {
        frame: Frame {
            notice: Some(Notice {
                text: "The slice is yours until 29 October 2026.".into(),
                tone: Tone::Good,
            }),
            ..member("node32_slice_1", Section::Slices)
        },
        slice_id: row.slice_id,
        node: row.node,
        place: row.place,
        status: row.status,
        monthly_cost: row.monthly_cost,
        total_cost: row.total_cost,
        term: "3 months, 5% off".into(),
        started_at: row.started_at,
        ends_at: row.ends_at,
        time_left: Some("89 days left".into()),
        access: Access {
            status: Badge::new("not provisioned yet", Tone::Plain),
            text: "The slice is reserved for you and not provisioned yet. When it is, the command \
                   that reaches it stands here."
                .into(),
            command: None,
        },
        facts: vec![
            Fact::new("Promise", "99.5% uptime, 100 Mbit/s"),
            Fact::new("The farmer sees", "omar@example.org"),
            Fact::new("Rental", "019f0000-0000-7000-8000-000000000001"),
        ],
        entries: vec![charge()],
        events: vec![
            RentalEvent {
                at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
                what: "Access requested".into(),
            },
            RentalEvent {
                at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
                what: "Rented for 3 months".into(),
            },
        ],
    }
}

fn rental_with_access() -> Rental {
    let access = Access {
        status: Badge::new("ready", Tone::Good),
        text: "Reach the slice with your own SSH key, over the Mycelium network.".into(),
        command: Some("ssh root@5f3:1c9a:77e0:41b2:9d0e:2a7c:55b1:8e02".into()),
    };
    Rental { access, ..rental() }
}

fn charge() -> MoneyEntry {
    MoneyEntry {
        at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
        what: "Rental of node32_slice_1 for 3 months".into(),
        amount: "−$71.25".into(),
        is_credit: false,
        balance_after: "$28.75".into(),
        url: Some("/dashboard/slices/019f0000-0000-7000-8000-000000000001".into()),
    }
}

pub(crate) fn entries() -> Vec<MoneyEntry> {
    let credit = MoneyEntry {
        at: day("2026-07-28", "28 July 2026, 09:14 UTC"),
        what: "Credit: bank transfer of 27 July".into(),
        amount: "+$100.00".into(),
        is_credit: true,
        balance_after: "$100.00".into(),
        url: None,
    };
    vec![charge(), credit]
}

pub(crate) fn wallet(entries: Vec<MoneyEntry>) -> Wallet {
    Wallet {
        frame: member("Wallet", Section::Wallet),
        balance: if entries.is_empty() { "$0.00" } else { "$28.75" }.into(),
        next_page: (!entries.is_empty()).then(|| "/dashboard/wallet?cursor=sample".into()),
        entries,
    }
}

pub(crate) fn farm(nodes: Vec<FarmRow>) -> Farm {
    Farm {
        frame: member("Farm", Section::Farm),
        grid_node_id: if nodes.is_empty() {
            Field::refused("32b", "A whole number, such as 32.")
        } else {
            Field::default()
        },
        summary: FarmSummary {
            nodes: 3,
            total_slices: 25,
            allocated_slices: 3,
            available_slices: 22,
            in_escrow: "$168.75".into(),
            earned: "$1,022.40".into(),
        },
        nodes,
        next_page: None,
    }
}

pub(crate) fn farm_row() -> FarmRow {
    FarmRow {
        url: "/dashboard/farm/nodes/32".into(),
        name: "Canal house".into(),
        grid_node_id: "32".into(),
        place: "Ghent, Belgium".into(),
        status: Badge::new("published", Tone::Good),
        grid_status: Badge::new("up", Tone::Good),
        price_per_month: Some("$25.00".into()),
        allocated_slices: 3,
        total_slices: 9,
        reason: None,
    }
}

fn farm_rows() -> Vec<FarmRow> {
    vec![
        farm_row(),
        FarmRow {
            name: "node 1017".into(),
            grid_node_id: "1017".into(),
            status: Badge::new("draft", Tone::Plain),
            price_per_month: None,
            allocated_slices: 0,
            total_slices: 16,
            ..farm_row()
        },
        FarmRow {
            name: "Old mill".into(),
            grid_node_id: "534".into(),
            status: Badge::new("paused", Tone::Warn),
            grid_status: Badge::new("down", Tone::Bad),
            allocated_slices: 0,
            total_slices: 0,
            reason: Some("It has no SSD: slices need 200 GB of SSD each.".into()),
            ..farm_row()
        },
    ]
}

pub(crate) fn farm_node() -> FarmNode {
    let slices = (1..=9).map(|number| {
        let is_allocated = [2, 3, 7].contains(&number);
        FarmSlice {
            id: format!("node32_slice_{number}"),
            number,
            state: if is_allocated { "allocated" } else { "available" }.into(),
            is_allocated,
            renter: is_allocated.then(|| "omar@example.org".into()),
            until: is_allocated.then(|| day("2026-10-29", "29 October 2026")),
        }
    });
    FarmNode {
        frame: member("Canal house", Section::Farm),
        id: "32".into(),
        name: "Canal house".into(),
        grid_node_id: "32".into(),
        place: "Ghent, Belgium".into(),
        status: Badge::new("published", Tone::Good),
        headline: "This node can provide 9 slices, up to $225.00 a month at your price.".into(),
        reason: None,
        limits: vec![
            limit("Processor", "32 vCPU", 32, false),
            limit("Memory", "122 GB", 30, false),
            limit("SSD", "1,863 GB", 9, true),
        ],
        form: FarmNodeForm {
            version: "4".into(),
            price_per_month: Field::new("25.00"),
            price_hint: "From $1.00 to $500.00.".into(),
            payout_hint: Some("$22.50 of it is yours after the fee of 10%.".into()),
            min_uptime: Field::refused("100.5", "A percentage from 0 to 100."),
            min_bandwidth_mbps: Field::new("100"),
            name: Field::new("Canal house"),
            error: None,
        },
        can_publish: false,
        can_pause: true,
        publish_hint: "Renters can find this node. Pausing hides it and leaves running rentals \
                       alone."
            .into(),
        allocated_slices: 3,
        total_slices: 9,
        slices: slices.collect(),
        report: Some(GridReport {
            status: Badge::new("up", Tone::Good),
            health: Badge::new("healthy", Tone::Good),
            at: day("2026-07-29", "29 July 2026, 11:55 UTC"),
        }),
        market_url: Some("/marketplace/compute/32".into()),
    }
}

pub(crate) fn farm_node_without_slices() -> FarmNode {
    FarmNode {
        status: Badge::new("draft", Tone::Plain),
        headline: "This node can provide no slice now.".into(),
        reason: Some("It has no SSD: slices need 200 GB of SSD each.".into()),
        limits: vec![
            limit("Processor", "32 vCPU", 32, false),
            limit("Memory", "122 GB", 30, false),
            limit("SSD", "0 GB", 0, true),
        ],
        can_publish: true,
        can_pause: false,
        publish_hint: "Publish it now, and slices appear as soon as there is room.".into(),
        allocated_slices: 0,
        total_slices: 0,
        slices: Vec::new(),
        report: None,
        market_url: None,
        ..farm_node()
    }
}

fn limit(resource: &str, free: &str, slices: u32, is_limiting: bool) -> ResourceLimit {
    ResourceLimit { resource: resource.into(), free: free.into(), slices, is_limiting }
}

pub(crate) fn error() -> ErrorPage {
    ErrorPage {
        frame: member("Not found", Section::Elsewhere),
        status: 404,
        title: "There is no such node".into(),
        detail: "It may have left the marketplace, or the address has a typing mistake.".into(),
        request_id: Some("019f0000-0000-7000-8000-0000000000aa".into()),
        ways_on: vec![
            Link::new("/marketplace/compute", "See all nodes"),
            Link::new("/", "Start page"),
        ],
    }
}
