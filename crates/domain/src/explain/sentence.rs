//! Sentences for people, in which instants stay instants: whoever shows one chooses its zone.

use core::fmt;

use jiff::{Timestamp, Unit};

/// A part of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(String),
    /// An instant, to be shown in the reader's zone.
    At(Timestamp),
}

/// A sentence for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(Vec<Piece>);

impl Sentence {
    /// A sentence that begins with these words.
    pub fn new(text: impl Into<String>) -> Self {
        Self::default().text(text)
    }

    /// Goes on with words.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        let text = text.into();
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(&text),
            _ => self.0.push(Piece::Text(text)),
        }
        self
    }

    /// Goes on with an instant.
    #[must_use]
    pub fn at(mut self, at: Timestamp) -> Self {
        self.0.push(Piece::At(at));
        self
    }

    /// Its parts, in their order.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

/// With instants in UTC, to the second.
impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => f.write_str(text)?,
                Piece::At(at) => at.round(Unit::Second).unwrap_or(*at).fmt(f)?,
            }
        }
        Ok(())
    }
}
