//! What a terminal, a shell, an editor or a mail program does to a code on its way, undone.

/// Quotation marks that a code may come in.
const QUOTES: [char; 6] = ['"', '\'', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}'];

/// `text` without surrounding white space, byte order mark and quotation marks.
pub(super) fn bare(text: &str) -> &str {
    let outer = |c: char| c.is_whitespace() || c == '\u{feff}' || QUOTES.contains(&c);
    text.trim_matches(outer)
}

/// `text` with backslashes undone, if it was escaped for a shell or as a JSON text.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, character == '\\') {
            (_, true) => match characters.next() {
                Some('n' | 'r') => plain.push('\n'),
                Some('t') => plain.push(' '),
                // A line that goes on in the next.
                Some('\n') | None => {}
                Some(other) => plain.push(other),
            },
            (other, false) => plain.push(other),
        }
    }
    plain
}

/// Whether `text` looks as if it had been escaped.
pub(super) fn is_escaped(text: &str) -> bool {
    text.starts_with("\\\"")
        || text.starts_with("\\<")
        || text.contains("<\\/")
        || text.contains("\\n<")
        || text.contains("\\\n")
}
