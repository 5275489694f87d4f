//! The pages as text: empty, with one entry, and with names that try to break them.
//!
//! A snapshot holds what a person reads, not the markup, so that the look can change freely.

#[path = "../../examples/gallery/books.rs"]
mod books;
#[path = "../../examples/gallery/docs.rs"]
mod docs;
mod farmer;
#[path = "../../examples/gallery/held.rs"]
mod held;
mod hostile;
mod html;
#[path = "../../examples/gallery/machines.rs"]
mod machines;
#[path = "../../examples/gallery/measured.rs"]
mod measured;
#[path = "../../examples/gallery/offered.rs"]
mod offered;
#[path = "../../examples/gallery/offering.rs"]
mod offering;
#[path = "offering.rs"]
mod offering_pages;
#[path = "../../examples/gallery/paid.rs"]
mod paid;
mod rental;
mod renter;
#[path = "../../examples/gallery/sample.rs"]
mod sample;

use askama::Template;
use expect_test::{Expect, expect};
use web::page::Problems;

/// Compares what a person reads on a page.
#[track_caller]
fn check(page: &impl Template, expected: Expect) {
    let html = page.render().expect("templates print fields only");
    expected.assert_eq(&html::reading(&html));
}

/// Compares a part of what a person reads: from one line to before another.
#[track_caller]
fn check_part(page: &impl Template, from: &str, to: &str, expected: Expect) {
    let html = page.render().expect("templates print fields only");
    let reading = html::reading(&html);
    let part = reading.lines().skip_while(|line| *line != from).take_while(|line| *line != to);
    expected.assert_eq(&part.collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_page_is_well_formed_and_keeps_to_the_content_security_policy() {
    for (name, page) in sample::gallery() {
        html::check_form(name, &page.expect("templates print fields only"));
    }
}

#[test]
fn every_form_that_posts_carries_the_token() {
    for (name, page) in sample::gallery() {
        let page = page.expect("templates print fields only");
        if page.contains("name=\"form_token\"") {
            let forms = page.matches("method=\"post\"").count();
            assert_eq!(page.matches("name=\"form_token\"").count(), forms, "{name}");
        }
    }
}

#[test]
fn documents() {
    check(
        &docs::api_docs(),
        expect![[r#"
            Quick start <#walk>
            Marketplace <#marketplace>
            Rentals <#rentals>
            Errors </docs/problems>
            Limits </docs/limits>
            OpenAPI document </api/openapi.json>
            API
            Everything you can do on this site, as a JSON API at http://localhost:3000/api.
              Errors are returned as problem details </docs/problems>. An OpenAPI document
              </api/openapi.json> is available.
            Quick start: rent your first slice
            Create an account.
            curl -X POST http://localhost:3000/api/account \ -H &#39;content-type:
              application/json&#39; \ -d &#39;{&#34;email&#34;: &#34;o@example.org&#34;,
              &#34;password&#34;: &#34;a few secret words&#34;}&#39;
            See what is on offer.
            curl &#39;http://localhost:3000/api/marketplace/nodes?country=Belgium&#39;
            {&#34;items&#34;: [{&#34;id&#34;: &#34;32&#34;, &#34;name&#34;: &#34;Canal
              house&#34;}], …}
            Marketplace
            GET /api/marketplace/slices Searches the slices on offer anybody
            Parameters
            | Name | In | Type | Description
            | country | query | text | Only nodes in this country.
            | max_price | query | decimal | The most for a slice and month, in US dollars.
            | cursor | query | text | `next_cursor` of the page before.
            Responses
            200: One page of slices.
            304: Nothing has changed.
            Errors
            wrong-fields </docs/problems#wrong-fields>
            POST /api/marketplace/rent-slice Rents one slice for a term signed in
            Parameters
            | Name | In | Type | Description
            | Idempotency-Key | header | text, required | Sending it twice rents once.
            | node_id | body | text, required | The node.
            | slice_id | body | text | The slice; left out, any free one.
            | duration_months | body | 1, 3, 6 or 12, required | The term.
            Responses
            201: The slice is rented; `rental` says until when.
            Errors
            balance-too-low </docs/problems#balance-too-low>
            offer-changed </docs/problems#offer-changed>
            slice-not-available </docs/problems#slice-not-available>
            wrong-fields </docs/problems#wrong-fields>
            Rentals
            GET /api/rentals/{id} Reads one of your rentals signed in
            Parameters
            | Name | In | Type | Description
            | id | path | UUID, required | The rental.
            Responses
            200: The rental.
            Errors
            no-such-rental </docs/problems#no-such-rental>"#]],
    );
}

#[test]
fn problems() {
    check(
        &docs::problems(),
        expect![[r#"
            API </docs/api>
            API errors
            Errors are returned as application/problem+json. The type links to one of the rows
              below and never changes, even if the wording does.
            | Type | Status | Meaning | Resolution
            | balance-too-low <#balance-too-low> | 402 | The balance does not cover the rental |
              Add credit, or choose a shorter term.
            | no-such-rental <#no-such-rental> | 404 | There is no such rental | Check the id;
              the rentals of others do not show.
            | offer-changed <#offer-changed> | 409 | The offer has changed since it was shown |
              Read the node again and confirm the new total.
            | slice-not-available <#slice-not-available> | 409 | The slice is no longer available
              | Leave `slice_id` out, or choose another node.
            | wrong-fields <#wrong-fields> | 400 | Some fields are wrong | Each entry of `fields`
              names one and what it expects."#]],
    );
    check(
        &Problems { problems: Vec::new(), ..docs::problems() },
        expect![[r#"
            API </docs/api>
            API errors
            Errors are returned as application/problem+json. The type links to one of the rows
              below and never changes, even if the wording does.
            No error types are documented."#]],
    );
}

#[test]
fn error() {
    check(
        &sample::error(),
        expect![[r#"
        There is no such node
        It may have left the marketplace, or the address has a typing mistake.
        See all nodes </marketplace/compute> Start page </>
        If you contact the operator, include this request ID:
          019f0000-0000-7000-8000-0000000000aa"#]],
    );
}
