//! What lists have in common: heads that sort, options to choose from, the search box.

use askama::Template;
use askama::filters::HtmlSafe;

use super::part::Icon;
use crate::app::{App, catalogue};

/// One column's head; a link where the list can be sorted by it.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/head_cell.html")]
pub(crate) struct HeadCell {
    pub(crate) name: &'static str,
    pub(crate) href: Option<String>,
    /// `ascending` or `descending`, if the list is sorted by it now.
    pub(crate) sorted: Option<&'static str>,
    /// Whether it holds figures.
    pub(crate) number: bool,
}
impl HtmlSafe for HeadCell {}

impl HeadCell {
    /// A head that does not sort.
    pub(crate) fn plain(name: &'static str) -> Self {
        Self { name, href: None, sorted: None, number: false }
    }

    /// The same for a column of figures.
    pub(crate) fn number(mut self) -> Self {
        self.number = true;
        self
    }

    fn icon(&self) -> Option<Icon> {
        self.sorted.map(|way| if way == "descending" { Icon::Down } else { Icon::Up })
    }
}

/// How a list is sorted: by which word of its query, and which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sorting {
    pub(crate) by: &'static str,
    pub(crate) descending: bool,
}

impl Sorting {
    /// What a query says, if it names one of `words`; else the first of them. Each word comes with which way
    /// its list starts.
    pub(crate) fn of(words: &[(&'static str, bool)], sort: &str, order: &str) -> Self {
        let found = words.iter().find(|(word, _)| *word == sort).or_else(|| words.first());
        let (by, down_first) = found.copied().unwrap_or(("", false));
        let descending = match order {
            "down" => true,
            "up" => false,
            _ => down_first,
        };
        Self { by, descending }
    }

    /// The word for the way, as queries hold it.
    pub(crate) fn order(self) -> &'static str {
        if self.descending { "down" } else { "up" }
    }

    /// The head of the column that `word` sorts by; `href` makes the path for a sort word and a way.
    pub(crate) fn head(
        self,
        name: &'static str,
        word: &'static str,
        down_first: bool,
        href: impl Fn(&str, &str) -> String,
    ) -> HeadCell {
        let current = self.by == word;
        let down = if current { !self.descending } else { down_first };
        HeadCell {
            name,
            href: Some(href(word, if down { "down" } else { "up" })),
            sorted: current.then_some(if self.descending { "descending" } else { "ascending" }),
            number: false,
        }
    }
}

/// One thing that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ChoiceOption {
    pub(crate) value: String,
    pub(crate) text: String,
}

impl ChoiceOption {
    pub(crate) fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self { value: value.into(), text: text.into() }
    }
}

/// So many licences are offered as a choice at most; where there are more, their name or tag is typed.
const CHOICES_MAX: usize = 100;

/// The licences to choose from; none where there are too many.
pub(crate) fn license_options(app: &App) -> Vec<ChoiceOption> {
    let licenses = catalogue::licenses(app);
    if licenses.len() > CHOICES_MAX {
        return Vec::new();
    }
    licenses.into_iter().map(|license| ChoiceOption::new(license.tag.to_string(), license.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_turns_the_list_round_and_another_starts_its_own_way() {
        let words = [("name", false), ("contact", true)];
        let sorting = Sorting::of(&words, "", "");
        assert_eq!((sorting.by, sorting.order()), ("name", "up"));
        let href = |sort: &str, order: &str| format!("?sort={sort}&order={order}");
        let name = sorting.head("Name", "name", false, href);
        assert_eq!((name.href.as_deref(), name.sorted), (Some("?sort=name&order=down"), Some("ascending")));
        let contact = sorting.head("Last contact", "contact", true, href);
        assert_eq!((contact.href.as_deref(), contact.sorted), (Some("?sort=contact&order=down"), None));
        assert_eq!(Sorting::of(&words, "contact", "").order(), "down");
        assert_eq!(Sorting::of(&words, "elsewhere", "up").by, "name");
    }
}
