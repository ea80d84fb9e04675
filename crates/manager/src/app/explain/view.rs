//! An explanation as programs read it: sentences, and beside each the fact that it tells.

use jiff::Timestamp;
use seatpool_domain::explain::{Event, Explanation, Mend, Reason, Status};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Why something stands as it stands, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExplanationView {
    /// A stable code, as in `out_of_compliance`.
    #[schema(value_type = String)]
    pub status: Status,
    /// How it stands, in words.
    pub status_words: String,
    /// Why, the main reason first.
    pub why: Vec<ReasonView>,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// What happens next, in its order.
    pub next: Vec<ComingView>,
    /// What to do, the best first; empty where nothing needs doing.
    pub what_to_do: Vec<MendView>,
}

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonView {
    /// As a sentence, with instants in UTC.
    pub text: String,
    /// With its figures; `reason` says which it is.
    #[schema(value_type = Object)]
    pub fact: Reason,
}

/// Something that is going to happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComingView {
    /// As a sentence.
    pub text: String,
    /// When; none where it hangs on the product alone.
    pub at: Option<Timestamp>,
    /// Whether it is to be prevented.
    pub harms: bool,
    /// With its figures; `event` says which it is.
    #[schema(value_type = Object)]
    pub fact: Event,
}

/// Something to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MendView {
    /// As a sentence, with instants in UTC.
    pub text: String,
    /// What to send to `mends` to have it done; only for moves. It stands for the move with the figures that it was
    /// worked out from: when they have changed, it is refused.
    pub key: Option<String>,
    /// With its figures; `do` says which it is.
    #[schema(value_type = Object)]
    pub fact: Mend,
}

impl From<&Explanation> for ExplanationView {
    fn from(explanation: &Explanation) -> Self {
        let told = explanation.told();
        let why = explanation.why.iter().zip(&told.why);
        let next = explanation.next.iter().zip(&told.next);
        let what_to_do = explanation.what_to_do.iter().zip(&told.what_to_do);
        Self {
            status: explanation.status,
            status_words: told.status.to_owned(),
            why: why.map(|(fact, text)| ReasonView { text: text.to_string(), fact: fact.clone() }).collect(),
            since: told.since,
            next: next
                .map(|(coming, told)| ComingView {
                    text: told.what.to_string(),
                    at: told.at,
                    harms: told.harms,
                    fact: coming.what.clone(),
                })
                .collect(),
            what_to_do: what_to_do
                .map(|(fact, text)| MendView {
                    text: text.to_string(),
                    key: match fact {
                        Mend::Move(step) => Some(step.key()),
                        _ => None,
                    },
                    fact: fact.clone(),
                })
                .collect(),
        }
    }
}
