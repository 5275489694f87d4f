//! Whatever a farmer, a renter, the grid or an address says is text on a page, never markup.

use crate::{books, docs, held, html, measured, offered, offering, paid, sample};
use askama::Template;
use domain::money::Usd;
use web::page::{
    ApiDocs, CaseRow, Compute, ComputeFilter, Credits, DisputeForm, EndRental, ErrorPage, Fact,
    Farm, FarmNode, FarmNodeForm, FarmRevenue, FarmRow, FarmSlice, Field, Frame, Home, Invitation,
    JudgedRow, Link, Login, MoneyEntry, NameForm, Node, NodeCard, Notice, OperatorDisputes,
    OperatorPayoutRow, Paying, PayoutRow, Payouts, ProblemKind, Problems, Prove, Receipt, Refusal,
    Remark, Remedy, RentForm, Rental, RentalRow, Renting, SecondFactor, Settings, Sheet, Signup,
    Slices, Stage, Statement, Tone, Transfer, Wallet,
};

use web::plot::bars::{Bar, Columns, Head};

const HOSTILE: &str = "<3>\"&'</title><script src=\"x\"></script>";

/// How a page must print it, in text and in attributes alike.
const ESCAPED: &str = "&#60;3&#62;&#34;&#38;&#39;&#60;/title&#62;";

/// Expects the name exactly `count` times in a page, every time as text.
#[track_caller]
fn check(page: &impl Template, count: usize) {
    let html = page.render().expect("templates print fields only");
    html::check_form("hostile", &html);
    assert!(!html.contains("<3>"), "printed as markup");
    let ours = html.matches("<script src=\"/static/").count();
    assert_eq!(html.matches("<script").count(), ours, "only our own scripts");
    assert_eq!(html.matches(ESCAPED).count(), count);
}

fn text() -> String {
    HOSTILE.into()
}

fn field() -> Field {
    Field::refused(text(), text())
}

/// Prints four times: in the title, as the email address and its hint, and as the notice.
const IN_FRAME: usize = 4;

fn frame() -> Frame {
    Frame {
        title: text(),
        signed_in: Some(text()),
        notice: Some(Notice { text: text(), tone: Tone::Bad }),
        ..Frame::default()
    }
}

#[test]
fn landing_page() {
    check(&Home { frame: frame(), ..sample::home() }, IN_FRAME);
}

#[test]
fn marketplace() {
    let card = NodeCard { name: text(), place: text(), ..sample::node_card() };
    let page = Compute { frame: frame(), ..sample::compute(vec![card]) };
    check(&page, IN_FRAME + 2);
    let filter = ComputeFilter {
        country: field(),
        countries: vec![text()],
        max_price: field(),
        min_uptime: field(),
        min_bandwidth: field(),
        ..page.filter
    };
    check(&Compute { filter, ..sample::compute(Vec::new()) }, 9);
}

#[test]
fn node() {
    let form = RentForm { farmer_sees: text(), ..offered::rent_form() };
    let page = offered::node(Renting::Open(Box::new(form)));
    let facts = vec![Fact::new("Farm", text())];
    check(&Node { frame: frame(), name: text(), place: text(), facts, ..page }, IN_FRAME + 6);
    check(&offered::node(Renting::Closed { reason: text() }), 1);
}

#[test]
fn refusals() {
    let refused = |remedy| Node {
        refusal: Some(Refusal { text: text(), remedy }),
        ..offered::node(Renting::Closed { reason: String::new() })
    };
    check(&refused(Remedy::AsSaid), 1);
    check(&refused(Remedy::AddCredit { missing: text() }), 2);
    check(&refused(Remedy::NewTotal { now: text() }), 2);
    let other = offered::alternative(HOSTILE, HOSTILE, "$25.00", 3);
    check(&Node { alternatives: vec![other], ..refused(Remedy::AsSaid) }, 3);
}

#[test]
fn accounts() {
    let signup =
        Signup { email: field(), error: Some(text()), next: Some(text()), ..sample::signup() };
    check(&signup, 4);
    let login =
        Login { email: field(), error: Some(text()), next: Some(text()), ..sample::login() };
    check(&login, 4);
}

#[test]
fn second_factors() {
    let step = SecondFactor { lede: text(), passkey_next: Some(text()), ..sample::second_factor() };
    check(&SecondFactor { challenge: text(), next: Some(text()), error: Some(text()), ..step }, 5);
    check(&Prove { next: text(), lede: text(), error: Some(text()), ..sample::prove() }, 3);
    let mut factors = sample::factors();
    factors.passkeys[0].name = text();
    check(&Settings { frame: frame(), ..sample::settings(factors) }, IN_FRAME + 2);
}

#[test]
fn slices_and_wallet() {
    let node = || Link::new("/marketplace/compute/32", text());
    let row = RentalRow {
        name: Some(text()),
        labels: vec![text(), text()],
        node: node(),
        place: text(),
        ..held::rental_row()
    };
    // The name is said in both links of the row, too.
    check(&Slices { frame: frame(), ..held::slices(vec![row]) }, IN_FRAME + 7);
    let invitation = Invitation { from: text(), place: text(), ..held::invitation() };
    let page = Slices { low_balance: vec![text()], ..held::slices(Vec::new()) };
    check(&Slices { invitations: vec![invitation], ..page }, 3);
    let entries: Vec<_> =
        sample::entries().into_iter().map(|entry| MoneyEntry { what: text(), ..entry }).collect();
    let mut paying = Paying { idempotency_key: text(), amount: field(), ..sample::paying() };
    paying.open[0].url = Some(text());
    let paying = Some(paying);
    check(&Wallet { frame: frame(), paying, ..sample::wallet(entries) }, IN_FRAME + 6);
}

#[test]
fn rental() {
    let node = || Link::new("/marketplace/compute/32", text());
    let facts = vec![Fact::new("Shown to the farmer as", text())];
    let plain = || Rental {
        extend: None,
        auto_renew: None,
        naming: Some(NameForm { name: field(), labels: field(), error: Some(text()) }),
        transfer: Some(Transfer::Open { email: field(), error: Some(text()) }),
        ..held::rental()
    };
    check(&plain(), 8);
    let labels = vec![text(), text()];
    check(&Rental { node: node(), place: text(), facts, labels, ..plain() }, 13);
    let pending = Transfer::Pending { email: text(), open_until: held::rental().ends_at };
    check(&Rental { name: Some(text()), transfer: Some(pending), ..plain() }, 7);
    let stage = Stage::Ended { remains: text() };
    check(&Rental { stage, naming: None, transfer: None, ..plain() }, 1);
    let end = EndRental { name: Some(text()), node: node(), place: text(), ..held::end_rental() };
    check(&EndRental { error: Some(text()), ..end }, 4);
}

#[test]
fn months_and_disputes() {
    let remark = || {
        let sample = measured::month().remarks.remove(0);
        vec![Remark { text: text(), ..sample }]
    };
    let month = || JudgedRow { remarks: remark(), place: text(), ..measured::month() };
    check(&Rental { months: vec![month()], months_error: Some(text()), ..held::rental() }, 3);
    let mut refused = month();
    let form = measured::month().dispute.unwrap();
    refused.dispute = Some(DisputeForm { text: field(), ..form });
    let page = measured::credits(vec![refused]);
    check(&Credits { error: Some(text()), ..page }, 5);
    let case = CaseRow { judged: month(), ..measured::case() };
    check(&OperatorDisputes { error: Some(text()), ..measured::disputes(vec![case]) }, 3);
}

#[test]
fn statements_and_receipts() {
    let sheet = || Sheet { site: text(), email: text(), ..books::sheet() };
    let mut statement = Statement { frame: frame(), sheet: sheet(), ..books::statement() };
    statement.books[0].entries[0].what = text();
    statement.books[1].note = Some(text());
    check(&statement, IN_FRAME + 4);
    let facts = vec![Fact::new("Node", text()), Fact::new("Place", text())];
    let receipt = Receipt { frame: frame(), sheet: sheet(), facts, ..books::receipt() };
    check(&Receipt { what: text(), ..receipt }, IN_FRAME + 5);
}

#[test]
fn farm() {
    let row = FarmRow { name: text(), place: text(), reason: Some(text()), ..sample::farm_row() };
    let page = Farm { frame: frame(), grid_node_id: field(), ..sample::farm(vec![row]) };
    check(&page, IN_FRAME + 5);
    let slice = FarmSlice {
        id: "node32_slice_1".into(),
        number: 1,
        state: "rented",
        class: "cell-rented",
        renter: Some(text()),
        until: None,
        removal: None,
    };
    let page = sample::farm_node();
    let form = FarmNodeForm { name: field(), ..page.form };
    check(&FarmNode { name: text(), place: text(), slices: vec![slice], form, ..page }, 6);
}

#[test]
fn grids_plots_and_payouts() {
    let mut grid = paid::grid();
    grid.rented[0].renter = text();
    let row = FarmRow { grid, ..sample::farm_row() };
    check(&Farm { next_page: None, ..sample::farm(vec![row]) }, 1);
    let bar = Bar { name: text(), label: text(), amount: Usd::ZERO };
    let head = Head { id: "plot", title: text(), about: text(), names: "Node", amounts: "Earned" };
    let revenue = FarmRevenue {
        by_month: Some(Columns::new(head, &[bar])),
        by_node: paid::farm_revenue().by_node,
    };
    let page = Farm { revenue: Some(revenue), ..sample::farm(vec![sample::farm_row()]) };
    // The title thrice, once each the sentence, the label, the words of the column and the table.
    check(&page, 7);
    let payout =
        PayoutRow { address: text(), notes: vec![text()], ..paid::payout("sent", Tone::Warn) };
    check(
        &Payouts { address: Some(text()), error: Some(text()), ..paid::payouts(vec![payout]) },
        4,
    );
    let facts = vec![Fact::new("Transfer", text())];
    let payout =
        OperatorPayoutRow { address: text(), email: text(), facts, ..paid::operator_payout() };
    check(&paid::operator_payouts(vec![payout]), 3);
}

#[test]
fn documents_and_failures() {
    check(&ApiDocs { base_url: text(), ..docs::api_docs() }, 1);
    let kind = ProblemKind { kind: "kind".into(), status: 400, title: text(), advice: text() };
    check(&Problems { problems: vec![kind], ..docs::problems() }, 2);
    check(&ErrorPage { title: text(), detail: text(), ..sample::error() }, 2);
}

#[test]
fn offers() {
    use web::page::{FarmOffer, Maintenance, OfferHistory, OfferLock, VersionRow, WindowRow};

    let node = || Link::new("/dashboard/farm/nodes/32", text());
    let window = WindowRow { note: Some(text()), ..offering::window_row() };
    let page = Maintenance {
        frame: frame(),
        node: node(),
        starts_at: field(),
        note: field(),
        error: Some(text()),
        ..offering::maintenance(vec![window])
    };
    check(&page, IN_FRAME + 7);
    let version = VersionRow { name: text(), ..offering::version_row() };
    let page = OfferHistory {
        frame: frame(),
        node: node(),
        versions: vec![version],
        ..offering::offer_history()
    };
    check(&page, IN_FRAME + 2);
    let lock = OfferLock::Operator { reason: Some(text()) };
    let offer = FarmOffer { lock, ..FarmOffer::default() };
    check(&FarmNode { frame: frame(), offer, ..sample::farm_node() }, IN_FRAME + 1);
    let window = web::page::WindowNotice { note: Some(text()), ..offering::window() };
    let closed = offered::node(Renting::Closed { reason: String::new() });
    let page = Node { frame: frame(), maintenance: vec![window.clone()], ..closed };
    check(&page, IN_FRAME + 1);
    let page = Rental { frame: frame(), maintenance: vec![window], ..held::rental() };
    check(&page, IN_FRAME + 1);
}
