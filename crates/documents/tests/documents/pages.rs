//! What a person reads in the documents, and of a failure.

use documents::ROUTES;
use expect_test::expect;
use stage::{BEN, Caller, Stage, reading};
use strum::VariantArray;
use web::operation::Access;
use web::{Kind, Problem, Route};

/// Handlers that fail.
const FAILING: &[Route] = &[
    Route::page("/busy", Access::Public, |_| Err(Problem::new(Kind::Busy, "the market is <busy>"))),
    Route::page("/not-signed-in", Access::Public, |_| Err(Problem::plain(Kind::NotSignedIn))),
];

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are what a page reads")]
fn the_landing_page_names_terms_and_fee() {
    let stage = Stage::without_nodes();
    let page = stage.as_visitor().header("cookie", "done=signed-out").get(ROUTES, "/");
    let html = page.html(200);
    assert!(html.contains("You are signed out.") && html.contains("/login"), "{html}");
    assert!(!html.contains("/logout"));
    let page = reading(&html);
    expect![[r#"
        You are signed out.
        Servers, by the slice.
        Independent farmers run thousands of servers on the ThreeFold Grid. Mycelium divides
          them into equal slices, so you rent only what you need.
        get /marketplace/compute
        I need
        Number of slices[text count=] slices in
        Place[text place=] for
        Term
        any term1 month3 months6 months12 months, running
        Software
        anythingPlain LinuxDockerKubernetes (k3s)PostgreSQLWeb server, under $
        Maximum monthly price per slice[text max_price=] a month each.
        Offer a node </dashboard/farm>
        (Show slices)
        One node, sixteen slices
        A server drawn as a row of sixteen equal slices. One is lifted out and is labeled 1
          vCPU, 4 GB memory, 200 GB SSD.
        1 vCPU
        4 GB memory
        200 GB SSD
        For example, a node with 16 vCPU, 64 GB of memory and 4 TB of SSD free provides 16
          slices.
        Processor: 1 vCPU
        Memory: 4 GB
        SSD storage: 200 GB
        One size, everywhere
        No instance types to compare. Every slice is the same size, so you compare what
          matters: location, price, and guaranteed against measured uptime.
        Rent in three clicks
        You pay exactly the amount you confirm. If the price changes in the meantime, nothing
          is charged and we ask you again.
        Find a slice </marketplace/compute>
        New to this? Read how slices work </help/slices>, what they cost </help/pricing>, or
          frequently asked questions </help/faq>.
        Choose a node
        Filter by place, price, uptime and bandwidth. Each node shows its last 30 days next
          to what it guarantees.
        Choose a term
        Longer terms cost less. A rental ends on its last day unless you turn on auto-renew.
        1 month: full price
        3 months: 5% off
        6 months: 10% off
        12 months: 15% off
        Confirm
        Review the total, the end date and the name the farmer sees. Then the slice is yours.
        Earn with every part of your node
        A whole node needs one renter who wants all of it. Divided into slices, it serves
          many renters, at your price.
        Offer a node </dashboard/farm>
        How farming works </help/farmers>
        Enter your grid node ID
        We read its free capacity from the grid. The smallest of these three is the number of
          slices.
        Processor: free ÷ 1 vCPU
        Memory: free ÷ 4 GB
        SSD: free ÷ 200 GB
        Set a price and an SLA
        Set one price per slice per month, and guarantee an uptime and a bandwidth. Term
          discounts are taken off your price.
        Publish
        See who rents each slice and until when. Pause the offer any time; existing rentals
          continue.
        10%
        Fees
        Listing a node is free. Mycelium keeps 10% of each payment, and you get the rest.
          Payments are held in escrow until you have earned them."#]]
    .assert_eq(&page);
}

#[test]
fn every_problem_has_its_place() {
    let stage = Stage::without_nodes();
    let html = stage.as_visitor().get(ROUTES, "/docs/problems").html(200);
    for kind in Kind::VARIANTS {
        assert!(html.contains(&format!("id=\"{}\"", kind.into_str())), "{kind:?}");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn limits_are_said_in_full() {
    Stage::without_nodes().as_visitor().get(ROUTES, "/docs/limits").reads(
        200,
        expect![[r#"
            API </docs/api>
            Limits
            Read requests are not limited, except event streams. Requests that change something
              are limited, to keep the service fair and to protect passwords.
            Rate limits
            Each limit is the burst size, and refills over the given time. Responses report the
              closest limit and its remaining quota in RateLimit-Policy and RateLimit. Above a
              limit you get too-many-requests </docs/problems#too-many-requests>, with
              Retry-After.
            | Limit | Quota | Applies to
            | changes-by-address | 3,000 in a minute | Requests other than GET and HEAD from one
              network address, with an account and without one apart.
            | changes-by-account | 1,200 in a minute | Requests other than GET and HEAD from one
              account: in all of its sessions and, apart from these, with all of its API tokens.
            | changes-by-token | 600 in a minute | Requests other than GET and HEAD with one API
              token.
            | sign-ups | 300 in an hour | Sign-ups from one network address.
            | sign-in-failures-by-address | 50 in 15 minutes | Failed sign-ins from one network
              address. Above it, no passwords are checked, except in browsers that the account
              has signed in from.
            | sign-in-failures-by-account-and-address | 10 in 15 minutes | Failed sign-ins to one
              account from one network address.
            | sign-in-failures-by-account | 100 in an hour | Failed sign-ins to one account from
              all addresses. Passkeys, password resets and browsers that the account has signed
              in from still work.
            | sign-in-failures-by-browser | 10 in 15 minutes | Failed sign-ins to one account in
              a browser that it has signed in from since its password last changed. Counts
              instead of the three above.
            | second-factor-codes | 10 in 15 minutes | Authenticator and recovery codes tried for
              one account. A browser that has signed in with a second factor is counted apart.
            | verifications | 10 in 15 minutes | Password confirmations in one session for
              protected changes.
            | mails-by-recipient | 5 in an hour | Emails of one kind to one address: sign-up,
              password reset, address change. Browsers that the account has signed in from are
              counted apart.
            | streams-by-account | 16 in a minute | Event streams opened by one account in its
              sessions, or with one API token; with all of its tokens, twice as many. Above it,
              poll events as JSON.
            | streams-by-address | 240 in a minute | Event streams opened from one network
              address. Above it, poll events as JSON.
            | farm-claims | 60 in an hour | Farm verifications started, and signatures tried, by
              one account in its sessions, or with one API token; with all of its tokens, twice
              as many.
            | node-previews | 60 in a minute | Node previews by one account in its sessions, or
              with one API token; with all of its tokens, twice as many.
            | offer-changes-by-node | 120 in an hour | Changes of the offer, lock, listing,
              maintenance or leaving of one node.
            | offer-changes-by-account | 3,000 in an hour | The same for all nodes of one
              account, in its sessions or with one API token; with all of its tokens, twice as
              many.
            Size limits
            | Limit | Maximum | When exceeded
            | Request body | 64 KiB | Rejected with body-too-large.
            | JSON nesting depth | 127 levels | Rejected with malformed-request, like unknown
              fields.
            | Items per page | 100 | A larger limit is rejected. Use next_cursor to get the next
              page.
            | Password length | 8 characters to 512 bytes | Shorter, longer and commonly used
              passwords are rejected.
            | Node and token names | 80 characters | Longer or multi-line names are rejected.
            | Payout address | 200 characters | Longer or multi-line text is rejected.
            | API tokens per account | 100 | Rejected until a token is revoked or expires.
            | Sessions per account | 50 | The oldest session is signed out.
            | Rentals ended during setup | 3 in 24 hours | Refunded in full. Further ones are
              charged for the time since you rented them.
            | Lifetime of email links | 6 hours | Rejected with expired-code. Each link works
              once."#]],
    );
}

#[test]
fn what_a_guarantee_means_is_said_in_full() {
    Stage::without_nodes().as_visitor().get(ROUTES, "/docs/sla").reads(
        200,
        expect![[r#"
            API </docs/api>
            Service level agreement (SLA)
            Farmers guarantee an uptime and a bandwidth, and each rental keeps the guarantee it
              was sold with. We measure both, and credit renters automatically for months that
              fall short.
            Credits
            | Result | Credit (share of the month's price)
            | Uptime below the SLA | 10%
            | Uptime below the SLA and below 99% | 25%
            | Uptime below the SLA and below 95% | 50%
            | Bandwidth below the SLA, in addition | 10%
            Only the last matching uptime line applies; the bandwidth line is added to it. The
              credit is at most 60%, and never more than the month cost you. A month's cost is
              your payment for the time the rental ran in it, to the second, minus refunds. The
              grace period after a term is free and doesn't count.
            Measurement
            We check every node every five minutes and record whether it is up. Time without
              checks doesn't count. A month's uptime is the share of checks during your rental
              that found the node up; with fewer than 12 checks there is no result and no credit.
              Bandwidth is the average the grid measured in the slower direction.
            Where the farm runs an agent, it also watches your machine every 30 seconds. Time in
              which the machine is gone, can't be started or its SSH port can't be reached counts
              as downtime. Time in which you switched it off, or its port is open but SSH doesn't
              answer, doesn't: that was done inside the machine. A month is judged by the lower
              of both uptimes.
            If nearly all nodes, or all nodes of a region, seem to go down at once, we check
              whether the grid's index still works. If it doesn't, nothing is recorded. A node
              whose machines answer its farm's agent is not down.
            Next to each measured uptime we show its lower bound at 95% confidence (Wilson score
              interval), because a few checks say little about a node. The marketplace sorts by
              this bound.
            The first 8 hours per month of maintenance scheduled at least a day ahead don't
              count. Individual checks are public on the node's page for 90 days; daily totals
              are kept.
            Outages of a day or more
            If your rental is down for 24 hours, you aren't charged for any of that time,
              whatever the SLA. You are notified, and refunded day by day until it is back. You
              can also end the rental or move to another slice. It isn't auto-renewed while it is
              down, and the farmer earns nothing. If you rent a whole node, each of its machines
              counts for its share: a node is auto-renewed unless all of its machines are down.
            SLA credits are computed on what you paid for the rest of the month.
            Payment and disputes
            We evaluate a month 2 days after it ends, or immediately when the rental ends.
              Credits come from the farmer's earnings, so we hold the maximum credit back from
              payouts until the month is evaluated. If the earnings don't cover a credit, it is
              paid as soon as they do.
            The renter or the farmer can dispute a result once, within 30 days, on the rental
              page or the farm's SLA credits page. The operator decides and explains the decision
              to both."#]],
    );
}

#[test]
fn a_failure_is_notified_once_and_leads_on() {
    let stage = Stage::without_nodes();
    let read = |who: &Caller<'_>, path, status| {
        let page = reading(&who.get(&[FAILING], path).html(status));
        // The request's id is another each time.
        page.lines().filter(|line| !line.contains("019fadbe")).collect::<Vec<_>>().join("\n")
    };
    let ben = stage.as_user(BEN);
    expect![[r#"
        Not found
        Check the URL. You also get this response for resources of other accounts.
        Browse the marketplace </marketplace/compute> Go to the home page </>
        If you contact the operator, include this request ID:"#]]
    .assert_eq(&read(&ben, "/x", 404));
    expect![[r#"
        The marketplace is busy
        The market is &#60;busy&#62;.
        Browse the marketplace </marketplace/compute> Go to the home page </>
        If you contact the operator, include this request ID:"#]]
    .assert_eq(&read(&ben, "/busy", 503));
    expect![[r#"
        You are not signed in
        Sign in, or send a valid token as Authorization: Bearer ….
        Sign in </login> Browse the marketplace </marketplace/compute>
        If you contact the operator, include this request ID:"#]]
    .assert_eq(&read(&stage.as_visitor(), "/not-signed-in", 401));
}
