//! Sample pages, shared by the gallery and the tests. Nothing here is real.

use askama::Template;
use web::page::{
    AgentRow, Badge, Choice, Compute, ComputeFilter, EmailForm, ErrorPage, Factors, Farm, FarmNode,
    FarmNodeForm, FarmOffer, FarmRow, FarmSlice, FarmSummary, Field, Frame, GridReport, Home, Link,
    Login, MeasuredUptime, Moment, MoneyEntry, NodeCard, OpenTopUp, PasskeyRow, PasswordForm,
    Paying, Prove, RecoveryCodes, ResourceLimit, SecondFactor, Section, SessionRow, Settings,
    ShownForm, Signup, SliceGrid, TermFact, TokenForm, Tone, TotpSetup, Wallet,
};

use super::paid;

/// A page's file name and its HTML.
pub(crate) type Rendered = (&'static str, askama::Result<String>);

/// Every page, most of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("home", home().render()),
        ("compute", compute(nodes()).render()),
        ("compute-empty", compute(Vec::new()).render()),
        ("compute-errors", compute_with_errors().render()),
        ("signup", signup().render()),
        ("login", login().render()),
        ("second-factor", second_factor().render()),
        ("prove", prove().render()),
        ("settings", settings(factors()).render()),
        ("settings-empty", settings(Factors::default()).render()),
        ("totp", totp().render()),
        ("recovery-codes", recovery_codes().render()),
        ("wallet", wallet(entries()).render()),
        ("wallet-empty", wallet(Vec::new()).render()),
        ("statements", super::books::statements().render()),
        ("statement", super::books::statement().render()),
        ("receipt", super::books::receipt().render()),
        ("farm", farm(farm_rows()).render()),
        ("farm-empty", farm(Vec::new()).render()),
        ("farm-node", farm_node().render()),
        ("farm-node-none", farm_node_without_slices().render()),
        ("api", super::docs::api_docs().render()),
        ("problems", super::docs::problems().render()),
        ("error", error().render()),
    ]
    .into_iter()
    .chain(super::offered::gallery())
    .chain(super::held::gallery())
    .chain(super::machines::gallery())
    .chain(super::paid::gallery())
    .chain(super::measured::gallery())
    .chain(super::offering::gallery())
    .collect()
}

pub(crate) fn visitor(title: &str, section: Section) -> Frame {
    Frame { source_url: Some("https://example.org/mycelium".into()), ..Frame::new(title, section) }
}

pub(crate) fn member(title: &str, section: Section) -> Frame {
    Frame {
        signed_in: Some("omar@example.org".into()),
        balance: Some("$100.00".into()),
        form_token: Some("sample-token".into()),
        ..visitor(title, section)
    }
}

pub(crate) fn day(iso: &str, text: &str) -> Moment {
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
            at_least: "98.7%".into(),
            percent: "99.87%".into(),
            observations: "2,016".into(),
            new_node: None,
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

pub(crate) fn signup() -> Signup {
    Signup {
        frame: visitor("Create an account", Section::Elsewhere),
        email: Field::refused("omar", "An email address, such as you@example.org."),
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
        error: Some("No account has this email address and password.".into()),
        next: None,
        passkey_next: "/marketplace/compute".into(),
        signup_url: "/signup".into(),
        can_reset: true,
    }
}

pub(crate) fn second_factor() -> SecondFactor {
    SecondFactor {
        frame: visitor("Two-factor authentication", Section::Elsewhere),
        challenge: "sample-challenge".into(),
        next: Some("/dashboard/farm".into()),
        lede: "Use a passkey or enter a code.".into(),
        takes_code: true,
        passkey_next: Some("/dashboard/farm".into()),
        error: Some("The code is wrong.".into()),
    }
}

pub(crate) fn prove() -> Prove {
    Prove {
        frame: member("Verify it's you", Section::Elsewhere),
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
    Settings {
        frame: member("Settings", Section::Settings),
        email: EmailForm { current: "omar@example.org".into(), ..EmailForm::default() },
        shown: ShownForm { current: "omar@example.org".into(), ..ShownForm::default() },
        password: PasswordForm::default(),
        factors,
        sessions: vec![SessionRow {
            end_url: None,
            browser: "Firefox on Windows".into(),
            address: "192.0.2.7".into(),
            strength: Badge::new("second factor", Tone::Good),
            since: day("2026-07-28", "28 July 2026"),
            seen: day("2026-07-29", "29 July 2026"),
        }],
        tokens: Vec::new(),
        token_form: TokenForm::default(),
        wallet_warning: None,
        earnings_warning: None,
        delete_password_error: None,
        delete_error: None,
    }
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

pub(crate) fn charge() -> MoneyEntry {
    MoneyEntry {
        at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
        what: "Rental of node32_slice_1 for 3 months".into(),
        amount: "−$71.25".into(),
        is_credit: false,
        balance_after: "$28.75".into(),
        url: Some("/dashboard/slices/019f0000-0000-7000-8000-000000000001".into()),
        receipt: Some(Link::new("/dashboard/wallet/receipts/7", "R-00000007")),
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
        receipt: Some(Link::new("/dashboard/wallet/receipts/4", "R-00000004")),
    };
    vec![charge(), credit]
}

pub(crate) fn wallet(entries: Vec<MoneyEntry>) -> Wallet {
    Wallet {
        frame: member("Wallet", Section::Wallet),
        balance: if entries.is_empty() { "$0.00" } else { "$28.75" }.into(),
        next_page: (!entries.is_empty()).then(|| "/dashboard/wallet?cursor=sample".into()),
        paying: (!entries.is_empty()).then(paying),
        entries,
    }
}

pub(crate) fn paying() -> Paying {
    let url = Some("https://checkout.stripe.com/c/pay/cs_sample".into());
    Paying {
        idempotency_key: "0199f0a0-0000-7000-8000-000000000001".into(),
        amount: Field::default(),
        open: vec![OpenTopUp {
            at: Moment::new("2026-07-29T12:00:00Z", "29 July 2026, 12:00 UTC"),
            amount: "$25.00".into(),
            state: Badge::new("not confirmed yet", Tone::Warn),
            url,
        }],
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
            utilization: Some("12%".into()),
            earned: "$12.50".into(),
            in_escrow: "$168.75".into(),
            balance: "$1,022.40".into(),
            in_payout: Some("$25.00".into()),
            paid: "$300.00".into(),
        },
        revenue: (!nodes.is_empty()).then(paid::farm_revenue),
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
        grid: paid::grid(),
        earned: "$12.50".into(),
        pending: "$56.25".into(),
        record: Some(paid::record()),
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

fn agent() -> AgentRow {
    AgentRow { name: "rack-7".into(), seen: "2 minutes ago".into(), is_gone: false }
}

pub(crate) fn farm_node() -> FarmNode {
    let slices = (1..=9).map(|number| {
        let is_allocated = [2, 3, 7].contains(&number);
        FarmSlice {
            id: format!("node32_slice_{number}"),
            number,
            state: if is_allocated { "rented" } else { "available" },
            class: if is_allocated { "cell-rented" } else { "cell-open" },
            renter: is_allocated.then(|| "omar@example.org".into()),
            until: is_allocated.then(|| day("2026-10-29", "29 October 2026")),
            removal: None,
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
        promise: Some(web::page::Notice {
            text: "The 99.5% uptime SLA allows 41 more minutes of downtime this month.".to_owned(),
            tone: Tone::Plain,
        }),
        form: FarmNodeForm {
            version: "4".into(),
            price_per_month: Field::new("25.00"),
            price_hint: "From $1.00 to $500.00.".into(),
            payout_hint: Some("$22.50 of it is yours after the fee of 10%.".into()),
            min_uptime: Field::refused("100.5", "A percentage from 0 to 100."),
            uptime_hint: "Not measured yet.".into(),
            min_bandwidth_mbps: Field::new("100"),
            bandwidth_hint: "Measured: 810 Mbit/s.".into(),
            scale: "A month below the promise is credited with 10% of its price.".into(),
            consent: None,
            terms: super::offering::term_boxes(),
            terms_error: None,
            kept_slices: Field::new("0"),
            name: Field::new("Canal house"),
            error: None,
        },
        offer: FarmOffer::default(),
        can_publish: false,
        can_pause: true,
        publish_hint: "Renters can find this node. Pausing hides it and leaves running rentals \
                       alone."
            .into(),
        allocated_slices: 3,
        total_slices: 9,
        slices: slices.collect(),
        grid: paid::grid(),
        agents: vec![agent()],
        revenue: paid::node_revenue(),
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
        grid: SliceGrid::default(),
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
