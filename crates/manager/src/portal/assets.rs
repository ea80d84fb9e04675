//! The style sheet, the script, the icon and the font: in the binary, under names that hold their hash, so
//! that a browser keeps them for good and never shows an old one.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use seatpool_proto::Sha256;

/// One file.
struct Asset {
    name: String,
    kind: &'static str,
    body: Vec<u8>,
}

/// Paths of the files that pages name.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) style: String,
    pub(crate) script: String,
    pub(crate) icon: String,
}

/// The style sheet's parts, served as one file.
const STYLE: [&str; 9] = [
    include_str!("../../static/css/1-roles.css"),
    include_str!("../../static/css/2-elements.css"),
    include_str!("../../static/css/3-frame.css"),
    include_str!("../../static/css/4-parts.css"),
    include_str!("../../static/css/5-tables.css"),
    include_str!("../../static/css/6-forms.css"),
    include_str!("../../static/css/7-chart.css"),
    include_str!("../../static/css/8-media.css"),
    include_str!("../../static/css/9-reservation.css"),
];

static FILES: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let font = asset("inter", "woff2", "font/woff2", include_bytes!("../../static/inter.woff2"));
    let style = STYLE.concat().replace("inter.woff2", &font.name);
    vec![
        asset("seatpool", "css", "text/css; charset=utf-8", style.as_bytes()),
        asset("seatpool", "js", "text/javascript; charset=utf-8", include_bytes!("../../static/seatpool.js")),
        asset("icon", "svg", "image/svg+xml", include_bytes!("../../static/icon.svg")),
        font,
    ]
});

static PATHS: LazyLock<Assets> = LazyLock::new(|| {
    let path = |kind: &str| {
        let file = FILES.iter().find(|file| file.kind.starts_with(kind));
        file.map(|file| format!("/static/{}", file.name)).unwrap_or_default()
    };
    Assets { style: path("text/css"), script: path("text/javascript"), icon: path("image/") }
});

fn asset(stem: &str, extension: &str, kind: &'static str, body: &[u8]) -> Asset {
    let hash = Sha256::of(body).to_string();
    Asset { name: format!("{stem}.{}.{extension}", &hash[..16]), kind, body: body.to_vec() }
}

/// Paths of the files that pages name.
pub(crate) fn paths() -> &'static Assets {
    &PATHS
}

/// `GET /static/{name}`.
pub(crate) async fn get(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|file| file.name == name) {
        Some(file) => (
            [
                (CONTENT_TYPE, HeaderValue::from_static(file.kind)),
                (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            ],
            file.body.as_slice(),
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_names_the_font_by_its_hashed_name() {
        let style = FILES.iter().find(|file| file.kind.starts_with("text/css")).unwrap();
        let font = FILES.iter().find(|file| file.kind.starts_with("font/")).unwrap();
        assert!(String::from_utf8_lossy(&style.body).contains(&format!("url(\"{}\")", font.name)));
        assert!(paths().style.contains(&style.name));
    }
}
