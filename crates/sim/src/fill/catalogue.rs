//! A catalogue of many licences: families of one to five tiers.

use core::fmt::Write as _;

/// What tiers are called, from the top.
const TIERS: [&str; 5] = ["Ultimate", "Premium", "Enhanced", "Standard", "Basic"];
/// What families are called.
const PRODUCTS: [&str; 10] = [
    "Router",
    "Voice Gateway",
    "Contact Centre",
    "Recorder",
    "Firewall",
    "Switch",
    "Meeting Server",
    "Telephony",
    "Analytics",
    "Access Point",
];

/// The file's text, with `licenses` licences.
pub(super) fn text(licenses: u64) -> String {
    let mut text = String::new();
    let (mut left, mut family) = (licenses, 0_u64);
    while left > 0 {
        let tiers = (1 + family % 5).min(left);
        // Writing to a String can't fail.
        let _ = write!(text, "[[families]]\nfamily = \"{}\"\nlicenses = [\n", name(family));
        for (tier, word) in (0..tiers).zip(TIERS) {
            let product = product(family);
            let _ = writeln!(
                text,
                "  {{ tag = \"LARGE_{family:04}_{tier}\", name = \"{product} {family} {word}\", description = \
                 \"{word} functions of {product} {family}, for one seat\" }},"
            );
        }
        text.push_str("]\n\n");
        left -= tiers;
        family += 1;
    }
    text
}

/// The name of a family.
pub(super) fn name(family: u64) -> String {
    format!("large-{family:04}")
}

/// What a family is of.
pub(super) fn product(family: u64) -> &'static str {
    PRODUCTS[usize::try_from(family % 10).unwrap_or_default()]
}
