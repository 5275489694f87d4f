//! The pages of farming, asked for natively on SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod comparison;
mod farm;
mod hostile;
mod index;
mod leaving;
mod starting;

use stage::{Answer, FARMER, Stage, reading};

const FARM: &str = "/dashboard/farm";
const NODE: &str = "/dashboard/farm/nodes/node32";

/// What the farmer is shown at a path.
fn ask(stage: &Stage, path: &str) -> Answer {
    stage.as_user(FARMER).get(farming::ROUTES, path)
}

/// What comes of a form that the farmer sends.
fn send(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> Answer {
    stage.as_user(FARMER).form(farming::ROUTES, path, fields)
}

/// What the farmer reads on the page of node 32.
fn read_node(stage: &Stage) -> String {
    reading(&ask(stage, NODE).html(200))
}

/// What stands between two texts.
#[track_caller]
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap();
    rest.split_once(end).unwrap().0
}

#[test]
fn every_page_is_well_formed() {
    let stage = Stage::three_slices();
    stage.rent();
    let names = [("node", "node32")];
    stage.as_user(FARMER).get_every_page(&farming::ROUTES[..1], &names);
}
