//! The WIT interfaces of `wit/`, as Rust.

/// `spin:sqlite` and `fermyon:spin/variables`, which guests import.
pub(crate) mod imports {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "mycelium:host/imports",
        imports: {
            "spin:sqlite/sqlite.[static]connection.open": async | trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async | trappable,
            default: trappable,
        },
        with: {
            "spin:sqlite/sqlite.connection": crate::sqlite::Session,
        },
    });
}

/// `fermyon:spin-cron`, which cron components export.
pub(crate) mod cron {
    wasmtime::component::bindgen!({
        path: "wit",
        world: "fermyon:spin-cron/spin-cron",
        exports: { default: async },
    });
}
