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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            Access not provisioned yet
            The slice is reserved for you and not provisioned yet. When it is, the command that
              reaches it stands here.
            Extend
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/extend
            [hidden form_token=sample-token] [hidden
              idempotency_key=019f0000-0000-7000-8000-000000000002]
            Your price of $25.00 a slice and month is guaranteed until 29 July 2027.
            Extend by
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
              November 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 per month, until 29
              January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 April 2027 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 October 2027 $155.00 short
            Your balance: $100.00
            (Extend)
            Auto-renew off
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/auto-renew
            [hidden form_token=sample-token]
            The rental ends on 29 October 2026. Its data is then kept for 48 hours.
            Extend by
            Charged a day before the end.
            Off 1 month 3 months, 5% off 6 months, 10% off 12 months, 15% off
            Maximum price per slice per month
            The price is $25.00 now. $[text max_price=]
            (Save auto-renew)
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            Up to 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
            (Save name and labels)
            Transfer rental
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/transfer
            [hidden form_token=sample-token]
            Recipient's email address
            The rental stays yours until they accept, and you can cancel the invitation until
              then. [email email= required]
            (Send invitation)
            End early
            You are refunded for the unused time. You see the amount before you confirm.
            Review refund </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
            Periods
            | Period | From | Until | Monthly price | Total | Earned so far
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $2.32
            SLA results
            Each month we compare measured uptime and bandwidth with the SLA. If they fall short,
              you are credited automatically at the published rates </docs/promises>.
            July 2026 node32_slice_1 credited $2.50
            Uptime: 99.2%, promised 99.5%
            The farmer: It was up. 4 August 2026, 12:00 UTC
            Dispute this result
            post /dashboard/slices/1/months/2026-07/dispute
            [hidden form_token=sample-token] [hidden stay=1]
            What should the result be, and why?
            (Submit dispute)
            Transactions
            | Date | Description | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
              </dashboard/slices/019f0000-0000-7000-8000-000000000001> Receipt R-00000007
              </dashboard/wallet/receipts/7> | −$71.25 | $28.75
            History
            Access requested 29 July 2026, 12:00 UTC
            Rented for 3 months 29 July 2026, 12:00 UTC
            89 days left
            1 vCPU
            4 GB memory
            200 GB SSD
            Term: 3 months, 5% off
            From: 29 July 2026
            Until: 29 October 2026
            Monthly price: $23.75
            Total charged: $71.25
            Uptime: 99.87% measured, at least 98.7%, from 8,140 checks; guaranteed 99.5%
            Promised bandwidth: 100 Mbit/s
            The farmer sees: omar@example.org
            Rental: 019f0000-0000-7000-8000-000000000001"#]],
    );
}

#[test]
fn the_list_says_what_needs_attention_first() {
    check(
        &held::full_list(),
        expect![[r#"
            My slices
            Rent another slice </marketplace/compute>
            On 1 August 2026 the renewal of node4417_slice_12 will cost $32.00; your wallet holds
              $12.00. Add credit </dashboard/wallet>
            Transfer invitations
            node11_slice_5 from aida@example.org
            Vienna, Austria; 1 vCPU, 4 GB, 200 GB. $40.00 per month, ends 31 December 2026.
              Accept by 5 August 2026, 12:00 UTC.
            post /dashboard/transfers/019f0000-0000-7000-8000-000000000007/accept
            [hidden form_token=sample-token]
            (Accept)
            post /dashboard/transfers/019f0000-0000-7000-8000-000000000007/decline
            [hidden form_token=sample-token]
            (Decline)
            All </dashboard/slices>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Slice | State | Ends | Uptime | Monthly price | Actions
            | node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
              October 2026 89 days left | 99.87% measured, at least 98.7%, from 8,140 checks;
              guaranteed 99.5% | $23.75 | Extend node32_slice_1
              </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End node32_slice_1
              </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
            | Database of the shop </dashboard/slices/019f0000-0000-7000-8000-000000000001>
              node4417_slice_12 Spree rack 2, upper shelf, Berlin, Germany 1 vCPU, 4 GB, 200 GB
            shop
            production | ends soon Access: not set up yet | 1 August 2026 3 days left renews for
              1 month | 99.2% measured, at least 98.7%, from 8,140 checks; guaranteed 99.5% below
              SLA | $32.00 | Extend Database of the shop
              </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End Database of the
              shop </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
            | Build farm </dashboard/slices/019f0000-0000-7000-8000-000000000001> node8 Canal
              house, Ghent, Belgium whole node, 9 slices: 9 vCPU, 36 GB, 1,800 GB | grace Access:
              not set up yet | 28 July 2026 31 hours left to extend | not measured yet;
              guaranteed 99.5% | $213.75 | Extend Build farm
              </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End Build farm
              </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>
            | node11_slice_3 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | ended Access: closed | 30 June 2026 |
              99.87% measured, at least 98.7%, from 8,140 checks; guaranteed 99.5% | $23.75 |
            Next page </dashboard/slices?cursor=sample>"#]],
    );
}

#[test]
fn a_list_that_is_narrowed_to_nothing_shows_the_way_back() {
    check(
        &held::narrowed(Vec::new()),
        expect![[r#"
            My slices
            Rent another slice </marketplace/compute>
            All </dashboard/slices>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            No rentals in this state
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
            Extend by
            [radio duration_months=1 required] 1 month $25.00 $25.00 per month, until 29 November
              2026
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 per month,
              until 29 January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 April 2027 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 October 2027 $155.00 short
            [checkbox max_price=30.00 required] I accept the new price of $30.00 per slice per
              month (previously $25.00).
            Without it, the rental cannot be extended.
            Your balance: $100.00
            (Extend)
            Auto-renew off
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/auto-renew
            [hidden form_token=sample-token]
            Nothing was changed: the marked fields need a correction.
            The rental ends on 29 October 2026. Its data is then kept for 48 hours.
            Extend by
            Charged a day before the end.
            Off 1 month 3 months, 5% off 6 months, 10% off 12 months, 15% off
            1, 3, 6 or 12 months, or off.
            Maximum price per slice per month $[text max_price=a lot]
            An amount in dollars, such as 25.00.
            (Save auto-renew)
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Nothing was changed: the marked fields need a correction.
            Name [text
              name=WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW]
            At most 80 characters.
            Labels [text labels=a, b, c]
            At most 10 labels.
            (Save name and labels)
            Transfer rental
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/transfer
            [hidden form_token=sample-token]
            Nobody was invited.
            Recipient's email address
            The rental stays yours until they accept, and you can cancel the invitation until
              then. [email email=aida required]
            An email address, such as you@example.org.
            (Send invitation)"#]],
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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            Your term has ended: 31 hours left to extend.
            Until 31 October 2026, 12:00 UTC your data is kept and you can extend the rental.
              After that, the data is deleted.
            Extend
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/extend
            [hidden form_token=sample-token] [hidden
              idempotency_key=019f0000-0000-7000-8000-000000000002]
            Your price of $25.00 a slice and month is guaranteed until 29 July 2027.
            Extend by
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
              November 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 per month, until 29
              January 2027
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 April 2027 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 October 2027 $155.00 short
            Your balance: $100.00
            (Extend)
            Access closed
            The slice does not run while the term is over. Extend the rental to get back in.
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            Up to 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
            (Save name and labels)"#]],
    );
}

#[test]
fn what_cannot_be_extended_says_why() {
    check_part(
        &held::rental_that_cannot_be_extended(),
        "The term is over: 31 hours left to extend.",
        "Periods",
        expect![""],
    );
    check_part(
        &held::end_in_grace(),
        "End rental",
        "the end",
        expect![[r#"
            End rental
            node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
            [hidden form_token=sample-token] [hidden refund=0.00]
            Unused time: $0.00
            Refund to your wallet as of 10 September 2026, 15:00 UTC: $0.00
            All data is deleted immediately and cannot be recovered. If you keep the rental, your
              data is kept until 31 October 2026, 12:00 UTC.
            (End rental and delete data) Keep rental
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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            You ended this rental on 8 November 2026, and its data was deleted. What was booked
              and what happened stays here.
            Access closed
            The rental has ended, and its access.
            Name and labels
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/name
            [hidden form_token=sample-token]
            Name
            Up to 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
            (Save name and labels)
            Periods
            | Period | From | Until | Monthly price | Total | Earned so far
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $71.25
            | Renewed by itself 1 month | 29 October 2026 | 29 November 2026 | $25.00 | $25.00
              $16.94 refunded | $8.06
            SLA results
            Each month we compare measured uptime and bandwidth with the SLA. If they fall short,
              you are credited automatically at the published rates </docs/promises>.
            July 2026 node32_slice_1 credited $2.50
            Uptime: 99.2%, promised 99.5%
            The farmer: It was up. 4 August 2026, 12:00 UTC
            Dispute this result
            post /dashboard/slices/1/months/2026-07/dispute
            [hidden form_token=sample-token] [hidden stay=1]
            What should the result be, and why?
            (Submit dispute)
            Transactions
            | Date | Description | Amount | Balance after
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
            Monthly price: $23.75
            Total charged: $71.25
            Uptime: 99.87% measured, at least 98.7%, from 8,140 checks; guaranteed 99.5%
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
            End rental
            node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
            [hidden form_token=sample-token] [hidden refund=35.83]
            Unused time: $71.25
            Used: 1 month, 12 days and 3 hours at $25.00 a month: 1 month is reached, which has
              no discount: $35.42
            Refund to your wallet as of 10 September 2026, 15:00 UTC: $35.83
            All data is deleted immediately and cannot be recovered. If you keep the rental, it
              runs until 29 October 2026, 12:00 UTC.
            (End rental and refund $35.83) Keep rental
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
    check(
        &held::end_rental_refused(),
        expect![[r#"
            WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            End rental
            node32_slice_1 on Canal house </marketplace/compute/32>, Ghent, Belgium
            post /dashboard/slices/019f0000-0000-7000-8000-000000000001/end
            [hidden form_token=sample-token] [hidden refund=35.83]
            Nothing was ended: the refund is $35.83 now, and was $35.86 when you saw it.
            Unused time: $71.25
            Used: 1 month, 12 days and 3 hours at $25.00 a month: 1 month is reached, which has
              no discount: $35.42
            Refund to your wallet as of 10 September 2026, 15:00 UTC: $35.83
            All data is deleted immediately and cannot be recovered. If you keep the rental, it
              runs until 29 October 2026, 12:00 UTC.
            (End rental and refund $35.83) Keep rental
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
    assert!(form.contains("Open console"), "{form}");
}

#[test]
fn a_console_is_a_link_to_where_it_is_shown() {
    check(
        &machines::console(),
        expect![[r#"
            Rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            Console: node32_slice_1
            The farm that runs this machine hosts its console, at farm.example:8443. The link
              works once, within one minute. Don't share it: anyone who has it can open the
              console.
            Open console
              <https://farm.example:8443/console/node32_slice_1/019f?expires=1&#38;signature=00>
              Back to rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
    check(
        &machines::console_of_the_grid(),
        expect![[r#"
            Rental </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            Console: node32_slice_1
            The farm that runs this machine hosts its console, at 10.249.2.0:20002.
            Open console <http://10.249.2.0:20002> Back to rental
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>"#]],
    );
}
