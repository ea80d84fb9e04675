//! The event log: append-only, chained by hashes.

use jiff::Timestamp;
use seatpool_proto::{ProductInstanceId, Sha256, Tag, VirtualAccountId};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::command::Actor;

/// One thing that happened in a smart account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// 1, 2, 3, … within the account, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// The address it came from, if it came over a network.
    pub source: Option<String>,
    /// What.
    pub kind: EventKind,
    /// Where.
    pub virtual_account: Option<VirtualAccountId>,
    /// Which licence.
    pub tag: Option<Tag>,
    /// Which product instance.
    pub instance: Option<ProductInstanceId>,
    /// What happened, as a sentence for people.
    pub message: String,
    /// The value before, where a value changed.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
    /// Hash of the event before this one; none for the first.
    pub previous_hash: Option<Sha256>,
    /// SHA-256 of this event's JSON with `hash` left out.
    pub hash: Option<Sha256>,
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As intended.
    Informational,
    /// To be looked at.
    Minor,
    /// To be acted on.
    Major,
}

macro_rules! event_kinds {
    ($($name:ident = $code:literal, $severity:ident, $meaning:literal;)*) => {
        /// What happened.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventKind {
            $(#[doc = $meaning] #[serde(rename = $code)] $name,)*
        }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its stable code.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How much it matters.
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// The kind with this code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.as_str() == code)
            }
        }
    };
}

event_kinds! {
    AccountCreated = "account_created", Informational, "A smart account was created.";
    AccountChanged = "account_changed", Informational, "A smart account was renamed, or is permitted something else.";
    VirtualAccountCreated = "virtual_account_created", Informational, "A virtual account was created.";
    VirtualAccountChanged = "virtual_account_changed", Informational, "A virtual account was renamed or described.";
    VirtualAccountDeleted = "virtual_account_deleted", Informational, "A virtual account was deleted.";
    TokenCreated = "token_created", Informational, "A registration token was created.";
    TokenRevoked = "token_revoked", Informational, "A registration token was revoked.";
    LicensesOrdered = "licenses_ordered", Informational, "An order deposited licences.";
    LicensesRenewed = "licenses_renewed", Informational, "An order renewed licences.";
    LicensesCancelled = "licenses_cancelled", Informational, "An order or a lot was cancelled.";
    LicensesDeclared = "licenses_declared", Minor, "The customer declared licences that it owns: the vendor is to confirm or reject them.";
    LicensesConfirmed = "licenses_confirmed", Informational, "The vendor confirmed licences that the customer had declared.";
    LicensesRejected = "licenses_rejected", Minor, "The vendor rejected licences that the customer had declared.";
    LicensesTransferred = "licenses_transferred", Informational, "Licences were moved between virtual accounts.";
    LicensesEnded = "licenses_ended", Minor, "Licences reached the end of their term.";
    LicensesStarted = "licenses_started", Informational, "Licences reached the start of their term.";
    InstanceRegistered = "instance_registered", Informational, "A product instance registered.";
    InstanceReplaced = "instance_replaced", Informational, "A product instance registered again and took its old place.";
    InstanceForced = "instance_forced", Major, "A registration was replaced by force, without proof of the older key.";
    InstanceRenewed = "instance_renewed", Informational, "A product instance renewed its ID certificate.";
    InstanceDeregistered = "instance_deregistered", Informational, "A product instance deregistered.";
    InstanceRemoved = "instance_removed", Informational, "A product instance was removed.";
    InstanceTransferred = "instance_transferred", Informational, "A product instance was moved to another virtual account.";
    InstanceRewound = "instance_rewound", Minor, "A product instance went on from an older state.";
    InstanceCloned = "instance_cloned", Major, "Two copies of a product instance report under one identity.";
    UserInvited = "user_invited", Informational, "A person was invited to sign in.";
    UserChanged = "user_changed", Informational, "A user was given other roles or another name.";
    UserDisabled = "user_disabled", Informational, "A user may no longer sign in.";
    UserEnabled = "user_enabled", Informational, "A user may sign in again.";
    UserDeleted = "user_deleted", Informational, "A user was deleted.";
    UserLinked = "user_linked", Informational, "A user signed in by single sign-on for the first time.";
    InvitationAccepted = "invitation_accepted", Informational, "A user set the password with a one-time link.";
    PasswordReset = "password_reset", Minor, "A user's password was taken away; a one-time link sets a new one.";
    PasswordChanged = "password_changed", Informational, "A user changed the password.";
    SecondFactorEnabled = "second_factor_enabled", Informational, "A user turned on the second factor.";
    SecondFactorDisabled = "second_factor_disabled", Minor, "A user turned off the second factor.";
    SecondFactorReset = "second_factor_reset", Minor, "An administrator took away a user's second factor.";
    RecoveryCodesMade = "recovery_codes_made", Informational, "A user made new recovery codes.";
    RecoveryCodeUsed = "recovery_code_used", Minor, "A user signed in with a recovery code.";
    SessionsEnded = "sessions_ended", Informational, "An administrator ended a user's sessions.";
    ClientCreated = "client_created", Informational, "An OAuth2 client was created.";
    ClientSecretRotated = "client_secret_rotated", Informational, "An OAuth2 client got a new secret.";
    ClientDeleted = "client_deleted", Informational, "An OAuth2 client was deleted.";
    SignInRulesChanged = "sign_in_rules_changed", Informational, "What the account demands of those who sign in was changed.";
    AuthorizationExpired = "authorization_expired", Major, "A product instance's authorization ended without contact.";
    OutOfCompliance = "out_of_compliance", Major, "A licence went out of compliance.";
    ReservationMade = "reservation_made", Informational, "Licences were reserved for a product instance.";
    ReservationUpdated = "reservation_updated", Informational, "A reservation was changed; the change waits for its confirmation code.";
    ReservationConfirmed = "reservation_confirmed", Informational, "A reservation's change was confirmed.";
    ReservationReturned = "reservation_returned", Informational, "A reservation was given back by its return code.";
    RehostAsked = "rehost_asked", Minor, "Somebody asked to release the licences of a failed product.";
    RehostRefused = "rehost_refused", Informational, "The release of a failed product's licences was refused.";
    ReservationRehosted = "reservation_rehosted", Major, "The licences of a failed product were released without a return code.";
    ExportAuthorized = "export_authorized", Informational, "An export-restricted feature was authorized for a product instance.";
    ExportEnded = "export_ended", Minor, "The authorization of an export-restricted feature ended: its licence did, or nothing was heard of the instance.";
    ExportReturned = "export_returned", Informational, "The authorization of an export-restricted feature was given back.";
    AlertDismissed = "alert_dismissed", Informational, "Somebody dismissed an alert.";
    AlertRestored = "alert_restored", Informational, "Somebody brought a dismissed alert back.";
    InCompliance = "in_compliance", Informational, "A licence came back into compliance.";
}

impl Event {
    /// Gives the event its number and its place in the account's chain.
    pub fn chain(mut self, account: &mut Account) -> Self {
        // As it is stored: what is hashed must come back the same.
        self.at = Timestamp::from_microsecond(self.at.as_microsecond()).unwrap_or(self.at);
        self.number = account.next_event;
        self.previous_hash = account.event_head;
        self.hash = None;
        self.hash = Some(self.own_hash());
        account.next_event += 1;
        account.event_head = self.hash;
        self
    }

    /// The hash that this event must have: of its JSON with `hash` null.
    pub fn own_hash(&self) -> Sha256 {
        self.hash_as(self.number)
    }

    /// The hash that it would have with another number.
    pub(crate) fn hash_as(&self, number: u64) -> Sha256 {
        let unhashed = Self { number, hash: None, ..self.clone() };
        Sha256::of(serde_json::to_vec(&unhashed).unwrap_or_default())
    }
}
