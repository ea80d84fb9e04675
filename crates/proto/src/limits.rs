//! Limits on every length and count of the protocol. A message beyond one of them is refused whole.

/// Largest request or response body, in bytes, envelope included.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Longest tag or family name, in bytes.
pub const TAG_BYTES_MAX: usize = 128;
/// Most different tags in one report, those of its families included.
pub const REPORT_TAGS_MAX: usize = 64;
/// Most families in one report.
pub const REPORT_FAMILIES_MAX: usize = 16;
/// Most tiers in one family.
pub const FAMILY_TIERS_MAX: usize = 16;
/// Most tags in one answer: those of the report, and the lower tiers to which their usage carries over.
pub const ANSWER_TAGS_MAX: usize = 256;
/// Most tags of one answer that carry an explanation: those that are not plainly in compliance, the first of them.
pub const EXPLAINED_TAGS_MAX: usize = 8;
/// Most lines in each list of an explanation.
pub const EXPLANATION_LINES_MAX: usize = 4;
/// Longest line of an explanation, in bytes.
pub const EXPLANATION_LINE_BYTES_MAX: usize = 320;
/// Largest quantity of one tag, in licences: sums of a million such figures stay far below 2^63,
/// and every figure is exact as a JSON number.
pub const QUANTITY_MAX: u64 = 1_000_000_000;
/// Longest name of an export-restricted feature, in bytes.
pub const EXPORT_FEATURE_BYTES_MAX: usize = 64;
/// Most export-restricted features that one answer names, of those that are authorized and of those that are not.
pub const EXPORTS_MAX: usize = 64;
/// Longest name of an export authorization, in bytes.
pub const EXPORT_KEY_BYTES_MAX: usize = 64;
/// Longest field of a UDI, in bytes.
pub const UDI_FIELD_BYTES_MAX: usize = 128;
/// Longest host name that an agent sends, in bytes (RFC 1035, section 2.3.4: 255 octets).
pub const HOST_NAME_BYTES_MAX: usize = 255;
/// Longest product name, type or version, in bytes.
pub const PRODUCT_FIELD_BYTES_MAX: usize = 128;
/// Longest registration token, in characters (`cli.md`: `^[a-zA-Z\d+/%=-]{1,256}$`).
pub const TOKEN_CHARS_MAX: usize = 256;
/// Longest text for people in an answer (`message`, `action`), in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Largest DER certificate, in bytes.
pub const CERTIFICATE_BYTES_MAX: usize = 4096;
/// Most certificates in a chain (leaf first, root left out).
pub const CHAIN_CERTIFICATES_MAX: usize = 4;
/// Largest DER signature, in bytes (an ECDSA P-256 signature has at most 72).
pub const SIGNATURE_BYTES_MAX: usize = 512;
/// Largest DER SubjectPublicKeyInfo, in bytes (P-256 has 91).
pub const PUBLIC_KEY_BYTES_MAX: usize = 2048;
/// Most ids in `unanswered`: an agent that holds more sends the newest.
pub const UNANSWERED_MAX: usize = 32;
/// Largest sequence number: 2^53 - 1, so that it is exact as a JSON number everywhere.
pub const SEQUENCE_MAX: u64 = (1 << 53) - 1;
/// How far a request's claimed time may be off before it is refused, in seconds
/// (behaviour.md, "Clocks": more than a day off).
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 24 * 60 * 60;

/// `text`, cut at a character to at most [`TEXT_BYTES_MAX`] bytes: what a sender wrote may be quoted
/// to it, and a quotation must not make an answer too large to be read.
pub(crate) fn shorten(text: String) -> String {
    cut(text, TEXT_BYTES_MAX)
}

/// `text`, cut at a character to at most `bytes_max` bytes.
pub(crate) fn cut(mut text: String, bytes_max: usize) -> String {
    const CUT: &str = "…";
    if text.len() > bytes_max {
        text.truncate(text.floor_char_boundary(bytes_max - CUT.len()));
        text.push_str(CUT);
    }
    text
}
