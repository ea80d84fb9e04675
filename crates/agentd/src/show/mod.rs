//! What people read of an agent: the layouts that administrators and their parsers know (cli.md,
//! "`license show all`"), the banner of a product, the tech-support text. Pure functions of a [`Status`].

mod parts;
mod reservation;
mod support;

use jiff::Timestamp;
use seatpool_agent::Status;
use seatpool_agent::status::{AuthorizationState, RegistrationState};
use serde::{Deserialize, Serialize};

pub use support::tech_support;

/// `license show all`.
pub fn all(status: &Status) -> String {
    let mut page = Page::default();
    page.title("Smart Licensing Status");
    parts::status(&mut page, status);
    page.title("License Usage");
    parts::usage(&mut page, status);
    page.title("Product Information");
    page.line(0, &udi(status));
    page.blank();
    page.title("Agent Version");
    page.line(0, &agent_version());
    page.blank();
    page.title("Reservation Info");
    reservation::info(&mut page, &status.reservation);
    page.end()
}

/// `license show status`.
pub fn status(status: &Status) -> String {
    let mut page = Page::default();
    parts::status(&mut page, status);
    page.end()
}

/// `license show summary`.
pub fn summary(status: &Status) -> String {
    let mut page = Page::default();
    parts::summary(&mut page, status);
    page.end()
}

/// `license show usage`.
pub fn usage(status: &Status) -> String {
    let mut page = Page::default();
    parts::usage(&mut page, status);
    page.end()
}

/// `license show udi`.
pub fn udi(status: &Status) -> String {
    format!("UDI: {}", status.udi)
}

fn agent_version() -> String {
    format!("Smart Agent for Licensing: {}", env!("CARGO_PKG_VERSION"))
}

/// How grave a banner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing to be done.
    None,
    /// To be known.
    Info,
    /// To be mended before a date.
    Warning,
    /// The product is restricted, or will be soon.
    Critical,
}

/// What a product shows on top of its pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    /// How grave it is; `none`: nothing to show.
    pub severity: Severity,
    /// The state, in the profile's own words, and what to do.
    pub text: String,
}

/// The banner of a product: its gravest state.
pub fn banner(status: &Status) -> Banner {
    let state = match status.registration.state {
        RegistrationState::Expired => &status.registration.words,
        _ => &status.authorization.words,
    };
    let alert = status.alerts.iter().min_by_key(|alert| alert.severity);
    let severity = match alert {
        _ if status.enforcement.enforced => Severity::Critical,
        Some(alert) if alert.severity <= 3 => Severity::Warning,
        Some(_) => Severity::Info,
        None if status.authorization.state == AuthorizationState::Evaluation => Severity::Info,
        None => Severity::None,
    };
    let more = if status.enforcement.enforced {
        Some(status.enforcement.description.clone())
    } else {
        alert.map(|alert| alert.message.clone())
    };
    let text = match more {
        Some(more) => format!("{state}: {more}"),
        None => state.clone(),
    };
    Banner { severity, text }
}

/// An instant as the layouts show it: `Feb 10 2023 11:27:20 UTC`.
pub(crate) fn date(at: Timestamp) -> String {
    at.strftime("%b %d %Y %H:%M:%S UTC").to_string()
}

/// A span as the layouts show it: `89 days, 23 hours, 59 minutes, 12 seconds`.
pub(crate) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    format!("{days} days, {hours} hours, {minutes} minutes, {} seconds", seconds % 60)
}

/// Lines with their indentation, two spaces a level.
#[derive(Debug, Default)]
pub(crate) struct Page {
    text: String,
}

impl Page {
    pub(crate) fn line(&mut self, level: usize, text: &str) {
        self.text.push_str(&"  ".repeat(level));
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    pub(crate) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A heading, underlined, with an empty line after it where its part begins with a paragraph.
    pub(crate) fn title(&mut self, text: &str) {
        self.line(0, text);
        self.line(0, &"=".repeat(text.chars().count()));
        if matches!(text, "Smart Licensing Status" | "License Usage") {
            self.blank();
        }
    }

    pub(crate) fn end(self) -> String {
        format!("{}\n", self.text.trim_end())
    }
}
