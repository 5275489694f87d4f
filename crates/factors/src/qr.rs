//! QR codes as paths of an SVG, which a page can hold without any image.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// Modules of light around the code: what readers need (ISO/IEC 18004, 9.1).
const QUIET_ZONE: i32 = 4;

/// A QR code, in units of its modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrPath {
    /// Width and height, with the quiet zone.
    pub size: i32,
    /// The dark modules, as the `d` of a path: one stroke of height 1 for each run of them.
    pub path: String,
}

/// The QR code of a text; `None` if it is longer than one can hold.
pub fn path(text: &str) -> Option<QrPath> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let length = (x..code.size()).take_while(|x| code.get_module(*x, y)).count();
            let length = i32::try_from(length).ok()?;
            if length > 0 {
                let (from, row) = (x + QUIET_ZONE, y + QUIET_ZONE);
                write!(path, "M{from} {row}.5h{length}").ok()?;
            }
            x += length + 1;
        }
    }
    Some(QrPath { size: code.size() + 2 * QUIET_ZONE, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once() {
        let text = "otpauth://totp/Mycelium:ada%40example.org?secret=GEZDGNBVGY3TQOJQ";
        let drawn = path(text).unwrap();
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        assert_eq!(drawn.size, code.size() + 8);
        let mut dark = vec![];
        for stroke in drawn.path.split('M').skip(1) {
            let (x, rest) = stroke.split_once(' ').unwrap();
            let (y, length) = rest.split_once(".5h").unwrap();
            let [x, y, length]: [i32; 3] = [x, y, length].map(|number| number.parse().unwrap());
            dark.extend((x..x + length).map(|x| (x - 4, y - 4)));
        }
        let all = (0..code.size()).flat_map(|y| (0..code.size()).map(move |x| (x, y)));
        let expected: Vec<_> = all.filter(|(x, y)| code.get_module(*x, *y)).collect();
        assert_eq!(dark, expected);
        assert_eq!(path(&"x".repeat(5_000)), None);
    }
}
