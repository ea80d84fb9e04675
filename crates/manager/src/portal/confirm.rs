//! The page before a step that changes compliance or can't be undone: it says what the step will do.

use askama::Template;

use super::form::Field;
use super::frame::{Banner, Frame, Va};
use super::table::ChoiceOption;

/// A page that says what a step will do before it is done.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct ConfirmPage {
    pub(crate) frame: Frame,
    /// Where to go back to: path and words.
    pub(crate) up: (String, String),
    pub(crate) title: String,
    pub(crate) question: String,
    /// Why the step was not done, if it was tried.
    pub(crate) problem: Option<Banner>,
    pub(crate) consequences: Vec<String>,
    pub(crate) choice: Option<Choice>,
    /// Fields that come along unseen.
    pub(crate) hidden: Vec<(&'static str, String)>,
    pub(crate) action: String,
    /// Empty where the step can't be taken: the page says why and leads back.
    pub(crate) button: String,
    /// `primary` or `danger`.
    pub(crate) tone: &'static str,
    pub(crate) cancel: String,
}

/// A choice on a confirmation page.
pub(crate) struct Choice {
    pub(crate) label: &'static str,
    pub(crate) field: Field,
    pub(crate) options: Vec<ChoiceOption>,
}

impl ConfirmPage {
    /// A confirmation in a virtual account, with nothing to choose.
    pub(crate) fn new(frame: Frame, va: &Va, title: impl Into<String>, question: impl Into<String>) -> Self {
        Self {
            frame,
            up: (format!("{}/general", va.base), va.name.clone()),
            title: title.into(),
            question: question.into(),
            problem: None,
            consequences: Vec::new(),
            choice: None,
            hidden: Vec::new(),
            action: String::new(),
            button: String::new(),
            tone: "primary",
            cancel: String::new(),
        }
    }
}
