//! Makes the client from the document that `API_DOCUMENT` names.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

use progenitor_impl::{GenerationSettings, Generator, InterfaceStyle};

fn main() -> Result<(), Box<dyn Error>> {
    let document = env::var("API_DOCUMENT")?;
    println!("cargo::rerun-if-env-changed=API_DOCUMENT");
    println!("cargo::rerun-if-changed={document}");
    let document = serde_json::from_slice(&fs::read(document)?)?;
    let mut settings = GenerationSettings::default();
    settings.with_interface(InterfaceStyle::Builder);
    let tokens = Generator::new(&settings).generate_tokens(&document)?;
    let source = prettyplease::unparse(&syn::parse2(tokens)?);
    fs::write(Path::new(&env::var("OUT_DIR")?).join("client.rs"), source)?;
    Ok(())
}
