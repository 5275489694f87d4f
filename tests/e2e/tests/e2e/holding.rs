//! The page of a rental and its forms, as a browser without scripts uses them.

use e2e::{Market, Page};

use crate::browser::Browser;

const FARMER: &str = "farmer@example.org";
const ADA: &str = "ada@example.org";
const BEN: &str = "ben@example.org";

/// A day, in seconds.
const DAY: i64 = 86_400;

/// Ada's rental of a slice of node 32 for a month, of her $200; and Ben, without money.
struct Held {
    market: Market,
    ada: Browser,
    ben: Browser,
    /// The page's path.
    path: String,
}

impl Held {
    async fn rent() -> Held {
        let market = Market::start().await;
        market.sign_up(FARMER).await.publish(32, "25").await;
        let (mut ada, mut ben) = (Browser::new(&market), Browser::new(&market));
        ada.sign_up(ADA).await;
        ben.sign_up(BEN).await;
        market.credit(ADA, "200").await.ok(201);
        let node = ada.open("/marketplace/compute/node32").await;
        let fields = [("duration_months", "1")];
        let (path, page) = ada.submit(&node, "/dashboard/slices", &fields).await;
        page.says(&["Rented and paid for the full term.", "node32_slice_"]);
        let path = path.split('?').next().unwrap().to_owned();
        Held { market, ada, ben, path }
    }

    /// Where one of the page's forms goes.
    fn at(&self, form: &str) -> String {
        format!("{}/{form}", self.path)
    }

    /// The page that has a form: what is about money is on another one.
    fn page_of(&self, form: &str) -> String {
        let is_billing = matches!(form, "extend" | "auto-renew");
        format!("{}{}", self.path, if is_billing { "/billing" } else { "" })
    }

    /// Ada sends one of the page's forms, which does its work and leads back with this note.
    async fn does(&mut self, form: &str, fields: &[(&str, &str)], note: &str) -> Page {
        let (at, action) = (self.page_of(form), self.at(form));
        let page = self.ada.open(&at).await;
        let (path, page) = self.ada.submit(&page, &action, fields).await;
        assert_eq!(path, format!("{at}?done={note}"));
        page
    }

    /// Ada sends one of the page's forms, which is refused with this status: the page is shown
    /// again, says this, and opens at the mistake.
    async fn refuses(
        &mut self,
        form: &str,
        fields: &[(&str, &str)],
        status: u16,
        words: &str,
    ) -> Page {
        let (page, action) = (self.ada.open(&self.page_of(form)).await, self.at(form));
        let page = self.ada.send(page.submit(&action, fields)).await.page(status);
        page.says(&["node32_slice_", words]);
        assert_eq!(page.html().matches(" autofocus").count(), 1, "{form}: {}", page.html());
        page
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rental_is_held_without_scripts() {
    let mut held = Held::rent().await;
    extend(&mut held).await;
    name(&mut held).await;
    renew_by_itself(&mut held).await;
    hand_over(&mut held).await;
    end(&mut held).await;
    held.market.check_invariants().await;
}

/// By three months, at the rental's own price; sent twice, it is extended once.
async fn extend(held: &mut Held) {
    held.refuses("extend", &[("duration_months", "2")], 400, "1, 3, 6 or 12").await;
    held.refuses("extend", &[("duration_months", "")], 400, "1, 3, 6 or 12").await;
    let fields = [("duration_months", "12")];
    let page = held.refuses("extend", &fields, 402, "Your balance is $80.00 short").await;
    assert!(is_checked(&page, "12"), "what was chosen stays chosen");
    assert_eq!(held.ada.client.balance().await, "175.00");

    let (page, action) = (held.ada.open(&held.page_of("extend")).await, held.at("extend"));
    let asked = held.ada.send(page.submit(&action, &[("duration_months", "3")])).await.page(200);
    asked.says(&["Extend for $71.25"]);
    let order = asked.submit(&action, &[]);
    let first = held.ada.send(order.clone()).await.see_other();
    assert_eq!(held.ada.send(order).await.see_other(), first);
    let page = held.ada.open(&first).await;
    page.says(&["Extended and paid.", "Extension 1 3 months, 5% off", "$71.25", "22 March 2027"]);
    assert_eq!(held.ada.client.balance().await, "103.75");
    let other = held.ada.send(page.submit(&action, &[("idempotency_key", "")])).await;
    other.page(400).says(&["Idempotency"]);
}

/// Whether the term is chosen.
fn is_checked(page: &Page, months: &str) -> bool {
    let input = format!("name=\"duration_months\" value=\"{months}\"");
    let inputs = page.html().split("<input").find(|tag| tag.contains(&input));
    inputs.and_then(|tag| tag.split('>').next()).is_some_and(|tag| tag.contains(" checked"))
}

async fn name(held: &mut Held) {
    let long = "n".repeat(81);
    let wrong = [("name", long.as_str()), ("labels", "one, two")];
    let page =
        held.refuses("name", &wrong, 400, "At most 80 visible characters on one line.").await;
    for kept in [long.as_str(), "one, two"] {
        assert!(page.html().contains(&format!("value=\"{kept}\"")), "{kept} stays");
    }
    let label = format!("{}, b", "a".repeat(41));
    let wrong = [("name", "Mail"), ("labels", label.as_str())];
    let words = "At most 10 labels of at most 40 visible characters each.";
    let page = held.refuses("name", &wrong, 400, words).await;
    assert!(page.html().contains(&format!("value=\"{label}\"")));

    let fields = [("name", "Mail <server>"), ("labels", "mail, prod, mail, ")];
    let page = held.does("name", &fields, "named").await;
    assert!(page.html().contains("<h1>Mail &#60;server&#62;</h1>"), "{}", page.html());
    assert!(page.html().contains("value=\"mail, prod\""));
    held.ada.open("/dashboard/slices").await.says(&["Mail <server>", "prod"]);
}

async fn renew_by_itself(held: &mut Held) {
    let wrong = [("duration_months", "3"), ("max_price", "cheap")];
    let page = held.refuses("auto-renew", &wrong, 400, "such as").await;
    assert!(page.html().contains("value=\"cheap\""));
    assert!(page.html().contains("<option value=\"3\" selected>"), "{}", page.html());
    for months in ["2", "x", ""] {
        let wrong = [("duration_months", months), ("max_price", "30")];
        let page = held.refuses("auto-renew", &wrong, 400, "1, 3, 6 or 12").await;
        assert!(page.html().contains("id=\"renew-term-error\""));
    }
    let fields = [("duration_months", "1"), ("max_price", "30")];
    let page = held.does("auto-renew", &fields, "renewal-set").await;
    page.says(&["the rental is extended by 1 month at up to $30.00 per slice per month"]);
    held.ada.open("/dashboard/slices").await.says(&["renews for 1 month"]);
    let page = held.does("auto-renew", &[("duration_months", "0")], "renewal-set").await;
    page.says(&["The rental ends on 22 March 2027."]);
}

/// To Ben, who declines once; the invitation is taken back once; then he takes it over.
async fn hand_over(held: &mut Held) {
    let words = "An email address, such as ada@example.org.";
    let page = held.refuses("transfer", &[("email", "ben")], 400, words).await;
    assert!(page.html().contains("value=\"ben\""));
    let id = held.path.rsplit('/').next().unwrap().to_owned();
    let accept = format!("/dashboard/transfers/{id}/accept");
    let decline = format!("/dashboard/transfers/{id}/decline");

    let page = held.does("transfer", &[("email", BEN)], "invited").await;
    page.says(&["ben@example.org has until 29 November 2026"]);
    let list = held.ben.open("/dashboard/slices").await;
    list.says(&["Transfer invitations", "from ada@example.org"]);
    assert!(!list.words().contains("Mail"), "what Ada calls it is hers");
    let (path, page) = held.ben.submit(&list, &decline, &[]).await;
    assert_eq!(path, "/dashboard/slices?done=declined");
    page.says(&["Invitation declined.", "You haven't rented a slice yet"]);

    held.does("transfer", &[("email", BEN)], "invited").await;
    held.does("transfer/cancel", &[], "invitation-ended").await;
    // Too late: there is nothing to accept or decline, or to take back.
    for late in [list.submit(&accept, &[]), list.submit(&decline, &[])] {
        held.ben.send(late).await.page(404);
    }
    let token = held.ada.open(&held.path).await.submit(&held.at("transfer"), &[("email", BEN)]);
    assert_eq!(held.ada.send(token).await.status, 303);
    let page = held.ada.open(&held.path).await;
    let cancel = page.submit(&held.at("transfer/cancel"), &[]);
    let list = held.ben.open("/dashboard/slices").await;
    let (path, page) = held.ben.submit(&list, &accept, &[]).await;
    assert_eq!(path, format!("{}?done=received", held.path));
    page.says(&["Transfer accepted. The rental is now yours.", "Transferred from another account"]);
    assert!(!page.words().contains("Mail"), "what Ada called it went with her");
    held.ada.send(cancel).await.page(404);
    for form in ["", "/cancel"] {
        held.ada.client.get(&format!("{}{form}", held.path)).await.page(404);
    }
    held.ada.open("/dashboard/slices").await.says(&["You haven't rented a slice yet"]);
    // From here on it is Ben's.
    std::mem::swap(&mut held.ada, &mut held.ben);
}

/// After ten days a page shows another refund than an hour before: the old one is not taken.
async fn end(held: &mut Held) {
    let end = held.at("cancel");
    held.market.pass(10 * DAY);
    let page = held.ada.open(&end).await;
    page.says(&["End rental", "$96.25", "10 days"]);
    let early = page.submit(&end, &[]);
    held.market.pass(2 * DAY);
    let again = held.ada.send(early).await.page(409);
    again.says(&["The refund amount changed since you opened this page", "12 days"]);
    for (refund, words) in [("", "reload the page"), ("a lot", "such as")] {
        let wrong = again.submit(&end, &[("refund", refund)]);
        held.ada.send(wrong).await.page(400).says(&["End rental", words]);
    }
    let before = held.ada.client.balance().await;
    assert_eq!(before, "0.00");
    let (path, page) = held.ada.submit(&again, &end, &[]).await;
    assert_eq!(path, format!("{}?done=ended", held.path));
    page.says(&["Rental ended. The refund is in your wallet.", "This rental has ended"]);
    let after = held.ada.client.balance().await;
    again.says(&[&format!("${after}")]);

    // What was ended is ended: its forms do nothing more, and are not there any more.
    let client = &held.ada.client;
    client.get(&end).await.page(409).says(&["This rental has already ended."]);
    held.ada
        .send(again.submit(&end, &[]))
        .await
        .page(409)
        .says(&["This rental has already ended."]);
    let page = held.ada.open(&held.path).await;
    let own: Vec<_> =
        page.actions().into_iter().filter(|action| action.starts_with(&held.path)).collect();
    assert_eq!(own, [held.at("name")]);
    held.does("name", &[("name", "Old one")], "named").await;
    assert_eq!(held.ada.client.balance().await, after);
}
