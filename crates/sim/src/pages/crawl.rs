//! Which kinds of pages there are: found by following the links of pages, as a person would.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::browser::{Browser, attribute, inputs};

/// Of each kind of page, so many are looked at.
const OF_EACH_MAX: usize = 3;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Paths, by kind.
    pub(super) kinds: BTreeMap<String, Vec<String>>,
    /// Pages that search, by kind.
    pub(super) searches: BTreeMap<String, Search>,
}

impl Found {
    /// A page that no link leads to.
    pub(super) fn add(&mut self, path: &str) {
        let paths = self.kinds.entry(kind(path)).or_default();
        if !paths.iter().any(|known| known == path) {
            paths.push(path.to_owned());
        }
    }
}

/// A page with a field to search in.
pub(super) struct Search {
    page: String,
    field: String,
}

impl Search {
    /// The page that answers this.
    pub(super) fn path(&self, text: &str) -> String {
        let escaped: String = text
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
        let with = if self.page.contains('?') { '&' } else { '?' };
        format!("{}{with}{}={escaped}", self.page, self.field)
    }
}

/// Follows links from `start` on within the portal.
pub(super) async fn follow(browser: &mut Browser, start: &str) -> anyhow::Result<Found> {
    let mut found = Found::default();
    let mut seen = BTreeSet::from([start.to_owned()]);
    let mut ahead = VecDeque::from([start.to_owned()]);
    while let Some(path) = ahead.pop_front() {
        let kind = kind(&path);
        let of_kind = found.kinds.entry(kind.clone()).or_default();
        if of_kind.len() == OF_EACH_MAX {
            continue;
        }
        let (status, page) = browser.get(&path).await?;
        if status >= 300 {
            continue;
        }
        of_kind.push(path.clone());
        if let Some(field) = search_field(&page) {
            let page = path.split('?').next().unwrap_or_default().to_owned();
            found.searches.entry(self::kind(&page)).or_insert(Search { page, field });
        }
        for link in links(&page, &path) {
            if seen.insert(link.clone()) {
                ahead.push_back(link);
            }
        }
    }
    found.kinds.retain(|_, paths| !paths.is_empty());
    Ok(found)
}

/// The portal's own pages that a page links to.
fn links(page: &str, path: &str) -> Vec<String> {
    let own = path.split('?').next().unwrap_or_default();
    page.split(" href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|link| link.split('#').next().unwrap_or_default().replace("&amp;", "&"))
        .map(|link| if link.starts_with('?') { format!("{own}{link}") } else { link })
        .filter(|link| link.starts_with("/portal"))
        .collect()
}

/// The name of the field to search in.
fn search_field(page: &str) -> Option<String> {
    let field = inputs(page).find(|input| attribute(input, "type") == Some("search"))?;
    attribute(field, "name").map(str::to_owned)
}

/// What kind of page a path names: ids, numbers and names of licences left out, and of the query all but the names.
fn kind(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts = path.split('/').map(|part| {
        let is_name =
            part.len() > 24 || part.chars().any(|c| c.is_ascii_digit() || c.is_uppercase() || c == '.');
        if is_name { "…" } else { part }
    });
    let parts: Vec<_> = parts.collect();
    let mut names: Vec<_> = query
        .split('&')
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            // What sorts or cuts is another kind of page with each word; what names something is not.
            let is_word =
                !value.is_empty() && value.chars().all(|c| c.is_ascii_lowercase() || "_-".contains(c));
            Some(if is_word { format!("{name}={value}") } else { name.to_owned() })
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() { parts.join("/") } else { format!("{}?{}", parts.join("/"), names.join("&")) }
}
