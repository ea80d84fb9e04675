//! The subset of XML that an authorization code is written in: elements that hold elements or text.
//!
//! No attributes, no entities but the five of XML itself, no document type, no processing instructions, nothing
//! external: whatever could make a reader fetch, expand or run something is refused by name. Size, depth and
//! number of elements have limits.

use quick_xml::Reader;
use quick_xml::events::Event;

/// The longest text, in bytes.
pub(super) const BYTES_MAX: usize = 64 * 1024;
/// The deepest nesting.
const DEPTH_MAX: usize = 8;
/// The most elements.
const ELEMENTS_MAX: usize = 8192;

/// An element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) children: Vec<Element>,
    /// Its text, white space around it left out; empty where there are children.
    pub(super) text: String,
}

/// Why a text is not of the subset.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidXml {
    /// More than the limit on bytes.
    #[error("it has {0} bytes, {BYTES_MAX} are the most")]
    TooLarge(usize),
    /// Too many elements, or too deep.
    #[error("it nests more than {DEPTH_MAX} elements deep or has more than {ELEMENTS_MAX} of them")]
    TooDeep,
    /// Something that the subset leaves out, as named.
    #[error("it holds {0}, which no authorization code has")]
    Forbidden(&'static str),
    /// It ends within an element.
    #[error("it ends before its last element is closed")]
    Unfinished,
    /// Something follows the one element.
    #[error("something follows its end")]
    Trailing,
    /// It can't be read.
    #[error("it can't be read at character {0}")]
    Malformed(u64),
}

/// Reads one element.
pub(super) fn read(text: &str) -> Result<Element, InvalidXml> {
    if text.len() > BYTES_MAX {
        return Err(InvalidXml::TooLarge(text.len()));
    }
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    let mut whole: Option<Element> = None;
    let mut elements = 0_usize;
    loop {
        let event = reader.read_event();
        let at = reader.buffer_position();
        let malformed = || InvalidXml::Malformed(at);
        match event.map_err(|error| explain(&error, at))? {
            Event::Start(start) => {
                let name = name(&start)?;
                elements += 1;
                if whole.is_some() {
                    return Err(InvalidXml::Trailing);
                }
                if open.len() == DEPTH_MAX || elements > ELEMENTS_MAX {
                    return Err(InvalidXml::TooDeep);
                }
                open.push(Element { name, children: Vec::new(), text: String::new() });
            }
            Event::Empty(start) => {
                let name = name(&start)?;
                elements += 1;
                if elements > ELEMENTS_MAX {
                    return Err(InvalidXml::TooDeep);
                }
                close(Element { name, children: Vec::new(), text: String::new() }, &mut open, &mut whole)?;
            }
            Event::End(_) => {
                let element = open.pop().ok_or_else(malformed)?;
                close(element, &mut open, &mut whole)?;
            }
            Event::Text(found) => {
                push_text(&found, &mut open, whole.is_some(), at)?;
            }
            Event::GeneralRef(reference) => {
                let character = match &*reference {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "apos" => "'",
                    _ => return Err(InvalidXml::Forbidden("an entity reference")),
                };
                push_text(character, &mut open, whole.is_some(), at)?;
            }
            Event::Decl(_) if open.is_empty() && whole.is_none() => {}
            Event::Decl(_) | Event::PI(_) => return Err(InvalidXml::Forbidden("a processing instruction")),
            Event::DocType(_) => return Err(InvalidXml::Forbidden("a document type")),
            Event::CData(_) => return Err(InvalidXml::Forbidden("a CDATA section")),
            Event::Comment(_) => return Err(InvalidXml::Forbidden("a comment")),
            Event::Eof => break,
        }
    }
    if !open.is_empty() {
        return Err(InvalidXml::Unfinished);
    }
    whole.ok_or(InvalidXml::Unfinished)
}

fn name(start: &quick_xml::events::BytesStart<'_>) -> Result<String, InvalidXml> {
    if !start.attributes_raw().trim().is_empty() {
        return Err(InvalidXml::Forbidden("an attribute"));
    }
    let name = start.name().into_inner().to_owned();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(InvalidXml::Forbidden("an element name with other characters than letters and digits"));
    }
    Ok(name)
}

fn close(mut element: Element, open: &mut [Element], whole: &mut Option<Element>) -> Result<(), InvalidXml> {
    let text = element.text.trim_matches(WHITE).to_owned();
    if !element.children.is_empty() && !text.is_empty() {
        return Err(InvalidXml::Forbidden("text beside elements"));
    }
    element.text = text;
    match open.last_mut() {
        Some(parent) => parent.children.push(element),
        None if whole.is_some() => return Err(InvalidXml::Trailing),
        None => *whole = Some(element),
    }
    Ok(())
}

/// XML's white space.
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];

fn push_text(text: &str, open: &mut [Element], ended: bool, at: u64) -> Result<(), InvalidXml> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(WHITE).is_empty() => {}
        None if ended => return Err(InvalidXml::Trailing),
        None => return Err(InvalidXml::Malformed(at)),
    }
    Ok(())
}

fn explain(error: &quick_xml::Error, at: u64) -> InvalidXml {
    match error {
        quick_xml::Error::Syntax(_) => InvalidXml::Unfinished,
        _ => InvalidXml::Malformed(at),
    }
}

impl Element {
    pub(super) fn leaf(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), children: Vec::new(), text: text.into() }
    }

    pub(super) fn of(name: &str, children: Vec<Self>) -> Self {
        Self { name: name.to_owned(), children, text: String::new() }
    }

    /// The one child of that name; nothing if there are none or several.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        let only = named.next()?;
        named.next().is_none().then_some(only)
    }

    /// The canonical text: no white space between elements, an element without contents as a pair of tags, the
    /// five characters as their entities.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, to: &mut String) {
        to.extend(["<", &self.name, ">"]);
        for child in &self.children {
            child.write(to);
        }
        for character in self.text.chars() {
            match character {
                '&' => to.push_str("&amp;"),
                '<' => to.push_str("&lt;"),
                '>' => to.push_str("&gt;"),
                '"' => to.push_str("&quot;"),
                '\'' => to.push_str("&apos;"),
                other => to.push(other),
            }
        }
        to.extend(["</", &self.name, ">"]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_fetch_or_expand_is_refused_by_name() {
        let check = |text: &str, wrong: InvalidXml| assert_eq!(read(text), Err(wrong), "{text}");
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
        check(bomb, InvalidXml::Forbidden("a document type"));
        check("<a>&c;</a>", InvalidXml::Forbidden("an entity reference"));
        check("<a>&#65;</a>", InvalidXml::Forbidden("an entity reference"));
        check("<a><![CDATA[b]]></a>", InvalidXml::Forbidden("a CDATA section"));
        check("<a><!-- b --></a>", InvalidXml::Forbidden("a comment"));
        check("<a><?b?></a>", InvalidXml::Forbidden("a processing instruction"));
        check("<a href='x'></a>", InvalidXml::Forbidden("an attribute"));
        check("<a>b<c>d</c></a>", InvalidXml::Forbidden("text beside elements"));
        check(
            "<x:a>b</x:a>",
            InvalidXml::Forbidden("an element name with other characters than letters and digits"),
        );
        check("<a><b>c</b>", InvalidXml::Unfinished);
        check("<a><b>c</", InvalidXml::Unfinished);
        check("", InvalidXml::Unfinished);
        check("<a></a><a></a>", InvalidXml::Trailing);
        check("<a></a>b", InvalidXml::Trailing);
        check(&"<a>".repeat(9), InvalidXml::TooDeep);
        check(&format!("<a>{}</a>", "<b/>".repeat(ELEMENTS_MAX)), InvalidXml::TooDeep);
        assert!(matches!(read(&"x".repeat(BYTES_MAX + 1)), Err(InvalidXml::TooLarge(_))));
    }

    #[test]
    fn white_space_and_empty_elements_have_one_canonical_form() {
        let spaced = "<?xml version=\"1.0\"?>\n<a>\r\n\t<b> c &amp; d </b>\n <e/>\n</a>\n";
        assert_eq!(read(spaced).unwrap().to_text(), "<a><b>c &amp; d</b><e></e></a>");
    }
}
