//! An alert as programs read it.

use jiff::Timestamp;
use seatpool_domain::alert::{Action, Kind, Subject};
use seatpool_domain::event::Severity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Raised, state_of};
use crate::app::inventory::VirtualAccountRef;

/// How much an alert matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeverityView {
    /// To be acted on.
    Major,
    /// To be looked at.
    Minor,
    /// To be known.
    Informational,
}

impl SeverityView {
    /// In the words of the public API and the portal.
    pub fn words(self) -> &'static str {
        match self {
            Self::Major => "Major",
            Self::Minor => "Minor",
            Self::Informational => "Informational",
        }
    }
}

impl From<Severity> for SeverityView {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Major => Self::Major,
            Severity::Minor => Self::Minor,
            Severity::Informational => Self::Informational,
        }
    }
}

impl From<SeverityView> for Severity {
    fn from(severity: SeverityView) -> Self {
        match severity {
            SeverityView::Major => Self::Major,
            SeverityView::Minor => Self::Minor,
            SeverityView::Informational => Self::Informational,
        }
    }
}

/// What an alert points at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SourceView {
    /// `license`, `instance` or `token`.
    pub kind: String,
    /// The licence's tag, or the id.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// Something to be looked at or acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertView {
    /// Names it within the smart account, whatever state it is raised for.
    pub id: String,
    /// A stable code, as in `insufficient_licenses`.
    #[schema(value_type = String)]
    pub kind: Kind,
    /// What administrators know it as, as in `Insufficient Licenses`.
    pub title: String,
    /// How much it matters.
    pub severity: SeverityView,
    /// Where.
    pub virtual_account: VirtualAccountRef,
    /// What it points at.
    pub source: SourceView,
    /// What happened, with instants in UTC.
    pub message: String,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// By when something has to be done.
    pub action_due: Option<Timestamp>,
    /// What can be done from it: `explain`, `order`, `show_license`, `decide`, `show_instance`,
    /// `remove_instance`, `create_token`, `dismiss`.
    #[schema(value_type = Vec<String>)]
    pub actions: Vec<Action>,
    /// Names the state that it is raised for: what a dismissal sends as `seen`.
    pub state: String,
    /// When it was dismissed, if it was.
    pub dismissed_at: Option<Timestamp>,
    /// Who dismissed it.
    pub dismissed_by: Option<String>,
}

impl From<&Raised> for AlertView {
    fn from(raised: &Raised) -> Self {
        let alert = &raised.alert;
        let (kind, id) = match &alert.subject {
            Subject::License(license) => ("license", license.id.to_string()),
            Subject::Instance(instance) => ("instance", instance.id.to_string()),
            Subject::Token(token) => ("token", token.id.to_string()),
        };
        Self {
            id: alert.key(),
            kind: alert.kind,
            title: alert.kind.title().to_owned(),
            severity: alert.severity.into(),
            virtual_account: VirtualAccountRef { id: alert.place.id, name: alert.place.name.clone() },
            source: SourceView { kind: kind.to_owned(), id, name: alert.subject.name().to_owned() },
            message: alert.message.to_string(),
            since: alert.since,
            action_due: alert.due,
            actions: alert.actions(),
            state: state_of(alert),
            dismissed_at: raised.dismissed.as_ref().map(|dismissal| dismissal.at),
            dismissed_by: raised.dismissed.as_ref().map(|dismissal| dismissal.by.clone()),
        }
    }
}
