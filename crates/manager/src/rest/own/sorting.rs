//! The order of a list, as a caller says it: a word, with a `-` before it from the other end.

use crate::rest::problem::Problem;

/// What a list is sorted by, and whether from the other end: one of `words`, and the first of them if nothing is said.
pub(crate) fn sorted<T: Copy>(text: Option<&str>, words: &[(&str, T)]) -> Result<(T, bool), Problem> {
    let text = text.unwrap_or_else(|| words.first().map_or("", |(word, _)| word));
    let (key, descending) = text.strip_prefix('-').map_or((text, false), |key| (key, true));
    let found = words.iter().find(|(word, _)| *word == key);
    found.map(|(_, by)| (*by, descending)).ok_or_else(|| {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        Problem::unreadable(format!("sort is one of {}, not {key:?}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_is_the_order_unless_another_is_asked_for() {
        let words = [("name", 1), ("created", 2)];
        for (text, expected) in
            [(None, (1, false)), (Some("name"), (1, false)), (Some("-created"), (2, true))]
        {
            assert_eq!(sorted(text, &words).unwrap(), expected);
        }
        for wrong in ["", "-", "size", "--name"] {
            assert_eq!(sorted(Some(wrong), &words).unwrap_err().code, "unreadable", "{wrong}");
        }
    }
}
