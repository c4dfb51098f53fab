//! The picture of a setup link.
//!
//! The rule: black on white with its quiet zone, whatever the page around it looks like: in the dark, cameras read
//! nothing else.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};
use secrecy::{ExposeSecret, SecretString};

/// An SVG element that a page may take in as it stands; none where the text is too long.
pub(super) fn svg(text: &SecretString) -> Option<SecretString> {
    let code = QrCode::with_error_correction_level(text.expose_secret(), EcLevel::M).ok()?;
    let document = code
        .render()
        .quiet_zone(true)
        .module_dimensions(4, 4)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    // A document may begin with a declaration, an element in a page may not.
    let element = document.split_once("?>").map_or(document.as_str(), |(_, element)| element);
    Some(SecretString::from(element))
}
