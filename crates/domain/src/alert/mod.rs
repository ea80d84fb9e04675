//! What is to be looked at or acted on. Alerts are computed from the present state and never stored; stored is only
//! which of them people dismissed, with a fingerprint of the state, so that a worse state raises the alert anew.
//!
//! Alerts of an on-prem manager come with it: [`Kind`] lists what can occur.

mod instance;
mod license;
mod reservation;

use jiff::Timestamp;
use seatpool_proto::{ProductInstanceId, TokenId, VirtualAccountId};
use serde::{Deserialize, Serialize};

pub use self::instance::{InstanceCondition, NOTICED_FOR_DAYS, Watch, noticed, raised, watches};
pub use self::license::{
    Ending, Likeness, LotWatch, alike, declarations, ending, lot_watches, short, token, token_range,
};
pub use self::reservation::{reservation, restricted, returned};
use crate::event::Severity;
use crate::explain::{License, Named, Place, Sentence};

macro_rules! kinds {
    ($($name:ident = $code:literal, $title:literal, $dismissible:literal, $meaning:literal;)*) => {
        /// What an alert is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// What administrators know it as: the `messageType` of the public API.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// Whether it can be dismissed: where nothing is wrong at present that one could mend at once.
            pub fn is_dismissible(self) -> bool {
                match self { $(Self::$name => $dismissible,)* }
            }

            /// The kind with this code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == code)
            }
        }
    };
}

kinds! {
    InsufficientLicenses = "insufficient_licenses", "Insufficient Licenses", false,
        "More of a licence are in use than are covered.";
    LicensesExpired = "licenses_expired", "Licenses Expired", true,
        "Licences reached the end of their term lately.";
    LicensesExpiring = "licenses_expiring", "Licenses Expiring", true,
        "Licences reach the end of their term soon.";
    DuplicateLicenses = "duplicate_licenses", "Duplicate Licenses", true,
        "Two orders deposited the same licences of one subscription.";
    DeclarationWaiting = "declaration_waiting", "Declared Licenses Waiting", false,
        "Licences that the customer declared wait for the vendor to confirm or reject them.";
    DeclarationRejected = "declaration_rejected", "Declared Licenses Rejected", true,
        "The vendor rejected licences that the customer declared.";
    FailedToRenew = "failed_to_renew", "Product Instance Failed to Renew", true,
        "An instance has not renewed its ID certificate when it should have.";
    CertificateExpiring = "certificate_expiring", "Product Instance Certificate Expiring", false,
        "An instance's ID certificate ends soon.";
    CertificateExpired = "certificate_expired", "Product Instance Certificate Expired", true,
        "An instance's ID certificate ended.";
    FailedToConnect = "failed_to_connect", "Product Instance Failed to Connect", true,
        "An instance has not renewed its authorization when it should have.";
    AuthorizationExpired = "authorization_expired", "Product Instance Authorization Expired", true,
        "An instance was silent until its authorization ended.";
    AuthorizationPending = "authorization_pending", "Authorization Pending", true,
        "An instance registered and has not reported since.";
    CloneSuspected = "clone_suspected", "Product Instance Clone Suspected", true,
        "Two copies of an instance report under one identity.";
    RegistrationForced = "registration_forced", "Product Instance Replaced by Force", true,
        "A registration replaced another without proof of the older key.";
    ReservationUnconfirmed = "reservation_unconfirmed", "Reservation Awaiting Confirmation", false,
        "A reservation was changed, and its confirmation code has not been entered.";
    RehostAsked = "rehost_asked", "Rehosting Awaiting Approval", false,
        "Somebody asks to release the licences of a failed product.";
    ReservedLicenseExpired = "reserved_license_expired", "Reserved License Expired", true,
        "Licences that a reservation holds reached the end of their term.";
    ReservedLicensesReturned = "reserved_licenses_returned", "Reserved Licenses Returned to Smart Account", true,
        "Licences that a reservation held came back lately.";
    RestrictedLicenseUnavailable = "restricted_license_unavailable", "Restricted License Not Available", true,
        "An export-restricted feature waits for a licence: there was none to spare, or the one that it took has ended.";
    TokenExpiring = "token_expiring", "Registration Token Expiring", true,
        "A registration token that can be used expires soon.";
}

/// What an alert points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A licence of the alert's virtual account.
    License(License),
    /// A product instance.
    Instance(Named<ProductInstanceId>),
    /// A registration token, by what it is for.
    Token(Named<TokenId>),
}

impl Subject {
    /// Its name for people.
    pub fn name(&self) -> &str {
        match self {
            Self::License(license) => &license.name,
            Self::Instance(instance) => &instance.name,
            Self::Token(token) => &token.name,
        }
    }
}

/// What can be done from an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// See why the licence is short and what mends it.
    Explain,
    /// Renew or order licences.
    Order,
    /// Look at the licence's lots.
    ShowLicense,
    /// Confirm or reject what the customer declared; for the vendor's operators.
    Decide,
    /// Look at the product instance.
    ShowInstance,
    /// Remove the product instance.
    RemoveInstance,
    /// Create another token.
    CreateToken,
    /// Dismiss the alert.
    Dismiss,
}

/// Something to be looked at or acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub kind: Kind,
    /// How much it matters.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What it points at.
    pub subject: Subject,
    /// What distinguishes it among the alerts of its kind; empty where its subject and place do.
    pub detail: String,
    /// The state that it was raised for: another state is another alert.
    pub fingerprint: String,
    /// What happened.
    pub message: Sentence,
    /// Since when, where that is known.
    pub since: Option<Timestamp>,
    /// By when something has to be done.
    pub due: Option<Timestamp>,
}

impl Alert {
    /// Names the alert within its smart account, whatever state it is raised for.
    pub fn key(&self) -> String {
        let kind = self.kind.as_str();
        let place = self.place.id;
        let subject = match &self.subject {
            Subject::License(license) => license.id.to_string(),
            Subject::Instance(instance) => instance.id.to_string(),
            Subject::Token(token) => token.id.to_string(),
        };
        let detail = if self.detail.is_empty() { "" } else { "@" };
        format!("{kind}:{place}:{subject}{detail}{}", self.detail)
    }

    /// What can be done from it, the best first.
    pub fn actions(&self) -> Vec<Action> {
        let mut actions = match self.kind {
            Kind::InsufficientLicenses => vec![Action::Explain, Action::Order],
            Kind::LicensesExpired | Kind::LicensesExpiring => vec![Action::Explain, Action::Order],
            Kind::DuplicateLicenses | Kind::DeclarationRejected | Kind::ReservedLicensesReturned => {
                vec![Action::ShowLicense]
            }
            Kind::RestrictedLicenseUnavailable => vec![Action::Order, Action::ShowLicense],
            Kind::DeclarationWaiting => vec![Action::ShowLicense, Action::Decide],
            Kind::TokenExpiring => vec![Action::CreateToken],
            Kind::CertificateExpired | Kind::AuthorizationExpired => {
                vec![Action::ShowInstance, Action::RemoveInstance]
            }
            Kind::FailedToRenew
            | Kind::CertificateExpiring
            | Kind::FailedToConnect
            | Kind::AuthorizationPending
            | Kind::CloneSuspected
            | Kind::RegistrationForced
            | Kind::ReservationUnconfirmed
            | Kind::RehostAsked
            | Kind::ReservedLicenseExpired => vec![Action::ShowInstance],
        };
        if self.kind.is_dismissible() {
            actions.push(Action::Dismiss);
        }
        actions
    }
}

/// The kind and the virtual account that a key names.
pub fn parse_key(key: &str) -> Option<(Kind, VirtualAccountId, &str)> {
    let (kind, rest) = key.split_once(':')?;
    let (place, subject) = rest.split_once(':')?;
    Some((Kind::parse(kind)?, place.parse().ok()?, subject))
}

/// An alert that somebody dismissed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// The alert's key.
    pub key: String,
    /// Where.
    pub virtual_account: VirtualAccountId,
    /// The state for which it was dismissed.
    pub fingerprint: String,
    /// When.
    pub at: Timestamp,
    /// Who, by name.
    pub by: String,
}

impl Dismissal {
    /// Whether it hides this alert: a state that is another one raises it anew.
    pub fn hides(&self, alert: &Alert) -> bool {
        self.fingerprint == alert.fingerprint && self.key == alert.key()
    }
}
