//! Lines that were broken on the way of an authorization code, joined again. Where a line ended within words, nobody
//! can see whether a space stood there: the `spaces` of the wrapper say it, and otherwise the signature decides among a
//! bounded number of readings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::xml::Element;

/// Stands for a line break without other white space around it.
const BREAK: char = '\u{1}';
/// Stands for a line break with other white space around it.
const SPACED: char = '\u{2}';
/// Breaks within words of which both readings are tried, all combined.
const TRIED_MAX: u32 = 8;
/// What all readings together may take, in bytes.
const READINGS_BYTES_MAX: usize = 4 * 1024 * 1024;
/// So often may a text be quoted by mail programs.
const QUOTED_MAX: usize = 8;
/// Elements that hold no white space.
const SOLID: [&str; 7] = ["flag", "version", "piid", "pid", "timestamp", "tag", "count"];
/// Elements that hold a day and `UTC`.
const DATES: [&str; 2] = ["startDate", "endDate"];

fn is_white(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r' | '\n')
}

fn is_mark(character: char) -> bool {
    matches!(character, BREAK | SPACED)
}

/// `text` without the marks of quoted mail before its lines.
pub(super) fn unquoted(text: &str) -> String {
    let mut plain = text.to_owned();
    for _ in 0..QUOTED_MAX {
        // A code begins with another character.
        if !plain.trim_start().starts_with('>') {
            break;
        }
        let line = |line: &str| {
            let bare = line.trim_start();
            let bare = bare.strip_prefix('>').unwrap_or(bare);
            bare.strip_prefix(' ').unwrap_or(bare).to_owned()
        };
        plain = plain.split(['\r', '\n']).map(line).collect::<Vec<_>>().join("\n");
    }
    plain
}

/// `text` in one line: breaks that say nothing are gone, those within a text are marked.
pub(super) fn unbroken(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    // Until which character a tag or an entity goes.
    let mut until: Option<char> = None;
    while let Some(character) = characters.next() {
        if !is_white(character) {
            if !is_mark(character) {
                until = match (until, character) {
                    (_, '<') => Some('>'),
                    (None, '&') => Some(';'),
                    (Some(end), found) if end == found => None,
                    (until, _) => until,
                };
                joined.push(character);
            }
            continue;
        }
        let mut run = String::from(character);
        while let Some(more) = characters.next_if(|more| is_white(*more)) {
            run.push(more);
        }
        if !run.contains(['\r', '\n']) {
            joined.push_str(&run.replace('\t', " "));
            continue;
        }
        let at_an_edge =
            joined.is_empty() || joined.ends_with('>') || characters.peek().is_none_or(|next| *next == '<');
        if until.is_none() && !at_an_edge {
            joined.push(if run.contains([' ', '\t']) { SPACED } else { BREAK });
        }
    }
    joined
}

/// Takes the marks out of everything that `keep` does not name.
pub(super) fn without_marks(element: &mut Element, keep: &str) {
    if element.name != keep {
        element.text.retain(|character| !is_mark(character));
        element.children.iter_mut().for_each(|child| without_marks(child, keep));
    }
}

/// What an element with marks may say, the likeliest first, and whether that is all that it may say.
pub(super) fn readings(element: &Element, spaces: Option<&str>) -> (Vec<Element>, bool) {
    let restored = spaces.and_then(|spaces| restored(element, spaces));
    let mut element = element.clone();
    let mut open = 0;
    settle(&mut element, &mut open);
    let bytes = element.to_text().len().max(1);
    let affordable = (READINGS_BYTES_MAX / bytes).max(4).ilog2().min(TRIED_MAX);
    let is_whole = open <= affordable;
    let choices: Vec<Choice> = if is_whole {
        (0..1_u32 << open).map(Choice::Flipped).collect()
    } else {
        vec![Choice::Flipped(0), Choice::All(""), Choice::All(" ")]
    };
    let mut all: Vec<Element> = restored.into_iter().collect();
    for choice in choices {
        let mut reading = element.clone();
        fill(&mut reading, choice, &mut 0);
        if !all.contains(&reading) {
            all.push(reading);
        }
    }
    (all, is_whole)
}

/// Settles what can be settled by the element's kind, and counts what is open.
fn settle(element: &mut Element, open: &mut u32) {
    let is = |names: &[&str]| names.contains(&element.name.as_str());
    if element.text.contains(is_mark) {
        if is(&SOLID) || is(&DATES) {
            element.text.retain(|character| !is_mark(character) && !is_white(character));
        }
        if is(&DATES)
            && let Some(day) = element.text.strip_suffix("UTC")
        {
            element.text = format!("{day} UTC");
        }
    }
    let marks = element.text.chars().filter(|character| is_mark(*character)).count();
    *open = open.saturating_add(u32::try_from(marks).unwrap_or(u32::MAX));
    for child in &mut element.children {
        settle(child, open);
    }
}

#[derive(Clone, Copy)]
enum Choice {
    /// A space where there was white space beside the break, nothing elsewhere; the other way where a bit is set.
    Flipped(u32),
    /// The same everywhere.
    All(&'static str),
}

fn fill(element: &mut Element, choice: Choice, number: &mut u32) {
    if element.text.contains(is_mark) {
        let mut text = String::with_capacity(element.text.len());
        for character in element.text.chars() {
            if !is_mark(character) {
                text.push(character);
                continue;
            }
            let is_space = match choice {
                Choice::All(by) => !by.is_empty(),
                Choice::Flipped(bits) => {
                    (character == SPACED) ^ (bits.checked_shr(*number).unwrap_or(0) & 1 == 1)
                }
            };
            *number += 1;
            if is_space {
                text.push(' ');
            }
        }
        element.text = text;
    }
    for child in &mut element.children {
        fill(child, choice, number);
    }
}

// ---------------------------------------------------------------------- the spaces of the wrapper

/// Where the spaces of an element's texts are: for each, how many other characters stand between it and the one before,
/// all texts in one, in seven bits a byte (the eighth: more follows), as base64. Nothing if there are none.
pub(super) fn spaces_of(element: &Element) -> Option<String> {
    let mut bytes = Vec::new();
    let mut since = 0;
    note(element, &mut since, &mut bytes);
    (!bytes.is_empty()).then(|| STANDARD.encode(bytes))
}

fn note(element: &Element, since: &mut u32, to: &mut Vec<u8>) {
    for character in element.text.chars() {
        if character != ' ' {
            *since += 1;
            continue;
        }
        let mut left = core::mem::take(since);
        while left >= 0x80 {
            to.push((left & 0x7f) as u8 | 0x80);
            left >>= 7;
        }
        to.push(left as u8);
    }
    for child in &element.children {
        note(child, since, to);
    }
}

/// The element with its white space where `spaces` has it; nothing if that can't be.
fn restored(element: &Element, spaces: &str) -> Option<Element> {
    let spaces: String =
        spaces.chars().filter(|character| !is_white(*character) && !is_mark(*character)).collect();
    let bytes = STANDARD.decode(spaces).ok()?;
    let mut gaps = Vec::new();
    let (mut gap, mut shift) = (0_u32, 0);
    for byte in bytes {
        gap |= u32::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            gaps.push(core::mem::take(&mut gap));
            shift = 0;
        } else if shift > 21 {
            return None;
        }
    }
    let mut gaps = gaps.into_iter().peekable();
    let (mut element, mut since) = (element.clone(), 0);
    insert(&mut element, &mut since, &mut gaps);
    gaps.next().is_none().then_some(element)
}

fn insert(
    element: &mut Element,
    since: &mut u32,
    gaps: &mut core::iter::Peekable<impl Iterator<Item = u32>>,
) {
    let mut text = String::with_capacity(element.text.len());
    for character in element.text.chars().filter(|character| !is_white(*character) && !is_mark(*character)) {
        while !text.is_empty() && gaps.next_if_eq(since).is_some() {
            text.push(' ');
            *since = 0;
        }
        text.push(character);
        *since += 1;
    }
    element.text = text;
    for child in &mut element.children {
        insert(child, since, gaps);
    }
}
