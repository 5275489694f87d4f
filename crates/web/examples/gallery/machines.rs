//! Samples of machines on slices.

use askama::Template;
use web::page::{Badge, Console, ConsoleForm, Machine, Ready, Rental, Section, StepLine, Tone};

use crate::held::rental;
use crate::sample::{Rendered, day, member};

/// Every page, most of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("rental-machines", rental_with_machines().render()),
        ("console", console().render()),
        ("console-of-the-grid", console_of_the_grid().render()),
    ]
}

/// Two machines, of which the first has a console.
pub(crate) fn rental_with_machines() -> Rental {
    let first = ConsoleForm { slice_id: "node32_slice_1".into(), slice: 1 };
    Rental { machines: vec![machine(1, Some(first)), machine(2, None)], ..rental() }
}

fn machine(number: u32, console: Option<ConsoleForm>) -> Machine {
    Machine {
        slice_id: Some(format!("node32_slice_{number}")),
        status: Badge::new("ready", Tone::Good),
        steps: vec![StepLine { what: "Paid", at: Some(day("2026-07-29", "29 July 2026")) }],
        reason: None,
        ready: Some(Ready {
            command: format!("ssh -p 220{number} root@203.0.113.7"),
            config: "Host web\n".into(),
            known_hosts: "[203.0.113.7]:2201 ssh-ed25519 AAAA\n".into(),
            fingerprints: vec!["SHA256:UMrMUBWB7jd".into()],
            console,
            notes: None,
        }),
    }
}

pub(crate) fn console() -> Console {
    let url = "https://farm.example:8443/console/node32_slice_1/019f?expires=1&signature=00";
    Console {
        frame: member("Console", Section::Slices),
        rental_url: rental().url,
        slice_id: "node32_slice_1".into(),
        url: url.into(),
        host: "farm.example:8443".into(),
        is_signed: true,
    }
}

pub(crate) fn console_of_the_grid() -> Console {
    Console {
        url: "http://10.249.2.0:20002".into(),
        host: "10.249.2.0:20002".into(),
        is_signed: false,
        ..console()
    }
}
