//! What a renter holds, and what can be done with it.

use expect_test::expect;
use stage::{ADA, Answer, BEN, Stage, User, reading};
use store::{Db as _, due};

const SLICES: &str = "/dashboard/slices";

fn ask(stage: &Stage, who: User, path: &str) -> Answer {
    stage.as_user(who).get(renting::ROUTES, path)
}

#[test]
fn a_renter_finds_what_they_hold_and_what_it_cost() {
    let stage = Stage::three_slices();
    stage.rent();
    ask(&stage, ADA, SLICES).reads(
        200,
        expect![[r#"
            My slices
            Rent another slice </marketplace/compute>
            All </dashboard/slices?state=all>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Select | Slice | State | Ends | Uptime | Monthly price | Actions
            | [checkbox rental=019fadbe-f200-7000-8000-000000000000] | node32_slice_1
              </dashboard/slices/019fadbe-f200-7000-8000-000000000000> Canal house, Ghent,
              Belgium 1 vCPU, 4 GB, 200 GB | active Access: needs an SSH key | 29 October 2026 92
              days left | not measured yet; guaranteed 99.5% | $23.75 | Extend node32_slice_1
              </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing#extend> End
              node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000/cancel>
            get /dashboard/slices/selected/review
            Selected:
            1 month 3 months 6 months 12 months
            (Extend selected)
            (Restart selected)
            (End selected)"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page, as it is read")]
fn the_page_of_a_rental_has_all_that_can_be_done_with_it() {
    let stage = Stage::three_slices();
    let path = format!("{SLICES}/{}", stage.rent().life.id);
    ask(&stage, ADA, &format!("{path}/billing")).reads(
        200,
        expect![[r#"
        My slices </dashboard/slices>
        node32_slice_1
        On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
          12:00 UTC active
        Machine </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Billing </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing>
        Extend
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/extend
        [hidden idempotency_key=019fadbe-f200-7fcd-9d7b-39a820e2f465]
        Your price of $25.00 per month is guaranteed until 29 October 2027.
        Extend by
        [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
          November 2026
        [radio duration_months=3 disabled required] 3 months 5% off $71.25 $23.75 per month,
          until 29 January 2027 $42.50 short
        [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
          month, until 29 April 2027 $106.25 short
        [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
          month, until 29 October 2027 $226.25 short
        Your balance: $28.75
        (Extend)
        Auto-renew off
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/auto-renew
        The rental ends on 29 October 2026. Your data is kept for 48 hours after that.
        Extend by
        Charged one day before the term ends.
        Off For 1 month For 3 months For 6 months For 12 months
        Maximum price per slice per month
        The current price is $25.00. $[text max_price=25.00]
        (Save auto-renew)
        End early
        You are refunded for the unused time. You confirm on the next page.
        End and refund $71.25 </dashboard/slices/019fadbe-f200-7000-8000-000000000000/cancel>
        Periods
        | Period | From | Until | Monthly price | Total | Earned so far
        | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
          $0.00
        Transactions
        | Date | Description | Amount | Balance after
        | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 Receipt R-00000002
          </dashboard/wallet/receipts/2> | −$71.25 | $28.75
        92 days left
        1 vCPU
        4 GB memory
        200 GB SSD
        Term: 3 months, 5% off
        From: 29 July 2026, 12:00 UTC
        Until: 29 October 2026, 12:00 UTC
        Monthly price: $23.75
        Total charged: $71.25
        Uptime: not measured yet; guaranteed 99.5%
        Guaranteed: 99.5% uptime, 1,000 Mbit/s
        Price guaranteed until: 29 October 2027
        Shown to the farmer as: o&#39;ada&#38;co@example.org
        Rental ID: 019fadbe-f200-7000-8000-000000000000"#]],
    );
    let ada = stage.as_user(ADA).header("cookie", "done=rented");
    ada.get(renting::ROUTES, &path).reads(
        200,
        expect![[r#"
            Rented and paid for the full term.
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
              12:00 UTC active
            Machine </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Billing </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing>
            Access needs an SSH key
            Add an SSH public key to start the setup. Only this key can log in to the machine.
            Name and labels
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/name
            Name
            Up to 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
            (Save name and labels)
            Transfer rental
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/transfer
            Recipient's email address
            The rental stays yours until they accept, and you can cancel the invitation until
              then. The machine is set up with the new renter&#39;s SSH key. [email email=
              required]
            (Send invitation)
            History
            Rented 29 July 2026, 12:00 UTC
            92 days left
            1 vCPU
            4 GB memory
            200 GB SSD
            From: 29 July 2026, 12:00 UTC
            Until: 29 October 2026, 12:00 UTC
            Uptime: not measured yet; guaranteed 99.5%
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            Price guaranteed until: 29 October 2027
            Shown to the farmer as: o&#39;ada&#38;co@example.org
            Rental ID: 019fadbe-f200-7000-8000-000000000000"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "they are two pages, as they are read")]
fn a_rental_that_is_over_is_told_from_one_that_runs() {
    let stage = Stage::three_slices();
    let rental = stage.rent();
    let path = format!("{SLICES}/{}", rental.life.id);
    let read = || {
        due::expire(&stage.db, stage.now(), 10).unwrap();
        reading(&ask(&stage, ADA, &path).html(200))
    };
    stage.pass_seconds(rental.life.ends_at.seconds_since(stage.now()));
    expect![[r#"
        My slices </dashboard/slices>
        node32_slice_1
        On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
          12:00 UTC grace
        Machine </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Billing </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing>
        Your term has ended: 2 days left.
        Until 31 October 2026, 12:00 UTC your data is kept and you can extend the rental.
          After that, the data is deleted.
        Extend
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/extend
        [hidden idempotency_key=01a18788-0200-7fcd-9d7b-39a820e2f465]
        Your price of $25.00 per month is guaranteed until 29 October 2027.
        Extend by
        [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
          November 2026
        [radio duration_months=3 disabled required] 3 months 5% off $71.25 $23.75 per month,
          until 29 January 2027 $42.50 short
        [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
          month, until 29 April 2027 $106.25 short
        [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
          month, until 29 October 2027 $226.25 short
        Your balance: $28.75
        (Extend)
        Access closed
        The term has ended. Your data is kept for 48 hours; extend the rental to get access
          again.
        Name and labels
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/name
        Name
        Up to 80 characters. Only you see it. [text name=]
        Labels
        Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
        (Save name and labels)
        Transfer rental
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/transfer
        Recipient's email address
        The rental stays yours until they accept, and you can cancel the invitation until
          then. [email email= required]
        (Send invitation)
        History
        Term ended; data kept for 48 hours 29 October 2026, 12:00 UTC
        Rented 29 July 2026, 12:00 UTC
        1 vCPU
        4 GB memory
        200 GB SSD
        From: 29 July 2026, 12:00 UTC
        Until: 29 October 2026, 12:00 UTC
        Uptime: not measured yet; guaranteed 99.5%
        Guaranteed: 99.5% uptime, 1,000 Mbit/s
        Price guaranteed until: 29 October 2027
        Shown to the farmer as: o&#39;ada&#38;co@example.org
        Rental ID: 019fadbe-f200-7000-8000-000000000000"#]]
    .assert_eq(&read());
    stage.pass_seconds(48 * 3_600);
    expect![[r#"
        My slices </dashboard/slices>
        node32_slice_1
        On Canal house </marketplace/compute/node32>, Ghent, Belgium until 31 October 2026,
          12:00 UTC ended
        Machine </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Billing </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing>
        This rental has ended and its data has been deleted. Its transactions and history are
          kept here.
        Access closed
        Access ended with the rental.
        Name and labels
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/name
        Name
        Up to 80 characters. Only you see it. [text name=]
        Labels
        Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
        (Save name and labels)
        History
        Rental ended 31 October 2026, 12:00 UTC
        Term ended; data kept for 48 hours 29 October 2026, 12:00 UTC
        Rented 29 July 2026, 12:00 UTC
        1 vCPU
        4 GB memory
        200 GB SSD
        From: 29 July 2026, 12:00 UTC
        Until: 31 October 2026, 12:00 UTC
        Uptime: not measured yet; guaranteed 99.5%
        Guaranteed: 99.5% uptime, 1,000 Mbit/s
        Price guaranteed until: 29 October 2027
        Shown to the farmer as: o&#39;ada&#38;co@example.org
        Rental ID: 019fadbe-f200-7000-8000-000000000000"#]]
    .assert_eq(&read());
}

#[test]
fn somebody_without_a_slice_is_led_to_the_market() {
    ask(&Stage::three_slices(), BEN, SLICES).reads(
        200,
        expect![[r#"
            My slices
            You haven't rented a slice yet
            Choose a location and a price, and rent in three clicks.
            Find a slice </marketplace/compute>"#]],
    );
}

#[test]
fn what_is_wrong_in_a_form_is_said_beside_its_field() {
    let stage = Stage::three_slices();
    let rental = format!("{SLICES}/{}", stage.rent().life.id);
    let send = |form: &str, fields: &[(&str, &str)]| {
        let path = format!("{rental}/{form}");
        reading(&stage.as_user(ADA).form(renting::ROUTES, &path, fields).html(400))
    };
    for months in ["", "2", "x"] {
        let page = send("auto-renew", &[("duration_months", months), ("max_price", "")]);
        assert!(page.contains("For 12 months\n1, 3, 6 or 12"), "{page}");
    }
    // Also where it is turned off.
    for months in ["3", "0"] {
        let page = send("auto-renew", &[("duration_months", months), ("max_price", "cheap")]);
        assert!(page.contains("[text max_price=cheap]\nAn amount of dollars"), "{page}");
    }
    let key = ("idempotency_key", "k");
    let page = send("extend", &[("duration_months", "x"), ("max_price", "cheap"), key]);
    assert!(page.contains("duration_months: expected 1, 3, 6 or 12"), "{page}");
    assert!(page.contains("max_price: expected an amount of dollars"), "{page}");
    let page = send("extend", &[("duration_months", "1")]);
    assert!(page.contains("Idempotency-Key: expected"), "{page}");
    // What is left out does not move a rental, or end it.
    let page = send("transfer", &[]);
    assert!(page.contains("The form is invalid: missing field `email`."), "{page}");
    let page = send("cancel", &[("refund", "")]);
    assert!(page.contains("reload the page"), "{page}");
}

/// A rental of an archived year says where its history is, whether it is gone already or not.
#[test]
fn a_rental_of_an_archived_year_says_who_has_its_history() {
    let stage = Stage::three_slices();
    let id = stage.rent().life.id;
    stage.pass_seconds(200 * 86_400);
    for _ in 0..3 {
        due::expire(&stage.db, stage.now(), 10).unwrap();
    }
    let read = || ask(&stage, ADA, &format!("{SLICES}/{id}")).page(200);
    assert!(read().contains("Its transactions and history are kept here."));
    for sql in [
        "INSERT INTO archives (chain, first_id, until_id, closed_at, row_count, seal, file,
                               file_hash, archived_at)
         VALUES ('ledger', 1, 900, unixepoch('2040-01-01'), 900, zeroblob(32), 'file',
                 zeroblob(32), 0),
                ('events', 1, 900, unixepoch('2040-01-01'), 900, zeroblob(32), 'file',
                 zeroblob(32), 0)",
        "INSERT INTO remove_archived (chain, from_id, until_id) VALUES ('events', 1, 900)",
        "INSERT INTO remove_archived (chain, from_id, until_id) VALUES ('ledger', 1, 900)",
    ] {
        stage.db.run(sql, &[]).unwrap();
        assert!(read().contains("ended before 2040, so its history and transactions are archived"));
        assert!(!read().contains("kept here"));
    }
    let bills = ask(&stage, ADA, &format!("{SLICES}/{id}/billing")).page(200);
    assert!(bills.contains("The transactions are archived."), "{bills}");
}
