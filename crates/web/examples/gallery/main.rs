//! Writes every page with sample data into a folder, to look at in a browser.
//!
//! `cargo run -p web --example gallery -- FOLDER`, then serve the folder beside a copy of
//! `static/`: the pages refer to `/static/...`.

mod books;
mod docs;
mod held;
mod machines;
mod measured;
mod offered;
mod offering;
mod paid;
mod sample;

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args_os().nth(1).ok_or("usage: gallery FOLDER")?);
    fs::create_dir_all(&folder)?;
    for (name, html) in sample::gallery() {
        fs::write(folder.join(name).with_extension("html"), html?)?;
    }
    Ok(())
}
