//! Embeds every file of `migrations/`, so that none can be forgotten, and the last release.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest_dir = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it");
    let migrations = Path::new(&manifest_dir).join("../../migrations");
    println!("cargo::rerun-if-changed={}", migrations.display());
    let mut code = String::new();
    for folder in ["tables", "guards", "commands"] {
        let mut files = fs::read_dir(migrations.join(folder))?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        let constant = folder.to_uppercase();
        writeln!(code, "const {constant}: &[File] = &[").expect("a string takes it");
        for file in files {
            let name = file.file_stem().and_then(|name| name.to_str()).expect("names are ASCII");
            let path = format!("{folder}/{name}.sql");
            writeln!(
                code,
                "    File {{ path: {path:?}, sql: include_str!({:?}) }},",
                file.display().to_string()
            )
            .expect("a string takes it");
        }
        code.push_str("];\n");
    }
    let releases = fs::read_to_string(migrations.join("releases"))?;
    let mut last = releases.lines().last().unwrap_or_default().split(' ');
    let (number, hash) = (last.next().unwrap_or_default(), last.next().unwrap_or_default());
    writeln!(code, "const RELEASE: Release = Release {{ number: {number}, hash: {hash:?} }};")
        .expect("a string takes it");
    let out_dir = env::var("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out_dir).join("migrations.rs"), code)
}
