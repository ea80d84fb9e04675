//! Export-restricted features: what the agent remembers of each.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use seatpool_proto::Request;
use serde::{Deserialize, Serialize};

use crate::retry::Retry;

/// All that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Exports {
    /// By feature.
    pub features: BTreeMap<String, Export>,
    /// Features that the product says are on.
    pub on: BTreeSet<String>,
}

/// One feature's authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// The authorization, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorized: Option<Authorized>,
    /// What is asked of the manager, if anything is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
    /// Whether the manager may hold a licence for it that is not counted on here: what was asked was
    /// canceled, a return was overtaken by a request, or the authorization ended by itself.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub unsettled: bool,
    /// Why the manager did not give, or take back, what was asked last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Export {
    /// Whether the feature may be used. Not from the moment on at which it is to be given back: its licence may be
    /// somebody else's before the answer is here.
    pub fn is_authorized(&self) -> bool {
        self.authorized.is_some() && self.asking.as_ref().is_none_or(|asking| asking.what != Asked::Return)
    }
}

/// An authorization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorized {
    /// Its name.
    pub key: String,
    /// Since when.
    pub since: Timestamp,
    /// The end of the licence that it takes, if that has one. The instance's own authorization ends it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What is asked of the manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asking {
    /// What.
    pub what: Asked,
    /// The next attempt.
    pub retry: Retry,
    /// The request that got no answer, to be sent again as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Request>,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// An authorization.
    Request,
    /// To take one back.
    Return,
}
