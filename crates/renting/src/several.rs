//! Several rentals at once: extended, restarted or ended, after one page that shows every amount.

use askama::Template;
use domain::field::FieldError;
use domain::id::RentalId;
use domain::money::Usd;
use domain::order::IdempotencyKey;
use domain::term::Term;
use http::StatusCode;
use store::rentals::{self, Rental as Held};
use strum::{EnumString, IntoStaticStr};
use ui::visit::Visit;
use ui::wording::term;
use web::form::Form;
use web::page::{Frame, Section};
use web::text::{counted, sentence};
use web::{Context, Problem, Response, respond, stored};

use crate::rentals::list::RENTALS_PER_PAGE;
use crate::renting::{self, Extend, own_rental};

/// What is done with each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
enum Change {
    /// Paid for another term.
    Extend(Months),
    /// Its machines are started again.
    Restart,
    /// Ended now, and refunded.
    End,
}

/// The months of a term; one unless they are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Months(Term);

impl Default for Months {
    fn default() -> Months {
        Months(Term::Month)
    }
}

impl Change {
    /// Reads what is asked for, and for how long.
    fn read(change: &str, months: &str) -> Result<Change, Problem> {
        let change =
            change.parse().map_err(|_| FieldError::new("change", "extend, restart or end"))?;
        match change {
            Change::Extend(_) => {
                let months = months.parse().unwrap_or_default();
                Ok(Change::Extend(Months(Term::from_months(months)?)))
            }
            Change::Restart | Change::End => Ok(change),
        }
    }
}

/// What `review.html` shows: what is done with each, to confirm.
#[derive(Clone, Debug, Template)]
#[template(path = "several/review.html")]
struct Review {
    frame: Frame,
    /// Such as `Extend 3 rentals`.
    title: String,
    /// Hidden field `change`.
    change: &'static str,
    /// Hidden field `months`; empty where nothing is extended.
    months: String,
    /// Hidden field `idempotency_key`.
    idempotency_key: String,
    /// What is done.
    lines: Vec<Line>,
    /// What all of it comes to, such as `$75.00`, and what that is.
    total: Option<(&'static str, String)>,
    /// What the wallet lacks of it, such as `$25.00`.
    missing: Option<String>,
    /// Such as `Extend for $75.00`.
    button: String,
    /// Whether data is deleted.
    is_final: bool,
    /// What is not done, and why.
    left_out: Vec<Outcome>,
}

/// One rental on the page that confirms.
#[derive(Clone, Debug)]
struct Line {
    /// Hidden field `rental`.
    id: RentalId,
    name: String,
    /// Such as `until 29 November 2026`.
    about: String,
    /// Such as `$25.00`.
    amount: Option<String>,
    /// Hidden field `amount`: the same as decimal text.
    value: String,
}

/// What became of a rental, in a sentence.
#[derive(Clone, Debug)]
struct Outcome {
    url: String,
    name: String,
    text: String,
}

/// What `done.html` shows after the work.
#[derive(Clone, Debug, Template)]
#[template(path = "several/done.html")]
struct Worked {
    frame: Frame,
    /// Such as `2 of 3 rentals extended`.
    title: String,
    done: Vec<Outcome>,
    failed: Vec<Outcome>,
}

/// What a rental is called: by its renter, or by its place.
fn name(rental: &Held) -> String {
    if rental.name.is_empty() { rental.life.place() } else { rental.name.clone() }
}

fn outcome(rental: &Held, text: String) -> Outcome {
    let url = format!("/dashboard/slices/{}", rental.life.id);
    Outcome { url, name: name(rental), text: sentence(text) }
}

/// The rentals of these ids that are of whoever is signed in, each once.
fn chosen<'a>(cx: &Context<'_>, ids: impl Iterator<Item = &'a str>) -> Result<Vec<Held>, Problem> {
    let mut ids: Vec<RentalId> = ids.filter_map(RentalId::parse).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(RENTALS_PER_PAGE as usize);
    ids.into_iter().map(|id| own_rental(cx, id)).collect()
}

pub(crate) fn review(cx: &Context<'_>) -> Result<Response, Problem> {
    // Without a choice there is nothing to review.
    let Some(change) = cx.query("change") else {
        return Ok(respond::see_other("/dashboard/slices"));
    };
    let months = cx.query("months").unwrap_or_default();
    let change = Change::read(&change, &months)?;
    let ids = cx.query_all("rental");
    let held = chosen(cx, ids.iter().map(String::as_str))?;
    let visit = Visit::of(cx)?;
    let (mut lines, mut left_out, mut sum) = (Vec::new(), Vec::new(), Usd::ZERO);
    for rental in &held {
        match line(cx, rental, change) {
            Ok((line, amount)) => {
                sum = sum + amount;
                lines.push(line);
            }
            // Each alone can be paid for, or not: here it is their sum that counts.
            Err(problem) => left_out.push(outcome(rental, problem.detail)),
        }
    }
    let count = counted(u32::try_from(lines.len()).unwrap_or(u32::MAX), "rental");
    let balance = visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance);
    let (title, total, button) = match change {
        Change::Extend(Months(of)) => (
            format!("Extend {count} by {}", term(of)),
            Some(("Charged now", sum.for_people())),
            format!("Extend for {}", sum.for_people()),
        ),
        Change::Restart => (format!("Restart {count}"), None, "Restart".to_owned()),
        Change::End => (
            format!("End {count}"),
            Some(("Refund to your wallet", sum.for_people())),
            format!("End and refund {}", sum.for_people()),
        ),
    };
    let missing = matches!(change, Change::Extend(_)).then(|| sum - balance);
    let page = Review {
        frame: visit.frame(&title, Section::Slices),
        title,
        change: change.into_str(),
        months,
        idempotency_key: visit.request_id.to_owned(),
        lines,
        total,
        missing: missing.filter(|missing| *missing > Usd::ZERO).map(Usd::for_people),
        button,
        is_final: change == Change::End,
        left_out,
    };
    respond::page(StatusCode::OK, &page)
}

/// What is done with a rental, and what is paid for that or comes back.
fn line(cx: &Context<'_>, rental: &Held, change: Change) -> Result<(Line, Usd), Problem> {
    let id = rental.life.id;
    let (about, amount) = match change {
        Change::Extend(Months(term)) => {
            let extend = Extend { rental: id, term, max_price: None, key: None };
            renting::price_of_extension(cx, &extend)?
        }
        Change::Restart => {
            machines::check_restart(cx, id)?;
            ("off for a moment; its data stays".to_owned(), None)
        }
        Change::End => {
            let (_, ending) = rentals::plan_end(cx.db, cx.account()?.account, id, cx.now)?;
            ("all data is deleted immediately".to_owned(), Some(ending.refund))
        }
    };
    let value = amount.map(|amount| amount.to_string()).unwrap_or_default();
    let line = Line { id, name: name(rental), about, amount: amount.map(Usd::for_people), value };
    Ok((line, amount.unwrap_or(Usd::ZERO)))
}

/// Does what was confirmed, each rental for itself: what fails leaves the others as they are.
pub(crate) fn work(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let asked: Asked = form.body()?;
    let change = Change::read(&asked.change, &asked.months)?;
    let key = form.idempotency_key()?;
    let amounts: Vec<(&str, &str)> = form.all("rental").zip(form.all("amount")).collect();
    let held = chosen(cx, amounts.iter().map(|(id, _)| *id))?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for rental in &held {
        let id = rental.life.id.to_string();
        let amount = amounts.iter().find(|(of, _)| *of == id).map_or("", |(_, amount)| amount);
        match act(cx, rental, change, amount, &key) {
            Ok(text) => done.push(outcome(rental, text)),
            Err(problem) => failed.push(outcome(rental, problem.detail)),
        }
    }
    let verb = match change {
        Change::Extend(_) => "extended",
        Change::Restart => "being restarted",
        Change::End => "ended",
    };
    let count = counted(u32::try_from(held.len()).unwrap_or(u32::MAX), "rental");
    let title = format!("{} of {count} {verb}", done.len());
    let frame = Visit::of(cx)?.frame(&title, Section::Slices);
    respond::page(StatusCode::OK, &Worked { frame, title, done, failed })
}

/// The fields that stand once in the form that confirms.
#[derive(serde::Deserialize)]
struct Asked {
    change: String,
    #[serde(default)]
    months: String,
}

/// Does it with one rental, once for each key; answers with what happened.
fn act(
    cx: &Context<'_>,
    rental: &Held,
    change: Change,
    amount: &str,
    key: &IdempotencyKey,
) -> Result<String, Problem> {
    let id = rental.life.id;
    let key = IdempotencyKey::parse(&format!("{}-{id}", key.as_str()))?;
    match change {
        Change::Extend(Months(of)) => {
            // Without consent to another, it is at the rental's own price, which the page showed.
            let extend = Extend { rental: id, term: of, max_price: None, key: Some(key) };
            renting::extend(cx, &extend, &|rental| {
                stored::see_other(format!("/dashboard/slices/{}", rental.life.id))
            })?;
            Ok(format!("extended by {} for ${amount}", term(of)))
        }
        Change::Restart => {
            machines::restart(cx, id, &key)?;
            Ok("being restarted".to_owned())
        }
        Change::End => {
            let shown = Usd::parse("refund", amount)?;
            rentals::end(cx.db, cx.account()?.account, id, Some(shown), cx.now)?;
            Ok(format!("ended; {} is in your wallet", shown.for_people()))
        }
    }
}
