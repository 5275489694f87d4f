//! The imports that components may have: WASI 0.2 and 0.3, SQLite and variables.

use anyhow::Result;
use wasmtime::Engine;
use wasmtime::component::{HasSelf, Linker};

use crate::bindings::imports::fermyon::spin::variables;
use crate::bindings::imports::spin::sqlite::sqlite;
use crate::state::State;

/// A linker with everything in it.
pub(crate) fn new(engine: &Engine) -> Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi::p3::add_to_linker(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
    sqlite::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    variables::add_to_linker::<State, HasSelf<State>>(&mut linker, |state| state)?;
    Ok(linker)
}
