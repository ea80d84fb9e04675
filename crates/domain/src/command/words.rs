//! Texts from people: their rules; and lists in sentences for people.

use super::Refused;

/// Longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 100;
/// Longest description, in characters.
const DESCRIPTION_CHARS_MAX: usize = 500;
/// Longest sign-in name, in characters.
const LOGIN_CHARS_MAX: usize = 128;

/// A name: 1 to [`NAME_CHARS_MAX`] characters after trimming, none of them a control character.
pub(crate) fn name(field: &'static str, text: &str) -> Result<String, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid(field, format!("is empty: give it 1 to {NAME_CHARS_MAX} characters")));
    }
    bounded(field, text, NAME_CHARS_MAX)?;
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        return Err(invalid(field, format!("holds the control character {c:?}: leave it out")));
    }
    match invisible(text) {
        Some(c) => Err(invalid(field, format!("holds the character {c:?}, which nobody sees: leave it out"))),
        None => Ok(text.to_owned()),
    }
}

/// The first character that is not seen or that turns the order of others round, so that two names would look alike
/// (Unicode Technical Standard 39, section 3.1). The joiners belong to words of some scripts.
fn invisible(text: &str) -> Option<char> {
    let mut before = ' ';
    text.chars().find(|&c| {
        let joins = matches!(c, '\u{200c}' | '\u{200d}') && !before.is_ascii();
        before = c;
        !joins
            && matches!(c,
                '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
    })
}

/// A name that may be absent; an empty one is.
pub(crate) fn name_if_any(field: &'static str, text: Option<&str>) -> Result<Option<String>, Refused> {
    text.filter(|text| !text.trim().is_empty()).map(|text| name(field, text)).transpose()
}

/// A sign-in name, in small letters.
pub(crate) fn login(text: &str) -> Result<String, Refused> {
    let login = text.trim().to_lowercase();
    if login.is_empty() || login.len() > LOGIN_CHARS_MAX || !login.chars().all(|c| c.is_ascii_graphic()) {
        let problem = format!("has 1 to {LOGIN_CHARS_MAX} visible ASCII characters without spaces");
        return Err(invalid("login", problem));
    }
    Ok(login)
}

/// A description: at most [`DESCRIPTION_CHARS_MAX`] characters, which may be several lines.
pub(crate) fn description(text: &str) -> Result<String, Refused> {
    lines("description", text)
}

/// A text of several lines, with the limits of a description.
pub(crate) fn lines(field: &'static str, text: &str) -> Result<String, Refused> {
    let text = text.trim();
    bounded(field, text, DESCRIPTION_CHARS_MAX)?;
    match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        Some(c) => Err(invalid(field, format!("holds the control character {c:?}: leave it out"))),
        None => Ok(text.to_owned()),
    }
}

fn bounded(field: &'static str, text: &str, most: usize) -> Result<(), Refused> {
    let count = text.chars().count();
    if count > most {
        return Err(invalid(field, format!("has {count} characters: {most} are allowed")));
    }
    Ok(())
}

/// A value that a person is to correct.
pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Refused {
    Refused::Invalid { field, problem: problem.into() }
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_people_write_them() {
        let list_of = |items: &[&str]| list(&items.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(list_of(&[]), "");
        assert_eq!(list_of(&["a"]), "a");
        assert_eq!(list_of(&["a", "b"]), "a and b");
        assert_eq!(list_of(&["a", "b", "c"]), "a, b and c");
    }

    #[test]
    fn names_are_trimmed_bounded_and_visible() {
        let hundred = "ä".repeat(100);
        let cases = [
            ("  Berlin ", Ok("Berlin")),
            (hundred.as_str(), Ok(hundred.as_str())),
            ("", Err("name is empty: give it 1 to 100 characters")),
            (" \t ", Err("name is empty: give it 1 to 100 characters")),
            ("a\u{0}b", Err("name holds the control character '\\0': leave it out")),
            ("a\nb", Err("name holds the control character '\\n': leave it out")),
        ];
        for (text, expected) in cases {
            let found = name("name", text).map_err(|refused| refused.to_string());
            assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{text:?}");
        }
        assert!(name("name", &"a".repeat(101)).is_err());
        assert_eq!(description(&"d".repeat(500)), Ok("d".repeat(500)));
        assert!(description(&"d".repeat(501)).is_err());
        assert_eq!(description("two\nlines"), Ok("two\nlines".into()));
        assert!(description("bell\u{7}").is_err());
    }
}
