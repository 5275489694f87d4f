//! What a renter reads of what they hold, from the first day to the last.

use crate::{check, check_part, held, machines};
use askama::Template;
use expect_test::expect;

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn a_rental_that_runs_can_be_changed() {
    check_part(
        &held::rental(),
        "My slices </dashboard/slices>",
        "Money",
        expect![[r#"
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/32>, Ghent, Belgium until 29 October 2026 active
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            Access not provisioned yet
            The slice is reserved for you and not provisioned yet. When it is, the command that
              reaches it stands here.
            Extend
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/extend
            [hidden form_token=sample-token] [hidden
              idempotency_key=019f0000-0000-7000-8000-000000000002]
            Your price of $25.00 a slice and month is guaranteed until 29 July 2027.
            By how long?
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 a month, until 29
              November 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 a month, until 29
              January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 April 2027 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 October 2027 Your wallet lacks $155.00
            Your balance: $100.00
            (Extend the rental)
            Renew by itself off
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/auto-renew
            [hidden form_token=sample-token]
            The rental ends on 29 October 2026. Its data is then kept for 48 hours.
            At its end, extend by
            Charged a day before the end.
            Off 1 month 3 months, 5% off 6 months, 10% off 12 months, 15% off
            At most, a slice and month
            The price is $25.00 now. $[text max_price=]
            (Save)
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            At most 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas, at most 10 of 40 characters. [text labels=]
            (Save the name)
            Hand over to another account
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/transfer
            [hidden form_token=sample-token]
            E-mail address of the account
            Until they accept, the rental stays yours, and you can take the invitation back.
              [email email= required]
            (Invite)
            End early
            The time that is not used is paid back. You see the refund before you confirm.
            See the refund </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
            Periods
            | Period | From | Until | A month | Total | Earned by now
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $2.32
            Promise kept?
            Each month, what we measured is compared with the promise. Where it was below, you
              are credited without asking, by the published scale </docs/promises>.
            July 2026 node32_slice_1 credited $2.50
            Uptime: 99.2%, promised 99.5%
            The farmer: It was up. 4 August 2026, 12:00 UTC
            This is wrong
            post /dashboard/slices/1/months/2026-07/dispute
            [hidden form_token=sample-token] [hidden stay=1]
            What was wrong
            (Let the operator decide)"#]],
    );
}

#[test]
fn the_list_says_what_needs_attention_first() {
    check(
        &held::full_list(),
        expect![[r#"
        My slices
        Rent another </marketplace/compute>
        On 1 August 2026 the renewal of node4417_slice_12 will cost $32.00; your wallet holds
          $12.00. Add credit </dashboard/wallet>
        Offered to you
        node11_slice_5 from aida@example.org
        Vienna, Austria; 1 vCPU, 4 GB, 200 GB. $40.00 a month, ends 31 December 2026. The
          offer stands until 5 August 2026, 12:00 UTC.
        post /dashboard/transfers/019f0000-0000-7000-8000-000000000007/accept
        [hidden form_token=sample-token]
        (Accept)
        post /dashboard/transfers/019f0000-0000-7000-8000-000000000007/decline
        [hidden form_token=sample-token]
        (Decline)
        All </dashboard/slices>
        Running </dashboard/slices?state=running>
        Ended </dashboard/slices?state=ended>
        | Slice | State | Ends | Uptime | A month | Actions
        | node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
          house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
          October 2026 89 days left | measured 99.87%, at least 98.7%, from 8,140
          observations, promised 99.5% | $23.75 | Extend node32_slice_1
          </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End node32_slice_1
          </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
        | Database of the shop </dashboard/slices/019f0000-0000-7000-8000-000000000001>
          node4417_slice_12 Spree rack 2, upper shelf, Berlin, Germany 1 vCPU, 4 GB, 200 GB
        shop
        production | ends soon Access: not set up yet | 1 August 2026 3 days left renews for
          1 month | measured 99.2%, at least 98.7%, from 8,140 observations, promised 99.5%
          below the promise | $32.00 | Extend Database of the shop
          </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End Database of the
          shop </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
        | Build farm </dashboard/slices/019f0000-0000-7000-8000-000000000001> node8 Canal
          house, Ghent, Belgium whole node, 9 slices: 9 vCPU, 36 GB, 1,800 GB | grace Access:
          not set up yet | 28 July 2026 31 hours left to extend | not measured yet, promised
          99.5% | $213.75 | Extend Build farm
          </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End Build farm
          </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
        | node11_slice_3 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
          house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | ended Access: closed | 30 June 2026 |
          measured 99.87%, at least 98.7%, from 8,140 observations, promised 99.5% | $23.75 |
        Next page </dashboard/slices?cursor=sample>"#]],
    );
}

#[test]
fn a_list_that_is_narrowed_to_nothing_shows_the_way_back() {
    check(
        &held::narrowed(Vec::new()),
        expect![[r#"
        My slices
        Rent another </marketplace/compute>
        All </dashboard/slices>
        Running </dashboard/slices?state=running>
        Ended </dashboard/slices?state=ended>
        No rental is in this state
        Show all </dashboard/slices>"#]],
    );
}

#[test]
fn every_form_that_was_refused_says_why_and_keeps_what_was_chosen() {
    check_part(
        &held::rental_refused(),
        "Extend",
        "End early",
        expect![[r#"
            Extend
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/extend
            [hidden form_token=sample-token] [hidden
              idempotency_key=019f0000-0000-7000-8000-000000000002]
            Nothing was extended, and nothing was charged: the price has risen.
            Your price of $25.00 was guaranteed until 29 July 2026.
            By how long?
            [radio duration_months=1 required] 1 month $25.00 $25.00 a month, until 29 November
              2026
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 a month,
              until 29 January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 April 2027 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 October 2027 Your wallet lacks $155.00
            [checkbox max_price=30.00 required] I agree to the new price of $30.00 a slice and
              month; so far it was $25.00.
            Without it, the rental cannot be extended.
            Your balance: $100.00
            (Extend the rental)
            Renew by itself off
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/auto-renew
            [hidden form_token=sample-token]
            Nothing was changed: the marked fields need a correction.
            The rental ends on 29 October 2026. Its data is then kept for 48 hours.
            At its end, extend by
            Charged a day before the end.
            Off 1 month 3 months, 5% off 6 months, 10% off 12 months, 15% off
            1, 3, 6 or 12 months, or off.
            At most, a slice and month $[text max_price=a lot]
            An amount in dollars, such as 25.00.
            (Save)
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Nothing was changed: the marked fields need a correction.
            Name [text
              name=WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW]
            At most 80 characters.
            Labels [text labels=a, b, c]
            At most 10 labels.
            (Save the name)
            Hand over to another account
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/transfer
            [hidden form_token=sample-token]
            Nobody was invited.
            E-mail address of the account
            Until they accept, the rental stays yours, and you can take the invitation back.
              [email email=aida required]
            An e-mail address, such as you@example.org.
            (Invite)"#]],
    );
}

#[test]
fn in_grace_the_way_to_keep_the_data_comes_first() {
    check_part(
        &held::rental_in_grace(),
        "My slices </dashboard/slices>",
        "Periods",
        expect![[r#"
            My slices </dashboard/slices>
            Database of the shop
            node32_slice_1
            On Canal house </marketplace/compute/32>, Ghent, Belgium until 29 October 2026 grace
            shop
            production
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            The term is over: 31 hours left to extend.
            Until 31 October 2026, 12:00 UTC the data is kept, and only you can take it again, by
              extending the rental. Then the data is deleted.
            Extend
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/extend
            [hidden form_token=sample-token] [hidden
              idempotency_key=019f0000-0000-7000-8000-000000000002]
            Your price of $25.00 a slice and month is guaranteed until 29 July 2027.
            By how long?
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 a month, until 29
              November 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 a month, until 29
              January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 April 2027 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 October 2027 Your wallet lacks $155.00
            Your balance: $100.00
            (Extend the rental)
            Access closed
            The slice does not run while the term is over. Extend the rental to get back in.
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            At most 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas, at most 10 of 40 characters. [text labels=]
            (Save the name)"#]],
    );
}

#[test]
fn what_cannot_be_extended_says_why() {
    check_part(
        &held::rental_that_cannot_be_extended(),
        "The term is over: 31 hours left to extend.",
        "Periods",
        expect![[r#"
            The term is over: 31 hours left to extend.
            Until 31 October 2026, 12:00 UTC the data is kept. Then the data is deleted.
            Extend
            The agreed price holds no longer, and the farmer has taken the node off the market.
            Access closed
            The slice does not run while the term is over. Extend the rental to get back in.
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            At most 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas, at most 10 of 40 characters. [text labels=]
            (Save the name)
            End now
            The data is deleted at once. You confirm it on the next page.
            End the rental </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>"#]],
    );
    check_part(
        &held::end_in_grace(),
        "End this rental now?",
        "the end",
        expect![[r#"
        End this rental now?
        node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
        post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
        [hidden form_token=sample-token] [hidden refund=0.00]
        Paid for what is not over: $0.00
        Paid back to your wallet as of 10 September 2026, 15:00 UTC: $0.00
        The data is deleted at once, and nobody can bring it back. Otherwise it is kept until
          31 October 2026, 12:00 UTC.
        (End it and delete the data) Keep the rental
          </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
}

#[test]
fn what_has_ended_offers_nothing_but_its_past() {
    check(
        &held::rental_ended(),
        expect![[r#"
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/32>, Ghent, Belgium until 8 November 2026 ended
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            You ended this rental on 8 November 2026, and its data was deleted. What was booked
              and what happened stays here.
            Access closed
            The rental has ended, and its access.
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            At most 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas, at most 10 of 40 characters. [text labels=]
            (Save the name)
            Periods
            | Period | From | Until | A month | Total | Earned by now
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $71.25
            | Renewed by itself 1 month | 29 October 2026 | 29 November 2026 | $25.00 | $25.00
              $16.94 paid back | $8.06
            Promise kept?
            Each month, what we measured is compared with the promise. Where it was below, you
              are credited without asking, by the published scale </docs/promises>.
            July 2026 node32_slice_1 credited $2.50
            Uptime: 99.2%, promised 99.5%
            The farmer: It was up. 4 August 2026, 12:00 UTC
            This is wrong
            post /dashboard/slices/1/months/2026-07/dispute
            [hidden form_token=sample-token] [hidden stay=1]
            What was wrong
            (Let the operator decide)
            Money
            | When | What | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
              </dashboard/slices/019f0000-0000-7000-8000-000000000001> Receipt R-00000007
              </dashboard/wallet/receipts/7> | −$71.25 | $28.75
            History
            Access requested 29 July 2026, 12:00 UTC
            Rented for 3 months 29 July 2026, 12:00 UTC
            1 vCPU
            4 GB memory
            200 GB SSD
            Term: 3 months, 5% off
            From: 29 July 2026
            Until: 8 November 2026
            A month: $23.75
            Charged: $71.25
            Uptime: measured 99.87%, at least 98.7%, from 8,140 observations, promised 99.5%
            Promised bandwidth: 100 Mbit/s
            The farmer sees: omar@example.org
            Rental: 019f0000-0000-7000-8000-000000000001"#]],
    );
}

#[test]
fn a_rental_ends_after_its_refund_was_seen() {
    check(
        &held::end_rental(),
        expect![[r#"
            node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            End this rental now?
            node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
            [hidden form_token=sample-token] [hidden refund=35.83]
            Paid for what is not over: $71.25
            Used: 1 month, 12 days and 3 hours at $25.00 a month: 1 month is reached, which has
              no discount: $35.42
            Paid back to your wallet as of 10 September 2026, 15:00 UTC: $35.83
            The data is deleted at once, and nobody can bring it back. Otherwise the rental runs
              until 29 October 2026, 12:00 UTC.
            (End it and delete the data) Keep the rental
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
    check(
        &held::end_rental_refused(),
        expect![[r#"
            WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            End this rental now?
            node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
            [hidden form_token=sample-token] [hidden refund=35.83]
            Nothing was ended: the refund is $35.83 now, and was $35.86 when you saw it.
            Paid for what is not over: $71.25
            Used: 1 month, 12 days and 3 hours at $25.00 a month: 1 month is reached, which has
              no discount: $35.42
            Paid back to your wallet as of 10 September 2026, 15:00 UTC: $35.83
            The data is deleted at once, and nobody can bring it back. Otherwise the rental runs
              until 29 October 2026, 12:00 UTC.
            (End it and delete the data) Keep the rental
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
}

#[test]
fn a_machine_with_a_console_has_a_button_and_no_other_has() {
    let html = machines::rental_with_machines().render().unwrap();
    let action = "action=\"/dashboard/slices/019f0000-0000-7000-8000-000000000001/console\"";
    assert_eq!(html.matches(action).count(), 1, "{html}");
    let form = html.split(action).nth(1).and_then(|rest| rest.split("</form>").next()).unwrap();
    assert!(form.contains("name=\"form_token\"") && form.contains("name=\"slice\" value=\"1\""));
    assert!(form.contains("Open the console"), "{form}");
}

#[test]
fn a_console_is_a_link_to_where_it_is_shown() {
    check(
        &machines::console(),
        expect![[r#"
        The rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>
        Console of node32_slice_1
        The console is shown by the machine's farm, at farm.example:8443. The link works
          once, within a minute, for whoever has it: do not pass it on.
        Open the console
          <https://farm.example:8443/console/node32_slice_1/019f?expires=1&#38;signature=00>
          Back to the rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
    check(
        &machines::console_of_the_grid(),
        expect![[r#"
        The rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>
        Console of node32_slice_1
        The console is shown by the machine's farm, at 10.249.2.0:20002.
        Open the console <http://10.249.2.0:20002> Back to the rental
          </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
}
