//! Filling in a form of a page that is drawn already: what was typed before takes the place of what the page holds.
//!
//! It reads what our own templates write, and no more of HTML than that: tags with quoted or bare attributes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt::Write as _;

use askama::filters::{Escaper as _, Html};

/// Fields that are the page's own, or that say that a page after this one was seen.
const OWN: [&str; 6] = ["csrf", "form_id", "previewed", "reviewed", "sealed", "back"];

/// The page with the first form that is sent to `action` filled in, and `before` at its head; none if there is no such
/// form. A form says with `data-carries` how the names of fields begin that its later steps hold: those come along.
pub(super) fn fill(page: &str, action: &str, fields: &[(String, String)], before: &str) -> Option<String> {
    let mut filling = Filling::new(fields);
    let (mut filled, mut copied) = (String::with_capacity(page.len() + 1024), 0);
    let mut tags = Tags { page, at: 0 };
    let form = tags.find(|tag| tag.is_form_to(action))?;
    filled.push_str(&page[..form.end]);
    filled.push_str(before);
    copied = copied.max(form.end);
    for tag in tags {
        if tag.name == "/form" {
            filled.push_str(&page[copied..tag.start]);
            filling.carry(form.attribute("data-carries").unwrap_or_default(), &mut filled);
            filled.push_str(&page[tag.start..]);
            return Some(filled);
        }
        let Some(new) = filling.tag(&tag) else { continue };
        filled.push_str(&page[copied..tag.start]);
        filled.push_str(&new);
        copied = tag.end;
        if tag.name == "textarea" {
            copied += page[copied..].find("</textarea")?;
        }
    }
    None
}

/// What is left to fill in.
struct Filling<'f> {
    values: BTreeMap<&'f str, VecDeque<&'f str>>,
    all: &'f [(String, String)],
    /// Names that the form has.
    names: BTreeSet<String>,
    select: Option<String>,
}

impl<'f> Filling<'f> {
    fn new(all: &'f [(String, String)]) -> Self {
        let mut values: BTreeMap<&str, VecDeque<&str>> = BTreeMap::new();
        for (name, value) in all.iter().filter(|(name, _)| !OWN.contains(&name.as_str())) {
            values.entry(name).or_default().push_back(value);
        }
        Self { values, all, names: BTreeSet::new(), select: None }
    }

    fn has(&self, name: &str, value: &str) -> bool {
        self.all.iter().any(|(key, held)| key == name && held == value)
    }

    /// The tag with what was typed; none if it stays as it is.
    fn tag(&mut self, tag: &Tag<'_>) -> Option<String> {
        let name = tag.attribute("name").map(unescaped);
        if let Some(name) = &name {
            self.names.insert(name.clone());
        }
        match tag.name {
            "select" => self.select = name,
            "/select" => self.select = None,
            "option" => {
                let select = self.select.as_deref().filter(|name| self.values.contains_key(*name))?;
                let is_chosen = self.has(select, &unescaped(tag.attribute("value")?));
                return Some(tag.with("selected", is_chosen.then_some("")));
            }
            "textarea" => {
                let value = self.values.get_mut(name?.as_str())?.pop_front()?;
                return Some(format!("{}{}", tag.text, escaped(value)));
            }
            "input" => return self.input(tag, &name?),
            _ => {}
        }
        None
    }

    fn input(&mut self, tag: &Tag<'_>, name: &str) -> Option<String> {
        if OWN.contains(&name) {
            return None;
        }
        match tag.attribute("type").unwrap_or("text") {
            "password" | "file" | "submit" | "button" => None,
            "checkbox" | "radio" => {
                let is_ticked = self.has(name, &unescaped(tag.attribute("value").unwrap_or("on")));
                Some(tag.with("checked", is_ticked.then_some("")))
            }
            _ => {
                let value = self.values.get_mut(name)?.pop_front()?;
                Some(tag.with("value", Some(&escaped(value))))
            }
        }
    }

    /// Writes the fields of later steps.
    fn carry(&self, prefixes: &str, filled: &mut String) {
        for prefix in prefixes.split_whitespace() {
            let later =
                |(name, _): &&(String, String)| name.starts_with(prefix) && !self.names.contains(name);
            for (name, value) in self.all.iter().filter(later) {
                let (name, value) = (escaped(name), escaped(value));
                // Writing to a string can't fail.
                let _ = write!(filled, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
            }
        }
    }
}

/// One tag.
struct Tag<'p> {
    start: usize,
    end: usize,
    /// All of it.
    text: &'p str,
    /// With its slash, if it is an end.
    name: &'p str,
    attributes: Vec<(&'p str, &'p str)>,
}

impl<'p> Tag<'p> {
    fn attribute(&self, name: &str) -> Option<&'p str> {
        self.attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }

    fn is_form_to(&self, action: &str) -> bool {
        self.name == "form"
            && self.attribute("method") == Some("post")
            && self.attribute("action").is_some_and(|own| unescaped(own) == action)
    }

    /// The tag with an attribute set, or without it.
    fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut text = format!("<{}", self.name);
        let kept = self.attributes.iter().copied().filter(|(key, _)| *key != name);
        for (key, value) in kept.chain(value.map(|value| (name, value))) {
            text.push(' ');
            text.push_str(key);
            if !value.is_empty() {
                let _ = write!(text, "=\"{value}\"");
            }
        }
        text.push('>');
        text
    }
}

/// The tags of a page, in their order.
struct Tags<'p> {
    page: &'p str,
    at: usize,
}

impl<'p> Iterator for Tags<'p> {
    type Item = Tag<'p>;

    fn next(&mut self) -> Option<Tag<'p>> {
        let start = self.at + self.page[self.at..].find('<')?;
        let inside = &self.page[start + 1..];
        let mut quoted = false;
        let length = inside.find(|letter| {
            quoted ^= letter == '"';
            letter == '>' && !quoted
        })?;
        let (mut rest, end) = (&inside[..length], start + 1 + length + 1);
        self.at = end;
        let name = word(&mut rest);
        let mut attributes = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let key = word(&mut rest);
            let value = match rest.strip_prefix("=\"") {
                Some(after) => {
                    let (value, after) = after.split_once('"')?;
                    rest = after;
                    value
                }
                None => rest.strip_prefix('=').map_or("", |after| {
                    rest = after;
                    word(&mut rest)
                }),
            };
            if key.is_empty() && value.is_empty() {
                break;
            }
            attributes.push((key, value));
        }
        Some(Tag { start, end, text: &self.page[start..end], name, attributes })
    }
}

/// Takes what goes up to the next space or equals sign.
fn word<'p>(rest: &mut &'p str) -> &'p str {
    let end = rest.find(|letter: char| letter.is_whitespace() || letter == '=').unwrap_or(rest.len());
    let (word, after) = rest.split_at(end);
    *rest = after;
    word
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    // Writing to a string can't fail.
    let _ = Html.write_escaped_str(&mut escaped, text);
    escaped
}

/// The text that an attribute stands for.
fn unescaped(text: &str) -> String {
    let pairs =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&"), ("&amp;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (code, letter)| text.replace(code, letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<!doctype html><p>a < b</p><form method=\"post\" action=\"/other\"><input name=\"a\"></form>\
        <form class=\"form\" method=\"post\" action=\"/x?q=1&#38;r=2\" data-carries=\"lot-\">\
        <input type=\"hidden\" name=\"csrf\" value=\"fresh\"><input type=\"hidden\" name=\"seen\" value=\"new\">\
        <input id=\"a\" name=\"a\" type=\"text\" value=\"\" required autocomplete=off>\
        <input name=\"n\" value=\"1\"><input name=\"n\" value=\"2\">\
        <input type=\"password\" name=\"secret\"><input type=\"checkbox\" name=\"c\" value=\"yes\" checked>\
        <input type=\"radio\" name=\"r\" value=\"one\" checked><input type=\"radio\" name=\"r\" value=\"two\">\
        <select name=\"s\"><option value=\"\">Choose</option><option value=\"1\" selected>1</option><option value=\"2\">2</option></select>\
        <textarea name=\"t\">old</textarea><button name=\"step\" value=\"go\">Go</button></form><form></form>";

    fn filled(fields: &[(&str, &str)]) -> String {
        let fields: Vec<_> = fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        fill(PAGE, "/x?q=1&r=2", &fields, "<p>kept</p>").unwrap()
    }

    #[test]
    fn every_kind_of_field_takes_what_was_typed() {
        let page = filled(&[
            ("csrf", "old"),
            ("seen", "old"),
            ("a", "\"><script>"),
            ("n", "7"),
            ("n", "8"),
            ("secret", "hunter2"),
            ("r", "two"),
            ("s", "2"),
            ("t", "</textarea><b>"),
            ("lot-1", "5"),
            ("reviewed", "x"),
        ]);
        for part in [
            "data-carries=\"lot-\"><p>kept</p><input",
            "name=\"csrf\" value=\"fresh\"",
            "name=\"seen\" value=\"old\"",
            "name=\"a\" type=\"text\" required autocomplete=\"off\" value=\"&#34;&#62;&#60;script&#62;\">",
            "<input name=\"n\" value=\"7\"><input name=\"n\" value=\"8\">",
            "<input type=\"password\" name=\"secret\">",
            "name=\"c\" value=\"yes\">",
            "value=\"one\"><input type=\"radio\" name=\"r\" value=\"two\" checked>",
            "<option value=\"1\">1</option><option value=\"2\" selected>2</option>",
            "<textarea name=\"t\">&#60;/textarea&#62;&#60;b&#62;</textarea>",
            "<input type=\"hidden\" name=\"lot-1\" value=\"5\"></form><form></form>",
        ] {
            assert!(page.contains(part), "{part}\n{page}");
        }
        assert!(!page.contains("hunter2") && !page.contains("reviewed"));
        assert!(page.starts_with(
            "<!doctype html><p>a < b</p><form method=\"post\" action=\"/other\"><input name=\"a\"></form>"
        ));
    }

    #[test]
    fn what_was_not_sent_stays_but_for_what_was_not_ticked() {
        let page = filled(&[]);
        assert!(
            page.contains("<textarea name=\"t\">old</textarea>") && page.contains("value=\"1\" selected")
        );
        assert!(page.contains("name=\"c\" value=\"yes\">"));
        assert_eq!(fill(PAGE, "/nowhere", &[], ""), None);
    }
}
