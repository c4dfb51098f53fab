//! Static files, compiled in, each under a name that changes with its content.
//!
//! The rule: such a name is kept for ever, so a file is only ever linked by [`path`].

use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::http::problem::{Answer, Problem};

/// A year, and never asked for again meanwhile.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Bytes of the hash that a name carries.
const HASH: usize = 6;

struct Asset {
    name: &'static str,
    path: String,
    kind: &'static str,
    bytes: &'static [u8],
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("rekey.css", "text/css; charset=utf-8", include_bytes!("../../../static/rekey.css")),
        asset("rekey.js", "text/javascript; charset=utf-8", include_bytes!("../../../static/rekey.js")),
        asset("desk.js", "text/javascript; charset=utf-8", include_bytes!("../../../static/desk.js")),
        asset("icon.svg", "image/svg+xml; charset=utf-8", include_bytes!("../../../static/icon.svg")),
    ]
});

fn asset(name: &'static str, kind: &'static str, bytes: &'static [u8]) -> Asset {
    use std::fmt::Write as _;
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let mut hash = String::with_capacity(2 * HASH);
    for byte in Sha256::digest(bytes).iter().take(HASH) {
        // A `String` takes everything.
        let _ = write!(hash, "{byte:02x}");
    }
    Asset { name, path: format!("/assets/{stem}.{hash}.{ending}"), kind, bytes }
}

/// Where a file is served; empty for one that does not exist.
#[must_use]
pub fn path(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.path)
}

/// Serves a file.
///
/// # Errors
/// 404.
pub async fn get(request: HttpRequest) -> Answer {
    let asset = ASSETS.iter().find(|asset| asset.path == request.path()).ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::Ok().body(asset.bytes);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::{ASSETS, path};

    #[test]
    fn a_file_is_found_by_its_name_and_none_that_does_not_exist() {
        assert!(path("rekey.css").starts_with("/assets/rekey."));
        assert_eq!(path("passwd"), "");
    }

    #[test]
    fn the_script_is_small_and_nothing_loads_from_elsewhere() {
        for asset in ASSETS.iter() {
            let text = std::str::from_utf8(asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(
                !text.contains("http:") && !text.contains("https:") && !text.contains("data:"),
                "{}",
                asset.name
            );
        }
        let script = ASSETS.iter().find(|asset| asset.name == "rekey.js").unwrap();
        assert!(script.bytes.len() <= 4096);
    }
}
