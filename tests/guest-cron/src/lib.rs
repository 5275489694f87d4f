//! Notes each run in the database, or fails in the way that the variable `action` says.

#[expect(clippy::same_length_and_capacity, reason = "wit-bindgen writes it so")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package mycelium:guest-cron;
            world guest {
                include mycelium:host/imports;
                include fermyon:spin-cron/spin-cron@2.0.0;
            }
        ",
        path: "../../crates/host/wit",
        generate_all,
    });
}

use bindings::fermyon::spin::variables;
use bindings::spin::sqlite::sqlite::{Connection, Value};
use bindings::{Error, Guest, Metadata};

struct Cron;

impl Guest for Cron {
    fn handle_cron_event(metadata: Metadata) -> Result<(), Error> {
        let fail = |error: &dyn std::fmt::Debug| Error::Other(format!("{error:?}"));
        match variables::get("action").map_err(|error| fail(&error))?.as_str() {
            "trap" => panic!("trapped on purpose"),
            "fail" => return Err(Error::Other("failed on purpose".into())),
            "loop" => run_for_ever(),
            _ => {}
        }
        let connection = Connection::open("default").map_err(|error| fail(&error))?;
        let create = "CREATE TABLE IF NOT EXISTS runs (timestamp INTEGER NOT NULL) STRICT";
        connection.execute(create, &[]).map_err(|error| fail(&error))?;
        let timestamp = i64::try_from(metadata.timestamp).map_err(|error| fail(&error))?;
        let insert = "INSERT INTO runs (timestamp) VALUES (?1)";
        connection.execute(insert, &[Value::Integer(timestamp)]).map_err(|error| fail(&error))?;
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "tells the test that the run has begun")]
fn run_for_ever() -> ! {
    println!("looping");
    loop {
        std::hint::black_box(0);
    }
}

#[expect(unsafe_code, reason = "wit-bindgen writes the exports")]
mod export {
    use super::{Cron, bindings};

    bindings::export!(Cron with_types_in bindings);
}
