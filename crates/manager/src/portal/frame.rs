//! What surrounds every page: who is signed in, where they are, how it looks.

use askama::Template;
use askama::filters::HtmlSafe;

use super::alerts_bar::AlertsBar;
use super::assets::Assets;
use super::part::{Chip, Count, Icon, Tone};
use super::problem::Problem;
use super::section::{Section, SectionLink};

/// Light, dark, or as the reader's system says; kept in a cookie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Appearance {
    #[default]
    System,
    Light,
    Dark,
}

impl Appearance {
    /// The word in the cookie, the form, and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The appearance of this word; of any other, the system's.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// What the switch changes it to.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::System => Self::Light,
            Self::Light => Self::Dark,
            Self::Dark => Self::System,
        }
    }

    /// `data-theme` of the document; none leaves it to the system.
    pub(crate) fn attribute(self) -> Option<&'static str> {
        (self != Self::System).then(|| self.word())
    }

    /// What the switch shows.
    pub(crate) fn icon(self) -> Icon {
        match self {
            Self::System => Icon::Auto,
            Self::Light => Icon::Sun,
            Self::Dark => Icon::Moon,
        }
    }
}

/// What surrounds a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) assets: &'static Assets,
    pub(crate) version: &'static str,
    pub(crate) appearance: Appearance,
    /// Goes into every form.
    pub(crate) csrf: String,
    /// Goes into every form, too: what is sent twice with it is done once.
    pub(crate) form_id: String,
    /// What the page belongs to.
    pub(crate) section: Section,
    /// The primary navigation; empty for whoever is not signed in.
    pub(crate) sections: Vec<SectionLink>,
    /// The zone that times are shown in.
    pub(crate) zone: String,
    /// Path and query of this page, for forms that come back to it.
    pub(crate) here: String,
    /// Whether the script keeps the page up to date.
    pub(crate) live: bool,
    /// Sign-in name of who is signed in.
    pub(crate) login: Option<String>,
    pub(crate) account: Option<AccountLink>,
    pub(crate) place: Option<Place>,
    /// What just came of a form.
    pub(crate) notice: Option<Banner>,
}

/// The smart account that they look at.
#[derive(Clone, Debug)]
pub(crate) struct AccountLink {
    pub(crate) name: String,
    pub(crate) href: String,
}

/// The virtual account that they look at, and the others.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) name: String,
    /// The default one, this one, and the first few others.
    pub(crate) others: Vec<OtherPlace>,
    pub(crate) total: Count,
}

/// One line of the chooser of virtual accounts.
#[derive(Clone, Debug)]
pub(crate) struct OtherPlace {
    pub(crate) name: String,
    pub(crate) href: String,
    pub(crate) is_default: bool,
    pub(crate) current: bool,
}

/// The head of a virtual account's pages.
pub(crate) struct Va {
    /// Path of its pages, without a slash at its end.
    pub(crate) base: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) is_default: bool,
    pub(crate) status: Chip,
    pub(crate) alerts: Option<AlertsBar>,
    pub(crate) tabs: Vec<TabLink>,
}

/// The tabs of a virtual account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    General,
    Licenses,
    Instances,
    Events,
}

impl Tab {
    /// In their order.
    pub(crate) const ALL: [Self; 4] = [Self::General, Self::Licenses, Self::Instances, Self::Events];

    /// As administrators know it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Licenses => "Licenses",
            Self::Instances => "Product Instances",
            Self::Events => "Event Log",
        }
    }

    /// Last segment of its path.
    pub(crate) fn segment(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Licenses => "licenses",
            Self::Instances => "instances",
            Self::Events => "events",
        }
    }
}

/// One tab as a link.
#[derive(Clone, Debug)]
pub(crate) struct TabLink {
    pub(crate) name: &'static str,
    pub(crate) href: String,
    pub(crate) current: bool,
    pub(crate) count: Option<Count>,
}

/// A message across the page: what it is about, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/banner.html")]
pub(crate) struct Banner {
    pub(crate) tone: Tone,
    pub(crate) title: String,
    pub(crate) text: String,
}
impl HtmlSafe for Banner {}

impl Banner {
    pub(crate) fn new(tone: Tone, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone, title: title.into(), text: text.into() }
    }
}

/// Which part of a list is shown, and where the parts before and after it are.
#[derive(Clone, Debug, PartialEq, Eq, Template)]
#[template(path = "parts/pager.html")]
pub(crate) struct Pager {
    pub(crate) first: Count,
    pub(crate) last: Count,
    pub(crate) total: Count,
    pub(crate) newer: Option<String>,
    pub(crate) older: Option<String>,
}
impl HtmlSafe for Pager {}

/// Rows on one page of a list: with the longest rows that there are, a page has less than 100 KB.
pub(crate) const PAGE_ROWS: u32 = 40;

/// The part of a list that its page `page` (from 1) shows.
pub(crate) fn part_of_list(page: u64) -> seatpool_store::Page {
    seatpool_store::Page { limit: PAGE_ROWS, offset: (page - 1).saturating_mul(u64::from(PAGE_ROWS)) }
}

impl Pager {
    /// The pager of a list of `total` rows at page `page` (from 1); `href` makes the path of another page. A page behind
    /// the last leads to the last: it may have been emptied a moment ago.
    pub(crate) fn new(page: u64, total: u64, href: impl Fn(u64) -> String) -> Result<Self, Problem> {
        let rows = u64::from(PAGE_ROWS);
        let before = (page - 1).saturating_mul(rows);
        let last = total.div_ceil(rows).max(1);
        if page > last {
            return Err(Problem::elsewhere(href(last)));
        }
        Ok(Self {
            first: Count((before + 1).min(total)),
            last: Count(before.saturating_add(rows).min(total)),
            total: Count(total),
            newer: (page > 1).then(|| href(page - 1)),
            older: (before.saturating_add(rows) < total).then(|| href(page + 1)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pager_says_what_is_shown_and_links_what_is_not() {
        let check = |page, total, shown: (u64, u64), newer: Option<&str>, older: Option<&str>| {
            let pager = Pager::new(page, total, |n| format!("?page={n}")).unwrap();
            assert_eq!((pager.first.0, pager.last.0), shown);
            assert_eq!((pager.newer.as_deref(), pager.older.as_deref()), (newer, older));
        };
        check(1, 0, (0, 0), None, None);
        check(1, 40, (1, 40), None, None);
        check(1, 41, (1, 40), None, Some("?page=2"));
        check(2, 41, (41, 41), Some("?page=1"), None);
        for (page, total, last) in [(3, 41, 2), (2, 40, 1), (2, 0, 1), (u64::MAX, 1, 1)] {
            let beyond = Pager::new(page, total, |n| format!("?page={n}")).unwrap_err();
            assert_eq!(beyond, Problem::elsewhere(format!("?page={last}")), "{page} of {total}");
        }
    }

    #[test]
    fn the_switch_goes_round() {
        let start = Appearance::default();
        assert_eq!(start.next().next().next(), start);
        for each in [Appearance::System, Appearance::Light, Appearance::Dark] {
            assert_eq!(Appearance::of(each.word()), each);
        }
    }
}
