//! Pictures of pages, for people to look at: light, dark, and as wide as a phone.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::chromium::Tab;

/// The widths of a phone and of a desk, in CSS pixels.
const PHONE: u32 = 320;
const DESK: u32 = 1_280;

/// How much of a page is in its picture.
#[derive(Clone, Copy)]
enum Part {
    Whole,
    /// What is seen without scrolling: a dialog lies over that.
    Seen,
}

impl Tab {
    /// Takes the page's pictures, and checks what can be checked of its look: it is never wider
    /// than the screen, and whatever can be used has a name.
    pub async fn take_pictures(&self, name: &str) {
        self.pictures(name, Part::Whole).await;
    }

    /// The same for a page with an open dialog.
    pub async fn take_pictures_of_dialog(&self, name: &str) {
        self.pictures(name, Part::Seen).await;
    }

    async fn pictures(&self, name: &str, part: Part) {
        self.check_names().await;
        for (suffix, scheme, width) in
            [("dark", "dark", DESK), ("phone", "light", PHONE), ("light", "light", DESK)]
        {
            self.emulate(scheme, width).await;
            // Not than the window: a phone shows a page that is too wide in a wider one.
            let found = self.script("return document.documentElement.scrollWidth").await;
            let found = found.as_u64().unwrap();
            assert!(found <= width.into(), "{name}: {found} pixels wide on a screen of {width}");
            let file = folder().join(format!("{name}-{suffix}.png"));
            std::fs::write(file, self.picture(part).await).unwrap();
        }
        self.check_console().await;
    }

    async fn emulate(&self, scheme: &str, width: u32) {
        // Without motion, a picture never shows a color on its way to another.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let screen = json!({
            "width": width,
            "height": 844,
            "deviceScaleFactor": 1,
            "mobile": width == PHONE,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", screen).await;
    }

    async fn picture(&self, part: Part) -> Vec<u8> {
        let mut params = json!({ "format": "png" });
        if let Part::Whole = part {
            let size = "const page = document.documentElement;
                        return { x: 0, y: 0, width: page.clientWidth,
                                 height: page.scrollHeight, scale: 1 }";
            params["clip"] = self.script(size).await;
            params["captureBeyondViewport"] = Value::Bool(true);
        }
        let picture = self.devtools("Page.captureScreenshot", params).await;
        BASE64_STANDARD.decode(picture["data"].as_str().unwrap()).unwrap()
    }
}

/// Where pictures are kept: `target/screenshots`.
fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
