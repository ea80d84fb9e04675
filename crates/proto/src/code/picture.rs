//! Codes as QR pictures: what is too long for one becomes numbered parts, which are put together again in any
//! order.
//!
//! A part is written `2/3:1a2b3c4d:…`: its number, how many there are, the first eight digits of the whole
//! text's SHA-256 (so that parts of two codes don't mix), and its share. One part alone is the text as it is.

use std::collections::BTreeMap;

use qrcode::render::unicode;
use qrcode::{EcLevel, QrCode};

use crate::digest::Sha256;

/// Bytes of a part for a picture on a screen or on paper: about seven entitlements.
pub const SCREEN_BYTES_MAX: usize = 2300;
/// Bytes of a part for a terminal of 80 columns: 17 × 4 + 10 modules and a margin.
pub const TERMINAL_BYTES_MAX: usize = 220;
/// Modules of white around a picture.
const MARGIN: usize = 4;
/// The most parts of one code.
const PARTS_MAX: usize = 999;
/// The longest head of a part.
const HEAD: usize = "999/999:12345678:".len();

/// Why there is no picture, or no text from parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureFailed {
    /// More than a picture holds.
    #[error("{0} bytes don't fit into one picture")]
    TooLong(usize),
    /// A text that is no part.
    #[error("this is no part of a code: {0:?}")]
    NotAPart(String),
    /// Parts of different codes.
    #[error("parts of different codes are mixed: start again with the first picture of one code")]
    Mixed,
    /// Some are missing.
    #[error("parts {0} are missing: scan these pictures as well")]
    Missing(String),
    /// Their text is not the one that was cut.
    #[error("the parts don't make up the code that was cut: scan all pictures again")]
    Damaged,
}

/// `text` (ASCII) in parts of at most `bytes_max` bytes each, heads included.
pub fn parts_of(text: &str, bytes_max: usize) -> Vec<String> {
    if text.len() <= bytes_max {
        return vec![text.to_owned()];
    }
    let share = bytes_max.saturating_sub(HEAD).max(1).max(text.len().div_ceil(PARTS_MAX));
    let digest = Sha256::of(text).to_string();
    let mut shares = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let at = if rest.len() <= share { rest.len() } else { cut_within(rest, share) };
        let (first, after) = rest.split_at(at);
        shares.push(first);
        rest = after;
    }
    let count = shares.len();
    let head = &digest[..8];
    shares.iter().zip(1..).map(|(share, number)| format!("{number}/{count}:{head}:{share}")).collect()
}

/// Where to cut a share of at most `most` bytes off: not behind a space, which a scanner or an editor may drop.
fn cut_within(text: &str, most: usize) -> usize {
    let most = text.floor_char_boundary(most).max(1);
    match text[..most].trim_end().len() {
        0 => most,
        visible => visible,
    }
}

/// The text of which `parts` are all parts, in any order, some perhaps more than once.
pub fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> Result<String, PictureFailed> {
    let mut shares: BTreeMap<usize, &str> = BTreeMap::new();
    let mut whole: Option<(usize, &str)> = None;
    for part in parts {
        let part = part.trim_matches(['\r', '\n', ' ']);
        let not_a_part = || PictureFailed::NotAPart(part.chars().take(24).collect());
        let Some((number, count, digest, share)) = read_part(part) else {
            return if whole.is_none() && shares.is_empty() && part.starts_with(['<', 'S']) {
                Ok(part.to_owned())
            } else {
                Err(not_a_part())
            };
        };
        if whole.is_some_and(|whole| whole != (count, digest)) {
            return Err(PictureFailed::Mixed);
        }
        whole = Some((count, digest));
        if shares.insert(number, share).is_some_and(|before| before != share) {
            return Err(PictureFailed::Mixed);
        }
    }
    let (count, digest) = whole.ok_or_else(|| PictureFailed::NotAPart(String::new()))?;
    let missing: Vec<String> =
        (1..=count).filter(|number| !shares.contains_key(number)).map(|number| number.to_string()).collect();
    if !missing.is_empty() {
        return Err(PictureFailed::Missing(missing.join(", ")));
    }
    let text: String = shares.into_values().collect();
    if Sha256::of(&text).to_string().starts_with(digest) { Ok(text) } else { Err(PictureFailed::Damaged) }
}

/// The code without white space of its own (a request code, say) that `text` holds in numbered parts, however their
/// lines were broken; nothing if `text` does not begin with a part.
pub fn joined_solid(text: &str) -> Option<Result<String, PictureFailed>> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split_whitespace() {
        match parts.last_mut() {
            _ if is_part(piece) => parts.push(piece.to_owned()),
            Some(part) => part.push_str(piece),
            None => return None,
        }
    }
    (!parts.is_empty()).then(|| joined(parts.iter().map(String::as_str)))
}

/// Whether a text is a numbered part.
pub fn is_part(text: &str) -> bool {
    read_part(text.trim()).is_some()
}

fn read_part(part: &str) -> Option<(usize, usize, &str, &str)> {
    let mut fields = part.splitn(3, ':');
    let (number, count) = fields.next()?.split_once('/')?;
    let plain = |text: &str| {
        let plain = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| text.parse::<usize>().ok()).flatten()
    };
    let (number, count) = (plain(number)?, plain(count)?);
    let digest = fields.next().filter(|digest| digest.len() == 8 && digest.is_ascii())?;
    let share = fields.next()?;
    (1..=count).contains(&number).then_some((number, count, digest, share))
}

fn picture(text: &str) -> Result<QrCode, PictureFailed> {
    QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| PictureFailed::TooLong(text.len()))
}

/// A picture for a page: SVG with its margin, black on white, at least `pixels_min` wide. Each row of modules is one
/// stroke with gaps, which makes it a quarter as long as squares would.
pub fn svg(text: &str, pixels_min: u32) -> Result<String, PictureFailed> {
    use core::fmt::Write as _;
    let code = picture(text)?;
    let (modules, count) = (code.to_colors(), code.width());
    let side = count + 2 * MARGIN;
    let pixels = side * (pixels_min as usize).div_ceil(side).max(1);
    let mut path = String::new();
    for (row, y) in modules.chunks(count).zip(MARGIN..) {
        let mut at = None;
        for (run, x) in row.chunk_by(|a, b| a == b).scan(MARGIN, |x, run| {
            let start = *x;
            *x += run.len();
            Some((run, start))
        }) {
            if run.first() != Some(&qrcode::Color::Dark) {
                continue;
            }
            // Writing to a string can't fail.
            let _ = match at {
                None => write!(path, "M{x} {y}.5h{}", run.len()),
                Some(before) => write!(path, "m{} 0h{}", x - before, run.len()),
            };
            at = Some(x + run.len());
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path stroke=\"#000\" \
         d=\"{path}\"/></svg>"
    ))
}

/// A picture for a terminal: two modules in each character, bright on dark, with its margin.
pub fn blocks(text: &str) -> Result<String, PictureFailed> {
    let code = picture(text)?;
    let mut image = code.render::<unicode::Dense1x2>();
    Ok(image.dark_color(unicode::Dense1x2::Light).light_color(unicode::Dense1x2::Dark).build())
}
